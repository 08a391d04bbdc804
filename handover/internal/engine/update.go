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
	pause, try := conflictFirst, fn
	for {
		f, err := m.tryTransact(ctx, k, done, try)
		switch {
		case err == nil || errors.Is(err, record.ErrUnchanged):
			return f, nil
		case !errors.Is(err, record.ErrConflict):
			return nil, err
		case m.Now().After(deadline):
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

// tryTransact is one attempt. Only ErrConflict is certain. After any other error of Put the record
// is read again, and the next attempt finds the stored change, because transactions are idempotent.
func (m *Manager) tryTransact(ctx context.Context, k machine.Key, done *record.Job, fn func(*record.Transaction) error) (*record.Record, error) {
	unlock, err := m.lock(ctx, k)
	if err != nil {
		return nil, err
	}
	defer unlock()
	tx, old, err := m.load(ctx, k)
	if err != nil {
		return nil, err
	}
	// Removed in between, and perhaps created again: it is another record.
	if done != nil && (tx.Fresh || tx.Created != done.Record.Created) {
		m.launch(ctx, nil, done)
		return tx.Record, nil
	}
	if done != nil && tx.Lane(done.Lane).Lease.Owner == m.owner {
		tx.Lane(done.Lane).Lease = record.Lease{} // no other worker of this process is in the lane
	}
	if l := tx.Lane(record.ToGenesys).Lease; l.Owner == m.owner && !m.performs(busyLane{k, record.ToGenesys}) {
		tx.AbandonPost() // otherwise its entry would remain before those that may be sent
	}
	if err := m.change(ctx, tx, fn); err != nil {
		return tx.Record, err
	}
	if at := tx.Expires(); !at.IsZero() && !tx.Now.Before(at) {
		if err := m.remove(ctx, k, old.Revision); err != nil {
			return nil, err
		}
		m.launch(ctx, nil, done)
		return tx.Record, nil
	}
	jobs := m.claim(tx, done)
	r, err := tx.Encode(k, record.NextRevision(old.Revision, tx.Now))
	if err != nil {
		m.release(jobs)
		return nil, err
	}
	if len(jobs) == 0 && bytes.Equal(r.Data, old.Data) && r.WakeAt.Equal(old.WakeAt) {
		m.launch(ctx, nil, done)
		return tx.Record, nil
	}
	if err := m.put(ctx, r, old.Revision); err != nil {
		m.release(jobs)
		return nil, err
	}
	m.launch(ctx, jobs, done)
	m.wakeBy(r.WakeAt)
	return tx.Record, nil
}

// load reads the record of a key. Its leases count from the end of the read, because a read may
// take long.
func (m *Manager) load(ctx context.Context, k machine.Key) (*record.Transaction, record.Stored, error) {
	r, err := m.config.Store.Get(ctx, k)
	tx := &record.Transaction{
		Key: k, Now: m.Now().UTC().Round(0), Notify: m.config.Notify != nil, NewID: m.NewID, Jitter: m.Jitter,
		Clock: m.clockOf(k.Channel),
	}
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

// change runs fn and Tidy. After a panic in the pure code it sets the record aside, and the process
// continues.
func (m *Manager) change(ctx context.Context, tx *record.Transaction, fn func(*record.Transaction) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			m.logPanic(ctx, p, "panic in the state machine", slog.String("customer", m.hash(tx.Key)))
			err = fmt.Errorf("handover: panic in the state machine: %T", p)
			m.setAside(tx.Key, err)
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
