package scenario_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestOpeningWithoutAnAnswerIsRepeated checks an opening that takes effect without an answer.
// It is sent again with the same id and time, joins the conversation, and the handover
// continues.
func TestOpeningWithoutAnAnswerIsRepeated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault genesystest.Fault
	}{
		{"timeout", genesystest.Fault{Op: "openmessaging.send", Delay: time.Minute, After: true}},
		{"dropped", genesystest.Fault{Op: "openmessaging.send", Drop: true, After: true}},
		{"500", genesystest.Fault{Op: "openmessaging.send", Status: http.StatusInternalServerError, After: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann, h := hosted(t)
				org.Inject(c.fault)
				h.handOver(t, "c1", "r1")
				h.says(t, "c1", "m1", "while it opens", handover.TurnAgent)
				chat := ann.Wait(t).Accept()
				chat.Say("Hello!")
				h.until(t, 1)
				require.Len(t, org.Conversations(), 1)
				tries := postsOf(t, org, "summary r1")
				require.Len(t, tries, 2)
				require.Equal(t, tries[0].Channel, tries[1].Channel)
				require.Equal(t, []string{"summary r1", "summary r1", "while it opens"}, agentReads(chat.Conversation()), "at worst one doubled transcript")
				require.Equal(t, []string{"agent: Hello!"}, h.lines())
				require.Len(t, requests(org, "conversations.transferToQueue"), 1)
			})
		})
	}
}

// TestOpeningWithoutAnOutcomeFails checks that the session fails without a definite answer in
// two minutes, and that all messages are returned in order, once.
func TestOpeningWithoutAnOutcomeFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		fault  genesystest.Fault
		orphan bool
	}{
		{"never sent", genesystest.Fault{Op: "openmessaging.send", Drop: true, Times: -1}, false},
		{"503", genesystest.Fault{Op: "openmessaging.send", Status: http.StatusServiceUnavailable, Times: -1}, true},
		{"no answers", genesystest.Fault{Op: "openmessaging.send", Delay: time.Minute, Times: -1}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				h := newHost(t, org)
				org.Inject(c.fault)
				h.handOver(t, "c1", "r1")
				for _, text := range []string{"one", "two", "three"} {
					h.says(t, "c1", text, text, handover.TurnAgent)
					pass(10 * time.Second)
				}
				pass(time.Minute)
				require.Empty(t, h.lines(), "not before two minutes")
				h.until(t, 1)
				require.Equal(t, []string{"back: failed [one two three]"}, h.lines())
				s := h.session(t, "c1")
				require.Equal(t, handover.CodeNoAnswer, s.Ending.Code)
				require.WithinDuration(t, s.Started.Add(2*time.Minute), s.Ending.Time, time.Minute)
				if c.orphan {
					require.Contains(t, s.Ending.Detail, "a conversation may stand")
				} else {
					require.NotContains(t, s.Ending.Detail, "a conversation may stand")
				}
				require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
				org.ClearFaults()
				require.NotEqual(t, s.ID, h.handOver(t, "c1", "r2").ID, "the way is open again")
			})
		})
	}
}

// TestRefusedOpeningEndsTheSession checks that a 400 ends the session at once, and that waiting
// messages are returned.
func TestRefusedOpeningEndsTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h := newHost(t, org)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: http.StatusBadRequest, Delay: 3 * time.Second})
		h.handOver(t, "c1", "r1")
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		h.until(t, 1)
		require.Equal(t, []string{"back: refused [one]"}, h.lines())
		require.Equal(t, handover.CodeRejected, h.session(t, "c1").Ending.Code)
		require.Len(t, posts(t, org), 1)
		require.Empty(t, org.Conversations())
	})
}

// TestForbiddenOpeningNamesThePermission checks that a missing permission is named and retries
// end.
func TestForbiddenOpeningNamesThePermission(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithPermissions("routing:queue:view", "conversation:communication:blindTransfer"))
		h := newHost(t, org)
		h.handOver(t, "c1", "r1")
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		h.until(t, 1)
		require.Equal(t, []string{"back: refused [one]"}, h.lines())
		s := h.session(t, "c1")
		require.Equal(t, handover.CodePermission, s.Ending.Code)
		require.Contains(t, s.Ending.Detail, "conversation:message:receive")
	})
}

// TestUnknownIntegrationIsNoMissingPermission checks that an unknown integration is not
// reported as a missing permission.
func TestUnknownIntegrationIsNoMissingPermission(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		h := newHost(t, org, func(c *handover.Config) { c.Channel.IntegrationID = "11111111-0000-4000-8000-000000000001" })
		h.handOver(t, "c1", "r1")
		h.until(t, 1)
		s := h.session(t, "c1")
		require.Equal(t, handover.EndRefused, s.Ending.Reason)
		require.Equal(t, handover.CodeIntegration, s.Ending.Code)
		require.Contains(t, s.Ending.Detail, "Channel.IntegrationID")
		require.Contains(t, s.Ending.Detail, "docs/setup.md#step-4")
		require.Len(t, requests(org, "openmessaging.send"), 3, "404 three times")
	})
}

// TestPermissionGrantedInTimeSucceeds checks that the session succeeds if the permission is
// granted in time.
func TestPermissionGrantedInTimeSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h := hosted(t)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: http.StatusForbidden})
		h.handOver(t, "c1", "r1")
		chat := ann.Wait(t).Accept()
		require.Equal(t, []string{"summary r1"}, agentReads(chat.Conversation()))
	})
}

