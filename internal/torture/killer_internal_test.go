package torture

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStrikesAreTheSameForOneSeed(t *testing.T) {
	t.Parallel()
	plan := func(seed uint64) []strike {
		return strikes(rand.New(rand.NewPCG(seed, 0)), 50, 3, time.Minute) //nolint:gosec // a test
	}
	first, second := plan(7), plan(7)
	require.Equal(t, first, second)
	require.NotEqual(t, plan(7), plan(8))
	kills, pairs, last := 0, 0, time.Duration(0)
	for _, s := range plan(7) {
		require.GreaterOrEqual(t, s.at, last)
		require.LessOrEqual(t, s.at, time.Minute)
		last = s.at
		kills += len(s.pauses)
		if len(s.pauses) == 2 {
			pairs++
		}
		for _, p := range s.pauses {
			require.GreaterOrEqual(t, p, minPause)
			require.LessOrEqual(t, p, maxPause)
		}
	}
	require.Equal(t, 50, kills)
	require.Positive(t, pairs)
	for _, s := range strikes(rand.New(rand.NewPCG(7, 0)), 20, 1, time.Minute) { //nolint:gosec // a test
		require.Len(t, s.pauses, 1, "there is only one replica")
	}
}
