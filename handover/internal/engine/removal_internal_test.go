package engine

import (
	"context"
	"errors"
	"testing"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/handover/internal/recordtest"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/stretchr/testify/require"
)

// shopOn is a Manager with one channel, on a store.
func shopOn(s Store) *Manager {
	return New(Config{
		Channel: Channel{
			ID: "shop", Region: region.EUWest1, ClientID: "id", ClientSecret: "secret", IntegrationID: "integration",
			WebhookSecrets: []string{"0123456789abcdef"}, AgentQueue: "agents",
		},
		Store: s, Deliver: func(context.Context, record.Delivery) error { return nil }, Return: func(context.Context, record.Return) error { return nil },
	}, environment.New())
}

// undeletable is a store that deletes nothing.
type undeletable struct{ Store }

func (undeletable) Delete(context.Context, machine.Key, uint64) error { return errors.New("down") }

// The outcome of an effect is settled by removing the record, and the store fails. The lane is not
// free until the removal is done. Otherwise another worker would perform in it at the same time.
func TestALaneIsNotFreeUntilItsOutcomeIsStored(t *testing.T) {
	t.Parallel()
	store := undeletable{newMapStore()}
	m := shopOn(store)
	k := machine.Key{Channel: "shop", Customer: "customer"}
	f := recordtest.RecordIn(machine.StateEnded)
	f.Handover.HandedBack, f.Forget = true, ago(0)
	r, err := f.Encode(k, 1)
	require.NoError(t, err)
	require.NoError(t, store.Put(t.Context(), r, 0))

	j := &record.Job{Key: k, Lane: record.ToHost, Record: f}
	m.busy[busyLane{k, record.ToHost}] = true
	_, err = m.tryTransact(t.Context(), k, j, &unknownPuts{}, func(*record.Transaction) error { return nil })
	require.ErrorContains(t, err, "down")
	require.True(t, m.busy[busyLane{k, record.ToHost}])
	require.False(t, j.Left)
}
