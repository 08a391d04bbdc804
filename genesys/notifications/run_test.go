package notifications_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/notifications"
)

func TestConversationEventsCallChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		require.Equal(t, []string{"POST", "PUT", "dial"}, s.all())
		s.with(func() { require.Equal(t, []string{string(queue[0])}, s.channels["channel-1"].topics) })
		require.Equal(t, []string{""}, l.all(), "events before the first connection are lost")

		s.send(t, event("a"), heartbeat, "{", `{"topicName":"v2.users.u.presence","eventBody":{"id":"u"}}`, "[]",
			`{"topicName":"v2.detail.events.conversation.b.customer.end","eventBody":{"conversationId":"b"}}`)
		synctest.Wait()
		require.Equal(t, 1, l.number("a"))
		require.Equal(t, 1, l.number("b"))
		require.Len(t, l.all(), 3)
		require.Len(t, l.of(notifications.Unreadable), 1)
	})
}

func TestRunRefusesASecondRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		n, err := notifications.New(s.client(t), queue)
		require.NoError(t, err)
		require.ErrorContains(t, n.Run(t.Context(), nil), "changed is nil")
		for range 2 { // one after the other is allowed
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- n.Run(ctx, l.changed) }()
			synctest.Wait()
			require.ErrorContains(t, n.Run(t.Context(), l.changed), "already running")
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
		}
		require.Equal(t, 1, s.made, "the channel is used again")
	})
}

func TestShortSocketsReconnectSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		began := time.Now()
		for time.Since(began) < 10*time.Minute {
			pass(3 * time.Second)
			s.cut()
		}
		require.Equal(t, 1, s.created())
		require.Equal(t, 1, s.number("PUT"))
		require.LessOrEqual(t, s.number("dial"), 30)
		at := l.when("")
		require.Greater(t, len(at), 4)
		for i := range at[1:] {
			require.GreaterOrEqual(t, at[i+1].Sub(at[i]), time.Minute)
		}
		pass(2 * time.Minute)
		require.Equal(t, 1, s.open(), "it recovers")
		n := len(l.when(""))
		require.Less(t, time.Since(l.when("")[n-1]), 3*time.Minute, "the last gap is reported")
	})
}

func TestMinuteWithoutConnectionCausesAResync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		pass(5 * time.Minute)
		require.Equal(t, 1, l.number(""))
		s.with(func() { s.fail = func(string, int) int { return http.StatusServiceUnavailable } })
		s.cut()
		pass(59 * time.Second)
		require.Equal(t, 1, l.number(""))
		pass(2 * time.Second)
		require.Equal(t, 2, l.number(""), "events are lost from now on")
		pass(20 * time.Minute)
		require.Equal(t, 2, l.number(""), "once")
		require.LessOrEqual(t, s.number("dial"), 50)
		s.with(func() { s.fail = nil })
		pass(2 * time.Minute)
		require.Equal(t, 3, l.number(""))
		require.Equal(t, 1, s.made, "a 503 is no reason for a new channel")
	})
}

func TestSilentSocketIsPingedAndReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.silent = true
		start(t, s, l, l.changed)
		pass(44 * time.Second)
		require.Empty(t, s.wrote())
		pass(2 * time.Second)
		require.Equal(t, []string{`{"message":"ping"}`}, s.wrote())
		pass(28 * time.Second)
		require.Empty(t, l.of(notifications.Lost))
		pass(4 * time.Second)
		require.Len(t, l.of(notifications.Lost), 1)
		require.ErrorContains(t, l.of(notifications.Lost)[0].Err, "ping")
		require.Equal(t, 1, s.open(), "it reconnects")

		pass(46 * time.Second)
		s.send(t, heartbeat) // answers the ping
		pass(44 * time.Second)
		require.Len(t, l.of(notifications.Lost), 1)
		pass(2 * time.Second)
		require.Len(t, s.wrote(), 3, "another ping")
		require.Len(t, l.of(notifications.Lost), 1)
	})
}

func TestHeartbeatsPreventPings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		pass(10 * time.Minute)
		require.Empty(t, s.wrote())
		require.Len(t, s.all(), 3)
	})
}

func TestMaintenanceOpensTheNextSocketFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		pass(time.Minute)
		s.send(t, `{"topicName":"v2.system.socket_closing","eventBody":{"message":"soon"}}`)
		synctest.Wait()
		require.Equal(t, 2, s.number("dial"))
		require.Equal(t, 1, s.open())
		require.Len(t, l.of(notifications.Connected), 2)
		require.Equal(t, 1, s.created())
		require.Equal(t, 2, l.number(""))

		// The first attempt is refused. The old socket is still read.
		pass(time.Minute)
		s.with(func() {
			s.fail = func(call string, n int) int { return map[bool]int{true: 503}[call == "dial" && n == 3] }
		})
		s.send(t, `{"topicName":"v2.system.socket_closing"}`)
		s.send(t, event("a"))
		synctest.Wait()
		require.Equal(t, 1, l.number("a"))
		require.Equal(t, 1, s.open())
		pass(2 * time.Second)
		require.Equal(t, 4, s.number("dial"))
		require.Equal(t, 1, s.open())
	})
}

// Genesys announces maintenance on every new socket. The pauses must grow, but must not last
// until the old socket is closed.
func TestRepeatedMaintenanceReconnectsSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.onConnect = func(c *websocket.Conn) {
			_ = c.Write(t.Context(), websocket.MessageText, []byte(`{"topicName":"v2.system.socket_closing"}`))
		}
		start(t, s, l, l.changed)
		pass(10 * time.Minute)
		require.LessOrEqual(t, s.number("dial"), 120)
		require.GreaterOrEqual(t, s.number("dial"), 40)
		require.Equal(t, 1, s.open())
	})
}

func TestMessageBelowOneMiBIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		s.send(t, event("a")+strings.Repeat(" ", 1<<20-1000))
		synctest.Wait()
		require.Equal(t, 1, l.number("a"))
	})
}

func TestMessageOverOneMiBReplacesTheSocket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		pass(2 * time.Minute)
		big := []byte(strings.Repeat(" ", 1<<20+100))
		// Cut during the write.
		s.each(func(_ string, c *stubChannel) { _ = c.conn.Write(t.Context(), websocket.MessageText, big) })
		pass(10 * time.Second)
		require.Len(t, l.of(notifications.Lost), 1)
		require.ErrorContains(t, l.of(notifications.Lost)[0].Err, "1048576 bytes")
		require.Equal(t, 1, s.open())
		require.Equal(t, 2, l.number(""))
	})
}
