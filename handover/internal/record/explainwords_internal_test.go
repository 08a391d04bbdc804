package record

import (
	"strings"
	"testing"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// Log lines are shown unchanged, whichever release wrote them.
func TestExplainForeignWords(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]logLine{
		"teleported: to the moon": {What: "teleported", Why: "to\nthe moon"},
		"teleported":              {What: "teleported"},
	} {
		require.Equal(t, want, l.sentence())
	}
}

// Every end, wait and next step has a text.
func TestExplainHasWordsForAll(t *testing.T) {
	t.Parallel()
	for _, r := range []machine.EndReason{
		machine.EndByAgent, machine.EndByCustomer, machine.EndByBot, machine.EndNoAgent, machine.EndCustomerIdle, machine.EndAgentIdle, machine.EndMaxDuration, machine.EndByGenesys, machine.EndRefused, machine.EndFailed,
	} {
		require.Contains(t, machine.Ending{Reason: r}.Words(), "ended b", r)
	}
	for _, k := range []machine.TimerKind{
		machine.TimerWarn, machine.TimerEnd, machine.TimerLost, machine.TimerMoved, machine.TimerKind(machine.EndNoAgent), machine.TimerKind(machine.EndCustomerIdle), machine.TimerKind(machine.EndAgentIdle), machine.TimerKind(machine.EndMaxDuration),
	} {
		require.Contains(t, k.Words(), " ", k)
	}
	for _, s := range machinetest.States() {
		c := machinetest.HandoverIn(s)
		for _, k := range []TaskKind{TaskLook, TaskReceipt, TaskWatch} {
			require.Contains(t, k.words(&c), " ", k)
		}
	}
}

// A message that fails for minutes is one line, and a line is not long.
func TestLogStaysShort(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "text")
	tx.Words[0].First = tx.Now
	for range 200 {
		tx.failed(tx.Words[0].entry(), Outcome{Err: apiFault(500)})
	}
	require.Len(t, tx.Log, 1)
	tx.AddLog("the transfer was refused", strings.Repeat("ä", 1000))
	require.LessOrEqual(t, len(tx.Log[1].Why), maxWhy+len("ä…"))
	for range 200 {
		tx.AddLog("the host was notified that the customer is silent", "")
	}
	require.Len(t, tx.Log, maxLog)
}
