package handover

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The index returns the same pages as a sorted list, after any additions and removals.
func TestWakeIndex(t *testing.T) {
	t.Parallel()
	random, x := rand.New(rand.NewPCG(1, 2)), wakeIndex{} //nolint:gosec // the same numbers each time
	noon := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	cursor := func() DueCursor {
		return DueCursor{
			WakeAt: noon.Add(time.Duration(random.IntN(20)) * time.Microsecond),
			Key:    Key{Channel: strconv.Itoa(random.IntN(3)), Customer: strconv.Itoa(random.IntN(30))},
		}
	}
	var list []DueCursor
	for range 5_000 {
		c := cursor()
		at, found := slices.BinarySearchFunc(list, c, DueCursor.compare)
		switch {
		case random.IntN(2) == 0:
			x.remove(c) // often one that is not there
			if found {
				list = slices.Delete(list, at, at+1)
			}
		case !found:
			x.add(c)
			list = slices.Insert(list, at, c)
		}
		after, now, limit := cursor(), cursor().WakeAt, random.IntN(40)-1
		var want []Key
		for _, c := range list {
			if c.compare(after) > 0 && !c.WakeAt.After(now) && len(want) < limit {
				want = append(want, c.Key)
			}
		}
		require.Equal(t, want, x.due(after, now, limit))
	}
	require.NotEmpty(t, list)
}
