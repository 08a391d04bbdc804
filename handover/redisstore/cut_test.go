package redisstore_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/redisstore"
)

// A cutter is a TCP proxy that cuts the connection of the next script: in the middle of the
// request, or after Redis has answered and before the client gets the answer.
type cutter struct {
	addr    string
	scripts atomic.Int64 // counts the scripts sent
	next    atomic.Pointer[cut]
}

type cut struct {
	half bool
	then func() // runs when Redis has answered, before the client sees the cut
}

func newCutter(t *testing.T, target string) *cutter {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cutter{addr: l.Addr().String()}
	var group sync.WaitGroup
	t.Cleanup(group.Wait)
	t.Cleanup(func() { _ = l.Close() })
	ctx := t.Context()
	group.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			var dialer net.Dialer
			server, err := dialer.DialContext(ctx, "tcp", target)
			if err != nil {
				_ = client.Close()
				continue
			}
			group.Go(func() { c.serve(client, server) })
		}
	})
	return c
}

// serve passes requests and answers in turn, as go-redis sends them.
func (c *cutter) serve(client, server net.Conn) {
	defer func() { _, _ = client.Close(), server.Close() }()
	var answers sync.Mutex // held: no answer passes
	var group sync.WaitGroup
	defer group.Wait()
	answered := make(chan struct{}, 1)
	group.Go(func() {
		defer func() { _ = client.Close() }()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			select {
			case answered <- struct{}{}:
			default:
			}
			answers.Lock()
			_, err = client.Write(buf[:n])
			answers.Unlock()
			if err != nil {
				return
			}
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			_ = server.Close()
			return
		}
		if !bytes.Contains(buf[:n], []byte("evalsha")) {
			_, _ = server.Write(buf[:n])
			continue
		}
		c.scripts.Add(1)
		cut := c.next.Swap(nil)
		if cut == nil {
			_, _ = server.Write(buf[:n])
			continue
		}
		answers.Lock()
		if cut.half {
			_, _ = server.Write(buf[:n/2])
		} else {
			select {
			case <-answered:
			default:
			}
			_, _ = server.Write(buf[:n])
			<-answered
			cut.then()
		}
		_, _ = client.Close(), server.Close()
		answers.Unlock()
		_, _ = io.Copy(io.Discard, client)
		return
	}
}

// The answer of a Put is lost, and another writer replaces the record at once. A retry of go-redis
// would report a conflict although the Put was stored, but that error must be certain.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	client, prefix := shared(t)
	direct := newStore(t, client, redisstore.WithPrefix(prefix))
	proxy := newCutter(t, client.Options().Addr)
	s := newStore(t, connect(t, proxy.addr), redisstore.WithPrefix(prefix))
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))

	before := proxy.scripts.Load()
	replaced := make(chan error, 1)
	proxy.next.Store(&cut{then: func() { replaced <- direct.Put(t.Context(), record("c", 3), 2) }})
	err := s.Put(t.Context(), record("c", 2), 1)
	require.Error(t, err)
	require.NotErrorIs(t, err, handover.ErrConflict)
	require.NoError(t, <-replaced, "the first was stored")
	require.EqualValues(t, 1, proxy.scripts.Load()-before, "a write is sent once")

	require.ErrorIs(t, s.Put(t.Context(), record("c", 4), 1), handover.ErrConflict)
	require.NoError(t, s.Put(t.Context(), record("c", 4), 3), "the store works on")

	require.NoError(t, direct.Delete(t.Context(), record("another", 1).Key, 1), "from now on the server knows the script")
	proxy.next.Store(&cut{then: func() { replaced <- direct.Put(t.Context(), record("c", 5), 0) }})
	err = s.Delete(t.Context(), record("c", 4).Key, 4)
	require.Error(t, err)
	require.NotErrorIs(t, err, handover.ErrConflict)
	require.NoError(t, <-replaced, "the record was removed")
	whole(t, direct, record("c", 5))
}

// A connection that breaks in the middle of a request stores nothing, and a caller that reads and
// retries succeeds.
func TestRequestCut(t *testing.T) {
	t.Parallel()
	client, prefix := shared(t)
	proxy := newCutter(t, client.Options().Addr)
	s := newStore(t, connect(t, proxy.addr), redisstore.WithPrefix(prefix))
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))

	proxy.next.Store(&cut{half: true})
	err := s.Put(t.Context(), record("c", 2), 1)
	require.Error(t, err)
	require.NotErrorIs(t, err, handover.ErrConflict)
	got, err := s.Get(t.Context(), record("c", 1).Key)
	require.NoError(t, err)
	whole(t, s, got)
	require.EqualValues(t, 1, got.Revision)
	require.NoError(t, s.Put(t.Context(), record("c", 2), 1))
}

// With replicas, a lost answer leaves the mark: it is also unknown whether the replica has the
// write.
func TestAnswerLostMarks(t *testing.T) {
	t.Parallel()
	primary := start(t)
	replica := primary.startReplica(t)
	proxy := newCutter(t, primary.addr)
	s := newStore(t, connect(t, proxy.addr), redisstore.WithReplicas(1, later))
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
	proxy.next.Store(&cut{then: func() {}})
	require.Error(t, s.Put(t.Context(), record("c", 2), 1))
	require.True(t, primary.admin.HExists(t.Context(), "{handover}:record:shop\x00c", "unsure").Val())
	replica.kill(t)
	hasty := newStore(t, connect(t, primary.addr), redisstore.WithReplicas(1, soon))
	_, err := hasty.Get(t.Context(), record("c", 2).Key)
	require.ErrorContains(t, err, "too few replicas")
}
