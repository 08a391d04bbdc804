package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// The limits of retries after conflicts. Then a transaction returns ErrBusy.
const (
	conflictTime  = 5 * time.Second
	conflictFirst = time.Millisecond
	conflictLast  = 64 * time.Millisecond
)

// accept loads the record of a key, changes it, takes the leases of the effects that can start at
// once, and stores everything in one write. fn may run several times. accept returns the record as
// stored; its work has started then.
func (m *Manager) accept(ctx context.Context, k machine.Key, fn func(*record.Transaction) error) (*record.Record, error) {
	return m.transact(ctx, k, nil, fn)
}

// transact is like accept. done is the job that is being settled, or nil. Once begun, transact
// ignores the end of ctx, because stored leases would have no owner.
func (m *Manager) transact(ctx context.Context, k machine.Key, done *record.Job, fn func(*record.Transaction) error) (*record.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	deadline := m.Now().Add(conflictTime)
	pause, try, unknown := conflictFirst, fn, &unknownPuts{}
	defer func() { m.releaseLast(unknown.take()) }()
	for {
		f, err := m.tryTransact(ctx, k, done, unknown, try)
		switch {
		case err == nil || errors.Is(err, record.ErrUnchanged):
			return f, nil
		case !errors.Is(err, record.ErrConflict):
			return nil, err
		case !m.Now().Before(deadline):
			return nil, fmt.Errorf("%w: %w", record.ErrBusy, err)
		}
		if errors.Is(err, record.ErrUnsure) {
			try = claiming(fn)
		}
		if err := m.Sleep(ctx, m.Jitter(pause)); err != nil {
			return nil, err
		}
		pause = min(pause*2, conflictLast)
	}
}

// claiming makes a transaction that may be stored already continue to its claims: this process owns
// the leases of the last attempt, but no worker performs under them.
func claiming(fn func(*record.Transaction) error) func(*record.Transaction) error {
	return func(tx *record.Transaction) error {
		if err := fn(tx); tx.Fresh || !errors.Is(err, record.ErrUnchanged) {
			return err
		}
		return nil
	}
}

// A put is a write of a transaction that may have been stored.
type put struct {
	revision uint64
	sum      uint64       // of its bytes
	freed    machine.Time // the poll slot that it frees
}

// unknownPuts are the writes of one transaction of which the store has returned neither nil nor
// ErrConflict. Any of them may have been stored, or may be stored later.
type unknownPuts struct {
	puts []put
	last *lastPut // nil once the workers of its claims are free again
}

// A lastPut has the claims of the last write of unknownPuts. Their workers remain reserved.
type lastPut struct {
	record *record.Record
	jobs   []*record.Job
	at     machine.Time // when the claims began
}

func (u *unknownPuts) add(r record.Stored, tx *record.Transaction, jobs []*record.Job) {
	u.puts = append(u.puts, put{r.Revision, sumOf(r.Data), tx.Freed})
	u.last = &lastPut{tx.Record, jobs, tx.Now}
}

// stored returns the index of the write that a record of the store is, or -1.
func (u *unknownPuts) stored(r record.Stored) int {
	return slices.IndexFunc(u.puts, func(p put) bool { return p.revision == r.Revision && p.sum == sumOf(r.Data) })
}

// take returns the claims of the last write, once.
func (u *unknownPuts) take() *lastPut {
	last := u.last
	u.last = nil
	return last
}

// nothing is a transaction that only claims.
func nothing(*record.Transaction) error { return nil }

