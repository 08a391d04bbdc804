package storetest

import (
	"context"
	"runtime"
	"sync"
)

// tb is the part of testing.T that the contract needs, so that the tests of this package can watch it fail.
type tb interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// A guard lets a goroutine that is not the test's own fail the test, until the test has given it up.
type guard struct {
	tb

	mu     sync.Mutex
	closed bool
}

func (g *guard) Errorf(format string, args ...any) {
	g.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.tb.Errorf(format, args...)
	}
}

// Fatalf ends the goroutine of the contract, which is not the one that testing.T could end.
func (g *guard) Fatalf(format string, args ...any) {
	g.Helper()
	g.Errorf(format, args...)
	runtime.Goexit()
}

func (g *guard) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}
