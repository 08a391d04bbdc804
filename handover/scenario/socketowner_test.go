package scenario_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

const socketTerm = 20 * time.Second

// owns calls Own and returns the result as text.
func owns(t *testing.T, o *handover.SocketOwner, state string, d time.Duration) (held bool, last string) {
	t.Helper()
	var give []byte
	if state != "" {
		give = []byte(state)
	}
	held, kept, err := o.Own(t.Context(), give, d)
	require.NoError(t, err)
	return held, string(kept)
}

func TestSocketHasOneOwner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), handover.NewMemoryStore()
		on := func(c *handover.Config) { c.Store = store }
		one, two := buildHost(t, org, on).desk.SocketOwner(""), buildHost(t, org, on).desk.SocketOwner("")

		held, last := owns(t, one, "", socketTerm)
		require.True(t, held)
		require.Empty(t, last, "there was none")
		held, _ = owns(t, one, "channel 1", socketTerm)
		require.True(t, held, "one's own is kept")
		held, last = owns(t, two, "channel 2", socketTerm)
		require.False(t, held)
		require.Equal(t, "channel 1", last)

		pass(socketTerm + 4*time.Second)
		held, _ = owns(t, two, "", socketTerm)
		require.False(t, held, "clocks may differ by five seconds")
		pass(time.Second)
		held, last = owns(t, two, "", socketTerm)
		require.True(t, held, "the other has died")
		require.Equal(t, "channel 1", last, "whose channel is taken over")
		held, last = owns(t, one, "channel 3", socketTerm)
		require.False(t, held)
		require.Equal(t, "channel 1", last)

		held, _ = owns(t, two, "", 0)
		require.False(t, held, "given back")
		held, last = owns(t, one, "", socketTerm)
		require.True(t, held, "at once")
		require.Equal(t, "channel 1", last)
		held, _ = owns(t, two, "", 0)
		require.False(t, held)
		held, _ = owns(t, one, "", socketTerm)
		require.True(t, held, "only the owner can release it")
	})
}

// TestSocketBelongsToTheOAuthClient checks that channels share a socket only if they share an
// OAuth client.
func TestSocketBelongsToTheOAuthClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h := buildHost(t, org, func(c *handover.Config) {
			one := c.Channel
			c.Channel = handover.Channel{}
			other := one
			other.ClientID = "another-client"
			tenants := map[string]handover.Channel{"a": one, "b": one, "c": other}
			c.Channels = func(_ context.Context, id string) (handover.Channel, error) {
				if ch, ok := tenants[id]; ok {
					return ch, nil
				}
				return handover.Channel{}, handover.ErrNoChannel
			}
		})
		held, _ := owns(t, h.desk.SocketOwner("a"), "", socketTerm)
		require.True(t, held)
		held, _ = owns(t, h.desk.SocketOwner("b"), "", socketTerm)
		require.False(t, held, "the same client")
		held, _ = owns(t, h.desk.SocketOwner("c"), "", socketTerm)
		require.True(t, held)
		_, _, err := h.desk.SocketOwner("nobody").Own(t.Context(), nil, socketTerm)
		require.ErrorIs(t, err, handover.ErrNoChannel)
	})
}

func TestSocketWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newHookedStore()
		owner := buildHost(t, org, func(c *handover.Config) { c.Store = store }).desk.SocketOwner("")
		broken := errors.New("store is down")
		store.before(func() error { return broken })
		held, _, err := owner.Own(t.Context(), []byte("channel 1"), socketTerm)
		require.ErrorIs(t, err, broken)
		require.False(t, held, "the store did not answer")
		var failed atomic.Bool
		store.before(func() error {
			if failed.CompareAndSwap(false, true) {
				return handover.ErrConflict
			}
			return nil
		})
		held, _ = owns(t, owner, "channel 1", socketTerm)
		require.True(t, held, "tried again")
	})
}

// TestSocketLossIsANotice checks that open sessions are notified once per loss.
func TestSocketLossIsANotice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h := hosted(t)
		owner := h.desk.SocketOwner("")
		owns(t, owner, "channel 1", time.Hour)
		require.NoError(t, owner.Report(t.Context(), true))
		h.connected(t, "c1", ann)
		pass(5 * time.Minute)
		require.Empty(t, h.noticed(handover.NoticeConnectionLost))
		require.NoError(t, owner.Report(t.Context(), false))
		pass(10 * time.Minute)
		require.Len(t, h.noticed(handover.NoticeConnectionLost), 1)
		require.Contains(t, h.noticed(handover.NoticeConnectionLost)[0].Detail, "socket")
		require.NoError(t, owner.Report(t.Context(), true))
		pass(10 * time.Minute)
		require.Len(t, h.noticed(handover.NoticeConnectionLost), 1)
		owns(t, owner, "", 0)
		pass(10 * time.Minute)
		require.Len(t, h.noticed(handover.NoticeConnectionLost), 2, "no replica has taken it over")
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
	})
}

