package simulation

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A store is what all replicas share: it compares, and remembers what was, for those who read it late.
type store struct {
	w     *world
	cells map[handover.Key]*cell
	order []handover.Key
}

// A cell is one key. There is one as soon as anything was put.
type cell struct {
	version
	past []version // newest last
}

type version struct {
	record handover.Record
	file   *view // of record; nil: there is none
	until  time.Duration
}

// connected reports whether an agent has the customer, in the conversation that is known.
func (c *cell) connected() bool {
	return c.file != nil && c.file.Now != nil && c.file.Now.State == handover.StateConnected && c.file.Now.MovedTo == ""
}

const (
	keptVersions = 4
	oldest       = 2 * time.Second // of what a store may still show
)

func newStore(w *world) *store { return &store{w: w, cells: map[handover.Key]*cell{}} }

// put compares and stores.
func (s *store) put(r *replica, record handover.Record, prev uint64) error {
	c := s.cells[record.Key]
	if c == nil {
		c = &cell{}
		s.cells[record.Key] = c
		s.order = append(s.order, record.Key)
	}
	if c.record.Revision != prev {
		return handover.ErrConflict
	}
	record.Data = slices.Clone(record.Data)
	s.move(c, version{record: record, file: s.w.read(record)})
	if isReserved(record.Key) {
		s.w.heldBy(record)
		return nil
	}
	s.w.ledger.stored(r, c.past[len(c.past)-1], c.version)
	return nil
}

func (s *store) delete(r *replica, k handover.Key, prev uint64) error {
	c := s.cells[k]
	if c == nil || c.file == nil {
		return nil
	}
	if c.record.Revision != prev {
		return handover.ErrConflict
	}
	s.move(c, version{})
	s.w.ledger.removed(r, k, c.past[len(c.past)-1])
	return nil
}

func (s *store) move(c *cell, next version) {
	c.until = s.w.now
	c.past = append(c.past, c.version)
	if len(c.past) > keptVersions {
		c.past = slices.Delete(c.past, 0, 1)
	}
	c.version = next
}

// shown is what a read gives: what is, or now and then what was.
func (s *store) shown(r *replica, k handover.Key) version {
	c := s.cells[k]
	if c == nil {
		return version{}
	}
	if len(c.past) > 0 && s.w.happens(faultOld) {
		if v := c.past[s.w.chaos.IntN(len(c.past))]; s.w.now-v.until < oldest {
			s.w.tell(k.Customer, "%s is shown an old record", r.name)
			r.w.ledger.stale(r.w.current)
			return v
		}
	}
	return c.version
}

// last is the conversation of a customer's last session, and when that began.
func (s *store) last(k handover.Key) (conversation string, began time.Duration) {
	c := s.cells[k]
	if c == nil || c.file == nil || c.file.Now == nil {
		return "", never
	}
	return c.file.Now.Conversation, c.file.Now.Started.Sub(epoch)
}

// unrest is the first key with something left to do, and what.
func (s *store) unrest() (handover.Key, string) {
	for _, k := range s.order {
		if f := s.cells[k].file; f != nil {
			if why := f.work(); why != "" {
				return k, why + "\n" + string(s.cells[k].record.Data)
			}
		}
	}
	return handover.Key{}, ""
}

// A replicaStore is the store as one replica reaches it.
type replicaStore struct{ r *replica }

// slow is what a call takes.
func (s *replicaStore) slow() time.Duration {
	w := s.r.w
	if w.happens(faultSlow) {
		return w.chaos.between(time.Second, 6*time.Second)
	}
	return w.chaos.between(50*time.Microsecond, 5*time.Millisecond)
}

// before and after are the two halves of a call: in each the process may die.
func (s *replicaStore) before(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.takes(ctx, s.slow()); err != nil {
		return err
	}
	if s.r.w.happens(faultFails) {
		return errStore
	}
	return nil
}

func (s *replicaStore) after(ctx context.Context) error { return s.takes(ctx, s.slow()/4) }

// takes lets time pass, as long as the caller has it.
func (s *replicaStore) takes(ctx context.Context, d time.Duration) error {
	d, late := s.r.within(ctx, d)
	switch {
	case !s.r.point(d):
		return errDead
	case late:
		return context.DeadlineExceeded
	}
	return nil
}

// Get implements handover.Store.
func (s *replicaStore) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	if err := s.before(ctx); err != nil {
		return handover.Record{}, err
	}
	return s.give(ctx, s.r.w.store.shown(s.r, k))
}

func (s *replicaStore) give(ctx context.Context, v version) (handover.Record, error) {
	if v.file == nil {
		return handover.Record{}, handover.ErrNotFound
	}
	if err := s.after(ctx); err != nil {
		return handover.Record{}, err
	}
	v.record.Data = slices.Clone(v.record.Data)
	return v.record, nil
}

// Find implements handover.Store.
func (s *replicaStore) Find(ctx context.Context, conversation string) (handover.Record, error) {
	if err := s.before(ctx); err != nil {
		return handover.Record{}, err
	}
	for _, k := range s.r.w.store.order {
		if v := s.r.w.store.shown(s.r, k); v.file != nil && v.record.ConversationID == conversation && conversation != "" {
			return s.give(ctx, v)
		}
	}
	return handover.Record{}, handover.ErrNotFound
}

// Put implements handover.Store.
func (s *replicaStore) Put(ctx context.Context, record handover.Record, prev uint64) error {
	if err := s.before(ctx); err != nil {
		return err
	}
	record = s.r.written(record)
	if err := s.r.w.store.put(s.r, record, prev); err != nil {
		s.r.w.tell(record.Key.Customer, "%s put %d after %d: %v", s.r.name, record.Revision, prev, err)
		return err
	}
	return s.stored(ctx)
}

// stored: it is done, whatever the caller hears of it.
func (s *replicaStore) stored(ctx context.Context) error {
	if err := s.after(ctx); err != nil {
		return err
	}
	if s.r.w.happens(faultUnknown) {
		return errStore
	}
	return nil
}

// Delete implements handover.Store.
func (s *replicaStore) Delete(ctx context.Context, k handover.Key, prev uint64) error {
	if err := s.before(ctx); err != nil {
		return err
	}
	if err := s.r.w.store.delete(s.r, k, prev); err != nil {
		return err
	}
	return s.stored(ctx)
}

// Due implements handover.Store.
func (s *replicaStore) Due(ctx context.Context, now time.Time, limit int) ([]handover.Record, error) {
	if err := s.before(ctx); err != nil {
		return nil, err
	}
	var due []handover.Record
	for _, k := range s.r.w.store.order {
		v := s.r.w.store.shown(s.r, k)
		if v.file != nil && !v.record.WakeAt.IsZero() && !v.record.WakeAt.After(now) {
			due = append(due, v.record)
		}
	}
	slices.SortStableFunc(due, func(a, b handover.Record) int { return a.WakeAt.Compare(b.WakeAt) })
	return due[:min(len(due), limit)], nil
}

// All implements handover.Store.
func (s *replicaStore) All(ctx context.Context, channel string) iter.Seq2[handover.Record, error] {
	return func(yield func(handover.Record, error) bool) {
		for _, k := range slices.Clone(s.r.w.store.order) {
			if channel != "" && k.Channel != channel {
				continue
			}
			record, err := s.Get(ctx, k)
			if err == handover.ErrNotFound { //nolint:errorlint // our own, unwrapped
				continue
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}
