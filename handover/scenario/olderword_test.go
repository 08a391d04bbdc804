package scenario_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestOlderMessageAfterADeadAttempt checks an older message that arrives after a replica died
// during a delivery and its lease expired. The customer may have the newer message, so the
// older one is out of order, and the repeat is not a first attempt.
func TestOlderMessageAfterADeadAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// It does not know the older message and refuses its receipt.
		org := genesystest.New(t, genesystest.AllowErrors())
		a, gone, b := replicas(t, org)
		ctx, kill := context.WithCancel(t.Context())
		a.run(ctx)
		a.serve(org)
		chat := a.connected(t, "c1", org.Agent("Ann", "Support"))
		pass(time.Minute)
		written := time.Now()
		pass(time.Second)
		a.failing(func(context.Context, handover.Delivery) error {
			gone.before(func() error { return errors.New("this process is dead") })
			return errors.New("dead")
		})
		chat.Say("second")
		pass(time.Second)
		require.Equal(t, 1, a.tries("agent: second"))
		kill()
		pass(18 * time.Second)
		b.serve(org)
		require.Equal(t, http.StatusOK, b.receive(t, org, outbound{
			id: "first-id", customer: "c1", conversation: chat.Conversation().ID(), text: "first", at: written,
		}))
		b.run(t.Context())
		b.until(t, 2)
		given := b.delivered()
		require.Equal(t, []string{"second", "first"}, []string{given[0].Message.Text, given[1].Message.Text})
		require.Equal(t, []int{2, 1}, []int{given[0].Attempt, given[1].Attempt})
		require.Equal(t, []bool{false, true}, []bool{given[0].OutOfOrder, given[1].OutOfOrder})
	})
}
