package engine

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// A mapStore is a small Store for white-box tests. Package handover has the real one.
type mapStore struct {
	mu      sync.Mutex
	records map[machine.Key]record.Stored
}

func newMapStore() *mapStore { return &mapStore{records: map[machine.Key]record.Stored{}} }

func (s *mapStore) Get(_ context.Context, k machine.Key) (record.Stored, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[k]
	if !ok {
		return r, record.ErrNotFound
	}
	r.Data = slices.Clone(r.Data)
	return r, nil
}

func (s *mapStore) Find(_ context.Context, channel, conversationID string) (record.Stored, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if r.ConversationID == conversationID && conversationID != "" && (channel == "" || r.Key.Channel == channel) {
			return r, nil
		}
	}
	return record.Stored{}, record.ErrNotFound
}

func (s *mapStore) Put(_ context.Context, r record.Stored, prev uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[r.Key].Revision != prev {
		return record.ErrConflict
	}
	s.records[r.Key] = r
	return nil
}

func (s *mapStore) Delete(_ context.Context, k machine.Key, prev uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.records[k]; ok && r.Revision != prev {
		return record.ErrConflict
	}
	delete(s.records, k)
	return nil
}

func (s *mapStore) Due(_ context.Context, q DueQuery) ([]record.Stored, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var page []record.Stored
	for _, r := range s.records {
		if !r.WakeAt.IsZero() && !r.WakeAt.After(q.Now) && (q.Channel == "" || r.Key.Channel == q.Channel) && len(page) < q.Limit {
			page = append(page, r)
		}
	}
	return page, nil
}

func (s *mapStore) All(_ context.Context, channel string) iter.Seq2[record.Stored, error] {
	return func(yield func(record.Stored, error) bool) {
		s.mu.Lock()
		var all []record.Stored
		for _, r := range s.records {
			if channel == "" || r.Key.Channel == channel {
				all = append(all, r)
			}
		}
		s.mu.Unlock()
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}