// TestSessionWithoutAFlowIsRefused checks that a session without a flow is refused after 30 s,
// with the fix.
func TestSessionWithoutAFlowIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithoutFlow())
		h := newHost(t, org)
		h.handOver(t, "c1", "r1")
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		h.until(t, 1)
		s := h.session(t, "c1")
		require.Equal(t, handover.EndRefused, s.Ending.Reason)
		require.Equal(t, handover.CodeFlowNotAttached, s.Ending.Code)
		require.WithinDuration(t, s.Started.Add(30*time.Second), s.Ending.Time, 5*time.Second)
		require.Equal(t, []string{"back: refused [one(sent)]"}, h.lines(), "Genesys accepted it, no agent read it")
	})
}

// TestHandOverRefusesAWrongQueue checks that HandOver refuses a wrong name, returns the nearest
// names, and stores nothing.
func TestHandOverRefusesAWrongQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		org.Queue("Billing")
		org.QueueIn("North", "Sales")
		org.QueueIn("South", "Sales")
		h := newHost(t, org)
		ask := func(queue string) error {
			_, err := h.desk.HandOver(t.Context(), handover.Customer("c1"), handover.Request{ID: queue, Queue: queue, Summary: "s"})
			return err
		}
		err := ask("Biling")
		require.ErrorIs(t, err, handover.ErrNoQueue)
		require.ErrorIs(t, err, handover.ErrInvalid)
		require.ErrorContains(t, err, "Billing")
		err = ask("Sales")
		require.ErrorIs(t, err, handover.ErrNoQueue)
		require.ErrorContains(t, err, "Sales")
		_, err = h.desk.Session(t.Context(), handover.Customer("c1"))
		require.ErrorIs(t, err, handover.ErrNotFound)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
		require.Empty(t, posts(t, org))
		require.NoError(t, ask("Billing"))
	})
}

// TestDivisionSelectsTheQueue checks that the channel's division selects between queues of the
// same name.
func TestDivisionSelectsTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		org.QueueIn("North", "Sales")
		south := org.QueueIn("South", "Sales")
		h := newHost(t, org, func(c *handover.Config) {
			c.Channel.Division, c.Channel.AgentQueue, c.Channel.BotQueue = south.DivisionID(), "Sales", org.Queue("Bot").ID()
		})
		h.handOver(t, "c1", "r1")
		genesystest.Until(t, func() bool { return south.Waiting() == 1 })
	})
}

// TestFlowRoutesWithoutATransfer checks that a flow can route by an attribute, without a
// transfer.
func TestFlowRoutesWithoutATransfer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithFlow(genesystest.RouteByAttribute("topic", "Bot")))
		ann := org.Agent("Ann", "Billing")
		h := newHost(t, org, func(c *handover.Config) { c.Channel.Routing = handover.RouteByFlow })
		_, err := h.desk.HandOver(t.Context(), handover.Customer("c1"), handover.Request{
			ID: "r1", Summary: "s", Attributes: map[string]string{"topic": "Billing"},
		})
		require.NoError(t, err)
		chat := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		chat.Say("Hello!")
		h.until(t, 1)
		chat.End()
		h.until(t, 2)
		require.Equal(t, []string{"agent: Hello!", "back: agent []"}, h.lines())
		require.Empty(t, requests(org, "conversations.transferToQueue"))
		require.Empty(t, requests(org, "routing.queues.list"))
	})
}

// TestSessionWithoutReads checks sessions without the permission to read. Routed by flow, an
// agent's message connects the session and the host ends it. By transfer, the session is
// refused with the reason.
func TestSessionWithoutReads(t *testing.T) {
	t.Parallel()
	forbid := genesystest.Fault{Op: "conversations.get", Status: http.StatusForbidden, Times: -1}
	t.Run("by flow", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			org, ann := staffed(t, genesystest.WithFlow(func(genesystest.Arrival) string { return "Support" }))
			org.Inject(forbid)
			h := newHost(t, org, func(c *handover.Config) { c.Channel.Routing = handover.RouteByFlow })
			h.handOver(t, "c1", "r1")
			chat := ann.Wait(t).Accept()
			h.says(t, "c1", "m1", "one", handover.TurnAgent)
			pass(time.Minute)
			chat.Say("Hello!")
			h.reaches(t, "c1", handover.StateConnected)
			h.says(t, "c1", "m2", "two", handover.TurnAgent)
			pass(time.Minute)
			require.Equal(t, []string{"summary r1", "one", "two"}, agentReads(chat.Conversation()))
			h.end(t, "c1", handover.EndByCustomer)
			h.until(t, 2)
			require.Equal(t, []string{"agent: Hello!", "back: customer [two(sent)]"}, h.lines(), "no read and no message shows that the agent saw it")
			require.True(t, slices.Contains([]string{handover.CodeNotDisconnected, ""}, h.session(t, "c1").Ending.Code))
		})
	})
	t.Run("by transfer", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			org := genesystest.New(t)
			org.Inject(forbid)
			h := newHost(t, org)
			h.handOver(t, "c1", "r1")
			h.until(t, 1)
			require.Equal(t, []string{"back: refused []"}, h.lines())
			require.Equal(t, handover.CodePermission, h.session(t, "c1").Ending.Code)
		})
	})
}

// TestForbiddenTransferEndsTheSession checks that the third refusal ends the session, names the
// missing permission, and returns the message.
func TestForbiddenTransferEndsTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithPermissions("routing:queue:view", "conversation:message:receive"))
		h := newHost(t, org)
		h.handOver(t, "c1", "r1")
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		h.until(t, 1)
		s := h.session(t, "c1")
		require.Equal(t, handover.CodePermission, s.Ending.Code)
		require.Contains(t, s.Ending.Detail, "blindTransfer")
		require.Equal(t, []string{"back: refused [one(sent)]"}, h.lines())
	})
}
