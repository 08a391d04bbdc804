package scenario_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

var errDead = errors.New("this process is dead")

// slowly returns a hook of Deliver that waits and ignores its context.
func slowly(d time.Duration, err error) func(context.Context, handover.Delivery) error {
	return func(context.Context, handover.Delivery) error {
		wait(d)
		return err
	}
}

// TestReplicaThatAcceptsPerforms checks that a replica that accepts work while the lane is free
// performs it at once, whichever replica did so before.
func TestReplicaThatAcceptsPerforms(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newHookedStore()
		ann := org.Agent("Ann", "Support")
		a, b := newHost(t, org, keeping(store, 0)), buildHost(t, org, keeping(store, 0))
		b.run(t.Context())
		chat := a.connected(t, "c1", ann)
		chat.Say("first")
		a.until(t, 1)
		b.serve(org)
		began, writes := time.Now(), store.writes()
		id := chat.Say("second")
		genesystest.Until(t, func() bool { return len(b.lines()) == 1 })
		require.Less(t, time.Since(began), time.Second)
		require.Equal(t, []string{"agent: second"}, b.lines())
		require.Equal(t, []string{"agent: first"}, a.lines())
		require.Equal(t, []int{http.StatusOK}, statuses(org, id))
		pass(500 * time.Millisecond)
		require.Equal(t, 2, store.writes()-writes, "with the lease, and with the outcome")
	})
}

// TestLateOutcomeChangesNothing checks a callback that ignores its context for more than a
// minute, so that another owner takes the lane and may still be at work when the callback
// returns. The outcome counts, the next message is delivered once, and later outcomes of the
// slow callback change nothing.
func TestLateOutcomeChangesNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		a, b time.Duration
		err  error
	}{
		"done, while the other is at work": {65 * time.Second, 7 * time.Second, nil},
		"done, after the other":            {65 * time.Second, time.Second, nil},
		"failed, after the other":          {65 * time.Second, time.Second, errDead},
		"failed, while the other works":    {65 * time.Second, 7 * time.Second, errDead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, store := genesystest.New(t), handover.NewMemoryStore()
				ann := org.Agent("Ann", "Support")
				a, b := buildHost(t, org, keeping(store, 0)), buildHost(t, org, keeping(store, 0))
				ctx, stop := context.WithCancel(t.Context())
				a.serve(org)
				a.run(ctx)
				b.run(t.Context())
				chat := a.connected(t, "c1", ann)
				pass(time.Minute)
				a.failing(slowly(test.a, test.err))
				b.failing(slowly(test.b, nil))
				id := chat.Say("one")
				pass(time.Second)
				stop()
				b.serve(org)
				chat.Say("two")
				pass(90 * time.Second)
				require.Equal(t, 1, a.tries("agent: one"))
				require.LessOrEqual(t, b.tries("agent: one"), 1)
				require.Equal(t, 1, a.tries("agent: two")+b.tries("agent: two"), "once")
				require.Contains(t, b.lines(), "agent: two")
				require.Contains(t, append(a.lines(), b.lines()...), "agent: one")
				require.Empty(t, a.noticed(handover.NoticeMessageFailed))
				require.Empty(t, b.noticed(handover.NoticeMessageFailed))
				for _, d := range b.delivered() {
					if d.Message.Text == "one" {
						require.Equal(t, id, d.ID)
					}
				}
				chat.Say("three")
				pass(time.Minute)
				require.Equal(t, 1, a.tries("agent: three")+b.tries("agent: three"))
			})
		})
	}
}

// TestClockSkewRepeatsNoEffect checks that no effect is performed twice if clocks differ by 5 s
// and every effect takes nearly its whole time.
func TestClockSkewRepeatsNoEffect(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string][2]time.Duration{
		"the owner's is slow":  {-5 * time.Second, 0},
		"the owner's is quick": {5 * time.Second, 0},
		"both are wrong":       {-2500 * time.Millisecond, 2500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, store := genesystest.New(t), handover.NewMemoryStore()
				ann := org.Agent("Ann", "Support")
				a := (&machine{skew: skew[0]}).on(t, org, store)
				b := (&machine{skew: skew[1]}).on(t, org, store)
				a.serve(org)
				a.run(t.Context())
				b.run(t.Context())
				chat := a.connected(t, "c1", ann)
				pass(time.Minute)
				a.failing(slowly(7900*time.Millisecond, nil))
				b.failing(slowly(7900*time.Millisecond, nil))
				for _, text := range []string{"one", "two", "three"} {
					chat.Say(text)
					pass(200 * time.Millisecond)
				}
				pass(2 * time.Minute)
				for _, text := range []string{"one", "two", "three"} {
					require.Equal(t, 1, a.tries("agent: "+text)+b.tries("agent: "+text), text)
				}
				require.Len(t, append(a.lines(), b.lines()...), 3)
			})
		})
	}
}

// TestStopReleasesTheLease checks that a Run that stops during a request stores outcome and
// release in one write, so that another replica continues without waiting for the lease.
func TestStopReleasesTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), handover.NewMemoryStore()
		ann := org.Agent("Ann", "Support")
		counted := &hookedStore{Store: store}
		a, b := buildHost(t, org, keeping(counted, 0)), buildHost(t, org, keeping(store, 0))
		ctx, stop := context.WithCancel(t.Context())
		done := a.run(ctx)
		a.serve(org)
		chat := a.connected(t, "c1", ann)
		pass(time.Minute)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: 4 * time.Second, After: true})
		a.says(t, "c1", "m1", "one", handover.TurnAgent)
		a.says(t, "c1", "m2", "two", handover.TurnAgent)
		b.run(t.Context())
		b.serve(org)
		pass(time.Second)
		writes := counted.writes()
		stop()
		<-done
		ended := time.Now()
		require.Equal(t, 1, counted.writes()-writes, "outcome and release")
		genesystest.Until(t, func() bool { return len(postsOf(t, org, "two")) == 1 })
		require.Less(t, time.Since(ended), 2*time.Second)
		pass(time.Minute)
		require.Equal(t, []string{"summary r-c1", "one", "two"}, agentReads(chat.Conversation()))
	})
}

// TestHangingCallbackLeavesItsLease checks a callback that ignores the stop. Run returns when the
// context of the callback ends, another replica takes over after a minute, and the late error
// changes nothing.
func TestHangingCallbackLeavesItsLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), handover.NewMemoryStore()
		ann := org.Agent("Ann", "Support")
		a, b := buildHost(t, org, keeping(store, 0)), buildHost(t, org, keeping(store, 0))
		ctx, stop := context.WithCancel(t.Context())
		done := a.run(ctx)
		a.serve(org)
		chat := a.connected(t, "c1", ann)
		pass(time.Minute)
		a.failing(slowly(time.Minute, errDead))
		claimed := time.Now()
		chat.Say("one")
		pass(100 * time.Millisecond)
		b.run(t.Context())
		b.serve(org)
		stopped := time.Now()
		stop()
		<-done
		require.InDelta(t, 8.5, time.Since(stopped).Seconds(), 0.5)
		genesystest.Until(t, func() bool { return len(b.lines()) == 1 })
		require.InDelta(t, 60.5, time.Since(claimed).Seconds(), 1)
		chat.Say("two")
		pass(3 * time.Minute)
		require.Equal(t, []string{"agent: one", "agent: two"}, b.lines())
		require.Empty(t, a.lines())
	})
}
