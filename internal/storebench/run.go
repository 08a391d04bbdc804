package storebench

import (
	"context"
	"errors"
	"iter"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A Seeder is a store that stores many new records at once, in one transaction or pipeline. It is
// optional: without it, many writers put the sleeping sessions one by one, which takes minutes if
// each commit waits for a disk.
type Seeder interface {
	Seed(ctx context.Context, records iter.Seq[handover.Record]) error
}

// Run runs all benchmarks. Each call of open must return a new, empty store, which tb.Cleanup
// removes.
func Run(b *testing.B, open func(tb testing.TB) handover.Store) {
	b.Helper()
	n := sizes{customers: size(b, "STOREBENCH_CUSTOMERS", 64), sessions: size(b, "STOREBENCH_SESSIONS", 100_000)}
	b.Run("Raw", func(b *testing.B) { raw(b, open, n) })
	b.Run("Relay", func(b *testing.B) { relay(b, open, n) })
	b.Run("Fake", func(b *testing.B) { fake(b, open) })
	b.Run("Sleeping", func(b *testing.B) { sleeping(b, open, n) })
	b.Run("Record", func(b *testing.B) { records(b, open) })
}

type sizes struct{ customers, sessions int }

const fewSessions = 100

func size(tb testing.TB, name string, standard int) int {
	tb.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		tb.Fatalf("%s is %q: set a whole number above 0", name, text)
	}
	return n
}

// patience is how long a benchmark waits for a message before it reports it as lost.
const patience = time.Minute

var errLost = errors.New("storebench: a message did not arrive within a minute")

// arrived waits for a signal.
func arrived(signal <-chan struct{}) error {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-signal:
		return nil
	case <-t.C:
		return errLost
	}
}

// spread runs op b.N times with n concurrent workers, which are numbered. It returns the total
// duration and that of each op.
func spread(b *testing.B, n int, op func(worker int) error) (time.Duration, []time.Duration) {
	b.Helper()
	turns, errs, each := make(chan int), make(chan error, n), make([][]time.Duration, n)
	var all sync.WaitGroup
	for worker := range n {
		all.Go(func() {
			for range turns {
				began := time.Now()
				if err := op(worker); err != nil {
					errs <- err
					return
				}
				each[worker] = append(each[worker], time.Since(began))
			}
		})
	}
	began := time.Now()
	for i := 0; b.Loop(); i++ {
		select {
		case turns <- i:
		case err := <-errs:
			b.Fatal(err)
		}
	}
	close(turns)
	all.Wait()
	took := time.Since(began)
	select {
	case err := <-errs:
		b.Fatal(err)
	default:
	}
	return took, slices.Concat(each...)
}

// compare alternates between two operations, so that other load on the machine affects both, and
// reports the ratio of the medians.
func compare(b *testing.B, here, there func(i int) error) {
	b.Helper()
	var few, many []time.Duration
	for i := 0; b.Loop(); i++ {
		few, many = append(few, timed(b, here, i)), append(many, timed(b, there, i))
	}
	b.ReportMetric(float64(median(few)), "ns/few")
	b.ReportMetric(float64(median(many)), "ns/many")
	b.ReportMetric(float64(median(many))/float64(median(few)), "ratio")
}

func timed(b *testing.B, op func(i int) error, i int) time.Duration {
	b.Helper()
	began := time.Now()
	if err := op(i); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

func median(d []time.Duration) time.Duration { return percentile(d, 50) }

// percentile sorts d. The result is at least 1, so that it can be a divisor.
func percentile(d []time.Duration, p int) time.Duration {
	slices.Sort(d)
	return max(d[(len(d)-1)*p/100], 1)
}
