package scenario_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// A receiptSent is a receipt as the organisation received it.
type receiptSent struct {
	ID, Status, To string
}

// receiptsOf returns the receipts that the organisation received, in order.
func receiptsOf(t *testing.T, org *genesystest.Org) []receiptSent {
	t.Helper()
	var list []receiptSent
	for _, r := range requests(org, "openmessaging.receipt") {
		var body openmessaging.InboundReceipt
		require.NoError(t, json.Unmarshal(r.Body, &body))
		require.True(t, body.Final)
		list = append(list, receiptSent{body.MessageID, string(body.Status), body.To.ID})
	}
	return list
}

func pending(context.Context, handover.Delivery) error { return handover.Pending }

// confirm and refuse report outcomes as the customer's channel does.
func (h *host) confirm(t *testing.T, id string) {
	t.Helper()
	require.NoError(t, h.desk.Delivered(t.Context(), handover.Customer("c1"), id))
}

func (h *host) refuse(t *testing.T, id string) {
	t.Helper()
	require.NoError(t, h.desk.Fail(t.Context(), handover.Customer("c1"), id, openmessaging.ReasonMessageNotAllowed))
}

// TestPendingMessageGetsOneReceipt checks that a pending message gets exactly one final
// receipt, for the first outcome that the host reports. A failure after that receipt is a
// notice.
func TestPendingMessageGetsOneReceipt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		receipts handover.Receipts
		play     func(*testing.T, *host, string)
		want     []string // statuses of the receipts
		notices  int
	}{
		"delivered":              {play: func(t *testing.T, h *host, id string) { t.Helper(); h.confirm(t, id) }, want: []string{"Delivered"}},
		"delivered, repeated":    {play: func(t *testing.T, h *host, id string) { t.Helper(); h.confirm(t, id); h.confirm(t, id) }, want: []string{"Delivered"}},
		"failed":                 {play: func(t *testing.T, h *host, id string) { t.Helper(); h.refuse(t, id) }, want: []string{"Failed"}, notices: 1},
		"failed, repeated":       {play: func(t *testing.T, h *host, id string) { t.Helper(); h.refuse(t, id); h.refuse(t, id) }, want: []string{"Failed"}, notices: 1},
		"failed, then delivered": {play: func(t *testing.T, h *host, id string) { t.Helper(); h.refuse(t, id); h.confirm(t, id) }, want: []string{"Failed"}, notices: 1},
		"delivered, then failed": {play: func(t *testing.T, h *host, id string) { t.Helper(); h.confirm(t, id); h.refuse(t, id) }, want: []string{"Delivered"}, notices: 1},
		"unknown ids":            {play: func(t *testing.T, h *host, _ string) { t.Helper(); h.confirm(t, "unknown"); h.refuse(t, "unknown") }},
		"nothing reported":       {play: func(*testing.T, *host, string) {}},
		"delivered in time":      {play: func(t *testing.T, h *host, id string) { t.Helper(); pass(8 * time.Minute); h.confirm(t, id) }, want: []string{"Delivered"}},
		"delivered too late":     {play: func(t *testing.T, h *host, id string) { t.Helper(); pass(10 * time.Minute); h.confirm(t, id) }},
		"failed too late":        {play: func(t *testing.T, h *host, id string) { t.Helper(); pass(10 * time.Minute); h.refuse(t, id) }, notices: 1},
		"failed, only failures wanted": {
			receipts: handover.ReceiptsFailures, want: []string{"Failed"}, notices: 1,
			play: func(t *testing.T, h *host, id string) { t.Helper(); h.refuse(t, id) },
		},
		"delivered, only failures wanted": {
			receipts: handover.ReceiptsFailures,
			play:     func(t *testing.T, h *host, id string) { t.Helper(); h.confirm(t, id) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, _, h, chat := talking(t, func(k *handover.Config) { k.Channel.Receipts = c.receipts })
				h.failing(pending)
				id := chat.Say("Hello!")
				pass(time.Minute)
				require.Equal(t, 1, h.tries("agent:"), "it is not delivered again")
				require.Empty(t, receiptsOf(t, org))
				c.play(t, h, id)
				pass(time.Minute)
				var want []receiptSent
				for _, s := range c.want {
					want = append(want, receiptSent{id, s, "c1"})
				}
				require.Equal(t, want, receiptsOf(t, org))
				require.Len(t, h.noticed(handover.NoticeMessageFailed), c.notices)
				for _, n := range h.noticed(handover.NoticeMessageFailed) {
					require.Equal(t, id, n.MessageID)
				}
			})
		})
	}
}

