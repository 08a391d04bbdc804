package record

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// Late outcomes, and outcomes that are no attempt.

// An opening was dropped, and its answer arrives later. The conversation that it opened is closed.
func TestALateOpeningIsDisconnected(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt = "", 0
	tx := opens(c)
	late := jobOn(t, tx, ToGenesys)
	tx.Now = late.Lease.Until.Add(LeaseGrace)
	tx.Apply(machine.Event{Kind: machine.EvFailed, Code: machine.CodeNoAnswer})
	tx.Tidy()
	require.Empty(t, tx.Out.Entries)
	settleAs(tx, late, Outcome{Conversation: "late"})
	require.Equal(t, "late", tx.Watched[0].ID)
	require.True(t, tx.Watched[0].Close)
}

// 429 and a spent budget are no attempts: an opening is not given up as forbidden for them, nor is
// a disconnect.
func TestWhatIsNoAttempt(t *testing.T) {
	t.Parallel()
	tooMany := &genesys.Error{StatusCode: 429, RetryAfter: time.Second}
	denied := &genesys.Error{StatusCode: 403}
	c := machinetest.HandoverIn(machine.StateRequested)
	tx := opens(c)
	for _, err := range []error{tooMany, &WaitError{}, tooMany, denied, denied} {
		settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectNotPerformed, Err: err})
		require.Equal(t, machine.StateRequested, tx.Handover.State)
	}
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectNotPerformed, Err: denied})
	require.Equal(t, machine.EndRefused, tx.Handover.Ending.Reason)

	tx = newTransaction(recordIn(machine.StateEnded))
	tx.close(tx.Handover, "conversation", false)
	for range 2 * maxClosings {
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: showing(tx, genesys.PhaseQueued), Err: tooMany})
	}
	require.Len(t, tx.Watched, 1)
	require.Zero(t, tx.Watched[0].Closings)
}

// However long Genesys asks to wait, an opening without certainty is given up after two minutes.
func TestOpeningWaitsAtMostTwoMinutesForRetryAfter(t *testing.T) {
	t.Parallel()
	long := &genesys.Error{StatusCode: 503, RetryAfter: time.Hour}
	require.Equal(t, backoffLast, Judged(long).RetryAfter, "only a 429 has a time")
	require.Equal(t, LimitedMost, Judged(&genesys.Error{StatusCode: 429, RetryAfter: time.Hour}).RetryAfter)

	c := machinetest.HandoverIn(machine.StateRequested)
	tx := opens(c)
	tooMany := Outcome{Effect: EffectNotPerformed, Err: &genesys.Error{StatusCode: 429}, RetryAfter: time.Hour}
	settleAs(tx, jobOn(t, tx, ToGenesys), tooMany)
	require.Equal(t, noon().Add(machine.OpeningAge), tx.Out.NotBefore)
	tx.Now = noon().Add(machine.OpeningAge)
	settleAs(tx, jobOn(t, tx, ToGenesys), tooMany)
	require.Equal(t, machine.EndFailed, tx.Handover.Ending.Reason)
}

// A delivery that could not begin in time has not been tried.
func TestADeliveryThatDidNotBeginIsNoAttempt(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	agentWrites(tx, "1", 0)
	for range 100 {
		settleAs(tx, jobOn(t, tx, ToHost), Outcome{Effect: EffectNotPerformed, Err: ErrUnsure, ChannelFault: true})
		tx.Now = tx.Now.Add(10 * time.Second)
	}
	require.Equal(t, []string{"1"}, lineup(tx.Record))
	require.Zero(t, tx.In.Entries[0].Attempts)
}

// The answer to the opening has no conversation id. A webhook may have it; without it the
// conversation cannot be transferred.
func TestAnOpeningThatNamesNoConversation(t *testing.T) {
	t.Parallel()
	opened := func() *Transaction {
		c := machinetest.HandoverIn(machine.StateRequested)
		c.ConversationID, c.OpeningAcceptedAt, c.OpeningTriedAt = "", 0, noon()
		tx := opens(c)
		settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{})
		require.Equal(t, machine.StateRequested, tx.Handover.State)
		return tx
	}
	tx := opened()
	tx.AcceptMessage(&openmessaging.Outbound{
		ID: "1", CustomerID: tx.Handover.From, ConversationID: "named", Time: noon().Std(), Origin: openmessaging.OriginBot,
	}, openmessaging.Message{Text: "Welcome"}, 0)
	require.Equal(t, "named", tx.Handover.ConversationID)
	kind, at := tx.NextTask()
	require.Equal(t, TaskLook, kind)
	require.Equal(t, noon().Add(machine.FirstRead), at)

	tx = opened()
	kind, at = tx.NextTask()
	require.Equal(t, TaskLook, kind)
	require.Equal(t, noon().Add(machine.OpeningAge), at)
	tx.Now = at
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskLook})
	require.Equal(t, machine.EndFailed, tx.Handover.Ending.Reason)
}

