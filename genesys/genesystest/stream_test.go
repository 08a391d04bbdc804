package genesystest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

const channelsPath = "/api/v2/notifications/channels"

// stream is a client of a notification socket that keeps all it hears.
type stream struct {
	conn *websocket.Conn
	done chan struct{} // the socket has ended
	mu   sync.Mutex
	got  []map[string]any
	err  error // why it ended
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

// open connects to a channel's socket and reads it until it ends.
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

func (s *stream) heard() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]map[string]any(nil), s.got...)
}

// take returns what was heard since the last time, without heartbeats.
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

// closed waits for the end of the socket and returns the code of its close frame, -1 if it had none.
func (s *stream) closed(t *testing.T) websocket.StatusCode {
	t.Helper()
	<-s.done
	return websocket.CloseStatus(s.err)
}
