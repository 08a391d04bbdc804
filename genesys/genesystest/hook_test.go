package genesystest_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// hook is a bot's webhook: it checks signatures on its own and answers what it is told to.
type hook struct {
	secret string
	mu     sync.Mutex
	status []int // of the next requests; 200 when used up
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

func (h *hook) forgeries() int {
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

func changes(heard chan<- string) func(context.Context, string) error {
	return func(_ context.Context, id string) error {
		heard <- id
		return nil
	}
}
