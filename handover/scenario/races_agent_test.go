package scenario_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

func TestRacesOfTheAgent(t *testing.T) {
	t.Parallel()
	races(t, map[string]race{
		// Rule: words that come after the end are delivered late, and open no session unless a read shows a live agent.
		"an agent message after the end": {
			play: func(s *stage) {
				chat := s.with("h1")
				s.org.InjectWebhook(genesystest.WebhookFault{Delay: time.Minute})
				chat.Say("Goodbye!")
				chat.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"back: agent []", "agent: Goodbye! (late)"},
		},
		// Rule: words on their way at the end go before the Return.
		"an agent's last words and the end": {
			play: func(s *stage) {
				chat := s.with("h1")
				s.org.InjectWebhook(genesystest.WebhookFault{Delay: time.Second})
				chat.Say("Goodbye!")
				chat.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"agent: Goodbye!", "back: agent []"},
		},
		// Rule: a person's words prove that an agent is there; that it rang need not have been seen.
		"the agent's first message before the alert was seen": {
			play: func(s *stage) {
				s.handOver(s.t, "c1", "h1")
				chat := s.ann.Wait(s.t).Accept()
				chat.Say("Hello, Ann here")
				s.calm()
				require.Equal(s.t, "Ann", s.session(s.t, "c1").Agent.Name, "a read tells who it is")
				chat.End()
			},
			notices: []string{"requested", "queued", "agentJoined", "agentLeft Ann", "ended agent", "returned agent"},
			lines:   []string{"agent: Hello, Ann here", "back: agent []"},
		},
		// Rule: one agent declines and another answers: joined is who is there, and a decline ends nothing.
		"a decline, then an answer": {
			play: func(s *stage) {
				s.handOver(s.t, "c1", "h1")
				offer := s.ann.Wait(s.t)
				s.calm()
				s.ann.GoOffQueue()
				offer.Decline()
				s.calm()
				eve := s.org.Agent("Eve", "Support")
				offer = eve.Wait(s.t)
				s.calm()
				chat := offer.Accept()
				s.calm()
				chat.End()
			},
			notices: []string{
				"requested", "queued", "alerting Ann", "declined Ann", "queued", "alerting Eve", "agentJoined Eve", "agentLeft Eve",
				"ended agent", "returned agent",
			},
			lines: []string{"back: agent []"},
		},
		// Rule: signals of a decline that come after those of the answer change nothing: reads say what is.
		"a decline and an answer swapped": {
			play: func(s *stage) {
				s.handOver(s.t, "c1", "h1")
				offer := s.ann.Wait(s.t)
				s.calm()
				s.ann.GoOffQueue()
				eve := s.org.Agent("Eve", "Support")
				s.org.Inject(genesystest.Fault{Op: "conversations.get", Delay: 2 * time.Second, Times: -1})
				offer.Decline()
				chat := eve.Wait(s.t).Accept()
				chat.Say("Hello, Eve here")
				s.org.ClearFaults()
				s.calm()
				require.NoError(s.t, s.desk.Recheck(s.t.Context(), chat.Conversation().ID()))
				require.NoError(s.t, s.desk.Ended(s.t.Context(), chat.Conversation().ID()), "a lie")
				s.calm()
				require.Equal(s.t, "Eve", s.session(s.t, "c1").Agent.Name)
				chat.End()
			},
			notices: []string{"requested", "queued", "alerting Ann", "agentJoined", "agentLeft Eve", "ended agent", "returned agent"},
			lines:   []string{"agent: Hello, Eve here", "back: agent []"},
		},
		// Rule: a phone that rings in vain is no agent.
		"nobody answers the phone": {
			org: []genesystest.Option{genesystest.WithRingTimeout(2 * time.Minute)},
			play: func(s *stage) {
				s.handOver(s.t, "c1", "h1")
				s.ann.Wait(s.t)
				s.ann.GoOffQueue()
				pass(10 * time.Minute)
				require.Zero(s.t, s.session(s.t, "c1").Connected)
				s.end(s.t, "c1", handover.EndByCustomer)
			},
			notices: []string{"requested", "queued", "alerting Ann", "declined Ann", "queued", "ending customer", "ended customer", "returned customer"},
			lines:   []string{"back: customer []"},
		},
		// Rule: an agent who passes the conversation on ends nothing; the next one is announced.
		"a transfer to another agent": {
			play: func(s *stage) {
				chat := s.with("h1")
				chat.TransferToAgent("Ben")
				offer := s.ben.Wait(s.t)
				s.calm()
				next := offer.Accept()
				s.calm()
				next.Say("Ben here")
				s.calm()
				next.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "alerting Ben", "agentJoined Ben", "agentLeft Ben", "ended agent", "returned agent"),
			lines:   []string{"agent: Ben here", "back: agent []"},
		},
		// Rule: a parked conversation is still the agent's.
		"parked and taken up again": {
			play: func(s *stage) {
				chat := s.with("h1")
				chat.Park()
				s.calm()
				s.says(s.t, "c1", "m1", "any news?", handover.TurnAgent)
				s.calm()
				chat.Resume()
				s.calm()
				chat.Say("Yes!")
				chat.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"agent: Yes!", "back: agent []"},
		},
		// Rule: after-call work is the agent's own time: the bot goes on at once.
		"after-call work": {
			org: []genesystest.Option{genesystest.WithWrapup(20 * time.Minute)},
			play: func(s *stage) {
				chat := s.with("h1")
				chat.End()
				s.calm()
				require.Equal(s.t, handover.TurnBot, s.turn(s.t, "c1"))
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"back: agent []"},
		},
		// Rule: unless the host asked to wait for it.
		"after-call work that is waited for": {
			org:    []genesystest.Option{genesystest.WithWrapup(time.Hour)},
			config: func(c *handover.Config) { c.Channel.AwaitWrapup = true },
			play: func(s *stage) {
				chat := s.with("h1")
				chat.End()
				s.calm()
				s.says(s.t, "c1", "m1", "hello?", handover.TurnAgent)
				s.calm()
				require.Empty(s.t, s.lines())
				chat.FinishWrapup()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"back: agent [hello?]"},
		},
		// Rule: the first webhook may come before the answer that names the conversation: it is of this handover, not a stranger's.
		"conversation id unknown when the first webhook comes": {
			org: []genesystest.Option{genesystest.AllowErrors()},
			play: func(s *stage) {
				s.org.Inject(genesystest.Fault{Op: "openmessaging.send", After: true, Delay: 3 * time.Second, Status: 503})
				s.handOver(s.t, "c1", "h1")
				pass(time.Second)
				s.org.Conversation("c1").FlowSays("Welcome!")
				offer := s.ann.Wait(s.t)
				s.calm()
				chat := offer.Accept()
				s.calm()
				chat.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"flow: Welcome!", "back: agent []"},
		},
		// Rule: what Architect says is delivered, marked as Genesys' own, and means no agent.
		"Architect's own messages": {
			play: func(s *stage) {
				s.ann.GoOffQueue()
				s.handOver(s.t, "c1", "h1")
				s.calm()
				s.org.Conversation("c1").FlowSays("You are next.")
				s.calm()
				require.Equal(s.t, handover.StateQueued, s.session(s.t, "c1").State)
				s.ann.GoOnQueue()
				offer := s.ann.Wait(s.t)
				s.calm()
				chat := offer.Accept()
				s.calm()
				chat.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"flow: You are next.", "back: agent []"},
		},
		// Rule: Genesys' own end is no agent's.
		"ended for inactivity": {
			play: func(s *stage) {
				s.with("h1").Conversation().Disconnect("inactivity")
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended genesys", "returned genesys"),
			lines:   []string{"back: genesys []"},
		},
	})
}
