package notifications_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/internal/memnet"
	"github.com/genesyshandover/genesyshandover/region"
)

// A stub is the Notifications API as documented: channels, topics, and one socket for each
// channel.
type stub struct {
	server *memnet.Server

	mu        sync.Mutex
	channels  map[string]*stubChannel
	made      int
	calls     []string // "POST", "HEAD", "PUT", "dial"
	sockets   int      // open now
	fail      func(call string, n int) int
	refuse    map[string]string // topic → missing permission
	silent    bool              // sends no heartbeat
	onConnect func(*websocket.Conn)
	received  []string // messages from clients
	uri       func(id string) string
	endpoint  string // of the API; empty: that of the region
}

type stubChannel struct {
	topics []string
	put    []time.Time
	conn   *websocket.Conn
	opened []time.Time
}

func newStub(t *testing.T) *stub {
	t.Helper()
	s := &stub{channels: map[string]*stubChannel{}, refuse: map[string]string{}}
	s.uri = func(id string) string { return "wss://streaming.test/channels/" + id }
	s.server = memnet.Serve(s)
	t.Cleanup(func() {
		s.each(func(_ string, c *stubChannel) {
			if c.conn != nil {
				_ = c.conn.CloseNow()
			}
		})
		require.NoError(t, s.server.Close())
	})
	return s
}

func (s *stub) client(t *testing.T) *genesys.Client {
	t.Helper()
	c, err := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"),
		genesys.WithEndpoints(s.endpoint, ""),
		genesys.WithHTTPClient(&http.Client{Transport: s.server, Timeout: 30 * time.Second}), genesys.WithRetry(genesys.RetryPolicy{}))
	require.NoError(t, err)
	return c
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/oauth/token") {
		answer(w, http.StatusOK, map[string]any{"access_token": "t", "expires_in": 86399, "token_type": "bearer"})
		return
	}
	id := strings.TrimPrefix(r.URL.Path, "/channels/")
	call := "dial"
	if rest, ok := strings.CutPrefix(r.URL.Path, "/api/v2/notifications/channels"); ok {
		call, id = r.Method, strings.TrimSuffix(strings.TrimPrefix(rest, "/"), "/subscriptions")
	}
	s.mu.Lock()
	s.calls = append(s.calls, call)
	status := 0
	if s.fail != nil {
		status = s.fail(call, count(s.calls, call))
	}
	c := s.channels[id]
	s.mu.Unlock()
	switch {
	case status != 0:
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "90")
		}
		if status/100 == 3 {
			w.Header().Set("Location", "/channels/elsewhere")
		}
		answer(w, status, map[string]any{"status": status, "code": "stub", "message": "stub"})
	case call == http.MethodPost:
		s.create(w)
	case c == nil:
		answer(w, http.StatusNotFound, map[string]any{"status": 404, "code": "not.found", "message": "no channel"})
	case call == http.MethodPut:
		s.subscribe(w, r, c)
	case call == "dial":
		s.connect(w, r, c)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

func (s *stub) create(w http.ResponseWriter) {
	s.mu.Lock()
	s.made++
	id := "channel-" + strconv.Itoa(s.made)
	s.channels[id] = &stubChannel{}
	uri := s.uri(id)
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"id": id, "connectUri": uri, "expires": time.Now().Add(24 * time.Hour)})
}

func (s *stub) subscribe(w http.ResponseWriter, r *http.Request, c *stubChannel) {
	var topics []struct {
		ID string `json:"id"`
	}
	if json.NewDecoder(r.Body).Decode(&topics) != nil || r.URL.Query().Get("ignoreErrors") != "true" {
		answer(w, http.StatusBadRequest, map[string]any{"status": 400})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.topics, c.put = nil, append(c.put, time.Now())
	entities := []map[string]any{}
	for _, t := range topics {
		if missing := s.refuse[t.ID]; missing != "" {
			entities = append(entities, map[string]any{
				"id": t.ID, "state": "Rejected", "rejectionReason": "no", "missingPermissions": []string{missing},
			})
			continue
		}
		c.topics = append(c.topics, t.ID)
		entities = append(entities, map[string]any{"id": t.ID, "state": "Permitted"})
	}
	answer(w, http.StatusOK, map[string]any{"entities": entities})
}

func (s *stub) connect(w http.ResponseWriter, r *http.Request, c *stubChannel) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	s.mu.Lock()
	old := c.conn
	c.conn, c.opened = conn, append(c.opened, time.Now())
	s.sockets++
	greet, deaf := s.onConnect, s.silent
	s.mu.Unlock()
	if old != nil {
		_ = old.CloseNow()
	}
	defer func() {
		s.mu.Lock()
		s.sockets--
		if c.conn == conn {
			c.conn = nil
		}
		s.mu.Unlock()
	}()
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	beats := make(chan struct{})
	go func() {
		defer close(beats)
		for !deaf {
			if conn.Write(ctx, websocket.MessageText, []byte(heartbeat)) != nil {
				return
			}
			select {
			case <-time.After(30 * time.Second):
			case <-ctx.Done():
				return
			}
		}
	}()
	if greet != nil {
		greet(conn)
	}
	for {
		_, b, err := conn.Read(ctx)
		if err != nil {
			break
		}
		s.mu.Lock()
		s.received = append(s.received, string(b))
		s.mu.Unlock()
	}
	cancel()
	<-beats
}

const heartbeat = `{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}`

func event(conversation string) string {
	return fmt.Sprintf(`{"topicName":"v2.routing.queues.q.conversations.messages","version":"2","eventBody":{"id":%q,"participants":[]}}`,
		conversation)
}

// send writes to every open socket.
func (s *stub) send(t *testing.T, messages ...string) {
	t.Helper()
	s.each(func(_ string, c *stubChannel) {
		for _, m := range messages {
			if c.conn != nil {
				require.NoError(t, c.conn.Write(t.Context(), websocket.MessageText, []byte(m)))
			}
		}
	})
}

// cut closes every socket without a close handshake.
func (s *stub) cut() {
	s.each(func(_ string, c *stubChannel) {
		if c.conn != nil {
			_ = c.conn.CloseNow()
		}
	})
}

func (s *stub) each(f func(id string, c *stubChannel)) {
	s.mu.Lock()
	all := map[string]*stubChannel{}
	for id, c := range s.channels {
		all[id] = &stubChannel{conn: c.conn}
	}
	s.mu.Unlock()
	for id, c := range all {
		f(id, c)
	}
}

func (s *stub) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *stub) number(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return count(s.calls, call)
}

func (s *stub) created() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made
}

func (s *stub) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// wrote returns the messages from clients.
func (s *stub) wrote() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

func (s *stub) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sockets
}

func count(all []string, one string) (n int) {
	for _, x := range all {
		if x == one {
			n++
		}
	}
	return n
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(b)
}
