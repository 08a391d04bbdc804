package account

import (
	"context"
	"testing"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/stretchr/testify/require"
)

// listedOutcome returns a read at the time of the transaction that shows an agent and lists
// messages.
func listedOutcome(tx *record.Transaction, refs ...genesys.MessageRef) record.Outcome {
	return record.Outcome{Task: record.TaskLook, Read: &record.Reading{Began: tx.Now, Standing: machinetest.Standing(genesys.PhaseConnected), Messages: refs}}
}

func refusedWith(status int) error {
	return &genesys.Error{Op: "conversations.messages", StatusCode: status}
}

// A failed fetch of missing messages does not count as a fault of the channel: messages continue.
func TestAFetchThatFailsIsNoFaultOfTheChannel(t *testing.T) {
	t.Parallel()
	a := NewAccount(environment.New(), NewBudget())
	for range 2 * BreakerFailures {
		require.Error(t, a.Do(t.Context(), ShareReads, Uncounted(func(context.Context) error { return refusedWith(503) })))
	}
	require.NoError(t, a.Do(t.Context(), ShareMessages, func(context.Context) error { return nil }))
	require.Error(t, a.Do(t.Context(), ShareReads, Uncounted(func(context.Context) error { return refusedWith(429) })))
	require.Error(t, a.Do(t.Context(), ShareMessages, func(context.Context) error { return nil }), "too much is too much")
}
