package notifications_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/notifications"
)

func TestRateLimitedCreate(t *testing.T) {
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

// After a 500 nobody knows whether there is a channel, so the next comes a minute later.
func TestCreateOfUnknownOutcome(t *testing.T) {
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

func TestRejectedTopics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		end := notifications.ConversationEnd("b0b0")
		s.refuse[string(end)] = "analytics:conversationDetail:view"
		var text bytes.Buffer
		stop := startTopics(t, s, []notifications.Topic{queue[0], end, queue[0]}, l, l.changed,
			notifications.WithLogger(slog.New(slog.NewTextHandler(&text, nil))))
		require.Equal(t, 1, s.open(), "the other one works")
		require.Equal(t, []notifications.Event{{
			Kind: notifications.Rejected, Topic: end, Permissions: []string{"analytics:conversationDetail:view"}, Reason: "no",
		}}, l.of(notifications.Rejected))
		pass(5 * time.Minute)
		require.Equal(t, 1, s.number("PUT"))
		pass(25 * time.Minute)
		require.InDelta(t, 3, s.number("PUT"), 1)
		require.Len(t, l.of(notifications.Rejected), 1, "told once")

		s.with(func() { clear(s.refuse) })
		n := l.number("")
		pass(12 * time.Minute)
		require.Equal(t, end, l.of(notifications.Permitted)[0].Topic)
		require.Equal(t, n+1, l.number(""))
		put := s.number("PUT")
		pass(5 * time.Hour)
		require.Equal(t, put, s.number("PUT"), "from then on as seldom as ever")
		stop()
		require.Contains(t, text.String(), "analytics:conversationDetail:view")
		require.Contains(t, text.String(), "v2.detail.events.conversation.{id}.customer.end")
		require.NotContains(t, text.String(), "b0b0")
		require.NotContains(t, text.String(), "channels/channel-1")
	})
}

func TestAllRejected(t *testing.T) {
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

// A proxy that lets no WebSocket through must not cost a channel for each attempt.
func TestDialRefused(t *testing.T) {
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

func TestAddresses(t *testing.T) {
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

// The API of a fake or a proxy may be spoken to without TLS; so may its sockets.
func TestPlainEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.uri = func(id string) string { return "ws://streaming.test/channels/" + id }
		s.endpoint = "http://api.test"
		start(t, s, l, l.changed)
		require.Equal(t, 1, s.open())
	})
}
