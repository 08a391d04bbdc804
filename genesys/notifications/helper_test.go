package notifications_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/notifications"
)

var queue = []notifications.Topic{notifications.QueueMessages("q")} //nolint:gochecknoglobals // never changed

// A log records the calls of changed and the events.
type log struct {
	mu     sync.Mutex
	calls  []string
	at     []time.Time
	events []notifications.Event
}

func (l *log) changed(_ context.Context, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls, l.at = append(l.calls, id), append(l.at, time.Now())
	return nil
}

func (l *log) event(e notifications.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

func (l *log) number(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return count(l.calls, id)
}

func (l *log) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

// when returns the start times of the calls for id.
func (l *log) when(id string) (at []time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, c := range l.calls {
		if c == id {
			at = append(at, l.at[i])
		}
	}
	return at
}

func (l *log) of(k notifications.Kind) (out []notifications.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Kind == k {
			out = append(out, e)
		}
	}
	return out
}

func (l *log) failed(target error) bool {
	return slices.ContainsFunc(l.of(notifications.Failed), func(e notifications.Event) bool { return errors.Is(e.Err, target) })
}

// start runs a listener. stop ends it and waits for it.
func start(t *testing.T, s *stub, l *log, changed func(context.Context, string) error, opts ...notifications.Option) (stop func()) {
	t.Helper()
	return startTopics(t, s, queue, l, changed, opts...)
}

func startTopics(t *testing.T, s *stub, topics []notifications.Topic, l *log, changed func(context.Context, string) error,
	opts ...notifications.Option,
) (stop func()) {
	t.Helper()
	n, err := notifications.New(s.client(t), topics, append(opts, notifications.WithObserver(l.event))...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx, changed) }()
	synctest.Wait()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
		}
	}
	t.Cleanup(stop)
	return stop
}

// pass advances the virtual time by d and waits until everything due has run.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// A sharedRow is the state that all owners share, as in a database.
type sharedRow struct {
	mu     sync.Mutex
	holder int
	until  time.Time
	state  []byte
	down   bool
	takes  int
	stores int
}

var errDown = errors.New("the store is down")

// An owner is the Owner of one replica.
type owner struct {
	sharedRow *sharedRow
	n         int
}

func (s *sharedRow) replica(n int) notifications.Option { return notifications.WithOwner(&owner{s, n}) }

// Own implements notifications.Owner.
func (o *owner) Own(_ context.Context, state []byte, d time.Duration) (held bool, last []byte, err error) {
	s := o.sharedRow
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return false, nil, errDown
	}
	last = s.state
	mine := s.holder == o.n && time.Now().Before(s.until)
	if d == 0 && !mine || s.holder != o.n && time.Now().Before(s.until) {
		return false, last, nil
	}
	if !mine {
		s.takes++
	}
	s.holder, s.until = o.n, time.Now().Add(d)
	if state != nil {
		s.state = state
		s.stores++
	}
	return d > 0, last, nil
}

func (s *sharedRow) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}
