package handover

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/region"
)

// undeletable is a store that deletes nothing.
type undeletable struct{ Store }

func (undeletable) Delete(context.Context, Key, uint64) error { return errors.New("down") }

// The outcome of an effect is settled by removing the record, and the store fails: the lane is not free until that is done, or
// somebody else performs in it beside.
func TestALaneIsNotFreeUntilItsOutcomeIsStored(t *testing.T) {
	t.Parallel()
	store := undeletable{NewMemoryStore()}
	m, err := New(Config{
		Channel: Channel{
			ID: "shop", Region: region.EUWest1, ClientID: "id", ClientSecret: NewSecret("secret"), IntegrationID: "integration",
			WebhookSecrets: []Secret{NewSecret("0123456789abcdef")}, AgentQueue: "agents",
		},
		Store: store, Deliver: func(context.Context, Delivery) error { return nil }, Return: func(context.Context, Return) error { return nil },
	})
	require.NoError(t, err)
	k := Key{Channel: "shop", Customer: "customer"}
	f := fileIn(StateEnded)
	f.Now.HandedBack, f.Forget = true, ago(0)
	r, err := f.encode(k, 1)
	require.NoError(t, err)
	require.NoError(t, store.Put(t.Context(), r, 0))

	j := &job{key: k, lane: toHost, file: f}
	m.busy[busyLane{k, toHost}] = true
	_, err = m.tryEdit(t.Context(), k, j, func(*edit) error { return nil })
	require.ErrorContains(t, err, "down")
	require.True(t, m.busy[busyLane{k, toHost}])
	require.False(t, j.left)
}
