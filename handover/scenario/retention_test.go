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

// keeping sets a store and a retention, and lets Run look once a second.
func keeping(s handover.Store, d time.Duration) func(*handover.Config) {
	return func(c *handover.Config) { c.Store, c.Channel.Timers.Retention = s, d }
}

// over plays a handover and waits until no work is left.
func over(t *testing.T, org *genesystest.Org, h *host, customer string) {
	t.Helper()
	chat := h.connected(t, customer, org.Agent("Ann", "Support"))
	chat.End()
	h.reaches(t, customer, handover.StateEnded)
	pass(time.Minute)
}

// TestRetentionTakesOneWake checks that a record is not touched until its retention ends, and
// that one wake removes it.
func TestRetentionTakesOneWake(t *testing.T) {
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

// TestNegativeRetentionKeepsTheRecord checks that a record with a negative retention is kept
// and never due.
func TestNegativeRetentionKeepsTheRecord(t *testing.T) {
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

// TestDuplicatesAreDetectedFor72Hours checks that duplicates are detected for 72 hours, as long
// as Genesys continues a thread.
func TestDuplicatesAreDetectedFor72Hours(t *testing.T) {
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
		// Without Run, which would look a quarter of a million times.
		pass(72*time.Hour + 30*time.Minute)
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

// TestTwoReplicasRemoveARecordOnce checks that an expired record that both find is removed once
// and not created again.
func TestTwoReplicasRemoveARecordOnce(t *testing.T) {
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

// TestRemovedRecordIsNotCreatedAgain checks that a record that is removed after Run found it
// due is not created again.
func TestRemovedRecordIsNotCreatedAgain(t *testing.T) {
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

// TestHandoverPreventsTheRemoval checks that the record stays if a handover begins between the
// read and the delete, because its revision differs.
func TestHandoverPreventsTheRemoval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newWatchedStore()
		a, b := newHost(t, org, keeping(store, time.Hour)), buildHost(t, org, keeping(store.Store, time.Hour))
		over(t, org, a, "c1")
		begun := make(chan handover.Session, 1)
		var once sync.Once
		store.before(func(call string) {
			if call == "delete" {
				once.Do(func() { begun <- b.handOver(t, "c1", "r2") })
			}
		})
		require.Equal(t, (<-begun).ID, a.session(t, "c1").ID)
		a.says(t, "c1", "m1", "one", handover.TurnAgent)
		genesystest.Until(t, func() bool { return len(postsOf(t, org, "one")) == 1 })
	})
}

// TestHandoverBeginsInANewRecord checks that a handover still begins if its record is removed
// after it was read. It has a new record with a new revision.
func TestHandoverBeginsInANewRecord(t *testing.T) {
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
				wait(3 * time.Second) // the Manager that begins is frozen
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
