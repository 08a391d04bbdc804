package record

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func words(seq uint64, text string) Entry {
	return Entry{Seq: seq, Kind: KindNotice, At: noon(), Notice: &Notice{Detail: text}}
}

func TestLaneKeepsOrderAndBytes(t *testing.T) {
	t.Parallel()
	var l lane
	l.Push(words(1, "first"))
	l.Push(words(3, "third"))
	l.insert(1, words(2, strings.Repeat("second", 100)))
	sum := 0
	for i, x := range l.Entries {
		require.Equal(t, uint64(i+1), x.Seq)
		require.Positive(t, x.Size)
		sum += x.Size
	}
	require.Equal(t, sum, l.Bytes)
	require.Greater(t, l.Entries[1].Size, 600, "the content counts")

	l.Failures, l.NotBefore = 3, noon()
	require.Equal(t, uint64(2), l.remove(1).Seq)
	require.Equal(t, 3, l.Failures, "they are the head's")
	require.Equal(t, uint64(1), l.remove(0).Seq)
	require.Zero(t, l.Failures)
	require.Zero(t, l.NotBefore)
	l.remove(0)
	require.Zero(t, l.Bytes)
	require.Nil(t, l.Entries)
}

func TestLaneBounds(t *testing.T) {
	t.Parallel()
	var l lane
	require.False(t, l.full(1, 1000, 1000))
	require.True(t, l.full(1, 1000, 1001), "too many bytes")
	l.Push(words(1, "first"))
	require.True(t, l.full(1, 1000, 1), "too many entries")
	require.False(t, l.full(2, l.Bytes+1, 1))
	require.True(t, l.full(2, l.Bytes, 1))
}

func TestALeaseIsTakenOverAfterItsGrace(t *testing.T) {
	t.Parallel()
	require.True(t, Lease{}.Free(noon()))
	l := Lease{Owner: "a", Until: noon()}
	require.False(t, l.Free(noon().Add(2*time.Second-time.Microsecond)))
	require.True(t, l.Free(noon().Add(2*time.Second)))
}

func TestWhenAHeadIsReady(t *testing.T) {
	t.Parallel()
	var l lane
	_, ok := l.ready()
	require.False(t, ok)
	require.False(t, l.busy(noon()))
	l.Push(words(1, "first"))
	at, ok := l.ready()
	require.True(t, ok)
	require.Equal(t, noon(), at)
	l.Entries[0].NotBefore = noon().Add(time.Second)
	at, _ = l.ready()
	require.Equal(t, noon().Add(time.Second), at)
	l.NotBefore = noon().Add(time.Minute)
	at, _ = l.ready()
	require.Equal(t, noon().Add(time.Minute), at)
	l.Lease = Lease{Owner: "a", Until: noon(), Seq: 1}
	require.True(t, l.busy(noon()))
	require.False(t, l.busy(noon().Add(3*time.Second)))
	l.Lease.Seq = 9
	require.False(t, l.busy(noon()), "it was claimed for a removed entry")
}

// TestWireTimeNeverRepeatsOrGoesBack checks that a wire time is max(now, last wire time of the
// record + 1 ms), fixed at acceptance.
func TestWireTimeNeverRepeatsOrGoesBack(t *testing.T) {
	t.Parallel()
	var f Record
	require.Equal(t, noon(), f.wireTime(noon().Add(time.Microsecond), 1), "whole milliseconds")
	require.Equal(t, noon().Add(time.Millisecond), f.wireTime(noon(), 3), "three parts take three")
	require.Equal(t, noon().Add(4*time.Millisecond), f.wireTime(ago(time.Hour), 0), "a clock that went back")
	require.Equal(t, noon().Add(5*time.Millisecond), f.wireTime(noon(), 1))
	require.Equal(t, noon().Add(time.Hour), f.wireTime(noon().Add(time.Hour), 1))
}

func TestEntryIDs(t *testing.T) {
	t.Parallel()
	f := Record{Created: 36 * 36}
	require.Equal(t, "abcdefghijk2/1", f.EntryID("abcdefghijk2", f.NextSeq()))
	require.Equal(t, "100/2", f.EntryID("", f.NextSeq()), "without a handover: the revision it was created with, in base 36")
}
