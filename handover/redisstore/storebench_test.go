package redisstore_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/redisstore"
	"github.com/genesyshandover/genesyshandover/internal/storebench"
)

// BenchmarkRedis measures the server at REDIS_ADDR with its settings: only with appendfsync always
// are the numbers those of a store that loses nothing.
func BenchmarkRedis(b *testing.B) {
	addr := os.Getenv("REDIS_ADDR")
	if addr == "" {
		b.Skip("NOT MEASURED: set REDIS_ADDR to the host:port of a Redis, for example 127.0.0.1:6379")
	}
	storebench.Run(b, func(tb testing.TB) handover.Store {
		tb.Helper()
		client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
		prefix := "bench-" + rand.Text()
		tb.Cleanup(func() {
			clearBench(tb, client, prefix)
			require.NoError(tb, client.Close())
		})
		s, err := redisstore.New(client, redisstore.WithPrefix(prefix))
		require.NoError(tb, err)
		return s
	})
}

// clearBench removes the keys of a prefix in batches.
func clearBench(tb testing.TB, client *redis.Client, prefix string) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		keys, next, err := client.Scan(ctx, cursor, "{"+prefix+"}:*", 10_000).Result()
		require.NoError(tb, err)
		if len(keys) > 0 {
			require.NoError(tb, client.Unlink(ctx, keys...).Err())
		}
		cursor = next
	}
}
