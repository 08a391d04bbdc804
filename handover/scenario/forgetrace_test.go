package scenario_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestForgetWaitsForADelivery checks that the record is removed only after a running delivery
// of a late message.
func TestForgetWaitsForADelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Receipts are for messages that Genesys does not know.
		org, store := genesystest.New(t, genesystest.AllowErrors()), newWatchedStore()
		h := newHost(t, org, keeping(store, time.Hour))
		chat := h.connected(t, "c1", org.Agent("Ann", "Support"))
		chat.End()
		h.until(t, 1)
		h.failing(slowly(5*time.Second, nil))
		require.Equal(t, 200, h.receive(t, org, outbound{id: "w1", customer: "c1", conversation: h.session(t, "c1").ConversationID, text: "late", origin: "Bot"}))
		pass(time.Second)
		require.NoError(t, h.desk.Forget(t.Context(), handover.Customer("c1")))
		require.NotEmpty(t, store.records(t))
		pass(time.Minute)
		require.Equal(t, []string{"back: agent []", "flow: late (late)"}, h.lines())
		require.Empty(t, store.records(t))
		// The lane is free again.
		require.Equal(t, 200, h.receive(t, org, outbound{id: "w2", customer: "c1", text: "again", origin: "Bot"}))
		h.until(t, 3)
	})
}
