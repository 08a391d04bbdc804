package notifications_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/notifications"
)

// blocked blocks calls of changed until a value is sent on free.
type blocked struct {
	log

	free    chan struct{}
	running atomic.Int32
	most    atomic.Int32
}

func (b *blocked) changed(ctx context.Context, id string) error {
	_ = b.log.changed(ctx, id)
	if id == "" {
		return nil
	}
	n := b.running.Add(1)
	defer b.running.Add(-1)
	b.most.Store(max(b.most.Load(), n))
	select {
	case <-b.free:
	case <-ctx.Done():
	}
	return ctx.Err()
}

func TestEventsOfABurstShareCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStub(t), &blocked{free: make(chan struct{})}
		start(t, s, &b.log, b.changed)
		for range 100 {
			s.send(t, event("a")) // send does not wait for changed
		}
		synctest.Wait()
		require.Equal(t, 1, b.number("a"), "one call runs")
		b.free <- struct{}{}
		synctest.Wait()
		require.Equal(t, 2, b.number("a"), "one call was waiting")
		b.free <- struct{}{}
		synctest.Wait()
		require.Equal(t, 2, b.number("a"))
		s.send(t, event("a"))
		synctest.Wait()
		require.Equal(t, 3, b.number("a"))
	})
}

func TestConcurrentAndWaitingCallsAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStub(t), &blocked{free: make(chan struct{})}
		start(t, s, &b.log, b.changed)
		pass(2 * time.Minute)
		for i := range 10_001 {
			s.send(t, event("c-"+strconv.Itoa(i)))
		}
		synctest.Wait()
		require.EqualValues(t, 8, b.most.Load())
		require.Len(t, b.all(), 2+8, "the first call, one for those that do not fit, and 8 for conversations")
		require.Equal(t, 2, b.number(""))
		close(b.free)
		synctest.Wait()
		require.Len(t, b.all(), 2+10_000)
	})
}

func TestCallOverAMinuteIsCanceledAndRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStub(t), &blocked{free: make(chan struct{})}
		start(t, s, &b.log, b.changed)
		s.send(t, event("a"))
		pass(59 * time.Second)
		require.Equal(t, 1, b.number("a"))
		pass(3 * time.Second)
		require.Equal(t, 2, b.number("a"))
		require.True(t, b.failed(context.DeadlineExceeded))
	})
}

func TestFailedCallIsRetriedThenEscalated(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, fail := range map[string]func() error{
		"error": func() error { return broken },
		"panic": func() error { panic("secret") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, l := newStub(t), &log{}
				start(t, s, l, func(ctx context.Context, id string) error {
					_ = l.changed(ctx, id)
					if id == "a" {
						return fail()
					}
					return nil
				})
				pass(2 * time.Minute)
				began := time.Now()
				s.send(t, event("a"), event("b"))
				pass(10 * time.Second)
				require.Equal(t, 3, l.number("a"))
				require.Equal(t, 1, l.number("b"), "the others do not wait")
				s.send(t, event("a"))
				pass(2 * time.Minute)
				var waits []time.Duration
				for _, at := range l.when("a") {
					waits = append(waits, at.Sub(began).Truncate(time.Second))
				}
				require.Equal(t, []time.Duration{0, time.Second, 6 * time.Second, 31 * time.Second}, waits)
				require.Equal(t, 2, l.number(""), "the first one, and one after the last failure")
				require.Equal(t, name == "error", l.failed(broken))
				require.NotContains(t, l.of(notifications.Failed)[0].Err.Error(), "secret")
			})
		})
	}
}

func TestFailedResyncIsRetriedAfterAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, func(ctx context.Context, id string) error {
			_ = l.changed(ctx, id)
			if l.number("") < 4 {
				return errors.New("down")
			}
			return nil
		})
		pass(10 * time.Minute)
		at := l.when("")
		require.Len(t, at, 4)
		for i := range at[1:] {
			require.Equal(t, time.Minute, at[i+1].Sub(at[i]))
		}
	})
}

func TestOnlyOneResyncRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		var running, most atomic.Int32
		start(t, s, l, func(ctx context.Context, id string) error {
			_ = l.changed(ctx, id)
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			select {
			case <-time.After(3 * time.Minute):
			case <-ctx.Done():
			}
			return nil
		})
		for range 8 {
			pass(time.Minute)
			s.cut()
		}
		require.EqualValues(t, 1, most.Load())
		require.InDelta(t, 3, l.number(""), 1)
	})
}

func TestRunWaitsForItsCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		var ended atomic.Bool
		stop := start(t, s, l, func(ctx context.Context, _ string) error {
			<-ctx.Done()
			<-time.After(3 * time.Second)
			ended.Store(true)
			return nil
		})
		pass(time.Second)
		stop()
		require.True(t, ended.Load())
	})
}
