package handover

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
)

// NewMemoryStore returns a Store that keeps records in this process: for tests, demos and a host on
// one machine that may lose its records at a restart. Its indexes are ordered, so sleeping records
// do not slow Find and Due down.
func NewMemoryStore() Store {
	return &memoryStore{records: map[Key]Record{}, conversations: map[string][]Key{}, wakes: map[string]*wakeIndex{}}
}

type memoryStore struct {
	mu            sync.RWMutex
	records       map[Key]Record
	conversations map[string][]Key      // by conversation id, the key of the last Put at the end
	wakes         map[string]*wakeIndex // by channel; "" has the wakes of every channel
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

func (s *memoryStore) Find(ctx context.Context, channel, conversationID string) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, k := range slices.Backward(s.conversations[conversationID]) {
		if channel == "" || k.Channel == channel {
			return s.records[k].clone(), nil
		}
	}
	return Record{}, ErrNotFound
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

func (s *memoryStore) Due(ctx context.Context, q DueQuery) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	wakes := s.wakes[q.Channel]
	if wakes == nil {
		return nil, nil
	}
	var due []Record
	for _, k := range wakes.due(q.After, q.Now, q.Limit) {
		due = append(due, s.records[k].clone())
	}
	return due, nil
}

// All reads the keys first, and each record when the loop reaches it, so that the loop body may
// change the store.
func (s *memoryStore) All(ctx context.Context, channel string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s.mu.RLock()
		keys := slices.SortedFunc(maps.Keys(s.records), func(a, b Key) int { return a.internal().Compare(b.internal()) })
		s.mu.RUnlock()
		for _, k := range keys {
			if channel != "" && k.Channel != channel {
				continue
			}
			r, err := s.Get(ctx, k)
			if err != nil && ctx.Err() == nil {
				continue // removed since the keys were read
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// link adds a record to the indexes.
func (s *memoryStore) link(r Record) {
	if r.ConversationID != "" {
		s.conversations[r.ConversationID] = append(s.conversations[r.ConversationID], r.Key)
	}
	if r.WakeAt.IsZero() {
		return
	}
	for _, channel := range wakesOf(r.Key) {
		if s.wakes[channel] == nil {
			s.wakes[channel] = &wakeIndex{}
		}
		s.wakes[channel].add(DueCursor{WakeAt: r.WakeAt, Key: r.Key})
	}
}

// unlink removes a record from the indexes.
func (s *memoryStore) unlink(r Record) {
	if keys := s.conversations[r.ConversationID]; len(keys) > 1 {
		s.conversations[r.ConversationID] = slices.DeleteFunc(keys, func(k Key) bool { return k == r.Key })
	} else {
		delete(s.conversations, r.ConversationID)
	}
	if r.WakeAt.IsZero() {
		return
	}
	for _, channel := range wakesOf(r.Key) {
		s.wakes[channel].remove(DueCursor{WakeAt: r.WakeAt, Key: r.Key})
		if s.wakes[channel].root == nil {
			delete(s.wakes, channel)
		}
	}
}

// wakesOf lists the channels under which memoryStore.wakes has a key.
func wakesOf(k Key) []string {
	if k.Channel == "" {
		return []string{""}
	}
	return []string{"", k.Channel}
}
