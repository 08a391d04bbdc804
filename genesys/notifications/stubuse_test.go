package notifications_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

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

// cut closes every socket without a word.
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

// wrote is what clients wrote.
func (s *stub) wrote() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
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
