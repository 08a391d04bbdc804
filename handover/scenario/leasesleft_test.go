package scenario_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestFrozenProcessStartsNoEffect checks that a process that freezes for 20 s after its claim
// does not start the effect, because another replica took over. An effect starts within 1 s of
// its lease.
func TestFrozenProcessStartsNoEffect(t *testing.T) {
	t.Parallel()
	for name, alone := range map[string]bool{"another takes over": false, "alone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, store, m := genesystest.New(t), handover.NewMemoryStore(), &machine{}
				ann := org.Agent("Ann", "Support")
				a := m.on(t, org, store)
				b := buildHost(t, org, keeping(store, 0))
				a.serve(org)
				a.run(t.Context())
				chat := a.connected(t, "c1", ann)
				pass(time.Minute)
				if !alone {
					b.run(t.Context())
				}
				m.frozen(20 * time.Second)
				claimed := time.Now()
				a.says(t, "c1", "m1", "one", handover.TurnAgent)
				a.says(t, "c1", "m2", "two", handover.TurnAgent)
				pass(2 * time.Minute)
				require.Len(t, postsOf(t, org, "one"), 1)
				require.Len(t, postsOf(t, org, "two"), 1)
				require.Equal(t, []string{"summary r-c1", "one", "two"}, agentReads(chat.Conversation()))
				at := postsOf(t, org, "one")[0].At.Sub(claimed).Round(time.Second)
				if alone {
					require.GreaterOrEqual(t, at, 20*time.Second, "not under the old lease")
				} else {
					require.GreaterOrEqual(t, at, 17*time.Second)
					require.Less(t, at, 20*time.Second)
				}
			})
		})
	}
}

// TestClaimedEffectIsPerformedByAnother checks that another replica performs an effect that was
// claimed but never started, once the lease has expired.
func TestClaimedEffectIsPerformedByAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store, m := genesystest.New(t), handover.NewMemoryStore(), &machine{}
		ann := org.Agent("Ann", "Support")
		gone := &hookedStore{Store: store}
		a := m.on(t, org, gone)
		b := buildHost(t, org, keeping(store, 0))
		a.serve(org)
		ctx, kill := context.WithCancel(t.Context())
		done := a.run(ctx)
		chat := a.connected(t, "c1", ann)
		pass(time.Minute)
		m.frozen(-1)
		claimed := time.Now()
		a.says(t, "c1", "m1", "one", handover.TurnAgent)
		gone.before(func() error { return errDead })
		kill()
		b.serve(org)
		b.run(t.Context())
		genesystest.Until(t, func() bool { return len(postsOf(t, org, "one")) == 1 })
		require.InDelta(t, 17.5, postsOf(t, org, "one")[0].At.Sub(claimed).Seconds(), 1.5, "at Until + 2 s, and a look a second")
		pass(time.Minute)
		require.Equal(t, []string{"summary r-c1", "one"}, agentReads(chat.Conversation()))
		<-done
	})
}

// TestEffectWithoutAnOutcomeIsRepeated checks that an effect without a stored outcome is
// repeated with the same id.
func TestEffectWithoutAnOutcomeIsRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), handover.NewMemoryStore()
		ann := org.Agent("Ann", "Support")
		gone := &hookedStore{Store: store}
		a, b := buildHost(t, org, keeping(gone, 0)), buildHost(t, org, keeping(store, 0))
		a.serve(org)
		a.run(t.Context())
		chat := a.connected(t, "c1", ann)
		a.returning(func(context.Context, handover.Return) error {
			gone.before(func() error { return errDead })
			return nil
		})
		chat.End()
		genesystest.Until(t, func() bool { return len(a.returned()) == 1 })
		b.serve(org)
		b.run(t.Context())
		b.until(t, 1)
		require.Len(t, a.returned(), 1)
		require.Len(t, b.returned(), 1)
		require.Equal(t, a.returned()[0].ID, b.returned()[0].ID)
	})
}

// TestFrozenProcessStartsNoDelivery checks the same for a callback, which may ignore its
// context.
func TestFrozenProcessStartsNoDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store, m := genesystest.New(t), handover.NewMemoryStore(), &machine{}
		ann := org.Agent("Ann", "Support")
		a, b := m.on(t, org, store), buildHost(t, org, keeping(store, 0))
		a.serve(org)
		a.run(t.Context())
		b.run(t.Context())
		chat := a.connected(t, "c1", ann)
		pass(time.Minute)
		m.frozen(20 * time.Second)
		chat.Say("one")
		pass(time.Second)
		chat.Say("two")
		pass(time.Minute)
		require.Equal(t, []string{"agent: one", "agent: two"}, b.lines())
		require.Zero(t, a.tries("agent: "), "when it wakes, it does not start")
	})
}
