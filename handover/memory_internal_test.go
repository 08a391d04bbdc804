package handover

import (
	"encoding/binary"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMemoryFormat(t *testing.T) {
	t.Parallel()
	var m memory
	m.remember("a", toAgent, noon())
	require.Len(t, m, 12)
	require.Equal(t, uint64(0xca978112ca1bbdca), binary.BigEndian.Uint64(m), "the first 8 bytes of SHA-256(id)")
	minute := uint32(noon().Unix() / 60) //nolint:gosec // of 2026
	require.Equal(t, minute<<4|uint32(toAgent), binary.BigEndian.Uint32(m[8:]))
}

func TestMemoryRecalls(t *testing.T) {
	t.Parallel()
	var m memory
	require.Equal(t, unheard, m.recall("a"))
	m.remember("a", heard, noon())
	m.remember("b", toAgent, noon())
	require.Equal(t, heard, m.recall("a"))
	require.Equal(t, toAgent, m.recall("b"))
	require.Equal(t, unheard, m.recall("c"))
	m.remember("a", toAgent, noon())
	require.Equal(t, toAgent, m.recall("a"), "the newest counts")
}

// The newest 128 each way, none younger than 15 min dropped below 512.
func TestMemoryKeeps(t *testing.T) {
	t.Parallel()
	fill := func(n int, every time.Duration) memory {
		var m memory
		for i := range n {
			m.remember(strconv.Itoa(i), heard, noon().Add(time.Duration(i)*every))
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
				require.Equal(t, heard, m.recall(strconv.Itoa(i)))
			}
			if test.n > test.kept+30 {
				require.Equal(t, unheard, m.recall("0"))
			}
		})
	}
}

func TestMinutesOfAnyTime(t *testing.T) {
	t.Parallel()
	require.Zero(t, minuteOf(time.Time{}))
	require.Zero(t, minuteOf(time.Unix(0, 0)))
	require.Equal(t, uint32(1), minuteOf(time.Unix(60, 0)))
}
