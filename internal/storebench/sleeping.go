package storebench

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

const (
	seeders = 64
	dueOnce = 64 // the page size of a Manager
)

// A place is a store with sleeping sessions and with the records and the desk that are measured.
type place struct {
	store handover.Store
	due   []*chain
	desk  *desk
}

// sleeping compares a store with few sleeping sessions with one that has many.
func sleeping(b *testing.B, open func(testing.TB) handover.Store, n sizes) {
	b.Helper()
	sample := typical(b)
	few, _ := settled(b, open(b), sample, fewSessions)
	many, heap := settled(b, open(b), sample, n.sessions)
	both := func(name string, op func(*place, context.Context, int) error) {
		b.Run(name, func(b *testing.B) {
			compare(b, func(i int) error { return op(few, b.Context(), i) }, func(i int) error { return op(many, b.Context(), i) })
			b.ReportMetric(heap, "heap-B/session")
		})
	}
	both("Get", (*place).get)
	both("Find", (*place).find)
	both("Put", (*place).put)
	both("Due", (*place).look)
	for _, p := range []*place{few, many} {
		p.converse(b)
	}
	both("Message", (*place).message)
}

// settled seeds a store and adds some records that are due. It also returns the heap size of one
// session, which is near zero unless the store is in memory.
func settled(b *testing.B, s handover.Store, sample handover.Record, sessions int) (*place, float64) {
	b.Helper()
	before := heap()
	if err := seed(b.Context(), s, asleep(sample, sessions), sessions); err != nil {
		b.Fatal(err)
	}
	each := (heap() - before) / float64(sessions)
	p := &place{store: s}
	for i := range dueOnce {
		r := like(sample, "due-"+strconv.Itoa(i))
		p.due = append(p.due, &chain{store: s, next: r})
	}
	if err := p.wake(b.Context()); err != nil {
		b.Fatal(err)
	}
	return p, each
}

// asleep returns n sessions that are not due for weeks.
func asleep(sample handover.Record, n int) iter.Seq[handover.Record] {
	return func(yield func(handover.Record) bool) {
		for i := range n {
			r := like(sample, fmt.Sprintf("%08d", i))
			r.Key.Channel, r.ConversationID = "asleep", "asleep-"+strconv.Itoa(i)
			r.WakeAt = far(i * 7919 % n)
			if !yield(r) {
				return
			}
		}
	}
}

// seed stores new records, all at once if the store is a Seeder, otherwise with many writers.
func seed(ctx context.Context, s handover.Store, records iter.Seq[handover.Record], n int) error {
	if bulk, ok := s.(Seeder); ok {
		return bulk.Seed(ctx, records)
	}
	todo, errs := make(chan handover.Record), make(chan error, seeders)
	var all sync.WaitGroup
	for range min(seeders, n) {
		all.Go(func() {
			var failed error
			for r := range todo {
				if failed == nil {
					failed = s.Put(ctx, r, 0)
				}
			}
			errs <- failed
		})
	}
	for r := range records {
		todo <- r
	}
	close(todo)
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// heap returns the bytes in use after garbage collection.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // frees what finalizers kept
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// wake makes the records of due due.
func (p *place) wake(ctx context.Context) error {
	for i, c := range p.due {
		if err := p.move(ctx, c, time.UnixMicro(int64(i)+1).UTC()); err != nil {
			return err
		}
	}
	return nil
}

func (p *place) move(ctx context.Context, c *chain, at time.Time) error {
	c.next.WakeAt = at
	if err := p.store.Put(ctx, c.next, c.prev); err != nil {
		return err
	}
	c.prev = c.next.Revision
	c.next.Revision++
	return nil
}

// converse opens a desk. It first removes the due records, because the Manager would work on them.
func (p *place) converse(b *testing.B) {
	b.Helper()
	for _, c := range p.due {
		if err := p.store.Delete(b.Context(), c.next.Key, c.prev); err != nil {
			b.Fatal(err)
		}
	}
	p.desk = openDesk(b, p.store, 1)
}

func (p *place) get(ctx context.Context, i int) error {
	_, err := p.store.Get(ctx, p.due[i%len(p.due)].next.Key)
	return err
}

func (p *place) find(ctx context.Context, i int) error {
	r := p.due[i%len(p.due)].next
	_, err := p.store.Find(ctx, r.Key.Channel, r.ConversationID)
	return err
}

// put moves a record from the end of the order of Due to its beginning, or back.
func (p *place) put(ctx context.Context, i int) error {
	return p.move(ctx, p.due[i/2%len(p.due)], []time.Time{far(i), time.UnixMicro(int64(i) + 1).UTC()}[i%2])
}

// look reads the due records.
func (p *place) look(ctx context.Context, _ int) error {
	due, err := p.store.Due(ctx, handover.DueQuery{Now: time.Now(), Limit: dueOnce})
	if err == nil && len(due) < dueOnce-1 { // Put may have left one asleep
		err = fmt.Errorf("storebench: %d records are due, %d expected", len(due), dueOnce)
	}
	return err
}

// message relays a message and waits until its outcome is stored.
func (p *place) message(ctx context.Context, _ int) error {
	before := p.desk.store.puts.Load()
	if err := p.desk.toAgent(ctx, p.desk.customers[0]); err != nil {
		return err
	}
	return p.desk.store.reach(before + 2)
}
