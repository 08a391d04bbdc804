package scenario_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A watchedStore counts calls, and keeps the limits that Due was asked for.
type watchedStore struct {
	handover.Store

	mu     sync.Mutex
	calls  map[string]int
	limits []int
	hook   func(call string) // before a call is made
}

func newWatchedStore() *watchedStore {
	return &watchedStore{Store: handover.NewMemoryStore(), calls: map[string]int{}}
}

func (s *watchedStore) count(call string) {
	s.mu.Lock()
	s.calls[call]++
	f := s.hook
	s.mu.Unlock()
	if f != nil {
		f(call)
	}
}

// before sets the hook; it is called outside the store's lock, so it may use the store.
func (s *watchedStore) before(f func(call string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = f
}

// since gives the calls of a kind made after the last time it was asked.
func (s *watchedStore) since(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.calls[call]
	s.calls[call] = 0
	return n
}

func (s *watchedStore) widest() (limit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.limits {
		limit = max(limit, n)
	}
	return limit
}

func (s *watchedStore) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	s.count("get")
	return s.Store.Get(ctx, k)
}

func (s *watchedStore) Put(ctx context.Context, r handover.Record, prev uint64) error {
	s.count("put")
	return s.Store.Put(ctx, r, prev)
}

func (s *watchedStore) Delete(ctx context.Context, k handover.Key, prev uint64) error {
	s.count("delete")
	return s.Store.Delete(ctx, k, prev)
}

func (s *watchedStore) Due(ctx context.Context, now time.Time, limit int) ([]handover.Record, error) {
	s.mu.Lock()
	s.limits = append(s.limits, limit)
	s.mu.Unlock()
	return s.Store.Due(ctx, now, limit)
}

// records lists all that is stored.
func (s *watchedStore) records(t *testing.T) map[handover.Key]handover.Record {
	t.Helper()
	all := map[handover.Key]handover.Record{}
	for r, err := range s.All(t.Context(), "") {
		require.NoError(t, err)
		all[r.Key] = r
	}
	return all
}

// logging gives a host's log to a wiretap.
func logging(w *wiretap) func(*handover.Config) {
	return func(c *handover.Config) { c.Logger = slog.New(slog.NewTextHandler(w, nil)) }
}

// told counts the log lines that contain a text.
func (w *wiretap) told(text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.logs.String(), text)
}
