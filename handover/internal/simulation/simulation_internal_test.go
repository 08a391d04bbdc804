package simulation

import (
	"flag"
	"hash/fnv"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

//nolint:gochecknoglobals // flags
var (
	flagSeeds  = flag.Int("seeds", 0, "how many seeds TestSimulation runs; 0: the default")
	flagSeed   = flag.Uint64("seed", 1, "the first seed")
	flagOnly   = flag.String("only", "", "reduce the plan of the seed; a failure prints the value")
	flagWith   = flag.String("with", "", "skip the seeds whose plans do not have all of these, such as sluggish,eager,habit=cut")
	flagEvery  = flag.Bool("every", false, "list every seed that fails, without a trace, instead of stopping at the first")
	flagShrink = flag.Bool("shrink", true, "reduce the history that fails, and trace it")
	flagTrace  = flag.Bool("trace", false, "print the trace of each seed")
)

// TestMain collects garbage less often, because a history makes much garbage and keeps little.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

func seeds() int {
	switch {
	case *flagSeeds > 0:
		return *flagSeeds
	case testing.Short():
		return defaultSeeds / 10
	default:
		return defaultSeeds
	}
}

// TestSimulation checks the invariants in many histories.
func TestSimulation(t *testing.T) {
	t.Parallel()
	var next atomic.Uint64
	var once sync.Once
	var first atomic.Pointer[failure]
	next.Store(*flagSeed)
	last := *flagSeed + uint64(seeds()) //nolint:gosec // positive
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := next.Add(1) - 1; seed < last && first.Load() == nil; seed = next.Add(1) - 1 {
				p := newPlan(seed)
				if !p.hasAll(*flagWith) {
					continue
				}
				if err := p.cut(*flagOnly); err != nil {
					t.Error(err)
					return
				}
				f, trace := simulate(p, plantedBug{}, *flagTrace)
				for _, l := range trace {
					t.Log(l)
				}
				switch {
				case f == nil:
				case *flagEvery:
					t.Errorf("seed %d: %s: %s", f.plan.seed, f.invariant, f.detail)
				default:
					once.Do(func() { first.Store(f) })
				}
			}
		})
	}
	wg.Wait()
	if f := first.Load(); f != nil {
		if !*flagShrink {
			t.Fatalf("seed %d: %s: %s", f.plan.seed, f.invariant, f.detail)
		}
		t.Fatal(shrink(f, plantedBug{}))
	}
}

// TestSameSeedSameHistory: a seed always has the same trace.
func TestSameSeedSameHistory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		once, again := history(seed), history(seed)
		require.Equal(t, once, again, "seed %d", seed)
		require.NotEqual(t, once, history(seed+1000))
	}
}

func history(seed uint64) uint64 {
	_, trace := simulate(newPlan(seed), plantedBug{}, true)
	h := fnv.New64a()
	for _, l := range trace {
		_, _ = io.WriteString(h, l.String()+"\n")
	}
	return h.Sum64()
}
