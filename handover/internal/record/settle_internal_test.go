package record

import (
	"errors"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// Settling removes the head only if its seq matches, with any owner of the lease.
func TestAFactIsAFactButOnlyOnce(t *testing.T) {
	t.Parallel()
	t.Run("a message", func(t *testing.T) {
		t.Parallel()
		tx := newTransaction(recordIn(machine.StateConnected))
		say(t, tx, "1")
		say(t, tx, "2")
		slow, quick := jobOn(t, tx, ToGenesys), jobOn(t, tx, ToGenesys)
		settleAs(tx, quick, Outcome{})
		settleAs(tx, slow, Outcome{})
		require.Equal(t, []string{"2"}, queued(tx.Record))
		require.Equal(t, []string{"1"}, inState(tx.Record, wordSent))
	})
	t.Run("a part", func(t *testing.T) {
		t.Parallel()
		tx := newTransaction(recordIn(machine.StateConnected))
		picture := openmessaging.Attachment{URL: "https://example.com/a.png", MIME: "image/png"}
		_, err := tx.Forward(Message{ID: "1", Text: "look", Attachments: []openmessaging.Attachment{picture, picture}})
		require.NoError(t, err)
		slow, quick := jobOn(t, tx, ToGenesys), jobOn(t, tx, ToGenesys)
		settleAs(tx, quick, Outcome{})
		settleAs(tx, slow, Outcome{})
		require.Equal(t, 1, tx.Words[0].Done, "the second part has not been sent")
		settleAs(tx, slow, Outcome{Effect: EffectAmbiguous, Err: errors.New("reset")})
		require.Zero(t, tx.Words[0].Attempts)
	})
	t.Run("a delivery", func(t *testing.T) {
		t.Parallel()
		tx := newTransaction(recordIn(machine.StateConnected))
		agentWrites(tx, "1", 0)
		agentWrites(tx, "2", 1)
		slow, quick := jobOn(t, tx, ToHost), jobOn(t, tx, ToHost)
		settleAs(tx, quick, Outcome{})
		settleAs(tx, slow, Outcome{})
		require.Equal(t, []string{"2"}, lineup(tx.Record))
	})
}

func TestAnOpeningWithoutCertainty(t *testing.T) {
	t.Parallel()
	tx := newTransaction(&Record{})
	tx.Notify = false
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	say(t, tx, "1")
	say(t, tx, "2")
	tx.Handover.OpeningTriedAt = tx.Now
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectNotPerformed, Err: genesys.ErrUnavailable})
	require.Zero(t, tx.Handover.OpeningTriedAt, "Genesys certainly never received it")
	tx.Handover.OpeningTriedAt = tx.Now
	for range 3 {
		settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectAmbiguous, Err: genesys.ErrUnavailable})
	}
	require.Equal(t, machine.StateRequested, tx.Handover.State)
	require.NotZero(t, tx.Handover.OpeningTriedAt)
	require.True(t, tx.Out.NotBefore.After(tx.Now))
	tx.Now = noon().Add(2 * time.Minute)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectAmbiguous, Err: genesys.ErrUnavailable})
	require.Equal(t, machine.EndFailed, tx.Handover.Ending.Reason)
	require.Contains(t, tx.Handover.Ending.Detail, "may stand in the bot queue")
	require.Equal(t, []string{"1", "2"}, texts(tx.Record, firstReturn(t, tx.Record)), "everything handed back in order")
}

// The two minutes of an opening count from its first attempt: before it, it may have waited for a
// conversation to be closed.
func TestAnOpeningByAge(t *testing.T) {
	t.Parallel()
	down := Outcome{Effect: EffectAmbiguous, Err: genesys.ErrUnavailable}
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt, c.OpeningTriedAt = "", 0, 0
	tx := opens(c)
	began := noon().Add(gatePatience)
	for _, at := range []time.Duration{0, time.Minute, machine.OpeningAge - 1} {
		tx.Now = began.Add(at)
		settleAs(tx, jobOn(t, tx, ToGenesys), down)
		require.Equal(t, machine.StateRequested, tx.Handover.State)
		require.False(t, tx.Out.NotBefore.After(began.Add(machine.OpeningAge)), "then it is given up, however long Genesys asks to wait")
	}
	tx.Now = began.Add(machine.OpeningAge)
	settleAs(tx, jobOn(t, tx, ToGenesys), down)
	require.Equal(t, machine.EndFailed, tx.Handover.Ending.Reason)
}

