package storebench_test

import (
	"testing"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/internal/storebench"
)

// The in-memory store is the baseline of all stores: it has no network and no disk.
func BenchmarkMemory(b *testing.B) {
	storebench.Run(b, func(testing.TB) handover.Store { return handover.NewMemoryStore() })
}
