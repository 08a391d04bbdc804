package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// TestMain: the replicas of a run are this program, which is the test here.
func TestMain(m *testing.M) {
	if os.Getenv(asReplica) != "" {
		os.Exit(replicaMain())
	}
	os.Exit(m.Run())
}

// TestRun is a whole run with real processes on SQLite, small, with one SIGKILL. It measures no time: it ends when everything has
// arrived.
func TestRun(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-replicas=2", "-customers=3", "-messages=4", "-kills=1", "-for=2s", "-seed=3", "-restart=echo restarted"}, io.Discard)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var result bytes.Buffer
	screen := &lockedBuffer{}
	require.NoError(t, run(ctx, o, &result, screen), "%s", screen)
	var r report
	require.NoError(t, json.Unmarshal(result.Bytes(), &r))
	require.Equal(t, 12, r.ToGenesys.Sent)
	require.Equal(t, 12, r.ToGenesys.Arrived+r.ToGenesys.HandedBack)
	require.Positive(t, r.ToHost.Sent)
	require.Equal(t, r.ToHost.Sent, r.ToHost.Arrived)
	require.Equal(t, 1, r.Kills)
	require.Equal(t, 1, r.Restarts)
	require.GreaterOrEqual(t, r.Sessions, 3)
	require.Zero(t, r.Lost+r.Reordered+r.DuplicatesNewID+r.Unreturned)
	require.Empty(t, r.Problems)
	require.Contains(t, screen.String(), "restarted")
}

// TestInterrupted: Ctrl-C ends the run and every process of it.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-replicas=1", "-customers=1", "-messages=1", "-kills=0", "-for=1h"}, io.Discard)
	require.NoError(t, err)
	s, err := setUp(t.Context(), o, io.Discard)
	require.NoError(t, err)
	p := s.fleet.all()[0]
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	_, err = s.play(ctx, time.Now(), io.Discard)
	require.ErrorContains(t, err, "interrupted")
	require.NoError(t, s.tearDown(t.Context(), false))
	require.False(t, p.alive())
	require.Equal(t, 0, p.cmd.ProcessState.ExitCode(), "it ended in peace")
	require.NoDirExists(t, s.dir)
}

// TestReplicaEndsWithItsInput: a parent that dies leaves no orphans, because the kernel closes its end of the pipe.
func TestReplicaEndsWithItsInput(t *testing.T) {
	t.Parallel()
	org := genesystest.New(t)
	spec := storeSpec{Kind: storeSQLite, DSN: sqliteDSN(t.TempDir() + "/handover.db"), Prefix: "replicas_"}
	store, err := spec.open()
	require.NoError(t, err)
	require.NoError(t, store.prepare(t.Context()))
	require.NoError(t, store.close())
	p, err := startProcess(t.Context(), assignment{
		Name: "1.1", Store: spec, API: "http://127.0.0.1:1", Collector: "http://127.0.0.1:1", Channel: accessOf(org.Channel()),
	}, t.Output())
	require.NoError(t, err)
	require.True(t, p.alive())
	require.NoError(t, p.stdin.Close())
	<-p.exited
	require.NoError(t, p.outcome)
}

func TestReplicaWithoutAnAssignment(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self) //nolint:gosec // this very program
	cmd.Env = append(os.Environ(), asReplica+"=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "no assignment on standard input")
}

// A lockedBuffer takes what several goroutines and processes say.
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

// String is what was said so far.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
