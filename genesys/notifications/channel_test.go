package notifications_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/notifications"
)

func TestCreateWaitsForRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.fail = func(call string, n int) int { return map[bool]int{true: 429}[call == http.MethodPost && n < 3] }
		start(t, s, l, l.changed)
		pass(89 * time.Second) // Retry-After is 90
		require.Equal(t, 1, s.number("POST"))
		pass(2 * time.Second)
		require.Equal(t, 2, s.number("POST"))
		pass(90 * time.Second)
		require.Equal(t, 1, s.open())
		require.True(t, l.failed(genesys.ErrRateLimited))
	})
}

func TestCreateOfUnknownOutcomeIsRetriedAfterAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.fail = func(call string, _ int) int { return map[bool]int{true: 500}[call == http.MethodPost] }
		start(t, s, l, l.changed)
		pass(time.Hour)
		require.LessOrEqual(t, s.number("POST"), 61)
		require.Greater(t, s.number("POST"), 25)
		require.Equal(t, 1, l.number(""), "once: there was no connection for a minute")
	})
}

func TestRejectedTopicsAreRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		end := notifications.ConversationEnd("b0b0")
		s.refuse[string(end)] = "analytics:conversationDetail:view"
		var text bytes.Buffer
		stop := startTopics(t, s, []notifications.Topic{queue[0], end, queue[0]}, l, l.changed,
			notifications.WithLogger(slog.New(slog.NewTextHandler(&text, nil))))
		require.Equal(t, 1, s.open(), "the permitted topic works")
		require.Equal(t, []notifications.Event{{
			Kind: notifications.Rejected, Topic: end, Permissions: []string{"analytics:conversationDetail:view"}, Reason: "no",
		}}, l.of(notifications.Rejected))
		pass(5 * time.Minute)
		require.Equal(t, 1, s.number("PUT"))
		pass(25 * time.Minute)
		require.InDelta(t, 3, s.number("PUT"), 1)
		require.Len(t, l.of(notifications.Rejected), 1, "one event")

		s.with(func() { clear(s.refuse) })
		n := l.number("")
		pass(12 * time.Minute)
		require.Equal(t, end, l.of(notifications.Permitted)[0].Topic)
		require.Equal(t, n+1, l.number(""))
		put := s.number("PUT")
		pass(5 * time.Hour)
		require.Equal(t, put, s.number("PUT"), "back to the usual interval")
		stop()
		require.Contains(t, text.String(), "analytics:conversationDetail:view")
		require.Contains(t, text.String(), "v2.detail.events.conversation.{id}.customer.end")
		require.NotContains(t, text.String(), "b0b0")
		require.NotContains(t, text.String(), "channels/channel-1")
	})
}

func TestNoSocketWhileAllTopicsAreRejected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.refuse[string(queue[0])] = "routing:queue:view"
		start(t, s, l, l.changed)
		pass(time.Hour)
		require.Zero(t, s.number("dial"))
		require.InDelta(t, 6, s.number("PUT"), 2)
		require.Equal(t, 1, s.created())
		require.Len(t, l.of(notifications.Rejected), 1)
		require.ErrorContains(t, l.of(notifications.Failed)[0].Err, "rejects every topic")
		s.with(func() { clear(s.refuse) })
		pass(12 * time.Minute)
		require.Equal(t, 1, s.open())
	})
}

// A proxy that blocks WebSockets must not cause a new channel for each attempt.
func TestRefusedSocketMakesNoNewChannel(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"from the first": 0, "later": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, l := newStub(t), &log{}
				s.fail = func(call string, i int) int { return map[bool]int{true: 403}[call == "dial" && i > n] }
				start(t, s, l, l.changed)
				pass(time.Minute)
				s.cut()
				pass(5 * time.Hour)
				require.Equal(t, 1+n, s.created())
				require.ErrorContains(t, l.of(notifications.Failed)[0].Err, "403")
			})
		})
	}
}

func TestOnlySecureAddressesAreDialed(t *testing.T) {
	t.Parallel()
	for address, works := range map[string]bool{
		"wss://streaming.test/channels/channel-1":     true,
		"ws://127.0.0.1:8080/channels/channel-1":      true,
		"ws://[::1]/channels/channel-1":               true,
		"ws://localhost/channels/channel-1":           true,
		"ws://streaming.test/channels/channel-1":      false,
		"http://streaming.test/channels/channel-1":    false,
		"https://streaming.test/channels/channel-1":   false,
		"wss://u:p@streaming.test/channels/channel-1": false,
		"wss:///channels/channel-1":                   false,
		"://":                                         false,
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, l := newStub(t), &log{}
				s.uri = func(string) string { return address }
				start(t, s, l, l.changed)
				require.Equal(t, works, s.open() == 1)
				for _, e := range l.of(notifications.Failed) {
					require.NotContains(t, e.Err.Error(), "channel-1")
				}
				pass(10 * time.Minute)
				require.Equal(t, 1, s.created())
			})
		})
	}
}

// A fake or a proxy may serve the API without TLS, and then also its sockets.
func TestPlainAPIAllowsPlainSocket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.uri = func(id string) string { return "ws://streaming.test/channels/" + id }
		s.endpoint = "http://api.test"
		start(t, s, l, l.changed)
		require.Equal(t, 1, s.open())
	})
}

func TestChannelIsRenewedBeforeItExpires(t *testing.T) {
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

func TestSocketWorksWhileRenewalFails(t *testing.T) {
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
		require.Equal(t, 1, s.number("dial"), "the socket still works")
	})
}

// forget removes all channels, so that the stub answers 404.
func forget(s *stub) { s.with(func() { clear(s.channels) }) }

func TestChannelGoneAtRenewalIsReplaced(t *testing.T) {
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

func TestChannelGoneIsReplacedOnceAMinute(t *testing.T) {
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

func TestShortSocketsStillRenewTheChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.onConnect = func(c *websocket.Conn) { _ = c.CloseNow() }
		start(t, s, l, l.changed)
		pass(30 * time.Hour)
		require.InDelta(t, 3, s.number("PUT"), 1)
	})
}

// Genesys may accept sockets for a channel that is gone.
func TestChannelGoneBehindShortSocketsIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.onConnect = func(c *websocket.Conn) {
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
