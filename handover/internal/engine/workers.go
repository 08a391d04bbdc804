package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

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

// A seat is the worker and the slot that a lane occupies while its effect runs.
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
	if !m.workers.admits(s) || s.slot != nil && !s.slot.TakeSlot() {
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
