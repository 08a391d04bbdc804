package record

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

func TestASignalBetweenKeepsTheSource(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.Handover.SignalledAt, tx.Handover.Unsignalled = ago(2*time.Minute), 1
	tx.Handover.PollAt, tx.Handover.Poll = noon().Add(time.Minute), true
	require.True(t, tx.ReadSoon(tx.Handover))
	require.Zero(t, tx.Handover.Unsignalled)
	require.False(t, tx.Handover.Poll)
}

// A poll that is due and waits for its small share of the budget becomes a requested read when a
// signal arrives.
func TestASignalTakesOverAPollThatIsDue(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.Handover.PollAt, tx.Handover.Poll, tx.Handover.ReadAt = ago(time.Second), true, ago(time.Minute)
	tx.Handover.SignalledAt, tx.Handover.Unsignalled = ago(2*time.Minute), 1
	tx.Control.NotBefore = noon().Add(20 * time.Second)
	require.True(t, tx.ReadSoon(tx.Handover))
	require.False(t, tx.Handover.Poll)
	require.Equal(t, noon(), tx.Handover.SignalledAt)
	require.Zero(t, tx.Handover.Unsignalled, "what it shows was announced")
	require.False(t, tx.ReadSoon(tx.Handover), "the next one changes nothing")
}
