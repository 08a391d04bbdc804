package scenario_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// keeping sets a retention that passes quickly: Run looks once a second.
func keeping(s handover.Store, d time.Duration) func(*handover.Config) {
	return func(c *handover.Config) { c.Store, c.Channel.Timers.Retention = s, d }
}

// over lets a customer have a handover that ends, and waits until nothing is left to do.
func over(t *testing.T, org *genesystest.Org, h *host, customer string) {
	t.Helper()
	chat := h.connected(t, customer, org.Agent("Ann", "Support"))
	chat.End()
	h.reaches(t, customer, handover.StateEnded)
	pass(time.Minute)
}

// TestRetentionCostsNothing: a record sleeps until its time is up. Then one wake removes it.
func TestRetentionCostsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newWatchedStore()
		h := newHost(t, org, keeping(store, time.Hour))
		over(t, org, h, "c1")
		end := h.session(t, "c1").Ending.Time
		for _, r := range store.records(t) {
			require.WithinDuration(t, end.Add(time.Hour), r.WakeAt, 3*time.Second, "it wakes at its expiry")
		}
		store.since("get")
		store.since("put")
		pass(time.Until(end.Add(59 * time.Minute)))
		require.Zero(t, store.since("get")+store.since("put")+store.since("delete"), "asleep")
		require.Len(t, store.records(t), 1)
		pass(2 * time.Minute)
		require.Empty(t, store.records(t))
		require.Equal(t, 1, store.since("delete"))
		require.Zero(t, store.since("put"), "nothing is written to remove it")
	})
}

// TestRetentionForEver: a negative retention keeps the record, and it never wakes.
func TestRetentionForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newWatchedStore()
		h := newHost(t, org, keeping(store, -1))
		over(t, org, h, "c1")
		for _, r := range store.records(t) {
			require.Zero(t, r.WakeAt)
		}
		require.Len(t, store.records(t), 1)
	})
}

// TestRetentionKeepsDedupeAlive: for as long as Genesys threads a conversation, 72 hours, a repeat is known as one.
func TestRetentionKeepsDedupeAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newWatchedStore()
		h := buildHost(t, org, keeping(store, 0)) // the default
		h.serve(org)
		ctx, stop := context.WithCancel(t.Context())
		done := h.run(ctx)
		first := h.handOver(t, "c1", "r1")
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		chat := org.Agent("Ann", "Support").Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		chat.End()
		h.until(t, 1)
		stop()
		<-done
		pass(72*time.Hour + 30*time.Minute) // nobody looks: that would be a quarter of a million times
		again := newHost(t, org, keeping(store, 0))
		pass(time.Minute)
		again.says(t, "c1", "m1", "one", handover.TurnAgent)
		require.Equal(t, first.ID, again.handOver(t, "c1", "r1").ID)
		again.says(t, "c1", "m2", "two", handover.TurnBot)
		require.Len(t, postsOf(t, org, "one"), 1)
		pass(time.Hour)
		require.Empty(t, store.records(t), "73 hours have passed")
		again.says(t, "c1", "m1", "one", handover.TurnBot)
	})
}

// TestRetentionByTwoReplicas: both find the record expired at the same moment. It is removed, and nobody makes it again.
func TestRetentionByTwoReplicas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newWatchedStore()
		a, b := newHost(t, org, keeping(store, time.Hour)), buildHost(t, org, keeping(store, time.Hour))
		b.run(t.Context())
		for _, customer := range []string{"c1", "c2", "c3"} {
			over(t, org, a, customer)
		}
		store.since("put")
		pass(2 * time.Hour)
		require.Empty(t, store.records(t))
		require.Zero(t, store.since("put"))
	})
}

// TestRetentionOfARecordRemovedMeanwhile: it was due when Run looked, and is gone when Run works on it. It is not made again.
func TestRetentionOfARecordRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newWatchedStore()
		h := newHost(t, org, keeping(store, time.Hour))
		over(t, org, h, "c1")
		store.before(func(call string) {
			if call == "get" {
				store.before(nil)
				for k, r := range store.records(t) {
					require.NoError(t, store.Store.Delete(t.Context(), k, r.Revision))
				}
			}
		})
		store.since("put")
		pass(3 * time.Hour)
		require.Empty(t, store.records(t))
		require.Zero(t, store.since("put"))
	})
}

// TestRetentionLosesAgainstAHandover: between the look and the delete another replica begins a handover. Its revision is
// another, so the record stays.
func TestRetentionLosesAgainstAHandover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newWatchedStore()
		a, b := newHost(t, org, keeping(store, time.Hour)), buildHost(t, org, keeping(store.Store, time.Hour))
		over(t, org, a, "c1")
		var begun handover.Session
		var once sync.Once
		store.before(func(call string) {
			if call == "delete" {
				once.Do(func() { begun = b.handOver(t, "c1", "r2") })
			}
		})
		pass(time.Hour)
		genesystest.Until(t, func() bool { return begun.ID != "" })
		require.Equal(t, begun.ID, a.session(t, "c1").ID)
		a.says(t, "c1", "m1", "one", handover.TurnAgent)
		genesystest.Until(t, func() bool { return len(postsOf(t, org, "one")) == 1 })
	})
}

// TestHandoverWhileRetentionRemoves: the handover has read the record when retention removes it. It begins all the same, in a
// record of its own, whose revision is not one that was before.
func TestHandoverWhileRetentionRemoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newWatchedStore()
		a, b := newHost(t, org, keeping(store.Store, time.Hour)), buildHost(t, org, keeping(store, time.Hour))
		over(t, org, a, "c1")
		var expiry time.Time
		for _, r := range store.records(t) {
			expiry = r.WakeAt
		}
		pass(time.Until(expiry) - time.Second)
		var old uint64
		store.before(func(call string) {
			if call == "put" {
				store.before(nil)
				for _, r := range store.records(t) {
					old = r.Revision
				}
				pass(3 * time.Second) // the Manager that begins is frozen in the meantime
				require.Empty(t, store.records(t))
			}
		})
		s := b.handOver(t, "c1", "r2")
		require.Equal(t, s.ID, a.session(t, "c1").ID)
		for _, r := range store.records(t) {
			require.Greater(t, r.Revision, old)
		}
		genesystest.Until(t, func() bool { return len(postsOf(t, org, "summary r2")) == 1 })
	})
}
