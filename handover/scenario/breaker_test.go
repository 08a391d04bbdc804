package scenario_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestBreakerIgnoresFailuresOfOneRequest checks that a failure of one request or one
// conversation does not pause the requests of others. The breaker opens only for failures of
// the whole channel: 401, 403, 404 on the integration, 429, network errors and 5xx.
func TestBreakerIgnoresFailuresOfOneRequest(t *testing.T) {
	t.Parallel()
	causes := map[string]func(t *testing.T, h *apiHost, i int){
		"wrong queue names": func(t *testing.T, h *apiHost, i int) {
			t.Helper()
			_, err := h.HandOver(t.Context(), handover.Customer(fmt.Sprint("other", i)),
				handover.Request{ID: "r", Queue: fmt.Sprint("nowhere", i), Summary: "s"})
			require.ErrorIs(t, err, handover.ErrNoQueue)
		},
		"receipts that Genesys does not take": func(t *testing.T, h *apiHost, i int) {
			t.Helper()
			h.receive(t, fmt.Sprint("unknown to Genesys ", i), openmessaging.OriginBot, openmessaging.Message{Text: "x"})
			pass(time.Second)
		},
		"conversations that are deleted": func(t *testing.T, h *apiHost, _ int) {
			t.Helper()
			h.org.Inject(genesystest.Fault{Op: "conversations.get", Status: 404})
			require.NoError(t, h.Recheck(t.Context(), h.session(t).ConversationID))
			pass(2100 * time.Millisecond)
		},
	}
	for name, cause := range causes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, genesystest.AllowErrors())
				h := newAPIHost(t, org, nil)
				ann := org.Agent("Ann", "Support")
				h.handOver(t, "r1")
				chat := ann.Wait(t).Accept()
				h.until(t, handover.StateConnected)
				pass(3 * time.Second)
				for i := range 10 {
					cause(t, h, i)
				}
				org.ClearFaults()
				began := time.Now()
				h.forward(t, "m1")
				genesystest.Until(t, func() bool { return len(chat.Texts()) == 2 })
				require.Less(t, time.Since(began), time.Second)
				if name == "receipts that Genesys does not take" {
					require.Equal(t, 10, h.calls("openmessaging.receipt"), "refused for good: not again")
				}
			})
		})
	}
}

// TestBreakerOpensForRejectedCredentials checks that requests pause when the token endpoint
// rejects the credentials.
func TestBreakerOpensForRejectedCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		h := newAPIHost(t, org, nil)
		org.RevokeClient()
		for i := range 40 {
			_, err := h.HandOver(t.Context(), handover.Customer(fmt.Sprint("c", i)), handover.Request{ID: "r", Summary: "s"})
			if i < 5 {
				require.Error(t, err)
			}
		}
		require.Less(t, h.calls("oauth.token"), 15)
	})
}
