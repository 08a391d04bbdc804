package genesystest_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

// raw sends plain requests. It does not use our client, so that neither hides an error of the
// other.
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

// message returns a customer's message in the documented form.
func (r *raw) message(customer, text string) string {
	r.count++
	return fmt.Sprintf(`{"channel":{"from":{"id":%q,"idType":"Opaque","nickname":"Cleo"},"time":%q,"messageId":"p%d"},"text":%q}`,
		customer, wireTime(time.Now()), r.count, text)
}

// postText posts a message and returns the conversation's id.
func (r *raw) postText(customer, text string) string {
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

// legs returns each participant as "purpose state disconnectType".
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

// live returns the newest live leg of a purpose.
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

// handOver opens a conversation and transfers it to Support, as the setup guide describes.
func (r *raw) handOver(customer, text string) string {
	r.t.Helper()
	id := r.postText(customer, text)
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

// onSockets serves org on real connections.
func onSockets(t *testing.T, org *genesystest.Org) *raw {
	t.Helper()
	s := httptest.NewServer(org.Handler())
	t.Cleanup(s.Close)
	r := &raw{t: t, org: org, client: s.Client(), api: s.URL, login: s.URL}
	r.authorize()
	return r
}

// hook is a bot's webhook. It checks signatures without our code, and answers with set statuses.
type hook struct {
	secret string
	mu     sync.Mutex
	status []int // of the next answers; 200 after these
	bodies []map[string]any
	times  []time.Time
	forged int
}

func listen(org *genesystest.Org) *hook {
	h := &hook{secret: org.Channel().WebhookSecrets[0].Reveal()}
	org.DeliverTo(h, "/genesys")
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil || r.URL.Path != "/genesys" || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	mac := hmac.New(sha256.New, []byte(h.secret))
	mac.Write(b)
	if r.Header.Get("X-Hub-Signature-256") != "sha256="+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		h.forged++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var body map[string]any
	if json.NewDecoder(bytes.NewReader(b)).Decode(&body) != nil {
		body = map[string]any{"raw": string(b)}
	}
	h.bodies, h.times = append(h.bodies, body), append(h.times, time.Now())
	if len(h.status) > 0 {
		w.WriteHeader(h.status[0])
		h.status = h.status[1:]
	}
}

func (h *hook) got() []map[string]any {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]map[string]any(nil), h.bodies...)
}

func (h *hook) forgedCount() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.forged
}

// answer sets the statuses of the next answers.
func (h *hook) answer(status []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

func (h *hook) at(began time.Time) []time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []time.Duration
	for _, t := range h.times {
		out = append(out, t.Sub(began))
	}
	return out
}

func changes(events chan<- string) func(context.Context, string) error {
	return func(_ context.Context, id string) error {
		events <- id
		return nil
	}
}

const channelsPath = "/api/v2/notifications/channels"

// stream is a client of a notification socket that keeps all events.
type stream struct {
	conn *websocket.Conn
	done chan struct{} // closed after the last read
	mu   sync.Mutex
	got  []map[string]any
	err  error // of the last read
}

// channel makes a channel with subscriptions.
func (r *raw) channel(topics ...string) (id, uri string) {
	r.t.Helper()
	status, body := r.do(http.MethodPost, channelsPath, "")
	require.Equal(r.t, http.StatusOK, status, "%v", body)
	id = body["id"].(string)
	if len(topics) > 0 {
		status, body = r.subscribe(http.MethodPost, id, "", topics...)
		require.Equal(r.t, http.StatusOK, status, "%v", body)
	}
	return id, r.uriOf(id)
}

func (r *raw) uriOf(id string) string {
	r.t.Helper()
	_, body := r.do(http.MethodGet, channelsPath, "")
	for _, ch := range list(body, "entities") {
		if ch["id"] == id {
			return ch["connectUri"].(string)
		}
	}
	return ""
}

