package scenario_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// A hungStore never answers while its database is away, as if packets were dropped.
type hungStore struct {
	handover.Store

	vanished atomic.Bool
}

func (s *hungStore) hang(ctx context.Context) error {
	if s.vanished.Load() {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (s *hungStore) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	if err := s.hang(ctx); err != nil {
		return handover.Record{}, err
	}
	return s.Store.Get(ctx, k)
}

func (s *hungStore) Put(ctx context.Context, r handover.Record, prev uint64) error {
	if err := s.hang(ctx); err != nil {
		return err
	}
	return s.Store.Put(ctx, r, prev)
}

func (s *hungStore) Due(ctx context.Context, q handover.DueQuery) ([]handover.Record, error) {
	if err := s.hang(ctx); err != nil {
		return nil, err
	}
	return s.Store.Due(ctx, q)
}

// TestHangingStoreBlocksNoCall checks that calls return in time while the database does not
// answer, not even with an error, and that work continues afterwards.
func TestHangingStoreBlocksNoCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), &hungStore{Store: handover.NewMemoryStore()}
		ann := org.Agent("Ann", "Support")
		a := newHost(t, org, keeping(store, 0))
		chat := a.connected(t, "c1", ann)
		pass(time.Minute)

		store.vanished.Store(true)
		began := time.Now()
		_, err := a.desk.Forward(t.Context(), handover.Customer("c1"), handover.Text("m1", "hello?"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.LessOrEqual(t, time.Since(began), 5*time.Second)
		chat.Say("one")
		pass(20 * time.Second)

		store.vanished.Store(false)
		pass(time.Minute)
		require.Contains(t, a.lines(), "agent: one")
	})
}