// TestSocketTakeoverIsNoLoss checks that a takeover within a minute does not count as a loss.
func TestSocketTakeoverIsNoLoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h := hosted(t)
		one, two := h.desk.SocketOwner(""), h.desk.SocketOwner("")
		owns(t, one, "channel 1", time.Hour)
		require.NoError(t, one.Report(t.Context(), true))
		h.connected(t, "c1", ann)
		pass(2 * time.Minute)
		owns(t, one, "", 0)
		pass(30 * time.Second)
		owns(t, two, "", time.Hour)
		pass(30 * time.Second)
		require.NoError(t, two.Report(t.Context(), true))
		require.NoError(t, one.Report(t.Context(), false), "it belongs to another owner")
		pass(20 * time.Minute)
		require.Empty(t, h.noticed(handover.NoticeConnectionLost))
	})
}

// TestSocketRecordIsLeftAlone checks that the record of a socket is not listed, not due and not
// removed.
func TestSocketRecordIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newWatchedStore()
		h := newHost(t, org, func(c *handover.Config) { c.Store = store })
		owns(t, h.desk.SocketOwner(""), "channel 1", socketTerm)
		for s, err := range h.desk.Sessions(t.Context(), "") {
			require.NoError(t, err)
			require.Fail(t, "a session of a reserved record", s.ID)
		}
		pass(100 * time.Hour)
		require.Len(t, store.records(t), 1)
		_, last := owns(t, h.desk.SocketOwner(""), "", socketTerm)
		require.Equal(t, "channel 1", last)
	})
}

// TestSocketOfALaterRelease checks that a record of a later release keeps its owner.
func TestSocketOfALaterRelease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newWatchedStore()
		h := newHost(t, org, func(c *handover.Config) { c.Store = store })
		owner := h.desk.SocketOwner("")
		owns(t, owner, "channel 1", socketTerm)
		for _, r := range store.records(t) {
			prev := r.Revision
			r.Revision, r.Data = prev+1, []byte(`{"format":2}`)
			require.NoError(t, store.Put(t.Context(), r, prev))
		}
		held, _, err := owner.Own(t.Context(), nil, socketTerm)
		require.ErrorContains(t, err, "cannot read")
		require.False(t, held)
	})
}

// TestSocketLossIsLoggedOnce checks that only the loss is logged, not reports of other owners
// and not repeated ones.
func TestSocketLossIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		var logged bytes.Buffer
		h := buildHost(t, org, func(c *handover.Config) { c.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
		one, two := h.desk.SocketOwner(""), h.desk.SocketOwner("")
		owns(t, one, "secret channel", time.Hour)
		require.NoError(t, two.Report(t.Context(), true))
		require.NoError(t, two.Report(t.Context(), false))
		require.NoError(t, one.Report(t.Context(), false), "it never was there")
		require.NotContains(t, logged.String(), "socket is gone")
		require.NoError(t, one.Report(t.Context(), true))
		for range 3 {
			require.NoError(t, one.Report(t.Context(), false))
		}
		require.Equal(t, 1, strings.Count(logged.String(), "socket is gone"))
		require.NotContains(t, logged.String(), "secret")
	})
}

// TestLostSocketIsAliveOnlyAfterAReport checks that a lost socket counts as alive only when its
// new owner reports it.
func TestLostSocketIsAliveOnlyAfterAReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h := hosted(t)
		one, two := h.desk.SocketOwner(""), h.desk.SocketOwner("")
		owns(t, one, "channel 1", 3*time.Minute)
		require.NoError(t, one.Report(t.Context(), true))
		h.connected(t, "c1", ann)
		pass(20 * time.Minute)
		require.Len(t, h.noticed(handover.NoticeConnectionLost), 1)
		owns(t, two, "", 10*time.Minute)
		pass(20 * time.Minute)
		require.Len(t, h.noticed(handover.NoticeConnectionLost), 1, "it never was back")
	})
}

// TestReleaseWithoutTheSocketDoesNothing checks that a release by a replica without the socket
// does nothing.
func TestReleaseWithoutTheSocketDoesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h := buildHost(t, org)
		one, two := h.desk.SocketOwner(""), h.desk.SocketOwner("")
		owns(t, one, "channel 1", socketTerm)
		owns(t, one, "", 0)
		owns(t, two, "channel 2", 0)
		_, last := owns(t, two, "", 0)
		require.Equal(t, "channel 1", last)
	})
}
