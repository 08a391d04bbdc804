package scenario_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// statuses returns the answers to the attempts of one webhook.
func statuses(org *genesystest.Org, messageID string) []int {
	var list []int
	for _, d := range org.Deliveries() {
		if d.MessageID == messageID {
			list = append(list, d.Status)
		}
	}
	return list
}

// TestWebhookGets503WhileTheStoreFails checks that a webhook gets 503 while the store fails, is
// repeated by Genesys, and is delivered once.
func TestWebhookGets503WhileTheStoreFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		store := newHookedStore()
		h := newHost(t, org, func(c *handover.Config) { c.Store = store })
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		store.before(func() error { return errors.New("down") })
		id := chat.Say("Hello!")
		pass(20 * time.Second)
		store.before(nil)
		h.until(t, 1)
		got := statuses(org, id)
		require.Greater(t, len(got), 1)
		require.Equal(t, http.StatusServiceUnavailable, got[0])
		require.Equal(t, http.StatusOK, got[len(got)-1])
		require.Equal(t, []string{"agent: Hello!"}, h.lines())
		require.Equal(t, "Delivered", chat.Status(id))
	})
}

// TestWebhookOfASlowStoreIsDeliveredOnce checks that a webhook that the store answers too late
// is repeated, recognised as a duplicate, and delivered once.
func TestWebhookOfASlowStoreIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		store := newHookedStore()
		h := newHost(t, org, func(c *handover.Config) { c.Store = store })
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		var slow atomic.Bool
		store.before(func() error {
			if slow.CompareAndSwap(false, true) {
				wait(9 * time.Second)
			}
			return nil
		})
		id := chat.Say("Hello!")
		h.until(t, 1)
		require.Equal(t, []int{http.StatusServiceUnavailable, http.StatusOK}, statuses(org, id))
		require.Equal(t, []string{"agent: Hello!"}, h.lines())
	})
}

// TestPutThatStoresAndFailsLosesNothing checks that nothing is lost or repeated if Put stores
// and returns an error.
func TestPutThatStoresAndFailsLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		store := &liarStore{Store: handover.NewMemoryStore()}
		h := newHost(t, org, func(c *handover.Config) { c.Store = store })
		h.handOver(t, "c1", "r1")
		chat := ann.Wait(t).Accept()
		want := []string{"summary r1"}
		for _, text := range []string{"one", "two", "three"} {
			h.says(t, "c1", text, text, handover.TurnAgent)
			chat.Say("re " + text)
			want = append(want, text)
			pass(20 * time.Second)
		}
		chat.End()
		h.until(t, 4)
		require.Equal(t, []string{"agent: re one", "agent: re two", "agent: re three", "back: agent []"}, h.lines())
		require.Equal(t, want, agentReads(chat.Conversation()))
	})
}

// A liarStore stores every third put and returns an error for it.
type liarStore struct {
	handover.Store

	puts atomic.Int64
}

func (s *liarStore) Put(ctx context.Context, r handover.Record, prev uint64) error {
	err := s.Store.Put(ctx, r, prev)
	if n := s.puts.Add(1); err == nil && n%3 == 0 {
		return errors.New("connection lost")
	}
	return err
}

// TestWebhookGets200BeforeDelivery checks that a webhook gets 200 once its message is stored,
// and that a failing Deliver is retried later.
func TestWebhookGets200BeforeDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		h.failing(func(context.Context, handover.Delivery) error { return errors.New("socket closed") })
		id := chat.Say("Hello!")
		pass(20 * time.Second)
		require.Equal(t, []int{http.StatusOK}, statuses(org, id))
		h.failing(nil)
		h.until(t, 1)
		require.Equal(t, []string{"agent: Hello!"}, h.lines())
		d := h.delivered()[0]
		require.Equal(t, id, d.ID)
		require.Greater(t, d.Attempt, 1)
	})
}

// TestCopiesOfAWebhookAreDeliveredOnce checks that concurrent and late copies are delivered
// once.
func TestCopiesOfAWebhookAreDeliveredOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		org.InjectWebhook(genesystest.WebhookFault{Duplicates: 2})
		chat.Say("at once")
		h.until(t, 1)
		org.InjectWebhook(genesystest.WebhookFault{Duplicates: 2, Apart: 20 * time.Second})
		chat.Say("apart")
		h.until(t, 2)
		chat.End()
		h.until(t, 3)
		require.Equal(t, []string{"agent: at once", "agent: apart", "back: agent []"}, h.lines())
	})
}

// TestOvertakenMessageIsOutOfOrder checks that a message that arrives after a newer one is
// delivered as out of order.
func TestOvertakenMessageIsOutOfOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		org.InjectWebhook(genesystest.WebhookFault{Delay: 5 * time.Second})
		chat.Say("first")
		chat.Say("second")
		h.until(t, 2)
		require.Equal(t, []string{"agent: second", "agent: first"}, h.lines())
		d := h.delivered()
		require.False(t, d[0].OutOfOrder)
		require.True(t, d[1].OutOfOrder)
		require.False(t, d[1].Late)
	})
}

// TestWaitingMessagesAreSorted checks that messages that wait for the host are sorted.
func TestWaitingMessagesAreSorted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		h.failing(func(context.Context, handover.Delivery) error { return errors.New("down") })
		chat.Say("zero")
		pass(time.Second)
		org.InjectWebhook(genesystest.WebhookFault{Delay: 3 * time.Second})
		chat.Say("first")
		chat.Say("second")
		pass(10 * time.Second)
		h.failing(nil)
		h.until(t, 3)
		require.Equal(t, []string{"agent: zero", "agent: first", "agent: second"}, h.lines())
	})
}

// TestFlowBurstIsSorted checks that a burst of a flow's messages is sorted by a short hold, and
// does not count as an agent.
func TestFlowBurstIsSorted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h := newHost(t, org)
		h.handOver(t, "c1", "r1")
		h.reaches(t, "c1", handover.StateQueued)
		c := org.Conversation("c1")
		org.InjectWebhook(genesystest.WebhookFault{Delay: 100 * time.Millisecond})
		c.FlowSays("one")
		c.FlowSays("two")
		h.until(t, 2)
		require.Equal(t, []string{"flow: one", "flow: two"}, h.lines())
		require.Equal(t, handover.StateQueued, h.session(t, "c1").State)
		require.Empty(t, h.noticed(handover.NoticeAgentJoined))
	})
}
