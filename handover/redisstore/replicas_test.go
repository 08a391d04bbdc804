package redisstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/redisstore"
)

const (
	soon  = 50 * time.Millisecond // for waits that have to fail
	later = 4 * time.Second       // for waits that have to succeed
)

// A Put that returned nil is on the replica, and is there after a failover.
func TestReplicaHasWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	primary := start(t)
	replica := primary.startReplica(t)
	s := newStore(t, connect(t, primary.addr), redisstore.WithReplicas(1, later))
	for rev := range uint64(50) {
		require.NoError(t, s.Put(t.Context(), record("c", rev+1), rev))
		got, err := replica.admin.HGet(t.Context(), "{handover}:record:shop\x00c", "data").Result()
		require.NoError(t, err)
		require.Equal(t, string(record("c", rev+1).Data), got)
	}
	primary.kill(t)
	require.NoError(t, replica.admin.Do(t.Context(), "replicaof", "no", "one").Err())
	whole(t, newStore(t, connect(t, replica.addr)), record("c", 50))
}

// Too few replicas: an error that is no conflict, and no Get returns the record before the replica
// has it.
func TestTooFewReplicas(t *testing.T) {
	t.Parallel()
	primary := start(t)
	replica := primary.startReplica(t)
	client := connect(t, primary.addr)
	s := newStore(t, client, redisstore.WithReplicas(1, soon))
	// As in another process.
	another := newStore(t, connect(t, primary.addr), redisstore.WithReplicas(1, soon))
	patient := newStore(t, client, redisstore.WithReplicas(1, later))
	require.NoError(t, patient.Put(t.Context(), record("c", 1), 0))
	replica.kill(t)

	err := s.Put(t.Context(), record("c", 2), 1)
	require.ErrorContains(t, err, "0 of 1 within 50ms")
	require.NotErrorIs(t, err, handover.ErrConflict)
	for _, reader := range []*redisstore.Store{s, another} {
		_, err = reader.Get(t.Context(), record("c", 2).Key)
		require.ErrorContains(t, err, "too few replicas")
		require.NotErrorIs(t, err, handover.ErrNotFound)
	}
	got, err := newStore(t, client).Get(t.Context(), record("c", 2).Key)
	require.NoError(t, err)
	require.Equal(t, record("c", 2), got, "it is on the primary")
	require.ErrorIs(t, s.Put(t.Context(), record("c", 2), 1), handover.ErrConflict)
	require.ErrorContains(t, s.Put(t.Context(), record("c", 3), 2), "too few replicas", "the next write waits as well")
	require.ErrorContains(t, s.Check(t.Context()), "too few replicas")
	require.Len(t, client.Keys(t.Context(), "{handover}*").Val(), 6, "record, all, due, due of the channel, conversation, fence; nothing of Check")

	replica.run(t)
	primary.waitForReplica(t)
	got, err = patient.Get(t.Context(), record("c", 3).Key)
	require.NoError(t, err)
	require.Equal(t, record("c", 3), got)
	require.False(t, client.HExists(t.Context(), "{handover}:record:shop\x00c", "unsure").Val(), "the mark is gone")
	require.NoError(t, patient.Put(t.Context(), record("c", 4), 3))
}

// No Get returns a write that still waits for the replicas, or that waited when its process died.
func TestReadsOnlyReplicatedRecords(t *testing.T) {
	t.Parallel()
	primary := start(t)
	replica := primary.startReplica(t)
	patient := newStore(t, connect(t, primary.addr), redisstore.WithReplicas(1, later))
	// As in another process.
	hasty := newStore(t, connect(t, primary.addr), redisstore.WithReplicas(1, soon))
	require.NoError(t, patient.Put(t.Context(), record("c", 1), 0))
	require.False(t, primary.admin.HExists(t.Context(), "{handover}:record:shop\x00c", "unsure").Val())
	replica.kill(t)

	waiting := make(chan error, 1)
	go func() { waiting <- patient.Put(t.Context(), record("c", 2), 1) }()
	for primary.admin.HGet(t.Context(), "{handover}:record:shop\x00c", "rev").Val() != "2" {
		require.NoError(t, t.Context().Err())
	}
	_, err := hasty.Get(t.Context(), record("c", 2).Key)
	require.ErrorContains(t, err, "too few replicas")
	require.Error(t, <-waiting)
	_, err = hasty.Get(t.Context(), record("c", 2).Key)
	require.ErrorContains(t, err, "too few replicas")
}

// The caller repeats a Delete after a lost answer: nil must mean that the replicas have it, too.
func TestRepeatedDeleteWaitsForReplicas(t *testing.T) {
	t.Parallel()
	primary := start(t)
	replica := primary.startReplica(t)
	s := newStore(t, connect(t, primary.addr), redisstore.WithReplicas(1, soon))
	patient := newStore(t, connect(t, primary.addr), redisstore.WithReplicas(1, later))
	require.NoError(t, patient.Put(t.Context(), record("c", 1), 0))
	replica.kill(t)
	for range 2 {
		require.ErrorContains(t, s.Delete(t.Context(), record("c", 1).Key, 1), "too few replicas")
	}
	// WAIT of Redis 7.0 waits for the writes of all connections, so the calls above cannot fail
	// there. This write can be missing.
	require.Equal(t, "1", primary.admin.Get(t.Context(), "{handover}:fence").Val())
}
