package engine

import (
	"log/slog"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/stretchr/testify/require"
)

// A process does not run during an effect, while the record is removed and created again. Its
// outcome belongs to the removed record, although the numbers of the entries are the same.
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
