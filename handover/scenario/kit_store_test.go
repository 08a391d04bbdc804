package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// A hookedStore calls a hook before each Put. If the hook fails, Put returns its error and
// stores nothing.
type hookedStore struct {
	handover.Store

	mu   sync.Mutex
	hook func() error
	puts int
}

func newHookedStore() *hookedStore { return &hookedStore{Store: handover.NewMemoryStore()} }

func (s *hookedStore) before(f func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = f
}

// writes returns the number of calls of Put that stored the record, or may have.
func (s *hookedStore) writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

func (s *hookedStore) Put(ctx context.Context, r handover.Record, prev uint64) error {
	s.mu.Lock()
	f := s.hook
	s.mu.Unlock()
	if f != nil {
		if err := f(); err != nil {
			return err
		}
	}
	err := s.Store.Put(ctx, r, prev)
	if !errors.Is(err, handover.ErrConflict) {
		s.mu.Lock()
		s.puts++
		s.mu.Unlock()
	}
	return err
}

// An outbound describes the webhook body of a message.
type outbound struct {
	id, customer, conversation, text, origin string
	at                                       time.Time
}

// receive posts a signed webhook to the host and returns the status.
func (h *host) receive(t *testing.T, org *genesystest.Org, o outbound) int {
	t.Helper()
	return h.post(t, org, o)()
}

// post returns the function that posts a webhook and returns the status of the answer.
func (h *host) post(t *testing.T, org *genesystest.Org, o outbound) func() int {
	t.Helper()
	c := org.Channel()
	if o.at.IsZero() {
		o.at = time.Now()
	}
	if o.origin == "" {
		o.origin = "Human"
	}
	body, err := json.Marshal(map[string]any{
		"id": o.id, "type": "Text", "text": o.text, "direction": "Outbound", "originatingEntity": o.origin,
		"conversationId": o.conversation,
		"channel": map[string]any{
			"id": c.IntegrationID, "platform": "Open", "type": "Private", "messageId": o.id,
			"time": o.at.UTC().Format("2006-01-02T15:04:05.000Z"),
			"to":   map[string]any{"id": o.customer, "idType": "Opaque"},
			"from": map[string]any{"id": c.IntegrationID, "idType": "Opaque", "nickname": "Web chat"},
		},
	})
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/genesys", bytes.NewReader(body))
	r.Header.Set(webhook.SignatureHeader, webhook.Sign(c.WebhookSecrets[0].Reveal(), body))
	return func() int {
		w := httptest.NewRecorder()
		h.handler().ServeHTTP(w, r)
		return w.Code
	}
}