// TestLateOutcomeKeepsTheParts checks a message whose first attempt is answered only after another
// session has it. Genesys took it in the earlier conversation, so the agents of the other session
// get all of it.
func TestLateOutcomeKeepsTheParts(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.accept(Message{ID: "m1", Text: "hello"})
	job := jobOn(t, tx, ToGenesys)
	next := machinetest.HandoverIn(machine.StateConnected)
	next.ID, next.ConversationID = "next22222222", "another conversation"
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Now = tx.Now.Add(LeaseTime + LeaseGrace) // the process stood still
	tx.Tidy()
	tx.install(next)
	tx.Tidy()
	require.Equal(t, next.ID, tx.Words[0].Handover)

	tx.SettleOut(job, Outcome{Conversation: "conversation", Accepted: tx.Now})
	tx.Tidy()
	head, ok := tx.head()
	require.True(t, ok)
	require.Equal(t, "hello", head.WireMessage(tx.Handover).Text)
	require.True(t, head.Again)
	require.False(t, head.Wire.IsZero())
	job = jobOn(t, tx, ToGenesys)
	tx.SettleOut(job, Outcome{Conversation: next.ConversationID, Accepted: tx.Now.Add(time.Second)})
	_, ok = tx.head()
	require.False(t, ok)
}

// TestLateOutcomeOfAMessageWithoutContent checks an attempt that is answered after another replica
// has sent the message and later messages have displaced its content.
func TestLateOutcomeOfAMessageWithoutContent(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "slow")
	slow, quick := jobOn(t, tx, ToGenesys), jobOn(t, tx, ToGenesys)
	settleAs(tx, quick, Outcome{Conversation: "conversation"})
	for i := range maxSentWords {
		say(t, tx, fmt.Sprint(i))
		settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "conversation"})
	}
	require.Nil(t, tx.Words[0].Message)
	before := tx.Words[0]
	for _, o := range []Outcome{{Conversation: "conversation"}, {Effect: EffectAmbiguous, Err: errors.New("reset")}} {
		settleAs(tx, slow, o)
		require.Equal(t, before, tx.Words[0])
	}
}

// TestOutcomeOfAMessageThatLostItsContent checks an attempt to send a message to the agents of a
// later session, during which a late outcome of another message displaces its content.
func TestOutcomeOfAMessageThatLostItsContent(t *testing.T) {
	t.Parallel()
	settled := func(o Outcome) *Transaction {
		tx := newTransaction(recordIn(machine.StateConnected))
		w := wordOf(1, "1")
		w.State, w.Again, w.Conversation, w.SentAt = wordSent, true, "earlier", ago(time.Minute)
		tx.Words = []Word{w}
		job := jobOn(t, tx, ToGenesys)
		tx.Words[0].Message, tx.Words[0].Size = nil, 0
		settleAs(tx, job, o)
		copied(t, tx.Record)
		return tx
	}
	tx := settled(Outcome{Conversation: "conversation", Accepted: noon()})
	require.Equal(t, "conversation", tx.Words[0].Conversation)
	require.False(t, tx.Words[0].Again)
	tx = settled(Outcome{Effect: EffectAmbiguous, Err: errors.New("reset")})
	require.Len(t, tx.Words, 1)
	tx = settled(Outcome{Effect: EffectRefused, Err: errors.New("no")})
	require.Empty(t, tx.Words)
	require.Equal(t, []string{"messageFailed"}, lineup(tx.Record))
}

// TestReturnThatAnotherReplicaAttempted checks a Return whose first worker stood still before the
// callback. Another replica has called the host since, and the host refused the Return.
func TestReturnThatAnotherReplicaAttempted(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	say(t, tx, "1")
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	tx.Now = tx.Now.Add(returnHold)
	slow := jobOn(t, tx, ToHost)
	tx.Now = slow.Lease.Until.Add(LeaseGrace)
	settleAs(tx, jobOn(t, tx, ToHost), Outcome{Effect: EffectAmbiguous, Err: errors.New("no")})
	settleAs(tx, slow, Outcome{Effect: EffectNotPerformed, Err: errors.New("late"), ChannelFault: true})
	require.Equal(t, machine.TurnBot, tx.Turn(tx.Now), "the host has the Return")
	require.Equal(t, []string{"1"}, texts(tx.Record, firstReturn(t, tx.Record)))
	require.Equal(t, firstReturn(t, tx.Record).Seq, tx.Words[0].Return)
}

// TestLateOutcomeOfAnAnswer checks an answer of the customer that Genesys accepted in the
// conversation of an ended session. The answer of Genesys names no conversation.
func TestLateOutcomeOfAnAnswer(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.accept(Message{ID: "1", Reply: &openmessaging.Reply{InReplyTo: "offer", Kind: openmessaging.ReplyQuickReply, Text: "yes"}})
	job := jobOn(t, tx, ToGenesys)
	next := machinetest.HandoverIn(machine.StateConnected)
	next.ID, next.ConversationID = "next22222222", "another conversation"
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	tx.install(next)
	tx.Tidy()
	settleAs(tx, job, Outcome{Accepted: tx.Now})
	require.Equal(t, "conversation", tx.Words[0].Conversation)
	tx.answered(tx.Now.Add(time.Minute), true)
	require.Len(t, tx.Words, 1, "the agents of the next session have not got it")
	require.NotNil(t, tx.nextWord())
}