func (r *raw) subscribe(method, id, query string, topics ...string) (int, map[string]any) {
	r.t.Helper()
	asked := make([]map[string]string, 0, len(topics))
	for _, topic := range topics {
		asked = append(asked, map[string]string{"id": topic})
	}
	b, err := json.Marshal(asked)
	require.NoError(r.t, err)
	return r.do(method, channelsPath+"/"+id+"/subscriptions"+query, string(b))
}

func (r *raw) head(id string) int {
	r.t.Helper()
	status, _ := r.do(http.MethodHead, channelsPath+"/"+id, "")
	return status
}

// open connects to a channel's socket and reads until it closes.
func (r *raw) open(uri string) *stream {
	r.t.Helper()
	s, _, err := r.tryOpen(uri)
	require.NoError(r.t, err)
	return s
}

func (r *raw) tryOpen(uri string) (s *stream, status int, err error) {
	r.t.Helper()
	conn, res, err := websocket.Dial(r.t.Context(), uri, &websocket.DialOptions{HTTPClient: r.client})
	if res != nil {
		status = res.StatusCode
		if err != nil && res.Body != nil {
			_ = res.Body.Close()
		}
	}
	if err != nil {
		return nil, status, err
	}
	conn.SetReadLimit(1 << 20)
	s = &stream{conn: conn, done: make(chan struct{})}
	go s.read(r.t.Context())
	r.t.Cleanup(func() {
		_ = conn.CloseNow()
		<-s.done
	})
	return s, status, nil
}

func (s *stream) read(ctx context.Context) {
	defer close(s.done)
	for {
		_, b, err := s.conn.Read(ctx)
		var body map[string]any
		if err == nil {
			err = json.Unmarshal(b, &body)
		}
		s.mu.Lock()
		if err != nil {
			s.err = err
			s.mu.Unlock()
			return
		}
		s.got = append(s.got, body)
		s.mu.Unlock()
	}
}

func (s *stream) events() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]map[string]any(nil), s.got...)
}

// take returns the events since the last call, without heartbeats.
func (s *stream) take() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []map[string]any
	for _, e := range s.got {
		if e["topicName"] != "channel.metadata" {
			out = append(out, e)
		}
	}
	s.got = nil
	return out
}

func bodies(events []map[string]any) []map[string]any {
	var out []map[string]any
	for _, e := range events {
		out = append(out, e["eventBody"].(map[string]any))
	}
	return out
}

// closed waits until the socket is closed and returns the code of its close frame, or -1.
func (s *stream) closed(t *testing.T) websocket.StatusCode {
	t.Helper()
	<-s.done
	return websocket.CloseStatus(s.err)
}

// spy is a TB with failures that do not fail the real test.
type spy struct {
	ctx      context.Context //nolint:containedctx // TB hands it out
	mu       sync.Mutex
	errors   []string
	fatal    string
	cleanups []func()
}

func (s *spy) Helper() {}

func (s *spy) Context() context.Context { return s.ctx }

func (s *spy) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *spy) Errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors = append(s.errors, fmt.Sprintf(format, args...))
}

func (s *spy) Fatalf(format string, args ...any) {
	s.mu.Lock()
	s.fatal = fmt.Sprintf(format, args...)
	s.mu.Unlock()
	runtime.Goexit()
}

func (s *spy) failures() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.errors...)
}

// spied returns an organisation that reports its failures to a spy.
func spied(t *testing.T) (*spy, *raw) {
	t.Helper()
	s := &spy{ctx: t.Context()}
	org := genesystest.New(s)
	t.Cleanup(func() { _ = org.Close() })
	return s, dial(t, org)
}

// guideAnd returns an option with the guide's permissions and others.
func guideAnd(permissions ...string) genesystest.Option {
	return genesystest.WithPermissions(append(genesystest.GuidePermissions(), permissions...)...)
}

// fatalText runs f with a spy and returns the text of its Fatalf.
func fatalText(t *testing.T, f func(tb genesystest.TB)) string {
	t.Helper()
	s := &spy{ctx: t.Context()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(s)
	}()
	<-done
	for _, c := range s.cleanups {
		c()
	}
	return s.fatal
}
