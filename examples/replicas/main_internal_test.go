package main

import (
	"bytes"
	"encoding/json"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/internal/torture"
)

// TestMain: the replicas of a run are processes of this program, which is the test here.
func TestMain(m *testing.M) {
	if torture.IsReplica() {
		main()
	}
	os.Exit(m.Run())
}

// TestKilledReplicas is a small run with real processes on SQLite, one SIGKILL and one -restart. It
// measures no time: it ends when everything has arrived.
func TestKilledReplicas(t *testing.T) {
	t.Parallel()
	var result bytes.Buffer
	screen := &lockedBuffer{}
	args := []string{"-replicas=2", "-customers=3", "-messages=4", "-kills=1", "-for=2s", "-seed=3", "-restart=echo restarted"}
	require.Zero(t, torture.Main(args, &result, screen, stores()...), "%s", screen)
	type way struct {
		Sent       int `json:"sent"`
		Arrived    int `json:"arrived"`
		HandedBack int `json:"handed_back"`
	}
	var r struct {
		Kills           int `json:"kills"`
		Restarts        int `json:"restarts"`
		Sessions        int `json:"sessions"`
		Lost            int `json:"lost"`
		Reordered       int `json:"reordered"`
		DuplicatesNewID int `json:"duplicates_new_id"`
		Unreturned      int `json:"unreturned"`
		ToGenesys       way `json:"to_genesys"`
		ToHost          way `json:"to_host"`
	}
	require.NoError(t, json.Unmarshal(result.Bytes(), &r))
	require.Equal(t, 12, r.ToGenesys.Sent)
	require.Equal(t, 12, r.ToGenesys.Arrived+r.ToGenesys.HandedBack)
	require.Positive(t, r.ToHost.Sent)
	require.Equal(t, r.ToHost.Sent, r.ToHost.Arrived)
	require.Equal(t, 1, r.Kills)
	require.Equal(t, 1, r.Restarts)
	require.GreaterOrEqual(t, r.Sessions, 3)
	require.Zero(t, r.Lost+r.Reordered+r.DuplicatesNewID+r.Unreturned)
	require.Contains(t, screen.String(), "restarted")
}

func TestStoresRefuseWrongAddresses(t *testing.T) {
	t.Parallel()
	for _, kind := range stores()[1:] {
		var screen bytes.Buffer
		require.Equal(t, 2, torture.Main([]string{"-store=" + kind.Name}, &screen, &screen, stores()...))
		require.Contains(t, screen.String(), "-dsn is required")
	}
	_, err := openRedis("no address", "replicas_")
	require.ErrorContains(t, err, "-dsn: not an address of Redis")
}

// A lockedBuffer collects what several goroutines and processes write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns what was written so far.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
