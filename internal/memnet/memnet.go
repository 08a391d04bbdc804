package memnet

import (
	"context"
	"net"
	"sync"
)

// A Listener accepts the connections that Dial makes. It is safe for concurrent use.
type Listener struct {
	name  string
	conns chan net.Conn
	done  chan struct{}
	close sync.Once
}

// Listen returns a listener with the address name. It starts nothing and needs no port.
func Listen(name string) *Listener {
	return &Listener{name: name, conns: make(chan net.Conn), done: make(chan struct{})}
}

// Accept returns the server's end of the next dialled connection, or an error that wraps
// net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, l.opError("accept", net.ErrClosed)
	}
}

// Dial connects to the listener. It waits until the connection is accepted, ctx ends or the
// listener closes. The error is a *net.OpError of the operation "dial", like that of a refused
// connection.
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

// Close ends Accept and every waiting Dial. Accepted connections stay open. It never fails.
func (l *Listener) Close() error {
	l.close.Do(func() { close(l.done) })
	return nil
}

// Addr returns the listener's name on the network "mem".
func (l *Listener) Addr() net.Addr { return addr(l.name) }

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Addr: l.Addr(), Err: err}
}

type addr string

// Network returns "mem".
func (addr) Network() string { return "mem" }

// String returns the name that was passed to Listen.
func (a addr) String() string { return string(a) }
