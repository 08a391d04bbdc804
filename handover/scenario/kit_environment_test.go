package scenario_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
)

// A machine runs a replica: its clock may differ, and its goroutines may freeze or be lost.
type machine struct {
	skew time.Duration

	mu     sync.Mutex
	chance rand.Source
	freeze []time.Duration // of the next tasks; negative: lost with the process
}

// frozen lets that much time pass before the next task begins; negative: it never does.
func (m *machine) frozen(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.freeze = append(m.freeze, d)
}

func (m *machine) Uint64() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.chance.Uint64()
}

func (m *machine) spawn(task func()) {
	m.mu.Lock()
	d := time.Duration(0)
	if len(m.freeze) > 0 {
		d, m.freeze = m.freeze[0], m.freeze[1:]
	}
	m.mu.Unlock()
	if d < 0 {
		return
	}
	go func() {
		if d > 0 {
			wait(d)
		}
		task()
	}()
}

// until is a context that ends at a time of this machine's clock.
func (m *machine) until(ctx context.Context, at time.Time) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, at.Add(-m.skew))
}

func (*machine) wait(ctx context.Context, d time.Duration, ready <-chan struct{}) (bool, error) {
	select {
	case <-ready:
		return true, nil
	case <-time.After(d):
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// on builds a host like buildHost, on machine m.
func (m *machine) on(t *testing.T, org *genesystest.Org, s handover.Store) *host {
	t.Helper()
	m.chance = rand.NewPCG(uint64(m.skew), rand.Uint64()) //nolint:gosec // a test's chance
	return buildHost(t, org, func(x *handover.Config) { x.Store = machineStore{s, m} })
}

// A machineStore passes the environment of a machine to the Manager that uses it.
type machineStore struct {
	handover.Store

	m *machine
}

func (s machineStore) Environment() environment.Environment {
	m := s.m
	return environment.Environment{
		Now: func() time.Time { return time.Now().Add(m.skew) }, Until: m.until, Wait: m.wait, Go: m.spawn, Chance: m,
	}
}
