package redisstore_test

import (
	"context"
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover/redisstore"
)

// patience limits the wait of a test that fails. No test depends on it.
const patience = 30 * time.Second

// shared returns a client of the Redis at REDIS_ADDR, and a prefix for this test. Keys with the
// prefix are removed after the test.
func shared(t *testing.T) (client *redis.Client, prefix string) {
	t.Helper()
	addr := os.Getenv("REDIS_ADDR")
	if addr == "" {
		t.Skip("NOT TESTED against Redis: set REDIS_ADDR to the host:port of one, for example 127.0.0.1:6379")
	}
	client = connect(t, addr)
	prefix = "test-" + rand.Text()
	t.Cleanup(func() { removeAll(t, client, prefix) })
	return client, prefix
}

func removeAll(t *testing.T, client *redis.Client, prefix string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	keys := client.Scan(ctx, 0, "{"+prefix+"}:*", 1000).Iterator()
	for keys.Next(ctx) {
		require.NoError(t, client.Unlink(ctx, keys.Val()).Err())
	}
	require.NoError(t, keys.Err())
}

func connect(t *testing.T, addr string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func newStore(t *testing.T, client redis.UniversalClient, opts ...redisstore.Option) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(client, opts...)
	require.NoError(t, err)
	return s
}

// A server is a Redis of one test, which may be killed.
type server struct {
	addr  string
	admin *redis.Client

	path string
	args []string
	cmd  *exec.Cmd
}

// start starts a Redis with durable settings and more arguments.
func start(t *testing.T, more ...string) *server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("NOT TESTED against a Redis that fails: redis-server is not in PATH, install it")
	}
	s := &server{addr: freeAddr(t), path: path}
	_, port, err := net.SplitHostPort(s.addr)
	require.NoError(t, err)
	s.args = []string{
		"--port", port, "--bind", "127.0.0.1", "--dir", folder(t), "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0",
	}
	s.args = append(s.args, more...)
	password := ""
	if i := slices.Index(more, "--requirepass"); i >= 0 {
		password = more[i+1]
	}
	s.admin = redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1, DialerRetries: 1, Password: password})
	t.Cleanup(func() { _ = s.admin.Close() })
	t.Cleanup(func() { s.kill(t) })
	s.run(t)
	return s
}

// folder returns a folder for the data. A child process that rewrites the file may run on after the
// server is killed.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "redisstore") //nolint:usetesting // t.TempDir fails the test when something is still written
	require.NoError(t, err)
	t.Cleanup(func() {
		wait(t, func() bool { return os.RemoveAll(dir) == nil }, "%s cannot be removed", dir)
	})
	return dir
}

func freeAddr(t *testing.T) string {
	t.Helper()
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// run starts or restarts the process and waits until it has loaded its data.
func (s *server) run(t *testing.T) {
	t.Helper()
	s.cmd = exec.CommandContext(t.Context(), s.path, s.args...) //nolint:gosec // redis-server, as the test wants it
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer func() { _ = log.Close() }()
	s.cmd.Stdout = log
	require.NoError(t, s.cmd.Start())
	wait(t, func() bool { return s.admin.Ping(t.Context()).Err() == nil }, "redis-server on %s does not answer", s.addr)
}

// busPort returns the port of the cluster bus.
func (s *server) busPort() string { return s.args[slices.Index(s.args, "--cluster-port")+1] }

// kill ends the process like a crash.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// startReplica starts a replica of s and waits until it has all writes.
func (s *server) startReplica(t *testing.T) *server {
	t.Helper()
	host, port, err := net.SplitHostPort(s.addr)
	require.NoError(t, err)
	r := start(t, "--replicaof", host, port)
	s.waitForReplica(t)
	return r
}

func (s *server) waitForReplica(t *testing.T) {
	t.Helper()
	wait(t, func() bool {
		s.admin.Incr(t.Context(), "in step")
		return s.admin.Wait(t.Context(), 1, time.Second).Val() == 1
	}, "the replica does not catch up")
}

// wait waits until ok returns true.
func wait(t *testing.T, ok func() bool, message string, args ...any) {
	t.Helper()
	require.Eventuallyf(t, ok, patience, 5*time.Millisecond, message, args...)
}

// set changes a setting while the server runs.
func (s *server) set(t *testing.T, name string, value any) {
	t.Helper()
	v, ok := value.(string)
	if n, number := value.(int); !ok && number {
		v = strconv.Itoa(n)
	}
	require.NoError(t, s.admin.ConfigSet(t.Context(), name, v).Err())
}
