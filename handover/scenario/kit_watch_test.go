package scenario_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A watchedStore counts calls and records the limits and channels passed to Due and Find.
type watchedStore struct {
	handover.Store

	mu     sync.Mutex
	calls  map[string]int
	limits []int
	asked  map[string]bool   // channels passed to Due and Find
	hook   func(call string) // called before each call
}

func newWatchedStore() *watchedStore {
	return &watchedStore{Store: handover.NewMemoryStore(), calls: map[string]int{}, asked: map[string]bool{}}
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

// before sets the hook. It runs without the lock, so it may use the store.
func (s *watchedStore) before(f func(call string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = f
}

// since returns the number of calls of a kind since the last call of since.
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

func (s *watchedStore) Due(ctx context.Context, q handover.DueQuery) ([]handover.Record, error) {
	s.mu.Lock()
	s.limits = append(s.limits, q.Limit)
	s.asked[q.Channel] = true
	s.mu.Unlock()
	return s.Store.Due(ctx, q)
}

func (s *watchedStore) Find(ctx context.Context, channel, conversationID string) (handover.Record, error) {
	s.mu.Lock()
	s.asked[channel] = true
	s.mu.Unlock()
	return s.Store.Find(ctx, channel, conversationID)
}

// channels returns the channels passed to Due and Find since the last call.
func (s *watchedStore) channels() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Sorted(maps.Keys(s.asked))
	clear(s.asked)
	return list
}

// records returns all records.
func (s *watchedStore) records(t *testing.T) map[handover.Key]handover.Record {
	t.Helper()
	all := map[handover.Key]handover.Record{}
	for r, err := range s.All(t.Context(), "") {
		require.NoError(t, err)
		all[r.Key] = r
	}
	return all
}

// logging sends the log of a host to a wiretap.
func logging(w *wiretap) func(*handover.Config) {
	return func(c *handover.Config) { c.Logger = slog.New(slog.NewTextHandler(w, nil)) }
}

// count returns the number of occurrences of a text in the log.
func (w *wiretap) count(text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.logs.String(), text)
}
