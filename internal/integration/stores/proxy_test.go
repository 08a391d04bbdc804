package stores_test

import (
	"errors"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A proxy forwards between a store and PostgreSQL, and can break connections.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	cut   side
	conns []net.Conn
}

// A side is one end of a connection. The next message from it breaks the connection instead of
// being forwarded.
type side int

const (
	neither side = iota
	client
	server
)

// behindProxy returns a DSN that connects through a proxy.
func behindProxy(t *testing.T, dsn string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: l, server: u.Host}
	u.Host = l.Addr().String()
	var group sync.WaitGroup
	group.Go(func() { p.accept(t, &group) })
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		p.hangUp()
		group.Wait()
	})
	return p, u.String()
}

func (p *proxy) accept(t *testing.T, group *sync.WaitGroup) {
	t.Helper()
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return // closed at the end of the test
		}
		var dial net.Dialer
		out, err := dial.DialContext(t.Context(), "tcp", p.server)
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		group.Go(func() { p.pass(in, out, client) })
		group.Go(func() { p.pass(out, in, server) })
	}
}

func (p *proxy) pass(from, to net.Conn, who side) {
	defer func() { _ = errors.Join(from.Close(), to.Close()) }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if p.cuts(who) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return // io.EOF, or the other direction was cut
		}
	}
}

// cutAt breaks one connection at the next message of a side.
func (p *proxy) cutAt(who side) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = who
}

func (p *proxy) cuts(who side) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut != who {
		return false
	}
	p.cut = neither
	return true
}

// hangUp breaks all connections.
func (p *proxy) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}
