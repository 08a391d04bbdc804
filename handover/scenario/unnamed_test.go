package scenario_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// An unnaming removes the conversation id from the answers to messages.
type unnaming struct {
	next http.RoundTripper
	take func(conversation string) bool
}

func (u *unnaming) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := u.next.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/inbound/open/message") {
		return res, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if json.Unmarshal(b, &body) == nil {
		if id, _ := body["conversationId"].(string); u.take(id) {
			delete(body, "conversationId")
			b, _ = json.Marshal(body) //nolint:errchkjson // it was JSON
		}
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	res.Header.Del("Content-Length")
	return res, nil
}

// unnamed returns a host. Its Genesys omits the conversation id if take returns true.
func unnamed(t *testing.T, org *genesystest.Org, take func(string) bool, more ...func(*handover.Config)) *host {
	t.Helper()
	client := *org.HTTPClient()
	client.Transport = &unnaming{client.Transport, take}
	return newHost(t, org, append(more, func(c *handover.Config) {
		c.ClientOptions = []genesys.Option{genesys.WithHTTPClient(&client)}
	})...)
}

// TestRevivedConversationNeedsNoName checks that the second handover of a customer works
// whether or not an answer names the revived conversation, which Genesys does not document.
func TestRevivedConversationNeedsNoName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		var known sync.Map
		h := unnamed(t, org, func(id string) bool { _, was := known.LoadOrStore(id, true); return was })
		chat := h.connected(t, "c1", ann)
		h.says(t, "c1", "m1", "hello", handover.TurnAgent)
		pass(time.Minute)
		chat.End()
		h.reaches(t, "c1", handover.StateEnded)
		pass(time.Minute)

		h.handOver(t, "c1", "again")
		chat = ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		require.True(t, h.session(t, "c1").Resumed)
		chat.Say("Welcome back")
		h.says(t, "c1", "m2", "hello again", handover.TurnAgent)
		pass(time.Minute)
		require.Contains(t, h.lines(), "agent: Welcome back")
		chat.End()
		h.reaches(t, "c1", handover.StateEnded)
	})
}

// TestUnnamedConversationFails checks that a webhook can name the conversation. Without one it
// cannot be transferred, so the session fails.
func TestUnnamedConversationFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		h := unnamed(t, org, func(string) bool { return true })
		h.handOver(t, "c1", "r1")
		pass(time.Second)
		org.Conversations()[0].FlowSays("Welcome")
		ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)

		h.handOver(t, "c2", "r2")
		h.says(t, "c2", "m1", "hello?", handover.TurnAgent)
		pass(2 * time.Minute)
		h.reaches(t, "c2", handover.StateEnded)
		require.Equal(t, handover.EndFailed, h.session(t, "c2").Ending.Reason)
		pass(time.Minute)
		require.Contains(t, h.lines(), "back: failed [hello?(sent)]")
	})
}

// TestUnnamedConversationOfAFlowFails checks that a conversation without an id, routed by a flow,
// fails after an hour without a message. An agent who writes later opens another session.
func TestUnnamedConversationOfAFlowFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithFlow(func(genesystest.Arrival) string { return "Support" }))
		h := unnamed(t, org, func(string) bool { return true }, func(c *handover.Config) { c.Channel.Routing = handover.RouteByFlow })
		h.handOver(t, "c1", "h1")
		offer := ann.Wait(t)
		pass(30 * time.Minute)
		h.says(t, "c1", "m1", "hello?", handover.TurnAgent)
		pass(45 * time.Minute)
		require.Equal(t, handover.StateRequested, h.session(t, "c1").State, "the customer still waits")
		h.until(t, 1)
		require.Equal(t, []string{"back: failed [hello?(sent)]"}, h.lines())
		require.Equal(t, handover.CodeNoAnswer, h.session(t, "c1").Ending.Code)
		offer.Accept().Say("Sorry for the wait")
		h.reaches(t, "c1", handover.StateConnected)
		require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
	})
}