// tryTransact is one attempt. Only ErrConflict is certain. After any other error of Put the record
// is read again. If it is what that Put would have stored, the transaction is done. If another
// write has followed, the next attempt finds the stored change, because transactions are
// idempotent.
//
// The attempt begins with the copy of the record that this process stored last, if there is one, or
// else with a Get. The compare-and-swap of Put proves that a copy was current. Nothing else proves
// that, so a transaction on a copy that stores nothing is repeated on a Get: one that conflicts,
// fails or panics, changes nothing, or finds the record expired. A transaction that gives the turn
// to the bot changes nothing. After an unknown outcome no copy is used.
func (m *Manager) tryTransact(
	ctx context.Context, k machine.Key, done *record.Job, unknown *unknownPuts, fn func(*record.Transaction) error,
) (*record.Record, error) {
	unlock, err := m.lock(ctx, k)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if c, ok := m.copies.take(k, m.Now()); ok && len(unknown.puts) == 0 {
		tx := m.transaction(k)
		tx.Record = c.record
		if f, err := m.transactOn(ctx, tx, base{revision: c.revision, copied: true, sum: c.sum}, done, unknown, fn); !errors.Is(err, errStale) {
			return f, err
		}
	}
	tx, old, err := m.load(ctx, k)
	if err != nil {
		return nil, err
	}
	last := unknown.take()
	if i := unknown.stored(old); i >= 0 {
		m.freeSlot(k.Channel, unknown.puts[i].freed)
		if i == len(unknown.puts)-1 && last != nil && m.now().Sub(last.at) <= record.EffectStart {
			m.launch(ctx, last.jobs, done)
			m.wakeBy(old.WakeAt)
			return last.record, nil
		}
		fn = nothing // its effects are claimed again: their workers are free, or they would begin too late
	}
	m.releaseLast(last)
	return m.transactOn(ctx, tx, base{revision: old.Revision, stored: old}, done, unknown, fn)
}

// releaseLast frees the workers of claims that will not be performed.
func (m *Manager) releaseLast(last *lastPut) {
	if last != nil {
		m.release(last.jobs)
	}
}

// errStale is the error of a transaction on a copy that stored nothing: the copy may be old.
var errStale = errors.New("handover: the copy of the record may be old")

// A base is what a transaction begins with.
type base struct {
	revision uint64
	stored   record.Stored // what Get returned; zero for a copy
	copied   bool          // it is a copy of this process
	sum      uint64        // of the stored bytes, for a copy
}

// is reports whether a transaction would store what is stored already.
func (b *base) is(r record.Stored) bool {
	if b.copied {
		return sumOf(r.Data) == b.sum
	}
	return bytes.Equal(r.Data, b.stored.Data) && r.WakeAt.Equal(b.stored.WakeAt)
}

// transactOn changes a record and stores it. On a copy, every result but a write is errStale.
func (m *Manager) transactOn(
	ctx context.Context, tx *record.Transaction, from base, done *record.Job, unknown *unknownPuts, fn func(*record.Transaction) error,
) (*record.Record, error) {
	// Removed in between, and perhaps created again: it is another record.
	if done != nil && (tx.Fresh || tx.Created != done.Record.Created) {
		if from.copied {
			return nil, errStale
		}
		m.launch(ctx, nil, done)
		return tx.Record, nil
	}
	if done != nil && tx.Release(done) {
		fn = nothing
	}
	if l := tx.Lane(record.ToGenesys).Lease; l.Owner == m.owner && !m.performs(busyLane{tx.Key, record.ToGenesys}) {
		tx.AbandonPost() // otherwise its entry would remain before those that may be sent
	}
	tx.MeasureOpening()
	if err := m.change(ctx, tx, fn); err != nil {
		switch {
		case from.copied:
			return nil, errStale
		case errors.Is(err, errPanic):
			m.setAside(tx.Key, err)
		}
		return tx.Record, err
	}
	if at := tx.Expires(); !at.IsZero() && !tx.Now.Before(at) {
		if from.copied {
			return nil, errStale
		}
		if from.revision != 0 {
			if err := m.config.Store.Delete(ctx, tx.Key, from.revision); err != nil {
				return nil, err
			}
		}
		m.launch(ctx, nil, done)
		return tx.Record, nil
	}
	jobs := m.claim(tx, done)
	r, err := tx.Encode(tx.Key, record.NextRevision(from.revision, tx.Now))
	switch {
	case err != nil:
		m.release(jobs)
		if from.copied {
			return nil, errStale
		}
		return nil, err
	case len(jobs) == 0 && from.is(r):
		if from.copied {
			return nil, errStale
		}
		m.launch(ctx, nil, done)
		return tx.Record, nil
	}
	if err := m.put(ctx, r, from.revision); err != nil {
		if errors.Is(err, record.ErrUnsure) {
			unknown.add(r, tx, jobs)
			if done != nil {
				done.Unknown = true
			}
			return nil, err
		}
		m.release(jobs)
		if from.copied && errors.Is(err, record.ErrConflict) {
			return nil, errStale
		}
		return nil, err
	}
	m.freeSlot(tx.Key.Channel, tx.Freed)
	if !m.config.NoCopies {
		kept := tx.Record
		if len(jobs) > 0 || done == nil { // a job or the caller reads the record after this
			kept = kept.Clone()
		}
		m.copies.put(kept, r, m.Now())
	}
	m.launch(ctx, jobs, done)
	m.wakeBy(r.WakeAt)
	return tx.Record, nil
}

