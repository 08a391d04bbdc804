package engine

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// counts is a transport that answers every estimate and counts.
type counts struct{ calls int }

func (c *counts) RoundTrip(*http.Request) (*http.Response, error) {
	c.calls++
	return nil, http.ErrHandlerTimeout
}

// A question does not spend the budget of messages, does not open the breaker, and does not test
// it.
func TestAvailabilitySpendsNoMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &counts{}
		c := Channel{Region: region.EUCentral1, ClientID: "id", ClientSecret: "secret"}
		client, err := c.Client(genesys.WithHTTPClient(&http.Client{Transport: network}), genesys.WithRetry(genesys.RetryPolicy{}))
		require.NoError(t, err)
		m := &Manager{Environment: environment.New()}
		k := &channelState{channel: c, account: account.NewAccount(m.Environment, account.NewBudget())}
		k.account.Client = client

		spend(k.account, account.ShareCourtesy)
		require.Nil(t, m.waitOf(t.Context(), k, "queue", m.Now().Add(time.Hour)))
		require.Zero(t, network.calls)
		require.Equal(t, 60, spend(k.account, account.ShareMessages), "they are left")

		<-time.After(account.BudgetWindow)
		for range 2 * account.BreakerFailures {
			require.Nil(t, m.waitOf(t.Context(), k, "queue", m.Now().Add(time.Hour)))
			<-time.After(account.FactTime)
		}
		require.Equal(t, 2*account.BreakerFailures, network.calls)
		require.Zero(t, k.account.Broken)

		k.account.Broken, k.account.Retry = account.BreakerFailures, time.Time{}
		require.Nil(t, m.waitOf(t.Context(), k, "queue", m.Now().Add(time.Hour)))
		require.Equal(t, 2*account.BreakerFailures, network.calls, "a message finds out whether Genesys is back")
		require.NoError(t, k.account.Take(account.ShareMessages))
		require.Nil(t, m.waitOf(t.Context(), k, "", m.Now().Add(time.Hour)))
	})
}

// hanging is a transport that does not answer, and counts.
type hanging struct{ calls int }

func (h *hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	h.calls++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// If Genesys does not answer, one notice waits for the estimate, and later ones in the next half
// minute do not. A caller with a short deadline does not count as a failure of Genesys.
func TestOneNoticeWaitsForAHangingEstimate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &hanging{}
		client, err := genesys.New(region.EUCentral1, genesys.TokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t"})),
			genesys.WithHTTPClient(&http.Client{Transport: network}), genesys.WithRetry(genesys.RetryPolicy{}))
		require.NoError(t, err)
		m := &Manager{Environment: environment.New()}
		k := &channelState{account: account.NewAccount(m.Environment, account.NewBudget())}
		k.account.Client = client
		for calls, patience := range []time.Duration{time.Millisecond, account.WaitTime - 1, account.WaitTime - 1, account.WaitTime - 1} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			began := time.Now()
			require.Nil(t, m.waitOf(ctx, k, "queue", m.Now().Add(time.Hour)))
			cancel()
			require.Equal(t, min(calls+1, 2), network.calls)
			require.Equal(t, calls < 2, time.Since(began) > 0)
		}
	})
}
