package genesystest_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// spy is a test that may fail without failing this one.
type spy struct {
	ctx      context.Context //nolint:containedctx // TB hands it out
	mu       sync.Mutex
	errors   []string
	fatal    string
	cleanups []func()
}

func (s *spy) Helper()                  {}
func (s *spy) Context() context.Context { return s.ctx }
func (s *spy) Cleanup(f func())         { s.cleanups = append(s.cleanups, f) }

func (s *spy) Errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors = append(s.errors, fmt.Sprintf(format, args...))
}

func (s *spy) Fatalf(format string, args ...any) {
	s.mu.Lock()
	s.fatal = fmt.Sprintf(format, args...)
	s.mu.Unlock()
	runtime.Goexit()
}

func (s *spy) failures() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.errors...)
}

// fatally runs f as a test that is expected to die and returns its last words.
func fatally(t *testing.T, f func(tb genesystest.TB)) string {
	t.Helper()
	s := &spy{ctx: t.Context()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(s)
	}()
	<-done
	for _, c := range s.cleanups {
		c()
	}
	return s.fatal
}
