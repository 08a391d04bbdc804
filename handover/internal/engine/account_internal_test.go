package engine

import (
	"crypto/sha256"
	"net/http"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/stretchr/testify/require"
)

// spend takes as often as it may and counts.
func spend(a *account.Account, s account.Share) int {
	n := 0
	for a.Take(s) == nil {
		n++
	}
	return n
}

func apiFault(status int) error { return &genesys.Error{Op: "openmessaging.send", StatusCode: status} }

// A new secret gets a new token and not a new budget, and a wrong secret stops no other.
func TestABudgetBelongsToTheOAuthClient(t *testing.T) {
	t.Parallel()
	m := &Manager{Environment: environment.New()}
	m.channels.accounts = map[[sha256.Size]byte]*account.Account{}
	acct := func(r region.Region, id, secret string) *account.Account {
		a, err := m.account(Channel{Region: r, ClientID: id, ClientSecret: secret})
		require.NoError(t, err)
		return a
	}
	one, rotated := acct(region.EUCentral1, "id", "one"), acct(region.EUCentral1, "id", "two")
	require.Same(t, one, acct(region.EUCentral1, "id", "one"))
	require.NotSame(t, one, rotated)
	one.Observe(genesys.Call{RateLimit: genesys.RateLimit{Allowed: 300, Used: 300, Reset: time.Minute}})
	require.Error(t, rotated.Take(account.ShareMessages), "the budget is spent")
	require.NoError(t, acct(region.EUWest1, "id", "one").Take(account.ShareMessages))
	require.NoError(t, acct(region.EUCentral1, "other", "one").Take(account.ShareMessages))

	for range account.BreakerFailures {
		rotated.Judge(apiFault(http.StatusUnauthorized))
	}
	require.Equal(t, account.BreakerFailures, rotated.Broken)
	require.Zero(t, one.Broken)
}
