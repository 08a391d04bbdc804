package main

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

// The real limit of 300 requests a minute would make a run last for hours.
const noLimit = 1_000_000

// newOrg starts the fake Genesys Cloud.
func newOrg(seed uint64) (*genesystest.Org, error) {
	return genesystest.Start(genesystest.WithSeed(seed), genesystest.WithRateLimit(noLimit))
}

// tapped is the API of the fake, with an observer at the door for customers' messages: which replica brought what, and when.
func (s *stage) tapped() http.Handler {
	api := s.org.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/inbound/open/message") {
			api.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the replica died while it sent
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

// postedMessage is what the report needs of a message, in either direction.
type postedMessage struct {
	Text    string `json:"text"`
	Channel struct {
		MessageID string `json:"messageId"`
	} `json:"channel"`
}

// slowly does something, and takes its time before or after, half each: so replicas die before an effect, and between the
// effect and its answer. ctx is that of the request; if it ends before, nothing is done.
func (s *stage) slowly(ctx context.Context, do func()) {
	wait := time.Duration(rand.Int64N(2*int64(s.opt.slow) + 1)) //nolint:gosec // a play, no secret
	if rand.IntN(2) == 0 {                                      //nolint:gosec // a play, no secret
		if pause(ctx, wait) {
			do()
		}
		return
	}
	do()
	pause(ctx, wait)
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// webhook is the load balancer in front of the webhooks. A replica that dies with the request is a failure, which Genesys' own
// repeats have to repair.
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

// signal tells a replica that a conversation changed. Signals may get lost: the SDK polls.
func (s *stage) signal(ctx context.Context, conversation string) error {
	_, err := s.fleet.send(ctx, http.MethodPost, "/changed/"+url.PathEscape(conversation), nil, nil)
	return err
}
