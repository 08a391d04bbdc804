package storebench_test

import (
	"testing"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/internal/storebench"
)

// The floor of all stores: no network, no disk.
func BenchmarkMemory(b *testing.B) {
	storebench.Run(b, func(testing.TB) handover.Store { return handover.NewMemoryStore() })
}
