package main

import (
	"encoding/json"
	"net/http"
	"time"
)

// collector is the customers' channel and the bot's memory: what the replicas deliver, hand back and tell.
func (s *stage) collector() http.Handler {
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

// collect calls come with what stands at the door, and what it returns slowly.
func collect[T any](s *stage, come func(v T, by string) (note func())) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var v T
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<20)).Decode(&v); err != nil {
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		s.slowly(r.Context(), come(v, r.Header.Get(replicaHeader)))
	}
}
