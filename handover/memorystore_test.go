package handover_test

import (
	"testing"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/storetest"
)

// The store in memory keeps the contract of every store.
func TestMemoryStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) handover.Store {
		t.Helper()
		t.Parallel()
		return handover.NewMemoryStore()
	})
}
