package scenario_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// joinedByAnn is the beginning of a handover to Ann. endedBy is the end of a handover.
func joinedByAnn() []string {
	return []string{"requested", "queued", "alerting Ann", "agentJoined Ann"}
}

func after(first []string, then ...string) []string { return append(first, then...) }

func TestRacesOfTheCustomer(t *testing.T) {
	t.Parallel()
	races(t, map[string]race{
		// Messages accepted before Genesys has routed the conversation reach the same agent,
		// after the opening.
		"a customer message while requested": {
			play: func(s *stage) {
				s.handOver(s.t, "c1", "h1")
				s.says(s.t, "c1", "m1", "are you there?", handover.TurnAgent)
				offer := s.ann.Wait(s.t)
				s.calm()
				chat := offer.Accept()
				s.calm()
				require.Equal(s.t, []string{"summary h1", "are you there?"}, chat.Texts())
				chat.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"back: agent []"},
		},
		// Messages are sent while the conversation moves between queues.
		"a customer message while transferring": {
			play: func(s *stage) {
				chat := s.with("h1")
				chat.TransferTo("Billing")
				s.says(s.t, "c1", "m1", "and my bill?", handover.TurnAgent)
				offer := s.cem.Wait(s.t)
				s.calm()
				next := offer.Accept()
				s.calm()
				require.Contains(s.t, next.Texts(), "and my bill?")
				next.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "transferred Ann", "alerting Cem", "agentJoined Cem",
				"agentLeft Cem", "ended agent", "returned agent"),
			lines: []string{"back: agent []"},
		},
		// Messages during an end are kept for the Return. Neither agent nor bot answers before
		// it.
		"a customer message while ending": {
			org: []genesystest.Option{genesystest.AllowErrors()},
			play: func(s *stage) {
				s.with("h1")
				s.org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Times: 2, Status: 503})
				s.end(s.t, "c1", handover.EndByBot)
				s.says(s.t, "c1", "m1", "wait", handover.TurnAgent)
				require.Equal(s.t, handover.TurnAgent, s.turn(s.t, "c1"))
			},
			notices: after(joinedByAnn(), "ending bot", "ended bot", "returned bot"),
			lines:   []string{"back: bot [wait]"},
		},
		// There is one end, whichever side is first. Messages that the agent could not answer are
		// returned.
		"end and message at once": {
			play: func(s *stage) {
				chat := s.with("h1")
				pass(time.Minute)
				chat.End()
				s.says(s.t, "c1", "m1", "one more thing", handover.TurnAgent)
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"back: agent [one more thing]"},
		},
		// A message that Genesys accepted just after the agent ended is returned, marked as
		// sent.
		"the agent ends while the customer's message is on its way": {
			play: func(s *stage) {
				chat := s.with("h1")
				chat.Say("Anything else?")
				s.org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: time.Second})
				s.says(s.t, "c1", "m1", "yes", handover.TurnAgent)
				pass(500 * time.Millisecond)
				chat.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"agent: Anything else?", "back: agent [yes(sent)]"},
		},
		// A repeat of a request is the same handover. Another request in an open session
		// changes nothing.
		"HandOver twice": {
			play: func(s *stage) {
				first := s.handOver(s.t, "c1", "h1")
				require.Equal(s.t, first.ID, s.handOver(s.t, "c1", "h1").ID)
				require.Equal(s.t, first.ID, s.handOver(s.t, "c1", "h2").ID)
				offer := s.ann.Wait(s.t)
				s.calm()
				chat := offer.Accept()
				s.calm()
				require.Equal(s.t, first.ID, s.handOver(s.t, "c1", "h3").ID)
				require.Equal(s.t, []string{"summary h1"}, chat.Texts())
				chat.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"back: agent []"},
		},
		// A request during an end begins a session at once. The old session gets no Return,
		// because the bot did not get the turn.
		"HandOver while ending": {
			play: func(s *stage) {
				s.with("h1")
				s.end(s.t, "c1", handover.EndByCustomer)
				s.handOver(s.t, "c1", "h2")
				offer := s.ann.Wait(s.t)
				s.calm()
				chat := offer.Accept()
				s.calm()
				chat.End()
			},
			notices: after(joinedByAnn(), after([]string{"ending customer", "ended customer"},
				after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent")...)...),
			lines: []string{"back: agent []"},
		},
		// An end while the customer waits reaches Genesys, so that no agent opens an empty
		// conversation.
		"the customer leaves while queued": {
			play: func(s *stage) {
				s.ann.GoOffQueue()
				s.handOver(s.t, "c1", "h1")
				s.calm()
				s.end(s.t, "c1", handover.EndByCustomer)
				s.calm()
				s.ann.GoOnQueue()
				require.Zero(s.t, s.org.Queue("Support").Waiting())
			},
			notices: []string{"requested", "queued", "ending customer", "ended customer", "returned customer"},
			lines:   []string{"back: customer []"},
		},
		// Within the thread window Genesys continues the old conversation, and the session is
		// Resumed.
		"a customer back inside the thread window": {
			play: func(s *stage) {
				first := s.with("h1")
				first.End()
				pass(time.Hour)
				second := s.with("h2")
				require.True(s.t, s.session(s.t, "c1").Resumed)
				require.Equal(s.t, first.Conversation().ID(), second.Conversation().ID())
				second.End()
			},
			notices: after(joinedByAnn(), after([]string{"agentLeft Ann", "ended agent", "returned agent"},
				after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent")...)...),
			lines: []string{"back: agent []", "back: agent []"},
		},
		// After the thread window there is a new conversation, and its agent needs the context
		// again.
		"a customer back after the thread window": {
			play: func(s *stage) {
				s.with("h1").End()
				pass(80 * time.Hour)
				second := s.with("h2")
				require.False(s.t, s.session(s.t, "c1").Resumed)
				require.Equal(s.t, []string{"summary h2"}, second.Texts())
				second.End()
			},
			notices: after(joinedByAnn(), after([]string{"agentLeft Ann", "ended agent", "returned agent"},
				after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent")...)...),
			lines: []string{"back: agent []", "back: agent []"},
		},
		// With an identity per session, no session joins the conversation of another.
		"a new identity per handover": {
			config: func(c *handover.Config) { c.Channel.Identity = handover.IdentitySession },
			play: func(s *stage) {
				first := s.with("h1")
				s.org.InjectWebhook(genesystest.WebhookFault{Delay: 80 * time.Second})
				first.Say("Goodbye!")
				first.End()
				s.reaches(s.t, "c1", handover.StateEnded)
				pass(5 * time.Second)
				second := s.with("h2")
				require.False(s.t, s.session(s.t, "c1").Resumed)
				require.NotEqual(s.t, first.Conversation().CustomerID(), second.Conversation().CustomerID())
				second.Say("Hello again")
				pass(10 * time.Minute)
				require.Equal(s.t, handover.StateConnected, s.session(s.t, "c1").State)
				second.End()
			},
			notices: after(joinedByAnn(), after([]string{"agentLeft Ann", "ended agent", "returned agent"},
				after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent")...)...),
			lines: []string{"back: agent []", "agent: Goodbye! (late)", "agent: Hello again", "back: agent []"},
		},
		// Two conversations of one person have two keys and do not affect each other.
		"two chats of one user": {
			play: func(s *stage) {
				chat := s.with("h1")
				s.ann.GoOffQueue()
				dee := s.org.Agent("Dee", "Support")
				s.handOver(s.t, "c2", "h1")
				other := dee.Wait(s.t).Accept()
				s.says(s.t, "c1", "m1", "from the phone", handover.TurnAgent)
				s.says(s.t, "c2", "m1", "from the laptop", handover.TurnAgent)
				s.calm()
				require.Equal(s.t, []string{"summary h1", "from the phone"}, chat.Texts())
				require.Equal(s.t, []string{"summary h1", "from the laptop"}, other.Texts())
				chat.End()
				s.calm()
				require.Equal(s.t, handover.StateConnected, s.session(s.t, "c2").State)
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"back: agent []"},
		},
		// Echoes of messages from this side are not delivered, in any form in which Genesys
		// posts them.
		"our own echoes": {
			org: []genesystest.Option{genesystest.WithPublishedReceipts()},
			play: func(s *stage) {
				chat := s.with("h1")
				s.says(s.t, "c1", "m1", "hello", handover.TurnAgent)
				s.calm()
				require.Empty(s.t, s.lines())
				chat.End()
			},
			notices: after(joinedByAnn(), "agentLeft Ann", "ended agent", "returned agent"),
			lines:   []string{"back: agent []"},
		},
	})
}
