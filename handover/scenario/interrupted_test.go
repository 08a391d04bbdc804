package scenario_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// An eagerStore stores after the context is done, and returns the error of the context, as
// databases do.
type eagerStore struct {
	handover.Store

	slow  atomic.Bool
	began chan struct{}
}

func (s *eagerStore) Put(ctx context.Context, r handover.Record, prev uint64) error {
	if !s.slow.Load() {
		return s.Store.Put(ctx, r, prev)
	}
	select {
	case s.began <- struct{}{}:
	default:
	}
	<-time.After(200 * time.Millisecond)
	if err := s.Store.Put(context.WithoutCancel(ctx), r, prev); err != nil {
		return err
	}
	return ctx.Err()
}

// TestStopDuringAClaimLeavesNoLease stops Run during the write that claims a Return. It checks
// that the claim is either performed or not stored, so no lease blocks the Return and the bot
// does not get the turn before it.
func TestStopDuringAClaimLeavesNoLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, memory := genesystest.New(t), handover.NewMemoryStore()
		ann, slow := org.Agent("Ann", "Support"), &eagerStore{Store: memory, began: make(chan struct{}, 1)}
		quiet := func(s handover.Store) func(*handover.Config) {
			return func(c *handover.Config) { c.Store, c.Notify = s, nil }
		}
		a, b := buildHost(t, org, quiet(slow)), buildHost(t, org, quiet(memory))
		ctx, stop := context.WithCancel(t.Context())
		done := a.run(ctx)
		a.serve(org)
		chat := a.connected(t, "c1", ann)
		pass(time.Minute)
		chat.End()
		a.reaches(t, "c1", handover.StateEnded)
		pass(1900 * time.Millisecond)
		slow.slow.Store(true)
		<-slow.began // Run claims the Return
		stop()
		<-done
		require.Equal(t, 1, a.tries("back"))
		require.Equal(t, handover.TurnBot, b.turn(t, "c1"))
	})
}

// TestPanicInAReadDoesNotStopTimers checks that a session still ends when its reads panic.
func TestPanicInAReadDoesNotStopTimers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		var panics atomic.Bool
		h := newHost(t, org, func(c *handover.Config) {
			c.Channel.Timers.Max = time.Hour
			c.ClientOptions = append(c.ClientOptions, genesys.WithObserver(func(_ context.Context, call genesys.Call) {
				if panics.Load() && call.Op == "conversations.get" {
					panic("metrics")
				}
			}))
		})
		h.connected(t, "c1", ann)
		pass(10 * time.Second)
		panics.Store(true)
		pass(2 * time.Hour)
		require.Equal(t, handover.StateEnded, h.session(t, "c1").State)
		require.Equal(t, handover.EndMaxDuration, h.session(t, "c1").Ending.Reason)
	})
}

// TestOutcomeIsStoredWithinTheLease checks that the outcome of a request is stored if the store
// recovers shortly before the lease expires.
func TestOutcomeIsStoredWithinTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), &moodyStore{Store: handover.NewMemoryStore()}
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org, keeping(store, 0))
		h.connected(t, "c1", ann)
		pass(time.Minute)
		sent := len(requests(org, "openmessaging.send"))
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: 3 * time.Second})
		h.says(t, "c1", "m1", "once", handover.TurnAgent)
		pass(time.Second)
		store.set(func(s *moodyStore) { s.getting = -1 })
		pass(14 * time.Second)
		store.set(func(s *moodyStore) { s.getting = 0 })
		pass(time.Minute)
		require.Equal(t, sent+1, len(requests(org, "openmessaging.send")), "sent once") //nolint:testifylint // a request is long
	})
}
