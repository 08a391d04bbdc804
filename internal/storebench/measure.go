package storebench

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// patience is how long a benchmark waits for a message before it says that it is lost.
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

// spread runs op b.N times, by n workers at once, each with a number of its own. It gives the time from the first to the last,
// and how long each took.
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

// compare runs an operation here and there in turns, so that whatever else the machine does hits both, and reports the ratio
// of the medians.
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

// percentile sorts; it is never 0, so that a ratio has something to divide by.
func percentile(d []time.Duration, p int) time.Duration {
	slices.Sort(d)
	return max(d[(len(d)-1)*p/100], 1)
}
