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

// TestPostIntoAClosedConversationIsReturned checks a message that is sent a second after the
// agent ended. It revives the conversation in the bot queue or opens another one, and is
// returned once, marked as sent.
func TestPostIntoAClosedConversationIsReturned(t *testing.T) {
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
					org, ann := staffed(t, c.opts...)
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
					require.Len(t, requests(org, "conversations.transferToQueue"), 1, "no agent is offered it")
					require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
					require.Equal(t, handover.EndByAgent, h.session(t, "c1").Ending.Reason)
					pass(time.Hour)
					require.Len(t, h.lines(), 3)
				})
			})
		}
	}
}

// TestOldConversationIsReadBeforeAPost checks that an old state is not trusted: the
// conversation is read before the message is sent, so it is not sent.
func TestOldConversationIsReadBeforeAPost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		pass(30 * time.Minute)
		chat.End()
		pass(20 * time.Second)
		h.says(t, "c1", "m1", "hello?", handover.TurnAgent)
		h.until(t, 1)
		require.Equal(t, []string{"back: agent [hello?]"}, h.lines(), "not marked Sent")
		require.Empty(t, postsOf(t, org, "hello?"))
	})
}

// TestHandOverInTheThreadWindowResumes checks that within the thread window Genesys continues
// the older conversation: the session is Resumed and transferred, and the old legs do not end
// it.
func TestHandOverInTheThreadWindowResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h, first := talking(t)
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

// TestHandOverAfterTheThreadWindowIsNew checks that there is a new conversation after 72 hours.
func TestHandOverAfterTheThreadWindowIsNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h, first := talking(t)
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

// TestOldEndSparesAQuickHandOver checks a new handover that revives the conversation a second
// after the end, while reads may be stale. The old end does not end it, and each session has
// one transfer.
func TestOldEndSparesAQuickHandOver(t *testing.T) {
	t.Parallel()
	for _, stale := range []time.Duration{0, 2 * time.Second, 4 * time.Second} {
		t.Run(fmt.Sprint("reads ", stale, " old"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann, h, chat := talking(t)
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

// TestStaleReadCausesNoSecondTransfer checks that a stale read of the bot queue causes no
// second transfer within 30 s and does not end the session.
func TestStaleReadCausesNoSecondTransfer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h := hosted(t)
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

// TestDoubtfulTransferIsReadFirst checks a transfer if the answer to it is lost. The
// conversation is read, and the transfer is repeated only after 30 s and only if the
// conversation is still in the bot queue.
func TestDoubtfulTransferIsReadFirst(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{true, false} {
		t.Run(fmt.Sprint("performed ", after), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann, h := hosted(t)
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

// TestEarlyEndNeedsASecondRead checks that an end read within 5 s of a write from this side
// needs a second read.
func TestEarlyEndNeedsASecondRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h, chat := talking(t)
		chat.End()
		h.until(t, 1)
		h.handOver(t, "c1", "r2")
		next := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		pass(time.Minute)
		// This read shows the time between the two handovers, when the conversation was over.
		h.says(t, "c1", "m1", "hello", handover.TurnAgent)
		org.Inject(genesystest.Fault{Op: "conversations.get", Stale: 63 * time.Second})
		require.NoError(t, h.desk.Recheck(t.Context(), next.Conversation().ID()))
		pass(time.Minute)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		require.Equal(t, []string{"back: agent []"}, h.lines())
	})
}
