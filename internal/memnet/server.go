package memnet

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// A Server is an http.Server on a Listener, and the transport that reaches it. Requests are
// encoded, sent and parsed like real ones, so that timeouts, cancellation and cut connections
// behave as on a socket.
//
// It starts with the first request and must be closed, or its goroutines leak.
type Server struct {
	listener  *Listener
	http      *http.Server
	transport *http.Transport
	start     sync.Once
	running   sync.WaitGroup
}

// Serve returns a server of h. It starts nothing until the first request.
func Serve(h http.Handler) *Server {
	l := Listen("memory")
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return l.Dial(ctx) }
	return &Server{
		listener: l,
		http: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: time.Minute,
			ErrorLog:          log.New(io.Discard, "", 0),
		},
		transport: &http.Transport{
			DialContext:         dial,
			DialTLSContext:      dial, // https without TLS: there is no network to protect from
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		},
	}
}

// RoundTrip sends r to the handler, with any host and with the scheme http or https.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.start.Do(func() {
		s.running.Go(func() { _ = s.http.Serve(s.listener) })
	})
	return s.transport.RoundTrip(r)
}

// CloseIdleConnections closes the idle connections of the transport.
func (s *Server) CloseIdleConnections() { s.transport.CloseIdleConnections() }

// Close cuts every connection, so that running requests fail and the contexts of their handlers
// end. It does not wait for handlers that ignore this. Later requests fail as on a refused
// connection.
func (s *Server) Close() error {
	s.start.Do(func() {}) // a server that has not started never will
	_ = s.listener.Close()
	err := s.http.Close()
	s.transport.CloseIdleConnections()
	s.running.Wait()
	return err
}
