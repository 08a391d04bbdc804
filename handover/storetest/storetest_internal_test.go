package storetest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A recorder replaces testing.T and keeps the failures.
type recorder struct {
	context func() context.Context // of the test

	mu       sync.Mutex
	failures []string
}

func (*recorder) Helper()                    {}
func (r *recorder) Context() context.Context { return r.context() }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// failed returns the failures of one part of the contract.
func failed(t *testing.T, p part, s handover.Store, patience time.Duration) []string {
	t.Helper()
	r := &recorder{context: t.Context}
	p.run(r, s, 1000, patience)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures
}

// Each part of the contract detects at least one mistake, and each mistake is detected by its part.
func TestMistakesAreSeen(t *testing.T) {
	t.Parallel()
	parts, seen := map[string]part{}, map[string]bool{}
	for _, p := range contract() {
		require.NotContains(t, parts, p.name)
		parts[p.name] = p
	}
	for _, m := range mistakes() {
		require.Contains(t, parts, m.part)
		seen[m.part] = true
		t.Run(m.part+"/"+m.what, func(t *testing.T) {
			t.Parallel()
			s := &mutant{Store: handover.NewMemoryStore()}
			m.make(s)
			// Only a deadlock takes a second, and it must be reported.
			failures := failed(t, parts[m.part], s, time.Second)
			require.NotEmpty(t, failures, "the contract does not see: %s", m.what)
			t.Log(failures[0])
		})
	}
	for name := range parts {
		require.True(t, seen[name], "no mistake shows that %s can fail", name)
	}
}

// The same harness reports no failure for the store without a mistake.
func TestNoMistake(t *testing.T) {
	t.Parallel()
	for _, p := range contract() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, failed(t, p, &mutant{Store: handover.NewMemoryStore()}, patience))
		})
	}
}
