package record

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

// A host that refuses notices for hours does not block the agent's messages: the oldest notices are
// dropped, that of the end never.
func TestNoticesGiveWay(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notice(Notice{Kind: machine.NoticeEnded})
	for range 3 * inEntries {
		tx.Notice(Notice{Kind: machine.NoticeAlerting})
	}
	require.Len(t, tx.In.Entries, inEntries)
	agentWrites(tx, "hello", time.Second)
	require.Len(t, tx.In.Entries, inEntries)
	require.Empty(t, tx.Receipts, "not refused")
	require.Equal(t, machine.NoticeEnded, tx.In.Entries[0].Notice.Kind)
	require.NotNil(t, tx.In.Entries[inEntries-1].Delivery)
}

// The notice of a running callback remains: its outcome is still to be settled.
func TestTheNoticeUnderWayStays(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	for range inEntries {
		tx.Notice(Notice{Kind: machine.NoticeAlerting})
	}
	head := tx.In.Entries[0].Seq
	tx.In.Lease = Lease{Owner: "somebody", N: 1, Seq: head, Until: tx.Now.Add(LeaseTime)}
	tx.Notice(Notice{Kind: machine.NoticeDeclined})
	require.Len(t, tx.In.Entries, inEntries)
	require.Equal(t, head, tx.In.Entries[0].Seq)
}

// An entry that fails moves behind others, and entries keep their order.
func TestFailedEntryMovesToTheEnd(t *testing.T) {
	t.Parallel()
	const notice, delivery, back = KindNotice, KindDelivery, KindReturn
	for name, c := range map[string]struct {
		kinds []EntryKind
		want  []uint64
	}{
		"a notice alone":                    {[]EntryKind{notice}, []uint64{1}},
		"notices only":                      {[]EntryKind{notice, notice, notice}, []uint64{2, 3, 1}},
		"notices before a message":          {[]EntryKind{notice, notice, delivery}, []uint64{3, 1, 2}},
		"a hand-back alone":                 {[]EntryKind{back, back}, []uint64{1, 2}},
		"a hand-back before a message":      {[]EntryKind{back, delivery, delivery}, []uint64{2, 3, 1}},
		"a hand-back before a later one":    {[]EntryKind{back, notice, delivery, back, notice}, []uint64{2, 3, 1, 4, 5}},
		"hand-backs before a later message": {[]EntryKind{back, back, delivery}, []uint64{3, 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			for i, k := range c.kinds {
				tx.In.Push(Entry{Seq: uint64(i + 1), Kind: k})
			}
			tx.moveBack()
			var got []uint64
			size := 0
			for _, x := range tx.In.Entries {
				got = append(got, x.Seq)
				size += x.Size
			}
			require.Equal(t, c.want, got)
			require.Equal(t, size, tx.In.Bytes)
		})
	}
}