// TestPendingMayBeReportedWithinDeliver checks an outcome that is reported before Deliver
// returns.
func TestPendingMayBeReportedWithinDeliver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail    bool
		returns error
		want    string
	}{
		"delivered, pending": {false, handover.Pending, "Delivered"},
		"delivered, nil":     {false, nil, "Delivered"},
		"delivered, error":   {false, context.DeadlineExceeded, "Delivered"},
		"failed, pending":    {true, handover.Pending, "Failed"},
		"failed, error":      {true, context.DeadlineExceeded, "Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, _, h, chat := talking(t)
				h.failing(func(ctx context.Context, d handover.Delivery) error {
					k := handover.Customer("c1")
					if c.fail {
						require.NoError(t, h.desk.Fail(ctx, k, d.ID, openmessaging.ReasonGeneralError))
					} else {
						require.NoError(t, h.desk.Delivered(ctx, k, d.ID))
					}
					return c.returns
				})
				id := chat.Say("Hello!")
				pass(5 * time.Minute)
				require.Equal(t, 1, h.tries("agent:"))
				require.Equal(t, []receiptSent{{id, c.want, "c1"}}, receiptsOf(t, org))
			})
		})
	}
}

// TestPendingSurvivesARestart checks that another process can report the outcome.
func TestPendingSurvivesARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		a, next := succession(t, org, change{during: time.Minute}, func(*handover.Config) {})
		chat := a.connected(t, "c1", ann)
		a.failing(pending)
		id := chat.Say("Hello!")
		pass(time.Minute)
		b := next()
		b.confirm(t, id)
		b.refuse(t, id)
		pass(time.Minute)
		require.Equal(t, []receiptSent{{id, "Delivered", "c1"}}, receiptsOf(t, org))
		require.Equal(t, "Delivered", chat.Status(id))
		require.Len(t, b.noticed(handover.NoticeMessageFailed), 1)
	})
}

// TestPendingKeeps64Receipts checks that only the newest 64 receipts wait.
func TestPendingKeeps64Receipts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		h.failing(pending)
		var ids []string
		for range 66 {
			ids = append(ids, chat.Say("Hello!"))
			pass(2 * time.Second)
		}
		for _, id := range ids {
			h.confirm(t, id)
			pass(2 * time.Second)
		}
		pass(time.Minute)
		got := receiptsOf(t, org)
		require.Len(t, got, 64)
		require.Equal(t, ids[2], got[0].ID)
	})
}

// TestFailAfterDeliveredSendsNoReceipt checks that the receipt is final once Deliver returned
// nil.
func TestFailAfterDeliveredSendsNoReceipt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		id := chat.Say("Hello!")
		h.until(t, 1)
		h.confirm(t, id)
		h.refuse(t, id)
		pass(time.Minute)
		require.Equal(t, []receiptSent{{id, "Delivered", "c1"}}, receiptsOf(t, org))
		require.Len(t, h.noticed(handover.NoticeMessageFailed), 1)
	})
}

// TestFailReceiptGoesToTheEarlierIdentity checks that the receipt for an earlier session's
// message goes to the customer id of that session.
func TestFailReceiptGoesToTheEarlierIdentity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		h := newHost(t, org, func(c *handover.Config) {
			c.Channel.Identity, c.Channel.Receipts = handover.IdentitySession, handover.ReceiptsFailures
		})
		first := h.connected(t, "c1", ann)
		one := h.session(t, "c1")
		id := first.Say("one")
		h.until(t, 1)
		first.End()
		h.until(t, 2)
		h.handOver(t, "c1", "r2")
		second := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		two := h.session(t, "c1")
		h.failing(pending)
		other := second.Say("two")
		pass(time.Minute)
		h.refuse(t, id)
		h.refuse(t, other)
		pass(time.Minute)
		require.Equal(t, []receiptSent{{id, "Failed", "c1~" + one.ID}, {other, "Failed", "c1~" + two.ID}}, receiptsOf(t, org))
		require.Equal(t, "Failed", first.Status(id))
	})
}

// TestFailedReceiptsGoFirst checks that failed receipts precede delivered ones after an outage.
func TestFailedReceiptsGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		org.Inject(genesystest.Fault{Op: "openmessaging.receipt", Status: http.StatusTooManyRequests, RetryAfter: 30 * time.Second, Times: 1})
		first := chat.Say("one")
		pass(time.Second)
		h.failing(undeliverable)
		second := chat.Say("two")
		pass(2 * time.Minute)
		var order []string
		for _, r := range requests(org, "openmessaging.receipt") {
			if r.Status < http.StatusBadRequest {
				var body openmessaging.InboundReceipt
				require.NoError(t, json.Unmarshal(r.Body, &body))
				order = append(order, body.MessageID)
			}
		}
		require.Equal(t, []string{second, first}, order)
	})
}
