package scenario_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestPostIntoAClosedConversation: the agent closed it a second ago; the customer's message revives it into the bot queue, or
// opens another conversation. It comes back unanswered, marked Sent, in exactly one Return.
func TestPostIntoAClosedConversation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		opts []genesystest.Option
	}{
		{"revived", nil},
		{"another conversation", []genesystest.Option{genesystest.WithThreadWindow(0)}},
	} {
		for _, after := range []time.Duration{10 * time.Millisecond, time.Second, 4 * time.Second} {
			t.Run(fmt.Sprint(c.name, " after ", after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					org := genesystest.New(t, c.opts...)
					ann := org.Agent("Ann", "Support")
					h := newHost(t, org)
					chat := h.connected(t, "c1", ann)
					h.says(t, "c1", "m0", "before", handover.TurnAgent)
					chat.Say("Bye!")
					h.until(t, 1)
					pass(10 * time.Second)
					chat.Say("Bye again!")
					pass(5 * time.Second)
					chat.End()
					pass(after)
					h.says(t, "c1", "m1", "one more thing", handover.TurnAgent)
					h.until(t, 3)
					require.Equal(t, []string{"agent: Bye!", "agent: Bye again!", "back: agent [one more thing(sent)]"}, h.lines())
					require.Len(t, postsOf(t, org, "one more thing"), 1)
					require.Len(t, requests(org, "conversations.transferToQueue"), 1, "nobody rings for it")
					require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
					require.Equal(t, handover.EndByAgent, h.session(t, "c1").Ending.Reason)
					pass(time.Hour)
					require.Len(t, h.lines(), 3)
				})
			})
		}
	}
}

// TestClosedLongAgo: nothing vouches for the conversation any more, so it is read before the POST: nothing is sent at all.
func TestClosedLongAgo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		pass(30 * time.Minute)
		chat.End()
		pass(20 * time.Second)
		h.says(t, "c1", "m1", "hello?", handover.TurnAgent)
		h.until(t, 1)
		require.Equal(t, []string{"back: agent [hello?]"}, h.lines(), "not marked Sent")
		require.Empty(t, postsOf(t, org, "hello?"))
	})
}

// TestHandOverIntoTheSameThread: within the thread window Genesys goes on with the older conversation: Resumed, a new
// transfer, and the old legs are not taken for the end of the new handover.
func TestHandOverIntoTheSameThread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org)
		first := h.connected(t, "c1", ann)
		first.Say("one")
		h.until(t, 1)
		first.End()
		h.until(t, 2)
		pass(71 * time.Hour)
		s := h.handOver(t, "c1", "r2")
		chat := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		now := h.session(t, "c1")
		require.Equal(t, s.ID, now.ID)
		require.True(t, now.Resumed)
		require.Equal(t, first.Conversation().ID(), now.ConversationID)
		chat.Say("two")
		h.until(t, 3)
		chat.End()
		h.until(t, 4)
		require.Equal(t, []string{"agent: one", "back: agent []", "agent: two", "back: agent []"}, h.lines())
		require.Len(t, requests(org, "conversations.transferToQueue"), 2)
	})
}

// TestHandOverAfterTheThread: 72 hours later it is a new conversation.
func TestHandOverAfterTheThread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org)
		first := h.connected(t, "c1", ann)
		first.End()
		h.until(t, 1)
		pass(72*time.Hour + time.Minute)
		h.handOver(t, "c1", "r2")
		ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		now := h.session(t, "c1")
		require.False(t, now.Resumed)
		require.NotEqual(t, first.Conversation().ID(), now.ConversationID)
	})
}

// TestQuickHandOverAgain: a new handover a second after the end revives the conversation while reads may still be stale; the
// old end is not the new session's, and there is one transfer for each.
func TestQuickHandOverAgain(t *testing.T) {
	t.Parallel()
	for _, stale := range []time.Duration{0, 2 * time.Second, 4 * time.Second} {
		t.Run(fmt.Sprint("reads ", stale, " old"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				ann := org.Agent("Ann", "Support")
				h := newHost(t, org)
				chat := h.connected(t, "c1", ann)
				chat.End()
				genesystest.Until(t, func() bool { return len(h.returned()) == 1 })
				if stale > 0 {
					org.Inject(genesystest.Fault{Op: "conversations.get", Stale: stale, Times: 2})
				}
				s := h.handOver(t, "c1", "r2")
				next := ann.Wait(t).Accept()
				h.reaches(t, "c1", handover.StateConnected)
				require.Equal(t, s.ID, h.session(t, "c1").ID)
				next.Say("again")
				h.until(t, 2)
				require.Equal(t, []string{"back: agent []", "agent: again"}, h.lines())
				require.Len(t, requests(org, "conversations.transferToQueue"), 2)
				next.End()
				h.until(t, 3)
			})
		})
	}
}

// TestStaleReadAfterTransfer: reads right after our transfer still show the bot queue: no second transfer within 30 s, and
// the session does not end.
func TestStaleReadAfterTransfer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org)
		org.Signal(h.desk.Recheck)
		h.handOver(t, "c1", "r1")
		genesystest.Until(t, func() bool { return len(requests(org, "conversations.transferToQueue")) == 1 })
		org.Inject(genesystest.Fault{Op: "conversations.get", Stale: 700 * time.Millisecond, Times: 1})
		pass(20 * time.Second)
		require.Len(t, requests(org, "conversations.transferToQueue"), 1)
		chat := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		chat.Say("Hello!")
		h.until(t, 1)
		require.Equal(t, []string{"agent: Hello!"}, h.lines())
	})
}

// TestTransferDoubtful: the transfer takes effect and its answer is lost, or is lost without effect: the state is read, and
// it is repeated only after 30 s and only if the conversation still stands in the bot queue.
func TestTransferDoubtful(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{true, false} {
		t.Run(fmt.Sprint("performed ", after), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				ann := org.Agent("Ann", "Support")
				h := newHost(t, org)
				org.Inject(genesystest.Fault{Op: "conversations.transferToQueue", Status: 504, After: after})
				h.handOver(t, "c1", "r1")
				ann.Wait(t).Accept().Say("Hello!")
				h.until(t, 1)
				tries := requests(org, "conversations.transferToQueue")
				if after {
					require.Len(t, tries, 1)
					return
				}
				require.Len(t, tries, 2)
				require.GreaterOrEqual(t, tries[1].Time.Sub(tries[0].Time), 30*time.Second)
			})
		})
	}
}

// TestStaleEndIsNotBelieved: a read within 5 s of our own write that shows an end needs a second one that agrees.
func TestStaleEndIsNotBelieved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		chat.End()
		h.until(t, 1)
		h.handOver(t, "c1", "r2")
		next := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		pass(time.Minute)
		// The read below shows the time between the two handovers, when the conversation was over.
		h.says(t, "c1", "m1", "hello", handover.TurnAgent)
		org.Inject(genesystest.Fault{Op: "conversations.get", Stale: 63 * time.Second})
		require.NoError(t, h.desk.Recheck(t.Context(), next.Conversation().ID()))
		pass(time.Minute)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		require.Equal(t, []string{"back: agent []"}, h.lines())
	})
}