// TestRefusedDisconnectIsSettledTwice checks a disconnect that two replicas tried and Genesys
// refused twice. The agent still gets the text that the customer has left.
func TestRefusedDisconnectIsSettledTwice(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnding))
	tx.Handover.EndRequestedAt = tx.Now
	slow, quick := jobOn(t, tx, Control), jobOn(t, tx, Control)
	refused := Outcome{Task: TaskLook, Tried: true, Refused: genesys.ErrForbidden, LeftText: "left"}
	settleAs(tx, quick, refused)
	settleAs(tx, slow, refused)
	require.Equal(t, machine.StateEnding, tx.Handover.State)
	require.Len(t, tx.Out.Entries, 1)
	require.Equal(t, kindLeft, tx.Out.Entries[0].Kind)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{})
	require.Equal(t, machine.StateEnded, tx.Handover.State)
}

// TestLateMessageOpensAConversation checks a message that opened a conversation. Its outcome is
// known only after the host has taken the message in a Return. That conversation is closed.
func TestLateMessageOpensAConversation(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	say(t, tx, "1")
	late := jobOn(t, tx, ToGenesys)
	tx.Now = late.Lease.Until.Add(LeaseGrace)
	tx.Apply(machine.Event{Kind: machine.EvRefused})
	tx.Tidy()
	tx.Now = tx.Now.Add(returnHold)
	settleAs(tx, jobOn(t, tx, ToHost), Outcome{})
	require.Empty(t, tx.Words)
	settleAs(tx, late, Outcome{Conversation: "late", Accepted: tx.Now})
	w := tx.watching("late")
	require.NotNil(t, w)
	require.True(t, w.Close)
}

// TestAbandonedAttemptIsWatched checks an attempt that dies after the end of its session. It may
// have revived the conversation, also if it was a second attempt or that of a context.
func TestAbandonedAttemptIsWatched(t *testing.T) {
	t.Parallel()
	word := func(state wordState) func(*Transaction) {
		return func(tx *Transaction) {
			w := wordOf(1, "1")
			w.State = state
			tx.Words = []Word{w}
		}
	}
	for name, begin := range map[string]func(*Transaction){
		"first": word(WordWaiting), "second": word(WordUnsure),
		"context": func(tx *Transaction) {
			tx.Out.Push(Entry{Seq: tx.NextSeq(), Kind: KindContext, Handover: tx.Handover.ID, At: tx.Now, Opening: &Opening{Texts: []string{"summary"}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			tx.Handover.LastWriteAt = ago(time.Minute)
			begin(tx)
			lost := jobOn(t, tx, ToGenesys)
			tx.Apply(machine.Event{Kind: machine.EvRefused})
			tx.Tidy()
			require.Empty(t, tx.Watched)
			tx.Now = lost.Lease.Until.Add(LeaseGrace)
			tx.Tidy()
			require.NotNil(t, tx.watching("conversation"))
		})
	}
}

// TestLateFailureLeavesARunningAttempt checks a Return that has failed for a minute. The failure of
// a process that stood still is stored while another replica calls the host again.
func TestLateFailureLeavesARunningAttempt(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	say(t, tx, "1")
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	tx.Now = tx.Now.Add(returnHold)
	failed := Outcome{Effect: EffectAmbiguous, Err: errors.New("no")}
	settleAs(tx, jobOn(t, tx, ToHost), failed)
	tx.Now = tx.Now.Add(noticeBlock)
	slow := jobOn(t, tx, ToHost)
	tx.Now = slow.Lease.Until.Add(LeaseGrace)
	running := jobOn(t, tx, ToHost)
	agentWrites(tx, "late", 0, elsewhere)
	settleAs(tx, slow, failed)
	require.True(t, tx.returnRuns(tx.Now))
	settleAs(tx, running, Outcome{})
	require.Empty(t, tx.Words, "the host has taken them")
	require.Equal(t, []string{"late"}, lineup(tx.Record))
}

// TestRefusedTransferOfAConnectedSession checks a transfer that Genesys refused because an agent
// has taken the conversation. The agent's message arrived before that outcome.
func TestRefusedTransferOfAConnectedSession(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Outcome{
		"transfer": {Task: TaskLook, Refused: &genesys.Error{StatusCode: 404}},
		"queue":    {Task: TaskLook, Effect: EffectRefused, Err: ErrNoQueue, Code: machine.CodeQueue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateRequested))
			tx.Handover.Refusals = maxRefusals - 1
			look := jobOn(t, tx, Control)
			agentWrites(tx, "hello", 0)
			require.Equal(t, machine.StateConnected, tx.Handover.State)
			settleAs(tx, look, o)
			require.Equal(t, machine.StateConnected, tx.Handover.State)
		})
	}
}
