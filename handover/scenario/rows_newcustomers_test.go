package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// records returns the number of records in a store.
func records(t *testing.T, s handover.Store) (n int) {
	t.Helper()
	for _, err := range s.All(t.Context(), "") {
		require.NoError(t, err)
		n++
	}
	return n
}

// TestWebhookOfAnUnknownHandover checks that a customer id of an unknown handover never creates a
// record. It is reported once, and the message is delivered; a replay is not.
func TestWebhookOfAnUnknownHandover(t *testing.T) {
	t.Parallel()
	for _, identity := range []handover.Identity{handover.IdentityCustomer, handover.IdentitySession} {
		t.Run(string(identity), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, genesystest.AllowErrors())
				store := handover.NewMemoryStore()
				var w *wiretap
				h := newHost(t, org, func(c *handover.Config) { w = logged(c); c.Store, c.Channel.Identity = store, identity })
				// The clock is measured: only then is there a replay.
				_, err := h.desk.Availability(t.Context(), org.Channel().ID, "Support")
				require.NoError(t, err)
				for i := range 3 {
					o := outbound{id: fmt.Sprint("w", i), customer: "c1~abcdefghij23", conversation: "00000000-0000-4000-a000-000000000001", text: "hi"}
					require.Equal(t, http.StatusOK, h.receive(t, org, o))
					o.id, o.at = o.id+" old", time.Now().Add(-16*time.Minute)
					require.Equal(t, http.StatusOK, h.receive(t, org, o))
				}
				pass(time.Minute)
				require.Equal(t, []string{"agent: hi (late)", "agent: hi (late)", "agent: hi (late)"}, h.lines())
				require.Equal(t, "w1", h.delivered()[1].ID)
				require.Zero(t, records(t, store))
				require.Equal(t, 1, strings.Count(w.logs.String(), "a handover that is unknown"))
				require.NotContains(t, w.logs.String(), "c1~")
			})
		})
	}
}

// TestNewRecordsAreLimited checks that webhooks create at most 1,000 records per channel and hour.
// Beyond that messages are delivered and nothing is stored; after an error of the host, Genesys
// posts the message again.
func TestNewRecordsAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		store := handover.NewMemoryStore()
		var w *wiretap
		h := newHost(t, org, func(c *handover.Config) { w = logged(c); c.Store = store })
		receive := func(i int) int {
			return h.receive(t, org, outbound{id: fmt.Sprint("w", i), customer: fmt.Sprint("new ", i), text: "hi"})
		}
		for i := range 1010 {
			require.Equal(t, http.StatusOK, receive(i))
		}
		h.until(t, 1010)
		require.Equal(t, 1000, records(t, store))
		require.Equal(t, 1, strings.Count(w.logs.String(), "customers without a record"))
		h.failing(func(context.Context, handover.Delivery) error { return errors.New("down") })
		require.Equal(t, http.StatusServiceUnavailable, receive(2000))
		h.failing(nil)
		require.Equal(t, http.StatusOK, receive(2000))
		require.Equal(t, http.StatusOK, receive(0), "a customer with a record")
		h.until(t, 1011)
		pass(time.Hour)
		require.Equal(t, http.StatusOK, receive(3000))
		require.Equal(t, 1001, records(t, store))
	})
}

// TestUnstoredDeliveriesAreOneAtATime checks that a webhook without a record is refused, so that
// Genesys posts it again, while Deliver runs for the same customer.
func TestUnstoredDeliveriesAreOneAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		h := newHost(t, org, func(c *handover.Config) {
			deliver := c.Deliver
			c.Deliver = func(ctx context.Context, d handover.Delivery) error {
				<-time.After(time.Second)
				return deliver(ctx, d)
			}
		})
		first := outbound{id: "w1", customer: "c1~abcdefghij23", conversation: "00000000-0000-4000-a000-000000000001", text: "one"}
		second := first
		second.id, second.text = "w2", "two"
		codes := make(chan int)
		post := h.post(t, org, first)
		go func() { codes <- post() }()
		synctest.Wait()
		require.Equal(t, http.StatusServiceUnavailable, h.receive(t, org, second))
		require.Equal(t, http.StatusOK, <-codes)
		require.Equal(t, http.StatusOK, h.receive(t, org, second))
		require.Equal(t, []string{"agent: one (late)", "agent: two (late)"}, h.lines())
	})
}

// TestUnstoredFailureGetsAReceipt checks a message without a record that can never be delivered.
// The agent gets a Failed receipt; while Genesys does not take that, the webhook is refused, so
// that Genesys posts it again.
func TestUnstoredFailureGetsAReceipt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		h := newHost(t, org)
		h.failing(undeliverable)
		org.Inject(genesystest.Fault{Op: "openmessaging.receipt", Status: http.StatusServiceUnavailable, Times: 1})
		o := outbound{id: "w1", customer: "c1~abcdefghij23", conversation: "00000000-0000-4000-a000-000000000001", text: "hi"}
		require.NotEqual(t, http.StatusOK, h.receive(t, org, o))
		require.Equal(t, http.StatusOK, h.receive(t, org, o))
		require.Equal(t, []receiptSent{{"w1", "Failed", "c1~abcdefghij23"}, {"w1", "Failed", "c1~abcdefghij23"}}, receiptsOf(t, org))
	})
}
