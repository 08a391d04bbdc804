package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/handover/internal/recordtest"
	"github.com/stretchr/testify/require"
)

// A lease of this process without a worker is over before it expires. Its entry belongs to an ended
// session, so the opening of the next session is sent first.
func TestUnusedLeaseIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, _ := crowded(t, 0)
		m.running = true
		f := recordtest.RecordIn(machine.StateRequested)
		f.Handover.OpeningTriedAt, f.Handover.OpeningAcceptedAt, f.Handover.ConversationID = 0, 0, ""
		now := machine.TimeOf(time.Now())
		left := record.Entry{Seq: f.NextSeq(), Kind: "left", Handover: "zyxwvutsrqp2", At: now, HostID: "zyxwvutsrqp2", Text: "bye"}
		f.Out.Push(left)
		opening, err := record.Request{ID: "request", Summary: "summary"}.Opening([]string{"summary"}, "customer")
		require.NoError(t, err)
		f.Out.Push(record.Entry{Seq: f.NextSeq(), Kind: record.KindOpen, Handover: f.Handover.ID, At: now, HostID: "request", Opening: opening})
		f.Out.Lease = record.Lease{Owner: m.owner, N: 1, Seq: left.Seq, Until: now.Add(record.LeaseTime)}
		r, err := f.Encode(f.Handover.Key, 1)
		require.NoError(t, err)
		require.NoError(t, m.config.Store.Put(t.Context(), r, 0))

		turn, err := m.Forward(t.Context(), f.Handover.Key, record.Message{ID: "m1", Text: "hello"})
		require.NoError(t, err)
		require.Equal(t, machine.TurnAgent, turn)
		r, err = m.config.Store.Get(t.Context(), f.Handover.Key)
		require.NoError(t, err)
		f, err = record.Decode(r)
		require.NoError(t, err)
		require.Equal(t, uint64(2), f.Out.Lease.Seq, "the opening is being sent")
		synctest.Wait()
	})
}

// A message counts as accepted at the latest in the second of the Date, and when the answer
// arrived.
func TestAcceptedInTheSecondOfTheDate(t *testing.T) {
	t.Parallel()
	date := noon()
	clock := machine.Clock{Ahead: time.Second}
	arrived := noon().Add(-800 * time.Millisecond) // 0.2 s after the Date
	require.Equal(t, date.Add(200*time.Millisecond), acceptedAt(date, clock, arrived))
	require.Equal(t, date.Add(machine.DateStep), acceptedAt(date, clock, arrived.Add(time.Second)))
	require.Equal(t, date, acceptedAt(date, clock, arrived.Add(-time.Second)), "the clocks of servers differ a little")
	clock.Unmeasured = true
	require.Equal(t, date.Add(machine.DateStep), acceptedAt(date, clock, arrived))
}
