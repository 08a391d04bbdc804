package handover

import (
	"context"
	"time"
)

// storeTime is how long one call of the store may take.
const storeTime = 5 * time.Second

// A timedStore gives each call a deadline. A database that has vanished may never answer, and whoever waits for it holds up a
// customer, or is Run itself and holds up all. All belongs to the host's loop, which may take as long as it wants.
type timedStore struct {
	Store
	shell
}

func (s timedStore) Get(ctx context.Context, k Key) (Record, error) {
	ctx, cancel := s.within(ctx, storeTime)
	defer cancel()
	return s.Store.Get(ctx, k)
}

func (s timedStore) Find(ctx context.Context, conversationID string) (Record, error) {
	ctx, cancel := s.within(ctx, storeTime)
	defer cancel()
	return s.Store.Find(ctx, conversationID)
}

func (s timedStore) Put(ctx context.Context, r Record, prev uint64) error {
	ctx, cancel := s.within(ctx, storeTime)
	defer cancel()
	return s.Store.Put(ctx, r, prev)
}

func (s timedStore) Delete(ctx context.Context, k Key, prev uint64) error {
	ctx, cancel := s.within(ctx, storeTime)
	defer cancel()
	return s.Store.Delete(ctx, k, prev)
}

func (s timedStore) Due(ctx context.Context, now time.Time, limit int) ([]Record, error) {
	ctx, cancel := s.within(ctx, storeTime)
	defer cancel()
	return s.Store.Due(ctx, now, limit)
}
