package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// memory is a store that a single replica can use: it does not survive the process. Stores that
// processes can share need a driver: the test of examples/replicas kills processes on SQLite.
func memory() kinds {
	return kinds{{
		Name:      "memory",
		Open:      func(string, string) (*Store, error) { return &Store{Store: handover.NewMemoryStore()}, nil },
		Temporary: func(folder string) string { return folder },
	}}
}

// several are kinds as a program with drivers passes them.
func several() kinds { return append(memory(), Kind{Name: "postgres"}, Kind{Name: "redis"}) }

// TestMain: the replicas of a run are processes of this program, which is the test here.
func TestMain(m *testing.M) {
	if IsReplica() {
		os.Exit(Main(nil, os.Stdout, os.Stderr, memory()...))
	}
	os.Exit(m.Run())
}

// TestRunOfOneReplica is a small run with one real process and no kill. It measures no time: it
// ends when everything has arrived.
func TestRunOfOneReplica(t *testing.T) {
	t.Parallel()
	var result bytes.Buffer
	args := []string{"-replicas=1", "-customers=2", "-messages=3", "-kills=0", "-for=1s", "-slow=10ms", "-seed=3"}
	require.Zero(t, Main(args, &result, t.Output(), memory()...))
	var r report
	require.NoError(t, json.Unmarshal(result.Bytes(), &r))
	require.Equal(t, 6, r.ToGenesys.Sent)
	require.Equal(t, 6, r.ToGenesys.Arrived+r.ToGenesys.HandedBack)
	require.Equal(t, r.ToHost.Sent, r.ToHost.Arrived)
	require.GreaterOrEqual(t, r.Sessions, 2)
	require.Zero(t, r.Lost+r.Reordered+r.DuplicatesNewID+r.Unreturned+r.Kills)
	require.Empty(t, r.Problems)
}

// TestInterrupted: Ctrl-C ends the run and all its processes.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-replicas=1", "-customers=1", "-messages=1", "-kills=0", "-for=1h"}, io.Discard, memory())
	require.NoError(t, err)
	s, err := setUp(t.Context(), o, io.Discard)
	require.NoError(t, err)
	p := s.fleet.all()[0]
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	_, err = s.run(ctx, time.Now(), io.Discard)
	require.ErrorContains(t, err, "interrupted")
	require.NoError(t, s.tearDown(t.Context(), false))
	require.False(t, p.alive())
	require.Equal(t, 0, p.cmd.ProcessState.ExitCode(), "it shut down")
	require.NoDirExists(t, s.dir)
}

// TestReplicaEndsWithItsInput: a parent that dies leaves no orphans, because the kernel closes its
// end of the pipe.
func TestReplicaEndsWithItsInput(t *testing.T) {
	t.Parallel()
	org := genesystest.New(t)
	p, err := startProcess(t.Context(), assignment{
		Name: "1.1", Store: storeSpec{Kind: "memory"}, API: "http://127.0.0.1:1", Channel: "http://127.0.0.1:1",
		Access: accessOf(org.Channel()),
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

// TestExitCodes: a wrong flag and a store that cannot be opened have different codes.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	require.Equal(t, 0, Main([]string{"-h"}, io.Discard, io.Discard, memory()...))
	require.Equal(t, 2, Main([]string{"-kills=-1"}, io.Discard, io.Discard, memory()...))
	require.Equal(t, 2, Main(nil, io.Discard, io.Discard))
	closed := Kind{Name: "closed", Open: func(string, string) (*Store, error) { return nil, io.ErrClosedPipe }}
	var screen bytes.Buffer
	require.Equal(t, 1, Main([]string{"-dsn=x"}, io.Discard, &screen, closed))
	require.Equal(t, "replicas: "+io.ErrClosedPipe.Error()+"\n"+io.ErrClosedPipe.Error()+"\n", screen.String())
}
