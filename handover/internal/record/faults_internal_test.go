package record

import (
	"context"
	"testing"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

// The first replica could not begin a Return, and stands still. The second one passes it to the
// host and dies. The third one cannot begin it either. When the first continues, the words of the
// Return stay in it: the host has them.
func TestReturnThatADeadReplicaAttemptedStaysFrozen(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.AgentRequestedAt = noon()
	tx.Words = []Word{wordOf(tx.NextSeq(), "m1")}
	tx.Tidy()
	tx.Now = tx.Now.Add(returnHold)
	late := Outcome{Effect: EffectNotPerformed, Err: context.DeadlineExceeded, ChannelFault: true}

	first := jobOn(t, tx, ToHost)
	require.Equal(t, KindReturn, first.Head.Kind)
	tx.Now = tx.Now.Add(LeaseTime + LeaseGrace)
	second := jobOn(t, tx, ToHost)
	require.Len(t, second.Record.Unanswered(second.Head.Seq), 1)
	tx.Now = tx.Now.Add(LeaseTime + LeaseGrace)
	settleAs(tx, jobOn(t, tx, ToHost), late)
	settleAs(tx, first, late)
	require.Len(t, tx.Unanswered(first.Head.Seq), 1)
	require.Equal(t, machine.TurnBot, tx.Turn(tx.Now))
}
