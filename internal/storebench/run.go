package storebench

import (
	"context"
	"iter"
	"os"
	"strconv"
	"testing"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A Seeder is a store that takes many new records at once, in one transaction or pipeline. It is optional: without it the
// sleeping sessions are put one by one, by many writers, which takes minutes where every commit waits for a disk.
type Seeder interface {
	Seed(ctx context.Context, records iter.Seq[handover.Record]) error
}

// Run runs all benchmarks. open returns a fresh, empty store and removes it when tb is cleaned up; it is called a few times.
func Run(b *testing.B, open func(tb testing.TB) handover.Store) {
	b.Helper()
	n := sizes{customers: size(b, "STOREBENCH_CUSTOMERS", 64), sessions: size(b, "STOREBENCH_SESSIONS", 100_000)}
	b.Run("Raw", func(b *testing.B) { raw(b, open, n) })
	b.Run("Relay", func(b *testing.B) { relay(b, open, n) })
	b.Run("Fake", func(b *testing.B) { fake(b, open) })
	b.Run("Sleeping", func(b *testing.B) { sleeping(b, open, n) })
	b.Run("Record", func(b *testing.B) { records(b, open) })
}

type sizes struct{ customers, sessions int }

const fewSessions = 100

func size(tb testing.TB, name string, standard int) int {
	tb.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		tb.Fatalf("%s is %q: a whole number above 0 is expected", name, text)
	}
	return n
}
