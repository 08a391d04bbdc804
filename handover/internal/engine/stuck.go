package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

const (
	// Of a callback's context, from its lease: the receipt must fit after it.
	callTime  = 8 * time.Second
	callGrace = 500 * time.Millisecond // a callback that obeys its context returns within this time
)

// errLate is the outcome of a callback that was not called, because the process did not run for a
// while.
var errLate = errors.New("handover: the callback could not be called in time")

// stuck counts, for each callback and channel, the calls in this process that have outlived their
// contexts.
type stuck struct {
	mu sync.Mutex
	n  map[failing]int
}

// A call is one call of a callback in a separate task.
type call struct {
	done  chan struct{}
	ended bool // it has returned
	left  bool // no worker waits for it
	err   error
}

// bounded runs a callback in a separate task, so that one that ignores its context occupies no
// worker and no webhook. The context ends at end. If the callback has not returned a moment later,
// bounded returns an error. It calls late, unless that is nil, with the later result of the
// callback. begins reports whether the callback may still begin.
func (m *Manager) bounded(
	ctx context.Context, name, channel string, end time.Time, begins func() bool, f func(context.Context) error, late func(error),
) error {
	if !begins() {
		return errLate
	}
	inner, cancel := m.Until(ctx, end)
	c, which := &call{done: make(chan struct{})}, failing{name, channel}
	m.Go(func() {
		defer cancel()
		err := errLate
		if begins() {
			err = guarded(name, func() error { return f(inner) })
		}
		if left := m.stuck.end(c, which, err); left && late != nil {
			late(err)
		}
	})
	_, _ = m.Await(context.WithoutCancel(ctx), end.Add(callGrace).Sub(m.Now()), c.done)
	left, n := m.stuck.leave(c, which)
	if !left {
		return c.err
	}
	if n&(n-1) == 0 {
		m.log.Warn("callbacks have not returned although their contexts have ended: return when the context ends",
			slog.String("callback", name), slog.String("channel", channel), slog.Int("running", n))
	}
	return record.ErrStuck
}

// end notes that a call has returned, and reports whether no worker waits for it.
func (s *stuck) end(c *call, which failing, err error) (left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.ended, c.err = true, err
	close(c.done)
	if !c.left {
		return false
	}
	if s.n[which]--; s.n[which] == 0 {
		delete(s.n, which)
	}
	return true
}

// leave stops waiting for a call. It reports whether it still runs, and how many such calls there
// are.
func (s *stuck) leave(c *call, which failing) (left bool, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.ended {
		return false, 0
	}
	if s.n == nil {
		s.n = map[failing]int{}
	}
	c.left = true
	s.n[which]++
	return true, s.n[which]
}

// settleLate stores the result of a callback that ignored its context: the lane continues, and a
// message that the host has accepted is not delivered again. A failure was counted before.
func (m *Manager) settleLate(ctx context.Context, j *record.Job, o record.Outcome) {
	j.Returned.Store(true)
	_, err := m.accept(ctx, j.Key, func(tx *record.Transaction) error {
		if tx.Fresh || tx.Created != j.Record.Created {
			return record.ErrUnchanged
		}
		blocked := tx.In.Stuck.Equal(j.StuckUntil())
		taken := (o.Err == nil || o.Effect == record.EffectRefused) && tx.In.Heads(j.Head.Seq)
		if !blocked && !taken {
			return record.ErrUnchanged
		}
		if blocked {
			tx.In.Stuck = time.Time{}
		}
		if taken {
			tx.SettleIn(j, o)
		}
		return nil
	})
	if err != nil {
		m.log.Warn("late outcome not stored", slog.String("lane", string(j.Lane)), slog.String("customer", m.hash(j.Key)), slog.Any("error", err))
	}
}
