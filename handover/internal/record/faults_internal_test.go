package record

import (
	"context"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
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

// Two Returns wait, with a late message of the first session behind them. An agent session takes
// over both at once: otherwise the host would get words that the agents have.
func TestAgentSessionTakesOverAllReturns(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	tx.pushReturn(false)
	bot := machinetest.HandoverIn(machine.StateEnded)
	bot.ID, bot.ConversationID, bot.HandedBack = "abcdefghijk3", "another", true
	tx.install(bot)
	tx.pushReturn(false)
	o := &openmessaging.Outbound{ID: "late", ConversationID: "conversation", Time: noon(), Origin: openmessaging.OriginHuman}
	tx.AcceptMessage(o, openmessaging.Message{Text: "late"}, time.Time{})
	require.Equal(t, []EntryKind{KindReturn, KindReturn, KindDelivery}, kinds(tx.In.Entries))

	next := machinetest.HandoverIn(machine.StateConnected)
	next.ID = "abcdefghijk4"
	tx.install(next)
	tx.Tidy()
	require.Equal(t, []EntryKind{KindDelivery}, kinds(tx.In.Entries))
}

// The conversation of the session cannot be read. A receipt, and a look at another conversation,
// wait for their own times only.
func TestFailingLookStarvesNoOtherTask(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Handover.PollAt = noon()
	failed := Outcome{Task: TaskLook, Err: &genesys.Error{StatusCode: 500}}
	for range 8 { // the pause has grown to 30 s
		settleAs(tx, jobOn(t, tx, Control), failed)
		tx.Now = tx.Control.NotBefore
	}
	settleAs(tx, jobOn(t, tx, Control), failed)
	again := tx.Now.Add(backoffLast)
	tx.receipt(Receipt{ID: "a1", Status: openmessaging.StatusFailed})
	tx.watch("another", "customer", noon(), tx.Now)

	settled := map[TaskKind]time.Time{}
	for range 3 {
		kind, at := tx.NextTask()
		tx.Now = machine.Later(tx.Now, at)
		j := jobOn(t, tx, Control)
		settled[kind] = tx.Now
		switch kind {
		case TaskReceipt:
			settleAs(tx, j, Outcome{Task: kind})
		case TaskWatch:
			settleAs(tx, j, Outcome{Task: kind, Err: &genesys.Error{StatusCode: 500}})
		default:
			settleAs(tx, j, failed)
		}
	}
	require.Equal(t, map[TaskKind]time.Time{TaskReceipt: again.Add(-backoffLast), TaskWatch: again.Add(-backoffLast), TaskLook: again}, settled)
}

// A conversation cannot be disconnected, because Genesys fails. The attempts get rarer.
func TestFailingDisconnectBacksOff(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	tx.close(tx.Handover, "another", true)
	for i := range 12 {
		began := tx.Now
		settleAs(tx, jobOn(t, tx, Control), Outcome{
			Task: TaskWatch, Err: &genesys.Error{StatusCode: 500}, Read: &Reading{Began: tx.Now, Standing: genesys.Standing{Phase: genesys.PhaseQueued}},
		})
		_, at := tx.NextTask()
		require.GreaterOrEqual(t, at.Sub(began), min(closePause<<i, lookPause), i)
		tx.Now = at
	}
}
