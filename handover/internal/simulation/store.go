package simulation

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/engine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// A store is the store of all replicas. It keeps old versions of records for reads that show an
// earlier state.
type store struct {
	w     *world
	cells map[machine.Key]*cell
	order []machine.Key
}

// A cell holds the versions of one key. It exists from the first Put.
type cell struct {
	version
	past []version // old versions, the newest last
}

type version struct {
	record record.Stored
	view   *view         // of the record, or nil if there is none
	until  time.Duration // when the next version replaced it
}

// connected reports whether an agent is connected to the customer in the known conversation.
func (c *cell) connected() bool {
	return c.view != nil && c.view.Now != nil && c.view.Now.State == machine.StateConnected && c.view.Now.MovedTo == ""
}

const (
	keptVersions = 4
	oldest       = 2 * time.Second // for which a read may show an old version
)

func newStore(w *world) *store { return &store{w: w, cells: map[machine.Key]*cell{}} }

// put compares revisions and stores.
func (s *store) put(r *replica, rec record.Stored, prev uint64) error {
	c := s.cells[rec.Key]
	if c == nil {
		c = &cell{}
		s.cells[rec.Key] = c
		s.order = append(s.order, rec.Key)
	}
	if c.record.Revision != prev {
		return record.ErrConflict
	}
	rec.Data = slices.Clone(rec.Data)
	s.move(c, version{record: rec, view: s.w.read(rec)})
	if record.IsReserved(rec.Key) {
		s.w.socketStored(rec)
		return nil
	}
	s.w.ledger.stored(r, c.past[len(c.past)-1], c.version)
	return nil
}

