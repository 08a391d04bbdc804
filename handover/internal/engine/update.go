package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

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
	pause, try, unsure := conflictFirst, fn, false
	for {
		f, err := m.tryTransact(ctx, k, done, unsure, try)
		switch {
		case err == nil || errors.Is(err, record.ErrUnchanged):
			return f, nil
		case !errors.Is(err, record.ErrConflict):
			return nil, err
		case !m.Now().Before(deadline):
			return nil, fmt.Errorf("%w: %w", record.ErrBusy, err)
		}
		if errors.Is(err, record.ErrUnsure) {
			try, unsure = claiming(fn), true
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

// tryTransact is one attempt. Only ErrConflict is certain. After any other error of Put the record
// is read again, and the next attempt finds the stored change, because transactions are idempotent.
//
// The attempt begins with the copy of the record that this process stored last, if there is one, or
// else with a Get. The compare-and-swap of Put proves that a copy was current. Nothing else proves
// that, so a transaction on a copy that stores nothing is repeated on a Get: one that conflicts,
// fails or panics, changes nothing, or finds the record expired. A transaction that gives the turn
// to the bot changes nothing. reread forbids copies.
func (m *Manager) tryTransact(
	ctx context.Context, k machine.Key, done *record.Job, reread bool, fn func(*record.Transaction) error,
) (*record.Record, error) {
	unlock, err := m.lock(ctx, k)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if c, ok := m.copies.take(k, m.Now()); ok && !reread {
		tx := m.transaction(k)
		tx.Record = c.record
		if f, err := m.transactOn(ctx, tx, base{revision: c.revision, copied: true, sum: c.sum}, done, fn); !errors.Is(err, errStale) {
			return f, err
		}
	}
	tx, old, err := m.load(ctx, k)
	if err != nil {
		return nil, err
	}
	return m.transactOn(ctx, tx, base{revision: old.Revision, stored: old}, done, fn)
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
	ctx context.Context, tx *record.Transaction, from base, done *record.Job, fn func(*record.Transaction) error,
) (*record.Record, error) {
	// Removed in between, and perhaps created again: it is another record.
	if done != nil && (tx.Fresh || tx.Created != done.Record.Created) {
		if from.copied {
			return nil, errStale
		}
		m.launch(ctx, nil, done)
		return tx.Record, nil
	}
	if done != nil && tx.Lane(done.Lane).Lease.Owner == m.owner {
		tx.Lane(done.Lane).Lease = record.Lease{} // no other worker of this process is in the lane
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
		if err := m.remove(ctx, tx.Key, from.revision); err != nil {
			return nil, err
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
		m.release(jobs)
		if from.copied && errors.Is(err, record.ErrConflict) && !errors.Is(err, record.ErrUnsure) {
			return nil, errStale
		}
		return nil, err
	}
	if !m.config.NoCopies {
		m.copies.put(tx.Record, r, m.Now())
	}
	m.launch(ctx, jobs, done)
	m.wakeBy(r.WakeAt)
	return tx.Record, nil
}

// transaction returns a transaction that begins now, without its record.
func (m *Manager) transaction(k machine.Key) *record.Transaction {
	return &record.Transaction{
		Key: k, Now: asStored(m.Now()), Notify: m.config.Notify != nil, NewID: m.NewID, Jitter: m.Jitter,
		Clock: m.clockOf(k.Channel),
	}
}

// asStored returns a time as Get would return it: in UTC and without a monotonic clock. So the copy of
// a record equals the stored one.
func asStored(t time.Time) time.Time { return t.UTC().Round(0) }

// load reads the record of a key. Its leases count from the end of the read, because a read may
// take long.
func (m *Manager) load(ctx context.Context, k machine.Key) (*record.Transaction, record.Stored, error) {
	r, err := m.config.Store.Get(ctx, k)
	tx := m.transaction(k)
	if errors.Is(err, record.ErrNotFound) {
		tx.Record, tx.Fresh = &record.Record{Touched: tx.Now}, true
		return tx, record.Stored{}, nil
	}
	if errors.Is(err, record.ErrUnreadable) { // by Seal
		m.setAside(k, err)
		return nil, record.Stored{}, err
	}
	if err != nil {
		return nil, record.Stored{}, fmt.Errorf("handover: read record: %w", err)
	}
	tx.Record, err = record.Decode(r)
	if err != nil {
		m.setAside(k, err)
		return nil, record.Stored{}, err
	}
	return tx, r, nil
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
		return fmt.Errorf("handover: store record: %w", err)
	default:
		m.log.Warn("store: outcome unknown", slog.String("customer", m.hash(r.Key)), slog.Any("error", err))
		return fmt.Errorf("handover: store record: %w: %w: %w", record.ErrUnsure, record.ErrConflict, err)
	}
}

func (m *Manager) remove(ctx context.Context, k machine.Key, revision uint64) error {
	if revision == 0 {
		return nil
	}
	if err := m.config.Store.Delete(ctx, k, revision); err != nil {
		return fmt.Errorf("handover: remove record: %w", err)
	}
	return nil
}
