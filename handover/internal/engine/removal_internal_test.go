package engine

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
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

// TestALaneIsNotFreeUntilItsOutcomeIsStored checks an effect whose outcome is settled by removing
// the record, while the store fails. The lane is not free until the removal is done. Otherwise
// another worker would perform in it at the same time.
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

// TestOutcomeOfARemovedRecordSettlesNothing checks a process that does not run during an effect,
// while the record is removed and created again. Its outcome belongs to the removed record,
// although the numbers of the entries are the same.
func TestOutcomeOfARemovedRecordSettlesNothing(t *testing.T) {
	t.Parallel()
	now := noon()
	m := replicaAt(func() time.Time { return now.Std() })
	m.config.Store, m.locks, m.log = newMapStore(), newLocks(), slog.New(slog.DiscardHandler)
	m.running, m.config.Channel.ID = false, "shop" // it performs nothing
	k := machine.Key{Channel: "shop", Customer: "customer"}
	begins := func(id string) *record.Record {
		f, err := m.accept(t.Context(), k, func(tx *record.Transaction) error {
			c := machinetest.HandoverIn(machine.StateRequested)
			c.ID, c.Request, c.ConversationID, c.OpeningAcceptedAt = id, id, "", 0
			tx.Begin(c, &record.Opening{Texts: []string{"summary"}})
			return nil
		})
		require.NoError(t, err)
		return f
	}
	before := begins("abcdefghijk2")
	r, err := m.config.Store.Get(t.Context(), k)
	require.NoError(t, err)
	require.NoError(t, m.config.Store.Delete(t.Context(), k, r.Revision))
	now = now.Add(time.Second)
	after := begins("abcdefghijk3")
	require.Equal(t, before.Out.Entries[0].Seq, after.Out.Entries[0].Seq, "or the test looks at nothing")

	m.settle(t.Context(), &record.Job{Key: k, Lane: record.ToGenesys, Record: before, Head: before.Out.Entries[0]}, record.Outcome{Conversation: "of the first life"})
	f, err := m.stored(t.Context(), k)
	require.NoError(t, err)
	require.Len(t, f.Out.Entries, 1)
	require.Empty(t, f.Handover.ConversationID)
}
