package handover

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	lookEvery = time.Second            // for work that other replicas left
	skipTime  = 250 * time.Millisecond // for a record that is due and cannot be worked on
	dueLimit  = 64
	claimers  = 8
	drainTime = effectTime
)

// Run performs what is due until ctx ends. Then it takes nothing new, lets what is under way finish (10 s at most), stores the
// outcome, hands its leases back and returns ctx's error, and no other. Run it once in every replica; without it messages are
// accepted and stored, but nothing is sent. A second Run of one Manager returns at once with an error.
func (m *Manager) Run(ctx context.Context) error {
	if err := m.start(); err != nil {
		return err
	}
	defer m.stop(context.WithoutCancel(ctx))
	skip := map[Key]time.Time{}
	for ctx.Err() == nil {
		_, _ = m.await(ctx, m.round(ctx, skip), m.nudge)
	}
	return ctx.Err()
}

var errRunning = errors.New("handover: Run is running already")

func (m *Manager) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running {
		return errRunning
	}
	m.running, m.ran = true, true
	return nil
}

// stop lets effects finish. One that does not is left to its lease.
func (m *Manager) stop(ctx context.Context) {
	m.mu.Lock()
	m.running = false
	m.mu.Unlock()
	for end := m.now().Add(drainTime); m.working(); {
		if told, _ := m.await(ctx, end.Sub(m.now()), m.idle); !told {
			m.log.Warn("stopped while an effect still runs: its lease will expire")
			return
		}
	}
}

func (m *Manager) working() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.effects > 0
}

// round claims what is due and says how long to wait.
func (m *Manager) round(ctx context.Context, skip map[Key]time.Time) time.Duration {
	m.sweepDue(ctx)
	now := m.now()
	m.forgetAside(now, skip)
	// What is due within the pause comes along, so that it is known when to wake.
	limit := min(dueLimit, len(m.workers)+claimers) + len(skip) // no more than there are workers for
	due, err := m.config.Store.Due(ctx, now.Add(lookEvery), limit)
	if err != nil {
		if ctx.Err() == nil {
			m.log.Warn("store: due records unknown", slog.Any("error", err))
		}
		return lookEvery
	}
	more := len(due) >= limit && !due[limit-1].WakeAt.After(now)
	wait := lookEvery
	var ready []Record
	for _, r := range due {
		switch until := skip[r.Key]; {
		case now.Before(until):
		case isReserved(r.Key):
			skip[r.Key] = now.Add(asideTime) // no customer's: left alone, and left out of what Due is asked for
		case r.WakeAt.After(now):
			wait = min(wait, r.WakeAt.Sub(now))
		default:
			ready = append(ready, r)
		}
	}
	m.claimAll(ctx, ready, skip)
	if more && !m.starve() { // of what came, each was claimed or is skipped now, so the next round gets further
		wait = 0
	}
	return m.untilNext(wait)
}

// claimAll claims what can be done of each due record, some at a time.
func (m *Manager) claimAll(ctx context.Context, ready []Record, skip map[Key]time.Time) {
	todo := make(chan Key, len(ready))
	for _, r := range ready {
		todo <- r.Key
	}
	close(todo)
	var mu sync.Mutex
	n := min(claimers, len(ready))
	done := make(chan struct{}, n)
	for range n {
		m.door.Go(func() {
			defer func() { done <- struct{}{} }()
			for k := range todo {
				if m.starve() {
					return
				}
				if m.claimDue(ctx, k) || m.starve() {
					continue
				}
				mu.Lock()
				skip[k] = m.now().Add(skipTime)
				mu.Unlock()
			}
		})
	}
	for range n {
		_, _ = m.await(context.WithoutCancel(ctx), time.Hour, done) // an edit gives up much sooner, since its calls of the store do
	}
}

// claimDue makes an empty edit of a record: that takes the leases of what can be done. It reports whether the record is no
// longer due. One that was removed meanwhile is not made again.
func (m *Manager) claimDue(ctx context.Context, k Key) bool {
	f, err := m.accept(ctx, k, func(e *edit) error {
		if e.fresh {
			return errUnchanged
		}
		return nil
	})
	if err != nil || f == nil {
		return false
	}
	at := f.wakeAt()
	return at.IsZero() || at.After(m.now())
}

// runGrace is how long a host may serve before it calls Run.
const runGrace = 5 * time.Second

// runForgotten reports, once, that work is stored and Run was never called. at is when the work is due; what sleeps for long
// is only kept. The caller holds the mutex.
func (m *Manager) runForgotten(at time.Time) bool {
	if m.ran || m.scolded || at.IsZero() {
		return false
	}
	now := m.now()
	m.scolded = now.Sub(m.made) > runGrace && at.Before(now.Add(time.Minute))
	return m.scolded
}

// isReserved reports whether a record is no customer's: it has no file, and is none of Run's business.
func isReserved(k Key) bool { return strings.HasPrefix(k.Customer, reserved) }

// forgetAside drops what has been skipped long enough; records that cannot be read stay aside longer.
func (m *Manager) forgetAside(now time.Time, skip map[Key]time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, until := range m.aside {
		if now.Before(until) {
			skip[k] = until
			continue
		}
		delete(m.aside, k)
	}
	for k, until := range skip {
		if !now.Before(until) {
			delete(skip, k)
		}
	}
}

// untilNext notes when Run looks again, so that an edit with an earlier wake nudges it.
func (m *Manager) untilNext(wait time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next = m.now().Add(wait)
	return wait
}

// wakeBy makes Run look again in time.
func (m *Manager) wakeBy(at time.Time) {
	m.mu.Lock()
	sooner := m.running && !at.IsZero() && at.Before(m.next)
	forgotten := m.runForgotten(at)
	m.mu.Unlock()
	if forgotten {
		m.log.Warn("Run is not running: messages are stored, nothing is sent. Call Manager.Run once in every replica, beside the server")
	}
	if sooner {
		signal(m.nudge)
	}
}
