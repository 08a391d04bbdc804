package storebench

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// rawTime is the minimum duration of measuring the baseline.
const rawTime = 150 * time.Millisecond

// far returns a WakeAt that is not reached during a benchmark.
func far(i int) time.Time {
	return time.Now().Add(1000*time.Hour + time.Duration(i)*time.Second).UTC().Truncate(time.Microsecond)
}

// raw measures the store alone, with records of a Manager.
func raw(b *testing.B, open func(testing.TB) handover.Store, n sizes) {
	b.Helper()
	s := open(b)
	sample := typical(b)
	one := &chain{store: s, next: like(sample, "one")}
	if err := one.put(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Run("Get", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Get(b.Context(), one.next.Key); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Put", func(b *testing.B) {
		for b.Loop() {
			if err := one.put(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("PutOneKey", func(b *testing.B) { contended(b, s, one.next.Key, n.customers) })
	b.Run("PutManyKeys", func(b *testing.B) {
		chains := chainsOf(b, s, sample, n.customers)
		spread(b, len(chains), func(worker int) error { return chains[worker].put(b.Context()) })
	})
}

// contended measures many writers of one key that retry until they succeed; conflicts/op counts the
// retries.
func contended(b *testing.B, s handover.Store, k handover.Key, writers int) {
	b.Helper()
	var conflicts atomic.Int64
	spread(b, writers, func(int) error {
		for {
			r, err := s.Get(b.Context(), k)
			if err != nil {
				return err
			}
			prev := r.Revision
			r.Revision++
			if err = s.Put(b.Context(), r, prev); !errors.Is(err, handover.ErrConflict) {
				return err
			}
			conflicts.Add(1)
		}
	})
	b.ReportMetric(float64(conflicts.Load())/float64(b.N), "conflicts/op")
}

// A chain updates one record repeatedly. It is the only writer of the record.
type chain struct {
	store handover.Store
	next  handover.Record
	prev  uint64
}

// put also changes WakeAt, like each write of a Manager, so that the index of due records changes.
func (c *chain) put(ctx context.Context) error {
	c.next.WakeAt = far(int(c.next.Revision % 64))
	if err := c.store.Put(ctx, c.next, c.prev); err != nil {
		return err
	}
	c.prev = c.next.Revision
	c.next.Revision++
	return nil
}

// like returns a new record with the Data of r under another key.
func like(r handover.Record, customer string) handover.Record {
	r.Key = handover.Key{Channel: "raw", Customer: customer}
	r.ConversationID = "raw-" + customer
	r.Revision = 1
	return r
}

// chainsOf creates n records.
func chainsOf(tb testing.TB, s handover.Store, sample handover.Record, n int) []*chain {
	tb.Helper()
	chains := make([]*chain, n)
	for i := range chains {
		chains[i] = &chain{store: s, next: like(sample, "chain-"+strconv.Itoa(i))}
		if err := chains[i].put(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	return chains
}

// rate returns the updates per second of the bare store with one writer for each chain.
func rate(tb testing.TB, chains []*chain) float64 {
	tb.Helper()
	var all sync.WaitGroup
	var puts atomic.Int64
	errs := make(chan error, len(chains))
	began := time.Now()
	for _, c := range chains {
		all.Go(func() {
			for time.Since(began) < rawTime {
				if err := c.put(tb.Context()); err != nil {
					errs <- err
					return
				}
				puts.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	select {
	case err := <-errs:
		tb.Fatal(err)
	default:
	}
	return float64(puts.Load()) / took.Seconds()
}
