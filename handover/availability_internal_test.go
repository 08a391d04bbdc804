package handover

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/region"
)

func TestWhoServesAQueue(t *testing.T) {
	t.Parallel()
	for status, want := range map[string][2]bool{
		"IDLE": {true, true}, "INTERACTING": {true, true}, "COMMUNICATING": {true, true},
		"OFF_QUEUE": {false, true}, "NOT_RESPONDING": {false, true}, "": {false, false}, "MEDITATING": {false, false},
	} {
		counted, known := serves(genesys.Member{Joined: true, RoutingStatus: status})
		require.Equal(t, want, [2]bool{counted, known}, status)
		counted, known = serves(genesys.Member{RoutingStatus: status})
		require.Equal(t, [2]bool{false, true}, [2]bool{counted, known}, "not on this queue")
	}
}

// counts is a transport that answers every estimate and counts.
type counts struct{ calls int }

func (c *counts) RoundTrip(*http.Request) (*http.Response, error) {
	c.calls++
	return nil, http.ErrHandlerTimeout
}

// A courtesy gets none of what messages need, does not open the breaker, and is not what tries it.
func TestAvailabilitySpendsNoMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &counts{}
		c := Channel{Region: region.EUCentral1, ClientID: "id", ClientSecret: NewSecret("secret")}
		client, err := c.Client(genesys.WithHTTPClient(&http.Client{Transport: network}), genesys.WithRetry(genesys.RetryPolicy{}))
		require.NoError(t, err)
		m := &Manager{shell: newShell()}
		k := &known{channel: c, account: newAccount(m.shell)}
		k.account.client = client

		spend(k.account, shareCourtesy)
		require.Nil(t, m.waitOf(t.Context(), k, "queue"))
		require.Zero(t, network.calls)
		require.Equal(t, 60, spend(k.account, shareMessages), "they are left")

		<-time.After(budgetWindow)
		for range 2 * breakerFailures {
			require.Nil(t, m.waitOf(t.Context(), k, "queue"))
			<-time.After(guessTime)
		}
		require.Equal(t, 2*breakerFailures, network.calls)
		require.Zero(t, k.account.broken)

		k.account.broken, k.account.retry = breakerFailures, time.Time{}
		require.Nil(t, m.waitOf(t.Context(), k, "queue"))
		require.Equal(t, 2*breakerFailures, network.calls, "a message finds out whether Genesys is back")
		require.NoError(t, k.account.take(shareMessages))
		require.Nil(t, m.waitOf(t.Context(), k, ""))
	})
}

// No more than four questions are under way, so that slots are left for messages.
func TestAvailabilityLeavesSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &Manager{shell: newShell()}
		k := &known{account: newAccount(m.shell)}
		under := make(chan struct{}, 100)
		for i := range 20 {
			go m.guess(t.Context(), k, question{account: k.account, queue: string(rune('a' + i))},
				func(ctx context.Context, k *known, _ question) (guess, error) {
					return guess{}, k.account.beside(ctx, func(context.Context) error {
						under <- struct{}{}
						<-t.Context().Done()
						return nil
					})
				})
		}
		synctest.Wait()
		require.Len(t, under, guessGates)
		require.Len(t, k.account.slots, accountEffects-guessGates)
	})
}
