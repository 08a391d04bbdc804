package notifications_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/notifications"
)

func TestRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		pass(10 * time.Hour)
		require.Equal(t, 1, s.number("PUT"))
		pass(8 * 24 * time.Hour)
		var last time.Time
		s.with(func() {
			for _, at := range s.channels["channel-1"].put {
				require.True(t, last.IsZero() || at.Sub(last) < 14*time.Hour)
				last = at
			}
		})
		require.Less(t, time.Since(last), 14*time.Hour)
		require.Equal(t, 1, s.created())
		require.Equal(t, 1, s.number("dial"))
		require.Len(t, l.of(notifications.Renewed), s.number("PUT")-1)
	})
}

func TestRenewalFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.fail = func(call string, n int) int {
			return map[bool]int{true: 503}[call == http.MethodPut && n > 1 && n < 20]
		}
		start(t, s, l, l.changed)
		pass(14 * time.Hour)
		require.Equal(t, 20, s.number("PUT"))
		require.Len(t, l.of(notifications.Renewed), 1)
		require.Equal(t, 1, s.number("dial"), "the socket works meanwhile")
	})
}

// forget makes the stub's channels unknown.
func forget(s *stub) { s.with(func() { clear(s.channels) }) }

func TestChannelGoneAtRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		c := s.channels["channel-1"].conn
		t.Cleanup(func() { _ = c.CloseNow() })
		forget(s)
		pass(14 * time.Hour)
		require.Equal(t, 2, s.created())
		require.Equal(t, 1, s.open())
	})
}

func TestChannelGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		for range 5 {
			pass(10 * time.Second)
			s.cut()
			forget(s)
		}
		pass(time.Minute)
		require.LessOrEqual(t, s.created(), 3, "at most one a minute")
		pass(time.Minute)
		require.Equal(t, 1, s.open())
		pass(time.Hour)
		require.LessOrEqual(t, s.created(), 3)
	})
}

// Even sockets that live for no time keep their channel alive.
func TestRenewalBetweenShortSockets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.greet = func(c *websocket.Conn) { _ = c.CloseNow() }
		start(t, s, l, l.changed)
		pass(30 * time.Hour)
		require.InDelta(t, 3, s.number("PUT"), 1)
	})
}

// A channel may let sockets open and be gone all the same.
func TestChannelGoneBehindShortSockets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.greet = func(c *websocket.Conn) {
			if s.created() == 1 {
				_ = c.CloseNow()
			}
		}
		s.fail = func(call string, n int) int { return map[bool]int{true: 404}[call == http.MethodHead && n == 1] }
		start(t, s, l, l.changed)
		pass(2 * time.Minute)
		require.Equal(t, 2, s.created())
		require.Equal(t, 1, s.open())
	})
}
