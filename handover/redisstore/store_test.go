package redisstore_test

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/redisstore"
	"github.com/genesyshandover/genesyshandover/handover/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) handover.Store {
		t.Helper()
		client, prefix := shared(t)
		return newStore(t, client, redisstore.WithPrefix(prefix))
	})
}

func TestStoreWithReplica(t *testing.T) {
	t.Parallel()
	primary := start(t)
	primary.startReplica(t)
	client := connect(t, primary.addr)
	n := 0
	storetest.Run(t, func(t *testing.T) handover.Store {
		t.Helper()
		n++
		return newStore(t, client, redisstore.WithPrefix("store-"+strconv.Itoa(n)), redisstore.WithReplicas(1, 4*time.Second))
	})
}

// A cluster of one server refuses what a larger one refuses: scripts with keys in several slots.
func TestStoreInCluster(t *testing.T) {
	t.Parallel()
	_, bus, err := net.SplitHostPort(freeAddr(t))
	require.NoError(t, err)
	node := start(t, "--cluster-enabled", "yes", "--cluster-port", bus)
	require.NoError(t, node.admin.ClusterAddSlotsRange(t.Context(), 0, 16383).Err())
	wait(t, func() bool { return strings.Contains(node.admin.ClusterInfo(t.Context()).Val(), "cluster_state:ok") }, "no cluster")

	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{node.addr}})
	t.Cleanup(func() { _ = client.Close() })
	n := 0
	storetest.Run(t, func(t *testing.T) handover.Store {
		t.Helper()
		n++
		return newStore(t, client, redisstore.WithPrefix("store-"+strconv.Itoa(n)))
	})
	require.NoError(t, newStore(t, client).Check(t.Context()))
	require.NoError(t, newStore(t, client, redisstore.WithPrefix("slot")).Put(t.Context(), record("c", 1), 0))
	oneSlot(t, node.admin, "slot")
}

// A slot moves to another server: writes fail without a conflict until the client knows the server,
// then succeed.
func TestSlotMoves(t *testing.T) {
	t.Parallel()
	var nodes [2]*server
	for i := range nodes {
		_, bus, err := net.SplitHostPort(freeAddr(t))
		require.NoError(t, err)
		nodes[i] = start(t, "--cluster-enabled", "yes", "--cluster-port", bus)
		if i == 0 {
			require.NoError(t, nodes[0].admin.ClusterAddSlotsRange(t.Context(), 0, 16383).Err())
			continue
		}
		host, port, err := net.SplitHostPort(nodes[0].addr)
		require.NoError(t, err)
		require.NoError(t, nodes[1].admin.Do(t.Context(), "cluster", "meet", host, port, nodes[0].busPort()).Err())
	}
	for _, n := range nodes {
		wait(t, func() bool {
			info := n.admin.ClusterInfo(t.Context()).Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:2")
		}, "no cluster")
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{nodes[0].addr}})
	t.Cleanup(func() { _ = client.Close() })
	s := newStore(t, client)
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
	require.NoError(t, s.Delete(t.Context(), record("c", 1).Key, 1)) // an empty slot moves at once

	slot := nodes[0].admin.ClusterKeySlot(t.Context(), "{handover}").Val()
	id, err := nodes[1].admin.Do(t.Context(), "cluster", "myid").Text()
	require.NoError(t, err)
	for _, n := range nodes {
		require.NoError(t, n.admin.Do(t.Context(), "cluster", "setslot", slot, "node", id).Err())
	}
	first := s.Put(t.Context(), record("c", 2), 0)
	require.ErrorContains(t, first, "the slot of the store is on another server")
	require.NotErrorIs(t, first, handover.ErrConflict)
	wait(t, func() bool {
		err := s.Put(t.Context(), record("c", 2), 0)
		require.NotErrorIs(t, err, handover.ErrConflict)
		return err == nil
	}, "the client does not learn the new place")
	whole(t, s, record("c", 2))
	require.NotEmpty(t, nodes[1].admin.Keys(t.Context(), "{handover}:*").Val())
}

// oneSlot fails unless the store has keys and all are in one slot of a cluster.
func oneSlot(t *testing.T, client *redis.Client, prefix string) {
	t.Helper()
	keys, err := client.Keys(t.Context(), "{"+prefix+"}*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 5, "record, all, due, due of the channel, conversation")
	slots := map[int64]bool{}
	for _, k := range keys {
		slot, err := client.ClusterKeySlot(t.Context(), k).Result()
		require.NoError(t, err)
		slots[slot] = true
	}
	require.Len(t, slots, 1)
}

func TestNoKeyExpires(t *testing.T) {
	t.Parallel()
	client, prefix := shared(t)
	s := newStore(t, client, redisstore.WithPrefix(prefix))
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
	keys, err := client.Keys(t.Context(), "{"+prefix+"}*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 5)
	for _, k := range keys {
		require.Equal(t, time.Duration(-1), client.TTL(t.Context(), k).Val(), "retention is the Manager's")
	}
}

// Delete removes every key of a record.
func TestDeleteLeavesNothing(t *testing.T) {
	t.Parallel()
	client, prefix := shared(t)
	s := newStore(t, client, redisstore.WithPrefix(prefix))
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
	moved := record("c", 2)
	moved.ConversationID = "another"
	require.NoError(t, s.Put(t.Context(), moved, 1))
	require.NoError(t, s.Delete(t.Context(), moved.Key, 2))
	require.Empty(t, client.Keys(t.Context(), "{"+prefix+"}*").Val())
}

// Redis loses its scripts at a restart, a failover and SCRIPT FLUSH.
func TestScriptsForgotten(t *testing.T) {
	t.Parallel()
	own := start(t)
	s := newStore(t, connect(t, own.addr))
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
	require.NoError(t, own.admin.ScriptFlush(t.Context()).Err())
	require.NoError(t, s.Put(t.Context(), record("c", 2), 1))
	require.NoError(t, own.admin.ScriptFlush(t.Context()).Err())
	require.NoError(t, s.Delete(t.Context(), record("c", 2).Key, 2))
}

// record returns a record with every field; Data and WakeAt depend on the revision.
func record(customer string, revision uint64) handover.Record {
	return handover.Record{
		Key: handover.Key{Channel: "shop", Customer: customer}, Revision: revision,
		ConversationID: "conversation of " + customer, WakeAt: time.UnixMicro(int64(revision)).UTC(), //nolint:gosec // small
		Data: []byte(strings.Repeat("revision "+strconv.FormatUint(revision, 10)+" ", 50)),
	}
}
