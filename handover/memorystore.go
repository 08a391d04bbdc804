package handover

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"
)

// NewMemoryStore keeps records in this process: for tests, demos, one machine that may forget. What is due is kept in order,
// so the number of sleeping records does not slow [Store.Due] down.
func NewMemoryStore() Store {
	return &memoryStore{records: map[Key]Record{}, found: map[string]Key{}, wake: wakeIndex{of: map[Key]*wake{}}}
}

type memoryStore struct {
	mu      sync.RWMutex
	records map[Key]Record
	found   map[string]Key // conversation id → key
	wake    wakeIndex
}

func (r Record) clone() Record {
	r.Data = slices.Clone(r.Data)
	return r
}

func (s *memoryStore) Get(ctx context.Context, k Key) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.records[k]
	if !ok {
		return Record{}, ErrNotFound
	}
	return r.clone(), nil
}

func (s *memoryStore) Find(ctx context.Context, conversationID string) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.records[s.found[conversationID]]
	if !ok || conversationID == "" || r.ConversationID != conversationID {
		return Record{}, ErrNotFound
	}
	return r.clone(), nil
}

func (s *memoryStore) Put(ctx context.Context, r Record, prev uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.records[r.Key]
	if ok != (prev != 0) || ok && old.Revision != prev {
		return ErrConflict
	}
	if ok {
		s.unlink(old)
	}
	s.records[r.Key] = r.clone()
	s.link(r)
	return nil
}

func (s *memoryStore) Delete(ctx context.Context, k Key, prev uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.records[k]
	if !ok {
		return nil
	}
	if old.Revision != prev {
		return ErrConflict
	}
	s.unlink(old)
	delete(s.records, k)
	return nil
}

func (s *memoryStore) Due(ctx context.Context, now time.Time, limit int) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var due []Record
	for _, k := range s.wake.due(now, limit) {
		due = append(due, s.records[k].clone())
	}
	return due, nil
}

// All takes the keys first and each record when its turn comes, so that the loop may change the store.
func (s *memoryStore) All(ctx context.Context, channel string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s.mu.RLock()
		keys := slices.SortedFunc(maps.Keys(s.records), compareKeys)
		s.mu.RUnlock()
		for _, k := range keys {
			if channel != "" && k.Channel != channel {
				continue
			}
			r, err := s.Get(ctx, k)
			if err != nil && ctx.Err() == nil {
				continue // removed meanwhile
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

func (s *memoryStore) link(r Record) {
	if r.ConversationID != "" {
		s.found[r.ConversationID] = r.Key
	}
	if !r.WakeAt.IsZero() {
		s.wake.put(r.WakeAt, r.Key)
	}
}

func (s *memoryStore) unlink(r Record) {
	if r.ConversationID != "" && s.found[r.ConversationID] == r.Key {
		delete(s.found, r.ConversationID)
	}
	s.wake.drop(r.Key)
}
