package storebench

import (
	"strings"
	"testing"

	"github.com/genesyshandover/genesyshandover/handover"
)

const (
	someMessages = 20
	manyMessages = 400 // all memories of ids are full by then
)

// typical returns a record as a Manager stores it while customer and agent talk.
func typical(tb testing.TB) handover.Record {
	tb.Helper()
	return recordOf(tb, someMessages/2)
}

// recordOf returns the record of a session after that many messages in each direction.
func recordOf(tb testing.TB, each int) handover.Record {
	tb.Helper()
	d := openDesk(tb, handover.NewMemoryStore(), 1)
	for range each {
		for _, way := range []direction{d.toAgent, d.toCustomer} {
			if err := way(tb.Context(), d.customers[0]); err != nil {
				tb.Fatal(err)
			}
		}
	}
	d.stop()
	return d.record(tb)
}

// full returns a record with full lanes, as when Genesys and the host's channel are both down.
func full(tb testing.TB) handover.Record {
	tb.Helper()
	d := newDesk(tb, handover.NewMemoryStore(), 1) // it does not run, so nothing leaves the lanes
	c := d.customers[0]
	if _, err := d.manager.HandOver(tb.Context(), c.key, handover.Request{ID: "r1", Summary: "s"}); err != nil {
		tb.Fatal(err)
	}
	for range 20 { // more than both lanes take; the Manager refuses the rest
		if err := d.receive(tb.Context(), c, strings.Repeat("a", 40_000)); err != nil {
			tb.Fatal(err)
		}
		_ = d.forward(tb.Context(), c, strings.Repeat("c", 40_000))
	}
	return d.record(tb)
}

func (d *desk) record(tb testing.TB) handover.Record {
	tb.Helper()
	r, err := d.store.Get(tb.Context(), d.customers[0].key)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// records measures reading and updating by size.
func records(b *testing.B, open func(testing.TB) handover.Store) {
	b.Helper()
	s := open(b)
	for _, r := range []struct {
		name   string
		record handover.Record
	}{{"Fresh", recordOf(b, 0)}, {"After20", typical(b)}, {"After400", recordOf(b, manyMessages/2)}, {"Full", full(b)}} {
		c := &chain{store: s, next: like(r.record, r.name)}
		b.Run(r.name, func(b *testing.B) {
			for b.Loop() {
				if err := c.put(b.Context()); err != nil {
					b.Fatal(err)
				}
				if _, err := s.Get(b.Context(), c.next.Key); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(r.record.Data)), "record-B")
		})
	}
}
