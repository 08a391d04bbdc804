package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestDeliverIsRetriedInOrder checks that a message is retried with the same id, and later
// messages wait.
func TestDeliverIsRetriedInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, h, chat := talking(t)
		h.failing(func(_ context.Context, d handover.Delivery) error {
			if d.Attempt < 4 && d.Message.Text == "one" {
				return errors.New("busy")
			}
			return nil
		})
		id := chat.Say("one")
		chat.Say("two")
		chat.End()
		h.until(t, 3)
		require.Equal(t, []string{"agent: one", "agent: two", "back: agent []"}, h.lines())
		require.Equal(t, 4, h.tries("agent: one"))
		require.Equal(t, 4, h.delivered()[0].Attempt)
		require.Equal(t, id, h.delivered()[0].ID)
		require.Equal(t, "Delivered", chat.Status(id))
	})
}

// TestDeliverIsGivenUpAfterTwoMinutes checks that a message is given up after two minutes, with
// a receipt and a notice, and that later messages are delivered.
func TestDeliverIsGivenUpAfterTwoMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		h.failing(func(_ context.Context, d handover.Delivery) error {
			if d.Message.Text == "one" {
				return errors.New("never")
			}
			return nil
		})
		id := chat.Say("one")
		chat.Say("two")
		h.until(t, 1)
		require.Equal(t, []string{"agent: two"}, h.lines())
		require.Equal(t, "Failed", chat.Status(id))
		require.Equal(t, "GeneralError", chat.Conversation().FailureReason(id))
		failed := h.noticed(handover.NoticeMessageFailed)
		require.Len(t, failed, 1)
		require.Equal(t, id, failed[0].MessageID)
		require.Len(t, requests(org, "openmessaging.receipt"), 2)
	})
}

// TestUndeliverableIsNotRetried checks that there is one attempt, a Failed receipt with the
// reason, and a notice.
func TestUndeliverableIsNotRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, h, chat := talking(t)
		h.failing(func(_ context.Context, d handover.Delivery) error {
			if d.Message.Text == "one" {
				return fmt.Errorf("wrapped: %w", handover.Undeliverable(openmessaging.ReasonRecipientOptedOut, errors.New("blocked")))
			}
			return nil
		})
		id := chat.Say("one")
		chat.Say("two")
		h.until(t, 1)
		require.Equal(t, 1, h.tries("agent: one"))
		require.Equal(t, []string{"agent: two"}, h.lines())
		require.Equal(t, "Failed", chat.Status(id))
		require.Equal(t, "RecipientOptedOut", chat.Conversation().FailureReason(id))
		require.Len(t, h.noticed(handover.NoticeMessageFailed), 1)
	})
}

// TestFailAfterDeliverIsReported checks a failure that the host reports after Deliver returned.
func TestFailAfterDeliverIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t, func(c *handover.Config) { c.Channel.Receipts = handover.ReceiptsFailures })
		id := chat.Say("one")
		h.until(t, 1)
		require.Equal(t, "Sent", chat.Status(id))
		for range 2 {
			require.NoError(t, h.desk.Fail(t.Context(), handover.Customer("c1"), id, openmessaging.ReasonMessageExpired))
		}
		pass(time.Minute)
		require.Equal(t, "Failed", chat.Status(id))
		require.Equal(t, "MessageExpired", chat.Conversation().FailureReason(id))
		require.Len(t, requests(org, "openmessaging.receipt"), 1)
	})
}

// TestPanicFailsOnlyItsAttempt checks that a panic fails only that attempt.
func TestPanicFailsOnlyItsAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h := hosted(t)
		h.notifying(func(context.Context, handover.Notice) error {
			if h.tries("notice:") < 3 {
				panic("notify")
			}
			return nil
		})
		h.failing(func(_ context.Context, d handover.Delivery) error {
			if d.Attempt < 3 {
				panic("deliver")
			}
			return nil
		})
		h.returning(func(context.Context, handover.Return) error {
			if h.tries("back:") < 3 {
				panic("return")
			}
			return nil
		})
		chat := h.connected(t, "c1", ann)
		chat.Say("one")
		h.until(t, 1)
		chat.End()
		h.until(t, 2)
		require.Equal(t, []string{"agent: one", "back: agent []"}, h.lines())
		require.Equal(t, 3, h.tries("agent: one"))
		require.Equal(t, 3, h.tries("back:"))
	})
}

// TestHangingDeliverDelaysOnlyItsCustomer checks that a callback that does not return delays
// only its customer.
func TestHangingDeliverDelaysOnlyItsCustomer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h := hosted(t)
		stuck, free := h.connected(t, "c1", ann), h.connected(t, "c2", ann)
		h.failing(func(ctx context.Context, d handover.Delivery) error {
			if d.Session.Key.Customer == "c1" && d.Message.Text == "one" {
				wait(40 * time.Second)
				if ctx.Err() == nil {
					return errors.New("the context did not end")
				}
			}
			return nil
		})
		stuck.Say("one")
		stuck.Say("two")
		pass(time.Second)
		free.Say("hello")
		genesystest.Until(t, func() bool { return len(h.lines()) == 1 })
		h.says(t, "c2", "m1", "the other customer", handover.TurnAgent)
		genesystest.Until(t, func() bool { return len(postsOf(t, org, "the other customer")) == 1 })
		require.Equal(t, []string{"agent: hello"}, h.lines())
		h.until(t, 3)
		require.Equal(t, []string{"agent: hello", "agent: one", "agent: two"}, h.lines())
		require.Equal(t, 1, h.tries("agent: one"), "in one process one effect a lane")
	})
}

// TestFailingNoticesDelayDeliveriesAMinute checks that failing notices delay deliveries by at
// most a minute and are sent later.
func TestFailingNoticesDelayDeliveriesAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h := hosted(t)
		h.notifying(func(context.Context, handover.Notice) error { return errors.New("dashboard is down") })
		h.handOver(t, "c1", "r1")
		chat := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		for i := range 6 {
			said := time.Now()
			chat.Say(fmt.Sprint("m", i))
			genesystest.Until(t, func() bool { return len(h.lines()) == i+1 })
			require.LessOrEqual(t, time.Since(said), 100*time.Second)
			pass(10 * time.Minute)
		}
		require.Empty(t, h.kinds())
		h.notifying(nil)
		pass(2 * time.Minute)
		require.Contains(t, h.kinds(), "requested")
		require.Contains(t, h.kinds(), "agentJoined")
		require.Equal(t, []string{"agent: m0", "agent: m1", "agent: m2", "agent: m3", "agent: m4", "agent: m5"}, h.lines())
	})
}

// TestEachCallbackMayCallTheManager checks that each callback can call every method for its
// key.
func TestEachCallbackMayCallTheManager(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h := hosted(t)
		h.failing(func(ctx context.Context, d handover.Delivery) error {
			_, err := h.desk.Forward(ctx, d.Session.Key, handover.Text("re "+d.ID, "re: "+d.Message.Text))
			return errors.Join(err, h.desk.Typing(ctx, d.Session.Key), h.desk.End(ctx, d.Session.Key, handover.EndByCustomer))
		})
		chat := h.connected(t, "c1", ann)
		chat.Say("one")
		h.until(t, 2)
		require.Equal(t, []string{"agent: one", "back: customer []"}, h.lines())
		require.Equal(t, []string{"summary r-c1", "re: one"}, agentReads(chat.Conversation()))
	})
}
