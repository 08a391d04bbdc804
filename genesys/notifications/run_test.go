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

func TestEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		require.Equal(t, []string{"POST", "PUT", "dial"}, s.all())
		s.with(func() { require.Equal(t, []string{string(queue[0])}, s.channels["channel-1"].topics) })
		require.Equal(t, []string{""}, l.all(), "what happened before the first connection nobody told")

		s.send(t, event("a"), heartbeat, "{", `{"topicName":"v2.users.u.presence","eventBody":{"id":"u"}}`, "[]",
			`{"topicName":"v2.detail.events.conversation.b.customer.end","eventBody":{"conversationId":"b"}}`)
		synctest.Wait()
		require.Equal(t, 1, l.number("a"))
		require.Equal(t, 1, l.number("b"))
		require.Len(t, l.all(), 3)
		require.Len(t, l.of(notifications.Unreadable), 1)
	})
}

func TestRunTwice(t *testing.T) {
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
			require.ErrorContains(t, n.Run(t.Context(), l.changed), "running already")
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
		}
		require.Equal(t, 1, s.made, "the channel is used again")
	})
}

// Sockets that are cut every few seconds cost neither channels nor a flood of anything.
func TestFlappingSockets(t *testing.T) {
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
		require.Equal(t, 1, s.open(), "and in the end it is there")
		n := len(l.when(""))
		require.Less(t, time.Since(l.when("")[n-1]), 3*time.Minute, "the last gap was told")
	})
}

func TestGoneForAMinute(t *testing.T) {
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
		require.Equal(t, 2, l.number(""), "nobody tells what happens now")
		pass(20 * time.Minute)
		require.Equal(t, 2, l.number(""), "once")
		require.LessOrEqual(t, s.number("dial"), 50)
		s.with(func() { s.fail = nil })
		pass(2 * time.Minute)
		require.Equal(t, 3, l.number(""))
		require.Equal(t, 1, s.made, "503 says nothing of the channel")
	})
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.deaf = true
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
		require.Equal(t, 1, s.open(), "and again")

		pass(46 * time.Second)
		s.send(t, heartbeat) // as an answer
		pass(44 * time.Second)
		require.Len(t, l.of(notifications.Lost), 1)
		pass(2 * time.Second)
		require.Len(t, s.wrote(), 3, "asked again")
		require.Len(t, l.of(notifications.Lost), 1)
	})
}

func TestQuietWithHeartbeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		pass(10 * time.Minute)
		require.Empty(t, s.wrote())
		require.Len(t, s.all(), 3)
	})
}

// The next socket is there before the old one is closed.
func TestMaintenance(t *testing.T) {
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

		// Refused at first: the old one is read meanwhile.
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

// A socket that says so at once must not be the beginning of a storm, nor be waited for until the old one is closed.
func TestMaintenanceAgainAndAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.greet = func(c *websocket.Conn) {
			_ = c.Write(t.Context(), websocket.MessageText, []byte(`{"topicName":"v2.system.socket_closing"}`))
		}
		start(t, s, l, l.changed)
		pass(10 * time.Minute)
		require.LessOrEqual(t, s.number("dial"), 120)
		require.GreaterOrEqual(t, s.number("dial"), 40)
		require.Equal(t, 1, s.open())
	})
}

func TestBig(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		s.send(t, event("a")+strings.Repeat(" ", 1<<20-1000))
		synctest.Wait()
		require.Equal(t, 1, l.number("a"))
	})
}

func TestTooBig(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		start(t, s, l, l.changed)
		pass(2 * time.Minute)
		big := []byte(strings.Repeat(" ", 1<<20+100))
		s.each(func(_ string, c *stubChannel) { _ = c.conn.Write(t.Context(), websocket.MessageText, big) }) // cut in the middle
		pass(10 * time.Second)
		require.Len(t, l.of(notifications.Lost), 1)
		require.ErrorContains(t, l.of(notifications.Lost)[0].Err, "1048576 bytes")
		require.Equal(t, 1, s.open())
		require.Equal(t, 2, l.number(""))
	})
}
