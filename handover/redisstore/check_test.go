package redisstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover/redisstore"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	own := start(t)
	client := connect(t, own.addr)
	s := newStore(t, client)
	require.NoError(t, s.Check(t.Context()))
	require.Empty(t, client.Keys(t.Context(), "*").Val(), "Check leaves nothing")

	for name, bad := range map[string]string{
		"appendonly": "no", "appendfsync": "everysec", "no-appendfsync-on-rewrite": "yes", "maxmemory-policy": "allkeys-lru",
	} {
		good := client.ConfigGet(t.Context(), name).Val()[name]
		own.set(t, name, bad)
		err := s.Check(t.Context())
		require.ErrorContains(t, err, name+" is "+bad)
		require.ErrorContains(t, err, "CONFIG SET "+name+" "+good)
		require.NotErrorIs(t, err, redisstore.ErrUnverified)
		own.set(t, name, good)
	}
	own.set(t, "appendfsync", "no")
	own.set(t, "maxmemory-policy", "volatile-lru")
	err := s.Check(t.Context())
	require.ErrorContains(t, err, "appendfsync is no")
	require.ErrorContains(t, err, "maxmemory-policy is volatile-lru", "all mistakes at once")
}

// Managed services have no CONFIG at all.
func TestCheckWithoutConfig(t *testing.T) {
	t.Parallel()
	own := start(t, "--rename-command", "CONFIG", "")
	err := newStore(t, connect(t, own.addr)).Check(t.Context())
	require.ErrorIs(t, err, redisstore.ErrUnverified)
	for _, name := range []string{"appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory-policy"} {
		require.ErrorContains(t, err, name)
	}
}
