package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A host that takes no notices for hours does not stop the agent's messages: the oldest notices give way, the end's never.
func TestNoticesGiveWay(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	e.notice(Notice{Kind: NoticeEnded})
	for range 3 * inEntries {
		e.notice(Notice{Kind: NoticeAlerting})
	}
	require.Len(t, e.In.Entries, inEntries)
	comes(e, "hello", time.Second)
	require.Len(t, e.In.Entries, inEntries)
	require.Empty(t, e.Receipts, "not refused")
	require.Equal(t, NoticeEnded, e.In.Entries[0].Notice.Kind)
	require.NotNil(t, e.In.Entries[inEntries-1].Delivery)
}

// The notice that the host is being given just now stays: its outcome is still to be settled.
func TestTheNoticeUnderWayStays(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	for range inEntries {
		e.notice(Notice{Kind: NoticeAlerting})
	}
	head := e.In.Entries[0].Seq
	e.In.Lease = lease{Owner: "somebody", N: 1, Seq: head, Until: e.now.Add(leaseTime)}
	e.notice(Notice{Kind: NoticeDeclined})
	require.Len(t, e.In.Entries, inEntries)
	require.Equal(t, head, e.In.Entries[0].Seq)
}

// What cannot be taken gives way to what can, and keeps its order.
func TestWhatFailsGoesBehind(t *testing.T) {
	t.Parallel()
	const notice, delivery, back = kindNotice, kindDelivery, kindReturn
	for name, c := range map[string]struct {
		kinds []entryKind
		want  []uint64
	}{
		"a notice alone":                    {[]entryKind{notice}, []uint64{1}},
		"notices only":                      {[]entryKind{notice, notice, notice}, []uint64{2, 3, 1}},
		"notices before a message":          {[]entryKind{notice, notice, delivery}, []uint64{3, 1, 2}},
		"a hand-back alone":                 {[]entryKind{back, back}, []uint64{1, 2}},
		"a hand-back before a message":      {[]entryKind{back, delivery, delivery}, []uint64{2, 3, 1}},
		"a hand-back before a later one":    {[]entryKind{back, notice, delivery, back, notice}, []uint64{2, 3, 1, 4, 5}},
		"hand-backs before a later message": {[]entryKind{back, back, delivery}, []uint64{3, 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEdit(fileIn(StateConnected))
			for i, k := range c.kinds {
				e.In.push(entry{Seq: uint64(i + 1), Kind: k})
			}
			e.behind()
			var got []uint64
			size := 0
			for _, x := range e.In.Entries {
				got = append(got, x.Seq)
				size += x.Size
			}
			require.Equal(t, c.want, got)
			require.Equal(t, size, e.In.Bytes)
		})
	}
}