func (s *store) delete(r *replica, k machine.Key, prev uint64) error {
	c := s.cells[k]
	if c == nil || c.view == nil {
		return nil
	}
	if c.record.Revision != prev {
		return record.ErrConflict
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

// shown returns the version that a read shows: the present one or, at random, an old one.
func (s *store) shown(r *replica, k machine.Key) version {
	c := s.cells[k]
	if c == nil {
		return version{}
	}
	if len(c.past) > 0 && s.w.happens(faultOld) {
		if v := c.past[s.w.chaos.IntN(len(c.past))]; s.w.now-v.until < oldest {
			s.w.logf(k.Customer, "%s is shown an old record", r.name)
			r.w.ledger.readStale(r.w.current)
			return v
		}
	}
	return c.version
}

// last returns the conversation of a customer's last session, and when the session began.
func (s *store) last(k machine.Key) (conversation string, began time.Duration) {
	c := s.cells[k]
	if c == nil || c.view == nil || c.view.Now == nil {
		return "", never
	}
	return c.view.Now.Conversation, c.view.Now.Started.Sub(epoch)
}

// unfinished returns the first key with work left, and the work, or an empty string.
func (s *store) unfinished() (machine.Key, string) {
	for _, k := range s.order {
		if f := s.cells[k].view; f != nil {
			if s.w.lost(k.Channel) && f.Now.open() && f.Now.State == machine.StateBot {
				f = &view{} // it stays until Timers.Max: nothing is due before, so nothing is given up
			}
			if why := s.w.genesys.followed(f); why != "" {
				return k, why + "\n" + string(s.cells[k].record.Data)
			}
		}
	}
	return machine.Key{}, ""
}

// A replicaStore is the store as one replica calls it.
type replicaStore struct{ r *replica }

// slow returns how long half of a call takes.
func (s *replicaStore) slow() time.Duration {
	w := s.r.w
	if w.happens(faultSlow) {
		return w.chaos.between(time.Second, 6*time.Second)
	}
	return w.chaos.between(50*time.Microsecond, 5*time.Millisecond)
}

// before is the part of a call before its effect, and after the part between the effect and the
// answer. In both the process may die.
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

// takes waits for d, or until the deadline of ctx.
func (s *replicaStore) takes(ctx context.Context, d time.Duration) error {
	d, late := s.r.untilDeadline(ctx, d)
	switch {
	case !s.r.yieldPoint(d):
		return errDead
	case late:
		return context.DeadlineExceeded
	}
	return nil
}

// Get implements handover.Store.
func (s *replicaStore) Get(ctx context.Context, k machine.Key) (record.Stored, error) {
	if err := s.before(ctx); err != nil {
		return record.Stored{}, err
	}
	return s.give(ctx, s.r.w.store.shown(s.r, k))
}

func (s *replicaStore) give(ctx context.Context, v version) (record.Stored, error) {
	if v.view == nil {
		return record.Stored{}, record.ErrNotFound
	}
	if err := s.after(ctx); err != nil {
		return record.Stored{}, err
	}
	v.record.Data = slices.Clone(v.record.Data)
	return v.record, nil
}

// Find implements handover.Store.
func (s *replicaStore) Find(ctx context.Context, channel, conversation string) (record.Stored, error) {
	if err := s.before(ctx); err != nil {
		return record.Stored{}, err
	}
	for _, k := range s.r.w.store.order {
		if channel != "" && k.Channel != channel {
			continue
		}
		if v := s.r.w.store.shown(s.r, k); v.view != nil && v.record.ConversationID == conversation && conversation != "" {
			return s.give(ctx, v)
		}
	}
	return record.Stored{}, record.ErrNotFound
}

// Put implements handover.Store.
func (s *replicaStore) Put(ctx context.Context, rec record.Stored, prev uint64) error {
	if err := s.before(ctx); err != nil {
		return err
	}
	rec = s.r.asNextRelease(rec, prev)
	if err := s.r.w.store.put(s.r, rec, prev); err != nil {
		s.r.w.logf(rec.Key.Customer, "%s put %d after %d: %v", s.r.name, rec.Revision, prev, err)
		return err
	}
	return s.stored(ctx)
}

// stored is the part of a write after its effect. The caller may get an error.
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
func (s *replicaStore) Delete(ctx context.Context, k machine.Key, prev uint64) error {
	if err := s.before(ctx); err != nil {
		return err
	}
	if err := s.r.w.store.delete(s.r, k, prev); err != nil {
		return err
	}
	return s.stored(ctx)
}

// Due implements handover.Store.
func (s *replicaStore) Due(ctx context.Context, q engine.DueQuery) ([]record.Stored, error) {
	if err := s.before(ctx); err != nil {
		return nil, err
	}
	var due []record.Stored
	for _, k := range s.r.w.store.order {
		if q.Channel != "" && k.Channel != q.Channel {
			continue
		}
		v := s.r.w.store.shown(s.r, k)
		if v.view != nil && !v.record.WakeAt.IsZero() && !v.record.WakeAt.After(q.Now) && dueOrder(place(v.record), q.After) > 0 {
			due = append(due, v.record)
		}
	}
	slices.SortFunc(due, func(a, b record.Stored) int { return dueOrder(place(a), place(b)) })
	return due[:min(len(due), q.Limit)], nil
}

func place(r record.Stored) engine.DueCursor {
	return engine.DueCursor{WakeAt: r.WakeAt, Key: r.Key}
}

func dueOrder(a, b engine.DueCursor) int {
	return cmp.Or(a.WakeAt.Compare(b.WakeAt), cmp.Compare(a.Key.Channel, b.Key.Channel), cmp.Compare(a.Key.Customer, b.Key.Customer))
}

// All implements handover.Store.
func (s *replicaStore) All(ctx context.Context, channel string) iter.Seq2[record.Stored, error] {
	return func(yield func(record.Stored, error) bool) {
		for _, k := range slices.Clone(s.r.w.store.order) {
			if channel != "" && k.Channel != channel {
				continue
			}
			rec, err := s.Get(ctx, k)
			if err == record.ErrNotFound { //nolint:errorlint // our own, unwrapped
				continue
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// errStore is the error of a store that fails.
var errStore = errors.New("simulation: the store failed")
