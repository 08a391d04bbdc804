package genesystest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// raw speaks to the fake with plain requests, not with our client: neither may hide the other's mistakes.
type raw struct {
	t      *testing.T
	org    *genesystest.Org
	client *http.Client
	api    string // https://api.mypurecloud.ie
	login  string
	token  string
	count  int
}

func dial(t *testing.T, org *genesystest.Org) *raw {
	t.Helper()
	r := &raw{
		t: t, org: org, client: org.HTTPClient(),
		api: org.Channel().Region.API(), login: org.Channel().Region.Login(),
	}
	r.authorize()
	return r
}

func (r *raw) authorize() {
	r.t.Helper()
	status, body := r.grant(r.org.Channel().ClientSecret.Reveal())
	require.Equal(r.t, http.StatusOK, status, "%v", body)
	r.token = body["access_token"].(string)
}

func (r *raw) grant(secret string) (int, map[string]any) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.login+"/oauth/token",
		strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
	require.NoError(r.t, err)
	req.SetBasicAuth(r.org.Channel().ClientID, secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r.send(req)
}

// do sends one request; body is JSON text, empty for none.
func (r *raw) do(method, path, body string) (int, map[string]any) {
	r.t.Helper()
	return r.send(r.request(r.t.Context(), method, path, body))
}

func (r *raw) request(ctx context.Context, method, path, body string) *http.Request {
	r.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, r.api+path, strings.NewReader(body))
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+r.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

func (r *raw) send(req *http.Request) (int, map[string]any) {
	r.t.Helper()
	status, _, body := r.sendFull(req)
	return status, body
}

func (r *raw) sendFull(req *http.Request) (int, http.Header, map[string]any) {
	r.t.Helper()
	res, err := r.client.Do(req)
	require.NoError(r.t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	require.NotEmpty(r.t, res.Header.Get("Inin-Correlation-Id"))
	body := map[string]any{}
	if len(b) > 0 {
		require.Equal(r.t, "application/json", res.Header.Get("Content-Type"))
		require.NoError(r.t, json.Unmarshal(b, &body), "%s", b)
	}
	return res.StatusCode, res.Header, body
}

func (r *raw) inbound(kind string) string {
	return "/api/v2/conversations/messages/" + r.org.Channel().IntegrationID + "/inbound/open/" + kind
}

// message is a customer's message as the documentation has it.
func (r *raw) message(customer, text string) string {
	r.count++
	return fmt.Sprintf(`{"channel":{"from":{"id":%q,"idType":"Opaque","nickname":"Cleo"},"time":%q,"messageId":"p%d"},"text":%q}`,
		customer, wireTime(time.Now()), r.count, text)
}

// say posts a message and returns the conversation's id.
func (r *raw) say(customer, text string) string {
	r.t.Helper()
	status, body := r.do(http.MethodPost, r.inbound("message")+"?prefetchConversationId=true", r.message(customer, text))
	require.Equal(r.t, http.StatusOK, status, "%v", body)
	return body["conversationId"].(string)
}

func (r *raw) read(conversation string) map[string]any {
	r.t.Helper()
	status, body := r.do(http.MethodGet, "/api/v2/conversations/messages/"+conversation, "")
	require.Equal(r.t, http.StatusOK, status, "%v", body)
	return body
}

// legs writes the participants as "purpose state disconnectType".
func (r *raw) legs(conversation string) []string {
	r.t.Helper()
	var out []string
	for _, p := range list(r.read(conversation), "participants") {
		line := fmt.Sprint(p["purpose"], " ", p["state"])
		if d, ok := p["disconnectType"]; ok {
			line += fmt.Sprint(" ", d)
		}
		out = append(out, line)
	}
	return out
}

// live finds the newest live leg of a purpose.
func (r *raw) live(conversation, purpose string) map[string]any {
	r.t.Helper()
	var found map[string]any
	for _, p := range list(r.read(conversation), "participants") {
		if p["purpose"] == purpose && p["state"] != "disconnected" {
			found = p
		}
	}
	require.NotNil(r.t, found, "no live %s leg", purpose)
	return found
}

// handOver opens a conversation and transfers it to Support, the guide's way.
func (r *raw) handOver(customer, text string) string {
	r.t.Helper()
	id := r.say(customer, text)
	genesystest.Until(r.t, func() bool { return r.org.Conversation(customer).Phase() == "queued" })
	r.transfer(id, "acd", r.org.Queue("Support").ID())
	genesystest.Until(r.t, func() bool { return r.org.Conversation(customer).Queue() == "Support" })
	return id
}

func (r *raw) transfer(conversation, purpose, queueID string) {
	r.t.Helper()
	status, body := r.do(http.MethodPost, "/api/v2/conversations/"+conversation+"/participants/"+
		r.live(conversation, purpose)["id"].(string)+"/replace/queue", `{"queueId":"`+queueID+`"}`)
	require.Equal(r.t, http.StatusAccepted, status, "%v", body)
	require.Empty(r.t, body)
}

func list(body map[string]any, name string) []map[string]any {
	var out []map[string]any
	entries, _ := body[name].([]any)
	for _, e := range entries {
		out = append(out, e.(map[string]any))
	}
	return out
}

func wireTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// onSockets serves org to real connections.
func onSockets(t *testing.T, org *genesystest.Org) *raw {
	t.Helper()
	s := httptest.NewServer(org.Handler())
	t.Cleanup(s.Close)
	r := &raw{t: t, org: org, client: s.Client(), api: s.URL, login: s.URL}
	r.authorize()
	return r
}
