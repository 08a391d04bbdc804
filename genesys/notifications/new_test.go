package notifications_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/notifications"
	"github.com/genesyshandover/genesyshandover/region"
)

func client(tb testing.TB) *genesys.Client {
	tb.Helper()
	c, err := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"))
	require.NoError(tb, err)
	return c
}

func TestTopicNames(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, "v2.routing.queues.a-1.conversations.messages", notifications.QueueMessages("a-1"))
	require.EqualValues(t, "v2.users.a-1.conversations.messages", notifications.UserMessages("a-1"))
	require.EqualValues(t, "v2.detail.events.conversation.a-1.customer.end", notifications.ConversationEnd("a-1"))
}

func TestNewRefusesBadTopicsAndOptions(t *testing.T) {
	t.Parallel()
	many := make([]notifications.Topic, notifications.MaxTopics+1)
	for i := range many {
		many[i] = notifications.QueueMessages(fmt.Sprint("q", i))
	}
	for name, test := range map[string]struct {
		topics []notifications.Topic
		opts   []notifications.Option
		want   string
	}{
		"none":        {nil, nil, "no topics"},
		"too many":    {many, nil, "1001 topics"},
		"no id":       {[]notifications.Topic{queue[0], notifications.QueueMessages("")}, nil, "topic 1: a part between two dots is empty"},
		"placeholder": {[]notifications.Topic{"v2.users.{id}.presence"}, nil, "placeholder"},
		"other":       {[]notifications.Topic{"channel.metadata"}, nil, `must begin with "v2."`},
		"space":       {[]notifications.Topic{"v2.users.a b.presence"}, nil, "a character that is not allowed"},
		"not ASCII":   {[]notifications.Topic{"v2.users.ä.presence"}, nil, "a character that is not allowed"},
		"long":        {[]notifications.Topic{notifications.QueueMessages(strings.Repeat("a", 512))}, nil, "the limit is 512"},
		"nil option":  {queue, []notifications.Option{nil}, "an option is nil"},
		"nil owner":   {queue, []notifications.Option{notifications.WithOwner(nil)}, "the owner is nil"},
		"nil log":     {queue, []notifications.Option{notifications.WithLogger(nil)}, "the logger is nil"},
		"nil func":    {queue, []notifications.Option{notifications.WithObserver(nil)}, "the function is nil"},
		"nil HTTP":    {queue, []notifications.Option{notifications.WithHTTPClient(nil)}, "the client is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := notifications.New(client(t), test.topics, test.opts...)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "notifications: ")
		})
	}
	_, err := notifications.New(nil, nil)
	require.ErrorContains(t, err, "the client is nil")
	require.ErrorContains(t, err, "no topics", "all at once")
	_, err = notifications.New(client(t), append(many[1:], many[1]))
	require.NoError(t, err, "repeats do not count")
	_, err = notifications.New(client(t), []notifications.Topic{"v2.users.a-1?presence&conversations.messages"})
	require.NoError(t, err)
}

// counting counts the requests.
type counting struct {
	http.RoundTripper

	n int
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n++
	return c.RoundTripper.RoundTrip(r)
}

func TestWithHTTPClientServesOnlyTheSocket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		c := &counting{RoundTripper: s.server}
		start(t, s, l, l.changed, notifications.WithHTTPClient(&http.Client{Transport: c}))
		require.Equal(t, 1, s.open())
		require.Equal(t, 1, c.n, "only for the socket")
	})
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.fail = func(call string, _ int) int { return map[bool]int{true: http.StatusFound}[call == "dial"] }
		start(t, s, l, l.changed)
		require.ErrorContains(t, l.of(notifications.Failed)[0].Err, "302")
	})
}

// refusing fails like net/http, which adds the address to the error.
type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("refused") }

// noSwitch is a transport that cannot switch protocols.
type noSwitch struct{}

func (noSwitch) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusSwitchingProtocols, Header: http.Header{}, Body: http.NoBody}, nil
}

func TestAddressIsNeitherLoggedNorReported(t *testing.T) {
	t.Parallel()
	for want, transport := range map[string]http.RoundTripper{"refused": refusing{}, "switch protocols": noSwitch{}} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, l := newStub(t), &log{}
				var text bytes.Buffer
				stop := start(t, s, l, l.changed, notifications.WithHTTPClient(&http.Client{Transport: transport}),
					notifications.WithLogger(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))))
				pass(10 * time.Minute)
				stop()
				require.Contains(t, text.String(), want)
				require.NotContains(t, text.String(), "channel-1")
				require.NotContains(t, text.String(), "wss:")
				require.Equal(t, 1, s.created())
			})
		})
	}
}

func TestCloseReasonIsNotReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, l := newStub(t), &log{}
		s.onConnect = func(c *websocket.Conn) { _ = c.Close(websocket.StatusPolicyViolation, "secret") }
		start(t, s, l, l.changed)
		pass(time.Minute)
		lost := l.of(notifications.Lost)[0].Err
		require.ErrorContains(t, lost, "StatusPolicyViolation")
		require.NotContains(t, lost.Error(), "secret")
	})
}
