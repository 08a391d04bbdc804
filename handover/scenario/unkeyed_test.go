package scenario_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestMessageWithoutAUsableKeyIsRefused checks a message for a customer id that can never be
// stored. A retry solves nothing, so Genesys is not asked for one: it gets a Failed receipt, and
// the host a notice.
func TestMessageWithoutAUsableKeyIsRefused(t *testing.T) {
	t.Parallel()
	for name, customer := range map[string]string{"too long": strings.Repeat("x", 257), "a control character": "a\x07b"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, store, tap := genesystest.New(t, genesystest.AllowErrors()), newWatchedStore(), &wiretap{}
				h := newHost(t, org, func(c *handover.Config) { c.Store = store }, logging(tap))
				for _, id := range []string{"w1", "w2"} {
					require.Equal(t, http.StatusOK, h.receive(t, org, outbound{id: id, customer: customer, text: "hello"}))
				}
				pass(time.Minute)
				require.Empty(t, store.records(t))
				require.Empty(t, h.lines())
				require.Len(t, requests(org, "openmessaging.receipt"), 2)
				notices := h.noticed(handover.NoticeMessageFailed)
				require.Len(t, notices, 2)
				require.Equal(t, "w1", notices[0].MessageID)
				require.NotEqual(t, notices[0].ID, notices[1].ID)
				require.Contains(t, notices[0].Detail, "customer id")
				require.Equal(t, 1, tap.count("customer id"), "once an hour")
			})
		})
	}
}

// TestLongCustomerIDWithASession checks a customer id that is too long only with the id of a
// session. The message is for the customer without it.
func TestLongCustomerIDWithASession(t *testing.T) {
	t.Parallel()
	for name, identity := range map[string]handover.Identity{"before the identity was changed": handover.IdentityCustomer, "as configured": handover.IdentitySession} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, genesystest.AllowErrors())
				h := newHost(t, org, func(c *handover.Config) { c.Channel.Identity = identity })
				customer := strings.Repeat("x", 256)
				session := h.handOver(t, customer, "r1")
				require.Equal(t, http.StatusOK, h.receive(t, org, outbound{id: "w1", customer: customer + "~" + session.ID, text: "hello"}))
				pass(time.Minute)
				require.Len(t, h.delivered(), 1)
				require.Equal(t, customer, h.delivered()[0].Session.Key.Customer)
			})
		})
	}
}