// A message that Genesys does not take for 15 minutes ends the session as failed. The time counts
// from its first attempt.
func TestAMessageByAge(t *testing.T) {
	t.Parallel()
	down := Outcome{Effect: EffectNotPerformed, Err: genesys.ErrUnavailable, RetryAfter: time.Minute}
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "1")
	began := noon().Add(time.Hour) // it waited
	for _, at := range []time.Duration{0, time.Minute, 15*time.Minute - 1} {
		tx.Now = began.Add(at)
		settleAs(tx, jobOn(t, tx, ToGenesys), down)
		require.Equal(t, machine.StateConnected, tx.Handover.State)
		require.Equal(t, tx.Now.Add(time.Minute), tx.Out.NotBefore)
	}
	tx.Now = began.Add(15 * time.Minute)
	settleAs(tx, jobOn(t, tx, ToGenesys), down)
	require.Equal(t, machine.EndFailed, tx.Handover.Ending.Reason)
	require.Equal(t, []string{"1"}, texts(tx.Record, firstReturn(t, tx.Record)))
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	tx := newTransaction(&Record{})
	for failures, want := range []int{0: 500, 1: 500, 2: 1000, 3: 2000, 4: 4000, 5: 8000, 6: 16000, 7: 30000, 100: 30000} {
		if want > 0 {
			require.Equal(t, time.Duration(want)*time.Millisecond, tx.backoff(failures, Outcome{}).Sub(tx.Now), failures)
		}
	}
	require.Equal(t, time.Hour, tx.backoff(1, Outcome{RetryAfter: time.Hour}).Sub(tx.Now))
}

// Deliver: permanent, or 2 min → Failed receipt, notice.
func TestDeliveriesThatFail(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	agentWrites(tx, "1", 0)
	agentWrites(tx, "2", 1)
	settleAs(tx, jobOn(t, tx, ToHost), Outcome{Err: Undeliverable(openmessaging.ReasonRateLimited, nil)})
	require.Equal(t, []string{"2", "messageFailed"}, lineup(tx.Record))
	require.Equal(t, openmessaging.ReasonRateLimited, tx.Receipts[0].Code)
	require.Equal(t, "1", tx.Receipts[0].ID)

	settleAs(tx, jobOn(t, tx, ToHost), Outcome{Err: errors.New("no")})
	tx.Now = noon().Add(2*time.Minute - time.Microsecond)
	settleAs(tx, jobOn(t, tx, ToHost), Outcome{Err: errors.New("no")})
	require.Equal(t, "2", lineup(tx.Record)[0])
	tx.Now = tx.Now.Add(time.Microsecond)
	settleAs(tx, jobOn(t, tx, ToHost), Outcome{Err: errors.New("no")})
	require.Equal(t, []string{"messageFailed", "messageFailed"}, lineup(tx.Record))
	require.Len(t, tx.Receipts, 2)
}

func TestReceiptsThatFail(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Handover.PollAt = noon().Add(time.Second)
	tx.receipt(Receipt{ID: "1", Status: openmessaging.StatusFailed})
	tx.receipt(Receipt{ID: "2", Status: openmessaging.StatusFailed})
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskReceipt, Err: genesys.ErrUnavailable})
	require.Equal(t, "2", tx.NextReceipt().ID, "the others continue")
	require.Zero(t, tx.Control.NotBefore, "and the reads")
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskReceipt})
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskReceipt, Err: &WaitError{After: time.Minute}})
	require.Equal(t, 1, tx.Receipts[0].Tries, "a budget that is spent is no try")
	require.Equal(t, noon().Add(time.Minute), tx.Receipts[0].At)
	for range maxReceiptTries - 1 {
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskReceipt, Err: genesys.ErrUnavailable})
	}
	require.Empty(t, tx.Receipts)
	tx.receipt(Receipt{ID: "3"})
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskReceipt, Err: &genesys.Error{StatusCode: 400}})
	require.Empty(t, tx.Receipts, "Genesys will never take it")
}

// A timer that ends a session reads first.
func TestOnlyALookFiresTimers(t *testing.T) {
	t.Parallel()
	for task, want := range map[TaskKind]machine.State{TaskReceipt: machine.StateQueued, TaskLook: machine.StateEnding} {
		tx := newTransaction(recordIn(machine.StateQueued))
		tx.Handover.Timers.NoAgent = time.Minute
		tx.receipt(Receipt{ID: "1"})
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: task, Read: &Reading{Began: noon(), Standing: machinetest.Standing(genesys.PhaseQueued)}})
		require.Equal(t, want, tx.Handover.State, task)
	}
}

// The text that the customer has left is sent even after ten seconds of other entries, because
// nothing else informs the agent.
func TestLeftTextIsNotDrained(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnding))
	tx.Handover.EndRequestedAt = ago(machine.DrainPatience)
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskLook, Tried: true, Refused: genesys.ErrForbidden, LeftText: "left"})
	require.Equal(t, machine.StateEnding, tx.Handover.State)
	require.Equal(t, kindLeft, tx.Out.Entries[0].Kind)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{})
	require.Equal(t, machine.StateEnded, tx.Handover.State)
	require.Equal(t, machine.CodeNotDisconnected, tx.Handover.Ending.Code)
	require.Empty(t, tx.Out.Entries)
}
