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
		// Messages that arrive after the end are late. They open a session only if a read shows
		// a live agent.
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
		// Messages on their way at the end precede the Return.
		"an agent's last message and the end": {
			play: func(s *stage) {
				chat := s.with("h1")
				s.org.InjectWebhook(genesystest.WebhookFault{Delay: time.Second})
				chat.Say("Goodbye!")
				chat.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"agent: Goodbye!", "back: agent []"},
		},
		// A message of an agent proves that an agent is there, even if no read showed the
		// alert.
		"the agent's first message before the alert was seen": {
			play: func(s *stage) {
				s.handOver(s.t, "c1", "h1")
				chat := s.ann.Wait(s.t).Accept()
				chat.Say("Hello, Ann here")
				s.calm()
				require.Equal(s.t, "Ann", s.session(s.t, "c1").Agent.Name, "a read shows the agent")
				chat.End()
			},
			notices: []string{"requested", "queued", "agentJoined", "agentLeft Ann", "ended agent", "returned agent"},
			lines:   []string{"agent: Hello, Ann here", "back: agent []"},
		},
		// One agent declines and another accepts: the agent who joined is reported, and the
		// session continues.
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
		// Signals of a decline that arrive after those of the answer change nothing, because
		// reads decide.
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
				require.NoError(s.t, s.desk.Ended(s.t.Context(), "", chat.Conversation().ID(), time.Now()), "a lie")
				s.calm()
				require.Equal(s.t, "Eve", s.session(s.t, "c1").Agent.Name)
				chat.End()
			},
			notices: []string{"requested", "queued", "alerting Ann", "agentJoined", "agentLeft Eve", "ended agent", "returned agent"},
			lines:   []string{"agent: Hello, Eve here", "back: agent []"},
		},
		// An alert that no agent answers is not an agent.
		"no agent answers the alert": {
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
		// A transfer by an agent does not end the session. The next agent is reported.
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
		// A parked conversation still has its agent.
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
		// After-call work does not belong to the conversation: the bot continues at once.
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
		// A webhook that precedes the answer with the conversation id belongs to this session.
		"conversation id unknown when the first webhook arrives": {
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
		// Messages of a flow are delivered, marked as such, and do not count as an agent.
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
		// An end by Genesys is not an end by an agent.
		"ended for inactivity": {
			play: func(s *stage) {
				s.with("h1").Conversation().Disconnect("inactivity")
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended genesys", "returned genesys"),
			lines:   []string{"back: genesys []"},
		},
	})
}
