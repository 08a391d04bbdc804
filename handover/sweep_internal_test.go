package handover

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/region"
)

// crowded is a Manager that does not run, on a store with open sessions whose polls are a minute off.
func crowded(t *testing.T, n int, with ...func(*Config)) (*Manager, *account) {
	t.Helper()
	c := Config{
		Channel: Channel{
			ID: "shop", Region: region.EUCentral1, ClientID: "client", ClientSecret: NewSecret("secret"), AgentQueue: "Agents",
			IntegrationID: "9b1d3c5e-0000-4000-8000-000000000001", WebhookSecrets: []Secret{NewSecret("0123456789abcdef")},
		},
		Deliver: func(context.Context, Delivery) error { return nil }, Return: func(context.Context, Return) error { return nil },
		Store: NewMemoryStore(),
	}
	for _, f := range with {
		f(&c)
	}
	m, err := New(c)
	require.NoError(t, err)
	for i := range n {
		f := fileIn(StateConnected)
		f.Now.Key.Customer = fmt.Sprintf("c%04d", i)
		f.Now.ConversationID = fmt.Sprint("conversation ", i)
		f.Now.PollAt, f.Now.Poll, f.Now.ReadAt = time.Now().Add(time.Minute).UTC(), true, time.Time{}
		r, err := f.encode(f.Now.Key, 1)
		require.NoError(t, err)
		require.NoError(t, m.config.Store.Put(t.Context(), r, 0))
	}
	k, err := m.channel(t.Context(), "shop")
	require.NoError(t, err)
	return m, k.account
}

// A source that comes and goes sweeps each minute. That must not spend the slots of polls that nobody makes.
func TestSweepsSpendNoSlotsInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, a := crowded(t, 500)
		for range 30 {
			require.NoError(t, m.Recheck(t.Context(), ""))
			time.Sleep(sweepPause)
		}
		require.Less(t, a.pollSlot(time.Now()).Sub(time.Now()), 10*time.Minute)
	})
}