// transaction returns a transaction that begins now, without its record.
func (m *Manager) transaction(k machine.Key) *record.Transaction {
	return &record.Transaction{
		Key: k, Now: m.now(), Notify: m.config.Notify != nil, NewID: m.NewID, Jitter: m.Jitter,
		Clock: m.clockOf(k.Channel),
	}
}

// now returns the time as records contain it.
func (m *Manager) now() machine.Time { return machine.TimeOf(m.Now()) }

// load reads the record of a key. Its leases count from the end of the read, because a read may
// take long.
func (m *Manager) load(ctx context.Context, k machine.Key) (*record.Transaction, record.Stored, error) {
	r, err := m.config.Store.Get(ctx, k)
	tx := m.transaction(k)
	if errors.Is(err, record.ErrNotFound) {
		tx.Record, tx.Fresh = &record.Record{Touched: tx.Now}, true
		return tx, record.Stored{}, nil
	}
	if err == nil {
		tx.Record, err = record.Decode(r)
	}
	if errors.Is(err, record.ErrUnreadable) {
		m.setAside(k, err)
	}
	return tx, r, err
}

// errPanic is the error of a transaction that panicked. Its record has to be set aside.
var errPanic = errors.New("handover: panic in the state machine")

// change runs fn and Tidy. A panic in the pure code becomes an error, and the process continues.
func (m *Manager) change(ctx context.Context, tx *record.Transaction, fn func(*record.Transaction) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			m.logPanic(ctx, p, "panic in the state machine", slog.String("customer", m.hash(tx.Key)))
			err = fmt.Errorf("%w: %T", errPanic, p)
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	tx.Tidy()
	return nil
}

// put stores r. It returns an unknown outcome as a conflict, so that the next attempt reads the
// record.
func (m *Manager) put(ctx context.Context, r record.Stored, prev uint64) error {
	err := m.config.Store.Put(ctx, r, prev)
	switch {
	case err == nil || errors.Is(err, record.ErrConflict):
		return err
	case ctx.Err() != nil:
		return err
	default:
		m.log.Warn("store: outcome unknown", slog.String("customer", m.hash(r.Key)), slog.Any("error", err))
		return fmt.Errorf("%w: %w: %w", record.ErrUnsure, record.ErrConflict, err)
	}
}

// claim takes the leases of the effects that can start now, in the transaction that is about to be
// stored. done is the job that is being settled: its lane keeps its worker.
func (m *Manager) claim(tx *record.Transaction, done *record.Job) []*record.Job {
	var jobs []*record.Job
	leaves, why := m.serves(tx)
	if why != "" {
		m.reportOnce(tx.Key.Channel, why)
	}
	if leaves > 0 {
		return nil
	}
	for _, n := range []record.LaneName{record.ToGenesys, record.ToHost, record.Control} {
		mine := done != nil && done.Lane == n
		if !tx.Ready(n) {
			continue
		}
		at, ok := m.take(tx, n, done)
		if !ok {
			continue
		}
		tx.Leases++
		taken := record.Lease{Owner: m.owner, N: tx.Leases, Until: tx.Now.Add(record.LeaseTime)}
		head := tx.ClaimHead(n)
		taken.Seq = head.Seq
		tx.Lane(n).Lease = taken
		jobs = append(jobs, &record.Job{Key: tx.Key, Lane: n, Lease: taken, Record: tx.Record, Head: head, Began: m.Now(), Inherits: mine, Seat: at})
	}
	return jobs
}

// take reserves a worker for a lane without one: its lease has expired, or is ours and unused. The
// lane of a job that is being settled has a worker already, but must release it after a while if
// others wait.
func (m *Manager) take(tx *record.Transaction, n record.LaneName, done *record.Job) (seat, bool) {
	s := m.seatFor(tx.Key.Channel, n)
	m.mu.Lock()
	defer m.mu.Unlock()
	l := tx.Lane(n).Lease
	switch {
	case !m.running, !l.Free(tx.Now) && l.Owner != m.owner:
		return seat{}, false
	case done != nil && done.Lane == n:
		at := seatOf(done)
		mustYield := m.workers.starved && s.since.Sub(at.since) >= laneTurn // others wait for a worker
		if s.since = at.since; mustYield || !m.takeSlot(s) {
			return seat{}, false
		}
		return s, true
	case m.busy[busyLane{tx.Key, n}]:
		return seat{}, false
	}
	if !m.reserve(s) {
		tx.Starved = n
		return seat{}, false
	}
	return s, true
}

