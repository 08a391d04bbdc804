package handover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A job is a claimed effect: who performs it, and the file as it was stored with the claim. The file is not changed.
type job struct {
	key      Key
	lane     laneName
	lease    lease
	file     *file
	began    time.Time
	inherits bool // its worker comes from the job before it in the lane
	left     bool // the lane is free inside this process
	next     *job // goes on with the worker
}

type laneName string

const (
	toGenesys laneName = "toGenesys"
	toHost    laneName = "toHost"
	control   laneName = "control"
)

func (f *file) lane(n laneName) *lane {
	switch n {
	case toGenesys:
		return &f.Out
	case toHost:
		return &f.In
	default:
		return &f.Control
	}
}

// How long an edit tries against other writers before it says busy.
const (
	conflictTime  = 5 * time.Second
	conflictFirst = time.Millisecond
	conflictLast  = 64 * time.Millisecond
)

// errUnchanged, returned by the function of an edit, stores nothing.
var errUnchanged = errors.New("handover: unchanged")

// errUnsure goes with ErrConflict where nobody knows whether the store took the record.
var errUnsure = errors.New("handover: outcome unknown")

// accept loads the file of a key, changes it, takes the leases of what can be done at once, and stores all that in one write.
// fn may run several times. It returns the file as stored; its work is under way when accept returns.
func (m *Manager) accept(ctx context.Context, k Key, fn func(*edit) error) (*file, error) {
	return m.edit(ctx, k, nil, fn)
}

// edit is accept; done is the job whose outcome is being settled, if it is one. Once begun it is not cancelled: leases that were
// stored nevertheless would be nobody's.
func (m *Manager) edit(ctx context.Context, k Key, done *job, fn func(*edit) error) (*file, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	deadline := m.now().Add(conflictTime)
	pause, try := conflictFirst, fn
	for {
		f, err := m.tryEdit(ctx, k, done, try)
		switch {
		case err == nil || errors.Is(err, errUnchanged):
			return f, nil
		case !errors.Is(err, ErrConflict):
			return nil, err
		case m.now().After(deadline):
			return nil, fmt.Errorf("%w: %w", ErrBusy, err)
		}
		if errors.Is(err, errUnsure) {
			try = claiming(fn)
		}
		if err := m.sleep(ctx, m.jitter(pause)); err != nil {
			return nil, err
		}
		pause = min(pause*2, conflictLast)
	}
}

// claiming makes an edit that may be stored already go on to its claims: the leases of the round before are ours, but nobody
// here performs under them.
func claiming(fn func(*edit) error) func(*edit) error {
	return func(e *edit) error {
		if err := fn(e); e.fresh || !errors.Is(err, errUnchanged) {
			return err
		}
		return nil
	}
}

// tryEdit is one round. Only ErrConflict is certain: after any other error of Put the file is read again, and since edits are
// idempotent the next round finds what was stored.
func (m *Manager) tryEdit(ctx context.Context, k Key, done *job, fn func(*edit) error) (*file, error) {
	unlock, err := m.lock(ctx, k)
	if err != nil {
		return nil, err
	}
	defer unlock()
	e, old, err := m.load(ctx, k)
	if err != nil {
		return nil, err
	}
	if done != nil && (e.fresh || e.Created != done.file.Created) { // removed meanwhile, and perhaps made anew: of no concern to it
		m.launch(ctx, nil, done)
		return e.file, nil
	}
	if done != nil && e.lane(done.lane).Lease.Owner == m.owner {
		e.lane(done.lane).Lease = lease{} // nobody else in this process works in the lane
	}
	if err := m.change(e, fn); err != nil {
		return e.file, err
	}
	if at := e.expires(); !at.IsZero() && !e.now.Before(at) {
		if err := m.remove(ctx, k, old.Revision); err != nil {
			return nil, err
		}
		m.launch(ctx, nil, done)
		return e.file, nil
	}
	jobs := m.claim(e, done)
	r, err := e.encode(k, nextRevision(old.Revision, e.now))
	if err != nil {
		m.release(jobs)
		return nil, err
	}
	if len(jobs) == 0 && bytes.Equal(r.Data, old.Data) && r.WakeAt.Equal(old.WakeAt) {
		m.launch(ctx, nil, done)
		return e.file, nil
	}
	if err := m.put(ctx, r, old.Revision); err != nil {
		m.release(jobs)
		return nil, err
	}
	m.launch(ctx, jobs, done)
	m.wakeBy(r.WakeAt)
	return e.file, nil
}

// load reads the file of a key. Its leases count from when it has been read, not from before: a read may take long.
func (m *Manager) load(ctx context.Context, k Key) (*edit, Record, error) {
	r, err := m.config.Store.Get(ctx, k)
	e := &edit{
		key: k, now: m.now().UTC().Round(0), notify: m.config.Notify != nil, newID: m.newID, jitter: m.jitter,
	}
	if errors.Is(err, ErrNotFound) {
		e.file, e.fresh = &file{Touched: e.now}, true
		return e, Record{}, nil
	}
	if err != nil {
		return nil, Record{}, fmt.Errorf("handover: read record: %w", err)
	}
	e.file, err = decode(r)
	if err != nil {
		m.setAside(k, err)
		return nil, Record{}, err
	}
	return e, r, nil
}

// change runs fn and what follows of it. A panic in the pure code sets the record aside instead of taking the process down.
func (m *Manager) change(e *edit, fn func(*edit) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handover: panic in the state machine: %v", p)
			m.setAside(e.key, err)
		}
	}()
	if err := fn(e); err != nil {
		return err
	}
	e.tidy()
	return nil
}

// put stores. An outcome that is unknown becomes a conflict, so that the next round looks.
func (m *Manager) put(ctx context.Context, r Record, prev uint64) error {
	err := m.config.Store.Put(ctx, r, prev)
	switch {
	case err == nil || errors.Is(err, ErrConflict):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("handover: store record: %w", err)
	default:
		m.log.Warn("store: outcome unknown", slog.String("customer", m.hash(r.Key)), slog.Any("error", err))
		return fmt.Errorf("handover: store record: %w: %w: %w", errUnsure, ErrConflict, err)
	}
}

func (m *Manager) remove(ctx context.Context, k Key, revision uint64) error {
	if revision == 0 {
		return nil
	}
	if err := m.config.Store.Delete(ctx, k, revision); err != nil {
		return fmt.Errorf("handover: remove record: %w", err)
	}
	return nil
}
