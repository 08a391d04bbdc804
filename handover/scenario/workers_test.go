package scenario_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestFreeWorkerTakesTheNextCustomer checks that a customer who waits is next when a worker is
// free.
func TestFreeWorkerTakesTheNextCustomer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// A fourth of the workers calls no host.
		const customers, workers, callers, slow = 12, 4, 3, 100 * time.Millisecond
		// Receipts of messages that it does not know.
		org := genesystest.New(t, genesystest.AllowErrors())
		h := newHost(t, org, func(c *handover.Config) { c.Workers = workers })
		h.failing(slowly(slow, nil))
		for i := range customers {
			customer := "c" + strconv.Itoa(i)
			require.Equal(t, 200, h.receive(t, org, outbound{id: "w" + customer, customer: customer, text: "hello", origin: "Bot"}))
		}
		// A flow's messages wait 250 ms.
		pass(300*time.Millisecond + customers/callers*slow + 50*time.Millisecond)
		require.Len(t, h.lines(), customers)
	})
}