type busyLane struct {
	key  machine.Key
	lane record.LaneName
}

// performs reports whether a worker of this process is in a lane.
func (m *Manager) performs(lane busyLane) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.busy[lane]
}

// occupy takes a lane for a delivery without a record, which has no lease. ok is false while
// another worker of this process is in the lane. free may be called more than once.
func (m *Manager) occupy(lane busyLane) (free func(), ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy[lane] {
		return nil, false
	}
	m.busy[lane] = true
	return sync.OnceFunc(func() {
		m.mu.Lock()
		delete(m.busy, lane)
		m.mu.Unlock()
		m.wakeBy(m.Now()) // a record that was created in between may wait for the lane
	}), true
}

// release releases the reservations of claims that were not stored.
func (m *Manager) release(jobs []*record.Job) {
	for _, j := range jobs {
		if j.Inherits {
			m.releaseSlot(seatOf(j))
			continue
		}
		m.vacate(seatOf(j))
	}
}

// launch performs claimed jobs. The lane of a settled job is free, unless it continues.
func (m *Manager) launch(ctx context.Context, jobs []*record.Job, done *record.Job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if done != nil {
		m.leave(done)
	}
	for _, j := range jobs {
		m.busy[busyLane{j.Key, j.Lane}] = true
		if j.Inherits {
			done.Next = j
			continue
		}
		after := context.WithoutCancel(ctx) // the caller may return before the work is done
		m.Go(func() { m.work(after, j) })
	}
}

// leave frees the lane of a job inside this process. The caller holds the mutex.
func (m *Manager) leave(j *record.Job) {
	if !j.Left {
		j.Left = true
		delete(m.busy, busyLane{j.Key, j.Lane})
	}
}

// setAside ignores a record for a while. It is reported and never rewritten.
func (m *Manager) setAside(k machine.Key, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.aside[k]; !known {
		m.log.Error("record set aside", slog.String("customer", m.hash(k)), slog.Any("error", err))
	}
	m.aside[k] = m.Now().Add(asideTime)
}

const asideTime = 10 * time.Minute

// locks serialize load, change and store of one key inside this process, never an effect. They are
// channels and not mutexes, so that a caller that waits for a slow store can stop waiting, and a
// synctest bubble knows that it waits.
type locks [256]chan struct{}

func newLocks() *locks {
	l := &locks{}
	for i := range l {
		l[i] = environment.Tokens(1)
	}
	return l
}

// lock waits for a key, no longer than a transaction retries.
func (m *Manager) lock(ctx context.Context, k machine.Key) (unlock func(), err error) {
	h := fnv.New32a()
	_, _ = io.WriteString(h, k.Channel+"\x00"+k.Customer)
	l := m.locks[h.Sum32()%uint32(len(m.locks))]
	switch got, err := m.Await(ctx, conflictTime, l); {
	case err != nil:
		return nil, err
	case !got:
		return nil, record.ErrBusy
	}
	return func() { l <- struct{}{} }, nil
}

// workers shares the workers of a Manager among lanes. Manager.mu guards it.
//
// In a Manager of many channels, a channel gets a worker only while it has fewer workers than are
// free. So no channel has more than half of them, and another channel still finds a free one,
// however many customers of the first hang. The lanes to the host have at most three quarters of
// the workers and share them in the same way.
type workers struct {
	many    bool // channels
	all     quota
	host    quota // of all, in lanes to the host
	starved bool  // a lane got no worker: Run continues when one is free
}

// A quota is a number of workers and their assignment.
type quota struct {
	size, taken int
	of          map[string]int // taken by each channel
}

func newWorkers(n int, many bool) workers {
	return workers{
		many: many,
		all:  quota{size: n, of: map[string]int{}},
		host: quota{size: max(1, n*3/4), of: map[string]int{}},
	}
}

