package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/redisstore"
)

// A meddler changes the store between the two reads of a call: that of an index and that of its
// records.
type meddler struct {
	after  string // the command
	meddle func()
}

func (m *meddler) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m *meddler) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (m *meddler) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if m.meddle != nil && cmd.Name() == m.after {
			m.meddle()
			m.meddle = nil
		}
		return err
	}
}

// meddled returns a store with a meddler, and a second one on the same records.
func meddled(t *testing.T, after string) (s, other *redisstore.Store, m *meddler) {
	t.Helper()
	client, prefix := shared(t)
	other = newStore(t, client, redisstore.WithPrefix(prefix))
	hooked := connect(t, client.Options().Addr)
	m = &meddler{after: after}
	hooked.AddHook(m)
	return newStore(t, hooked, redisstore.WithPrefix(prefix)), other, m
}

func TestDueWithConcurrentWrites(t *testing.T) {
	t.Parallel()
	s, other, m := meddled(t, "zrange")
	for i, customer := range []string{"a", "b", "c", "d", "e"} {
		require.NoError(t, other.Put(t.Context(), record(customer, uint64(i)+1), 0))
	}
	now := time.UnixMicro(10).UTC()
	var errs []error
	m.meddle = func() {
		later, never, last := record("a", 20), record("b", 21), record("d", 22)
		never.WakeAt, last.WakeAt = time.Time{}, now
		errs = []error{
			other.Put(t.Context(), later, 1), other.Put(t.Context(), never, 2), other.Delete(t.Context(), record("c", 3).Key, 3),
			other.Put(t.Context(), last, 4),
		}
	}
	due, err := s.Due(t.Context(), handover.DueQuery{Now: now, Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []error{nil, nil, nil, nil}, errs)
	var customers []string
	for _, r := range due {
		customers = append(customers, r.Key.Customer)
	}
	require.Equal(t, []string{"e", "d"}, customers, "what is due now, oldest first")
}

func TestFindWithConcurrentWrites(t *testing.T) {
	t.Parallel()
	s, other, m := meddled(t, "smembers")
	require.NoError(t, other.Put(t.Context(), record("c", 1), 0))
	var changed error
	m.meddle = func() {
		r := record("c", 2)
		r.ConversationID = "another"
		changed = other.Put(t.Context(), r, 1)
	}
	_, err := s.Find(t.Context(), "", record("c", 1).ConversationID)
	require.ErrorIs(t, err, handover.ErrNotFound)
	require.NoError(t, changed)
}

func TestAllWithConcurrentWrites(t *testing.T) {
	t.Parallel()
	s, other, m := meddled(t, "zrange")
	require.NoError(t, other.Put(t.Context(), record("a", 1), 0))
	require.NoError(t, other.Put(t.Context(), record("b", 1), 0))
	var removed error
	m.meddle = func() { removed = other.Delete(t.Context(), record("a", 1).Key, 1) }
	var got []handover.Record
	for r, err := range s.All(t.Context(), "") {
		require.NoError(t, err)
		got = append(got, r)
	}
	require.NoError(t, removed)
	require.Equal(t, []handover.Record{record("b", 1)}, got)
}

// Two records have a conversation: removing the older one does not take it from the newer one.
func TestSharedConversation(t *testing.T) {
	t.Parallel()
	client, prefix := shared(t)
	s := newStore(t, client, redisstore.WithPrefix(prefix))
	old, newest := record("a", 1), record("b", 1)
	newest.ConversationID = old.ConversationID
	require.NoError(t, s.Put(t.Context(), old, 0))
	require.NoError(t, s.Put(t.Context(), newest, 0))
	require.NoError(t, s.Delete(t.Context(), old.Key, 1))
	found, err := s.Find(t.Context(), "shop", newest.ConversationID)
	require.NoError(t, err)
	require.Equal(t, newest, found)
}
