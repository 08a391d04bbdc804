package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// A Store keeps one record per key.
type Store interface {
	// Get returns the record of k, or ErrNotFound.
	Get(ctx context.Context, k machine.Key) (record.Stored, error)
	// Find returns a record of the channel with conversationID as stored by its last Put, or
	// ErrNotFound. It may miss a record. If several records match, it returns any of them. An empty
	// conversationID matches none.
	Find(ctx context.Context, channel, conversationID string) (record.Stored, error)
	// Put stores r if the stored revision is prev, or if prev is 0 and there is no record. It
	// returns ErrConflict only if it certainly stored nothing. After any other error the outcome is
	// unknown.
	Put(ctx context.Context, r record.Stored, prev uint64) error
	// Delete removes the record of k if its revision is prev; otherwise it returns ErrConflict. It
	// returns nil if there is no record.
	Delete(ctx context.Context, k machine.Key, prev uint64) error
	// Due returns the records that q selects. A record may be claimed by another process at the
	// same time, so the result is only a hint.
	Due(ctx context.Context, q DueQuery) ([]record.Stored, error)
	// All ranges over the records of the channel in the order of their keys: by channel, then by
	// customer, compared byte by byte. It ends after the first error.
	All(ctx context.Context, channel string) iter.Seq2[record.Stored, error]
}

// A DueQuery selects records with 0 < WakeAt <= Now, ordered by WakeAt, then by Key (channel, then
// customer, compared byte by byte).
type DueQuery struct {
	Channel string    // empty: every channel
	Now     time.Time // records that wake later are not returned
	After   DueCursor // only records after this place in the order; zero: from the beginning
	Limit   int       // the maximum number of records; 0 or less: none
}

// A DueCursor is a place in the order of Due: that of a record with this WakeAt and Key.
type DueCursor struct {
	WakeAt time.Time
	Key    machine.Key
}

// Compare orders cursors by WakeAt, then by Key.
func (c DueCursor) Compare(o DueCursor) int {
	return cmp.Or(c.WakeAt.Compare(o.WakeAt), c.Key.Compare(o.Key))
}

// storeTime is the timeout of one call of the store.
const storeTime = 5 * time.Second

// A timedStore limits each call by a timeout. An unreachable database may never answer, and a
// call without a timeout would block a caller, or Run and with it every customer. All has no
// timeout, because its loop body may be the host's and take any time.
type timedStore struct {
	Store
	environment.Environment
}

// timed runs one call with the timeout and names it in its error.
func timed[T any](ctx context.Context, s timedStore, what string, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := s.Within(ctx, storeTime)
	defer cancel()
	result, err := call(ctx)
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		err = fmt.Errorf("handover: %s: %w", what, err)
	}
	return result, err
}

func (s timedStore) Get(ctx context.Context, k machine.Key) (record.Stored, error) {
	return timed(ctx, s, "read record", func(ctx context.Context) (record.Stored, error) { return s.Store.Get(ctx, k) })
}

func (s timedStore) Find(ctx context.Context, channel, conversationID string) (record.Stored, error) {
	return timed(ctx, s, "find record", func(ctx context.Context) (record.Stored, error) { return s.Store.Find(ctx, channel, conversationID) })
}

func (s timedStore) Put(ctx context.Context, r record.Stored, prev uint64) error {
	_, err := timed(ctx, s, "store record", func(ctx context.Context) (any, error) { return nil, s.Store.Put(ctx, r, prev) })
	return err
}

func (s timedStore) Delete(ctx context.Context, k machine.Key, prev uint64) error {
	_, err := timed(ctx, s, "remove record", func(ctx context.Context) (any, error) { return nil, s.Store.Delete(ctx, k, prev) })
	return err
}

func (s timedStore) Due(ctx context.Context, q DueQuery) ([]record.Stored, error) {
	return timed(ctx, s, "read due records", func(ctx context.Context) ([]record.Stored, error) { return s.Store.Due(ctx, q) })
}
