package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// The rate limit of the fake. With the real limit of 300 requests a minute a run would last for
// hours.
const noLimit = 1_000_000

// newOrg starts the fake Genesys Cloud.
func newOrg(seed uint64) (*genesystest.Org, error) {
	return genesystest.Start(genesystest.WithSeed(seed), genesystest.WithRateLimit(noLimit))
}

// genesysAPI is the API of the fake. It records customers' messages: which replica sent what, and
// when.
func (s *stage) genesysAPI() http.Handler {
	api := s.org.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/inbound/open/message") {
			api.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the replica died while it was sending
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		var m postedMessage
		if json.Unmarshal(body, &m) != nil {
			api.ServeHTTP(w, r)
			return
		}
		note := arrival{text: m.Text, id: m.Channel.MessageID, at: time.Now(), by: r.Header.Get(replicaHeader)}
		s.book.attempted(toGenesys, note)
		s.slowly(r.Context(), func() {
			seen := &statusWriter{ResponseWriter: w}
			note.at = time.Now()
			api.ServeHTTP(seen, r)
			if seen.status == http.StatusOK {
				s.book.posted(note)
			}
		})
	})
}

// postedMessage is the part of a message that the report needs, in either direction.
type postedMessage struct {
	Text    string `json:"text"`
	Channel struct {
		MessageID string `json:"messageId"`
	} `json:"channel"`
}

// slowly calls do, and waits before or after it. So replicas die before an effect, and between the
// effect and its answer. ctx is the context of the request. If it ends before the effect, do is not
// called.
func (s *stage) slowly(ctx context.Context, do func()) {
	wait := time.Duration(rand.Int64N(2*int64(s.opt.slow) + 1)) //nolint:gosec // a simulation, no secret
	if rand.IntN(2) == 0 {                                      //nolint:gosec // a simulation, no secret
		if pause(ctx, wait) {
			do()
		}
		return
	}
	do()
	pause(ctx, wait)
}

// statusWriter records the status of an answer.
type statusWriter struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// webhook is the load balancer in front of the webhooks. If a replica dies during the request, the
// answer is 502 and Genesys retries.
func (s *stage) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "no body", http.StatusBadRequest)
		return
	}
	a, err := s.fleet.send(r.Context(), http.MethodPost, "/genesys", r.Header, body)
	if err != nil {
		http.Error(w, "no answer from the replica", http.StatusBadGateway)
		return
	}
	var m postedMessage
	if json.Unmarshal(body, &m) == nil && a.status == http.StatusOK && isMarker(m.Text, byAgent) {
		s.book.accept(m.Text, a.by)
	}
	w.WriteHeader(a.status)
}

// signal sends a replica the id of a conversation that changed. A signal may be lost, because the
// SDK also polls.
func (s *stage) signal(ctx context.Context, conversation string) error {
	_, err := s.fleet.send(ctx, http.MethodPost, "/changed/"+url.PathEscape(conversation), nil, nil)
	return err
}

// customersChannel receives what the replicas deliver to customers, return to the bot and notify.
func (s *stage) customersChannel() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /deliver", collect(s, func(d delivered, by string) func() {
		a := arrival{text: d.Text, id: d.ID, at: time.Now(), by: by, stray: d.OutOfOrder}
		s.book.attempted(toHost, a)
		return func() {
			a.at = time.Now()
			s.book.delivered(a)
		}
	}))
	mux.HandleFunc("POST /return", collect(s, func(r handedBack, by string) func() {
		return func() { s.book.handedBack(r, by) }
	}))
	mux.HandleFunc("POST /notify", collect(s, func(n noticed, _ string) func() {
		return func() { s.book.session(n.Session) }
	}))
	return mux
}

// collect decodes a request and calls arrive with it, and slowly the function that arrive returns.
func collect[T any](s *stage, arrive func(v T, by string) (effect func())) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var v T
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<20)).Decode(&v); err != nil {
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		s.slowly(r.Context(), arrive(v, r.Header.Get(replicaHeader)))
	}
}
