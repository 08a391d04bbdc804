package record

import (
	"encoding/binary"
	"strconv"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

func TestMemoryFormat(t *testing.T) {
	t.Parallel()
	var m memory
	m.Remember("a", forwardedID, noon())
	require.Len(t, m, 12)
	require.Equal(t, uint64(0xca978112ca1bbdca), binary.BigEndian.Uint64(m), "the first 8 bytes of SHA-256(id)")
	minute := uint32(noon().Std().Unix() / 60) //nolint:gosec // of 2026
	require.Equal(t, minute<<6|uint32(forwardedID), binary.BigEndian.Uint32(m[8:]))
	m.RememberOf("b", fetchedID, 7, noon())
	require.Equal(t, minute<<6|7<<2|uint32(fetchedID), binary.BigEndian.Uint32(m[20:]))
	m.finish("b")
	require.Equal(t, minute<<6|1<<5|7<<2|uint32(fetchedID), binary.BigEndian.Uint32(m[20:]))
}

func TestMemoryRecalls(t *testing.T) {
	t.Parallel()
	var m memory
	require.Equal(t, UnknownID, m.Recall("a"))
	m.Remember("a", ReceivedID, noon())
	m.Remember("b", forwardedID, noon())
	require.Equal(t, ReceivedID, m.Recall("a"))
	require.Equal(t, forwardedID, m.Recall("b"))
	require.Equal(t, UnknownID, m.Recall("c"))
	m.Remember("a", forwardedID, noon())
	require.Equal(t, forwardedID, m.Recall("a"), "the newest counts")
	at, ok := m.minute("b")
	require.True(t, ok)
	require.Equal(t, noon().Truncate(time.Minute), at)
	m.RememberOf("d", fetchedID, 5, noon())
	m.finish("d")
	m.finish("unknown")
	require.Equal(t, 5, m.identityOf("d"))
	require.Equal(t, []bool{true, false, false}, []bool{m.final("d"), m.final("a"), m.final("unknown")})
	require.Equal(t, fetchedID, m.Recall("d"))
}

// TestMemoryKeeps checks that the memory keeps the newest 128 ids in each direction, and below 512
// all that are younger than 15 minutes.
func TestMemoryKeeps(t *testing.T) {
	t.Parallel()
	fill := func(n int, every time.Duration) memory {
		var m memory
		for i := range n {
			m.Remember(strconv.Itoa(i), ReceivedID, noon().Add(time.Duration(i)*every))
		}
		return m
	}
	for name, test := range map[string]struct {
		n     int
		every time.Duration
		kept  int
	}{
		"few and old":       {100, time.Hour, 100},
		"many and old":      {1000, time.Hour, 128},
		"many and young":    {500, time.Millisecond, 500},
		"too many":          {1000, time.Millisecond, 512},
		"15 minutes of 2 s": {2000, 2 * time.Second, 15*30 + 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := fill(test.n, test.every)
			require.InDelta(t, test.kept, len(m)/markSize, 30, "minutes are whole")
			for i := test.n - min(test.kept, test.n, 450); i < test.n; i++ {
				require.Equal(t, ReceivedID, m.Recall(strconv.Itoa(i)))
			}
			if test.n > test.kept+30 {
				require.Equal(t, UnknownID, m.Recall("0"))
			}
		})
	}
}

func TestMinutesOfAnyTime(t *testing.T) {
	t.Parallel()
	require.Zero(t, minuteOf(0))
	require.Zero(t, minuteOf(machine.TimeOf(time.Unix(0, 0))))
	require.Equal(t, uint32(1), minuteOf(machine.TimeOf(time.Unix(60, 0))))
}

// TestMemoryReplaces checks that a new verdict takes the place of the old one, and that the memory
// does not grow.
func TestMemoryReplaces(t *testing.T) {
	t.Parallel()
	var m memory
	m.Remember("a", forwardedID, noon())
	m.Remember("b", forwardedID, noon())
	m.replace("a", returnedID, noon().Add(time.Minute))
	require.Len(t, m, 2*markSize)
	require.Equal(t, returnedID, m.Recall("a"))
	require.Equal(t, forwardedID, m.Recall("b"))
}

// TestATranscriptDoesNotFillTheMemory checks that a long transcript leaves room for the ids of
// stored messages.
func TestATranscriptDoesNotFillTheMemory(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	say(t, tx, "stored")
	ids := make([]string, 2*mostMarks)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	tx.rememberTranscript(ids)
	require.Equal(t, forwardedID, tx.ForwardedIDs.Recall("stored"))
	require.Equal(t, transcriptID, tx.ForwardedIDs.Recall(ids[len(ids)-1]))
	require.Equal(t, UnknownID, tx.ForwardedIDs.Recall(ids[0]))
}