func (s *quota) admits(channel string, many bool) bool {
	free := s.size - s.taken
	return free > 0 && (!many || s.of[channel] < free)
}

func (s *quota) take(channel string, n int) {
	s.taken += n
	if s.of[channel] += n; s.of[channel] == 0 {
		delete(s.of, channel)
	}
}

// A seat is the worker that a lane occupies, and the slot that its effect occupies.
type seat struct {
	channel string
	lane    record.LaneName
	slot    *account.Account // the account of its slot; nil: none
	since   time.Time
}

// admits reports whether a worker is free for a seat, and the slot that it needs.
func (w *workers) admits(s seat) bool {
	return w.all.admits(s.channel, w.many) && (s.lane != record.ToHost || w.host.admits(s.channel, w.many)) &&
		(s.slot == nil || len(s.slot.Slots) > 0)
}

func (w *workers) count(s seat, n int) {
	w.all.take(s.channel, n)
	if s.lane == record.ToHost {
		w.host.take(s.channel, n)
	}
}

// laneTurn is how long a lane keeps its worker while others wait.
const laneTurn = time.Second

// seatOf returns the seat of a job.
func seatOf(j *record.Job) seat {
	s, _ := j.Seat.(seat)
	return s
}

// withoutSlot returns the seat after its slot was released.
func (s seat) withoutSlot() seat {
	s.slot = nil
	return s
}

// withSlot returns a context for the effect of a seat: its requests need no further slot.
func (s seat) withSlot(ctx context.Context) context.Context {
	if s.slot == nil {
		return ctx
	}
	return context.WithValue(ctx, account.SlotKey{}, s.slot)
}

// seatFor returns the seat that a lane of a channel needs. The account of a channel that this
// process has not looked up is unknown; then each request takes a separate slot.
func (m *Manager) seatFor(channel string, n record.LaneName) seat {
	s := seat{channel: channel, lane: n, since: m.Now()}
	if n == record.ToHost {
		return s
	}
	m.channels.mu.Lock()
	defer m.channels.mu.Unlock()
	if k := m.channels.known[channel]; k != nil {
		s.slot = k.account
	}
	return s
}

// admits reports whether a lane of a channel would get a worker now. If not, Run continues when the
// next one is free.
func (m *Manager) admits(channel string, n record.LaneName) bool {
	s := m.seatFor(channel, n)
	m.mu.Lock()
	defer m.mu.Unlock()
	ok := m.workers.admits(s)
	m.workers.starved = m.workers.starved || !ok
	return ok
}

// free returns how many workers are free. If none is, Run continues when the next one is.
func (m *Manager) free() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.workers.all.size - m.workers.all.taken
	m.workers.starved = m.workers.starved || n <= 0
	return n
}

// reserve takes a seat, if it is free. If not, Run continues when the next worker is free. The
// caller holds the mutex.
func (m *Manager) reserve(s seat) bool {
	if !m.workers.admits(s) || !m.takeSlot(s) {
		m.workers.starved = true
		return false
	}
	m.workers.count(s, 1)
	m.effects++
	return true
}

// vacate releases a seat.
func (m *Manager) vacate(s seat) {
	if s.slot != nil {
		s.slot.Slots <- struct{}{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.workers.count(s, -1)
	if m.effects--; m.effects == 0 {
		environment.Signal(m.idle)
	}
	m.nudgeStarved()
}

// takeSlot takes the slot that a seat needs, if it needs one. If none is free, Run continues when
// the next one is. The caller holds the mutex.
func (m *Manager) takeSlot(s seat) bool {
	if s.slot != nil && !s.slot.TakeSlot() {
		m.workers.starved = true
		return false
	}
	return true
}

// releaseSlot releases the slot of a seat whose worker continues.
func (m *Manager) releaseSlot(s seat) {
	if s.slot == nil {
		return
	}
	s.slot.Slots <- struct{}{}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nudgeStarved()
}

// nudgeStarved makes Run continue if a lane waits for a worker or a slot. The caller holds the
// mutex.
func (m *Manager) nudgeStarved() {
	if m.workers.starved {
		m.workers.starved = false
		environment.Signal(m.nudge)
	}
}

// knownChannels lists the channels that this process has looked up, in order.
func (m *Manager) knownChannels() []string {
	m.channels.mu.Lock()
	defer m.channels.mu.Unlock()
	return slices.Sorted(maps.Keys(m.channels.known))
}
