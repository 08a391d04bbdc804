// Package memnet is a network inside the process: a listener, a dialer, and HTTP over both.
//
// No socket is involved, so it works where sockets do not: inside a testing/synctest bubble a goroutine that waits for
// a byte here is durably blocked, and the bubble's clock moves on. (A goroutine that waits for a real socket is not,
// see https://pkg.go.dev/testing/synctest#hdr-Blocking.)
package memnet

import (
	"context"
	"net"
	"sync"
)

// A Listener accepts the connections that Dial makes. Safe for concurrent use.
type Listener struct {
	name  string
	conns chan net.Conn
	done  chan struct{}
	close sync.Once
}

// Listen makes a listener; name is what its address shows. It starts nothing and needs no port.
func Listen(name string) *Listener {
	return &Listener{name: name, conns: make(chan net.Conn), done: make(chan struct{})}
}

// Accept returns the server's end of the next dialled connection, or net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, l.opError("accept", net.ErrClosed)
	}
}

// Dial connects to the listener. It waits until the connection is accepted, ctx ends or the listener closes; the last
// is reported as a refused connection would be, as a *net.OpError of the operation "dial".
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, l.opError("dial", net.ErrClosed)
	case <-ctx.Done():
		return nil, l.opError("dial", context.Cause(ctx))
	}
}

// Close ends Accept and every Dial that still waits. Connections already accepted live on. It never fails.
func (l *Listener) Close() error {
	l.close.Do(func() { close(l.done) })
	return nil
}

// Addr is the listener's name on the network "mem".
func (l *Listener) Addr() net.Addr { return addr(l.name) }

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Addr: l.Addr(), Err: err}
}

type addr string

// Network is "mem".
func (addr) Network() string { return "mem" }

// String is the name given to Listen.
func (a addr) String() string { return string(a) }
