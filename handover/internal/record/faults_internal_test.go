package record

import (
	"context"
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
	o := &openmessaging.Outbound{ID: "late", ConversationID: "conversation", Time: noon().Std(), Origin: openmessaging.OriginHuman}
	tx.AcceptMessage(o, openmessaging.Message{Text: "late"}, 0)
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

	settled := map[TaskKind]machine.Time{}
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
	require.Equal(t, map[TaskKind]machine.Time{TaskReceipt: again.Add(-backoffLast), TaskWatch: again.Add(-backoffLast), TaskLook: again}, settled)
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

// next ends the session and begins another one of the same customer, with an opening.
func next(t *testing.T, tx *Transaction) {
	t.Helper()
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ID, c.Request, c.From = "abcdefghijk3", "another request", "customer~abcdefghijk3"
	c.ConversationID, c.OpeningTriedAt, c.OpeningAcceptedAt = "", 0, 0
	o, err := Request{ID: c.Request, Summary: "summary"}.Opening([]string{"summary"}, c.From)
	require.NoError(t, err)
	tx.Begin(c, o)
	tx.Tidy()
}

// A message of an ended session fails after the next session has begun. Its pause does not delay
// the opening.
func TestFailureOfAnEarlierSessionDelaysNoOpening(t *testing.T) {
	t.Parallel()
	ambiguous := Outcome{Effect: EffectAmbiguous, Err: context.DeadlineExceeded, RetryAfter: backoffLast}
	for name, during := range map[string]bool{"it runs when the session ends": true, "it has failed before": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			say(t, tx, "1")
			j := jobOn(t, tx, ToGenesys)
			if !during {
				settleAs(tx, j, ambiguous)
			}
			next(t, tx)
			if during {
				settleAs(tx, j, ambiguous)
			}
			head, ok := tx.head()
			require.True(t, ok)
			require.Equal(t, KindOpen, head.Kind)
			require.True(t, tx.Ready(ToGenesys))
		})
	}
}

// The answers to an opening are lost, and an agent is in the conversation that it opened: that is
// certain. The session does not end after two minutes, since the bot would speak to the customer of
// that agent. It ends like one whose messages are not accepted.
func TestUnsureOpeningDoesNotEndASessionWithAnAgent(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningTriedAt, c.OpeningAcceptedAt, c.Routing = "", 0, 0, machine.RouteByFlow
	tx := opens(c)
	ambiguous := Outcome{Effect: EffectAmbiguous, Err: context.DeadlineExceeded}
	settleAs(tx, jobOn(t, tx, ToGenesys), ambiguous)
	agentWrites(tx, "hello", time.Second)
	require.Equal(t, machine.StateConnected, tx.Handover.State)
	for tx.Now.Before(noon().Add(machine.MessageAge - backoffLast)) {
		tx.Now = tx.Out.NotBefore
		settleAs(tx, jobOn(t, tx, ToGenesys), ambiguous)
		require.Equal(t, machine.StateConnected, tx.Handover.State, tx.Now)
	}
	tx.Now = noon().Add(machine.MessageAge)
	settleAs(tx, jobOn(t, tx, ToGenesys), ambiguous)
	require.Equal(t, machine.EndFailed, tx.Handover.Ending.Reason)
}

// The first attempt of a message is answered after another replica has sent it. Its answer names a
// conversation that the session is not in: no session needs it.
func TestLateAnswerNamesAnotherConversation(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "1")
	late := jobOn(t, tx, ToGenesys)
	tx.Now = late.Lease.Until.Add(LeaseGrace)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "conversation"})
	settleAs(tx, late, Outcome{Conversation: "other"})
	require.Equal(t, "conversation", tx.Handover.ConversationID)
	require.NotNil(t, tx.Open())
	w := tx.watching("other")
	require.NotNil(t, w)
	require.True(t, w.Close)
	require.False(t, w.Requested)
	require.Equal(t, tx.Now, tx.Handover.PollAt, "one of both is over")
}

// The same for an opening, of which the other answer named no conversation.
func TestLateAnswerNamesTheConversation(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt = "", 0
	tx := opens(c)
	late := jobOn(t, tx, ToGenesys)
	tx.Now = late.Lease.Until.Add(LeaseGrace)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{})
	require.Empty(t, tx.Handover.ConversationID)
	settleAs(tx, late, Outcome{Conversation: "named"})
	require.Equal(t, "named", tx.Handover.ConversationID)
	require.Empty(t, tx.Watched)
}

// The last session ended before a read could prove that its webhook has the id of a read. In the
// next session no webhook arrives at all. Its messages are compared: what is missing is found, and
// the dead webhook is reported.
func TestUnprovenSessionHidesNoGapOfTheNext(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	deliveredEntry(tx, "heard")
	require.True(t, tx.Handover.Reached)
	next(t, tx)
	tx.Apply(machine.Event{Kind: machine.EvAccepted, Conversation: "next"})
	tx.Handover.OpeningTriedAt = noon()
	tx.Now = noon().Add(10 * time.Minute)
	r := showing(tx, genesys.PhaseConnected)
	r.Messages = []genesys.MessageRef{refAt("missed", noon().Add(time.Minute))}
	require.Len(t, tx.GapOf(r, tx.Handover.OpeningTriedAt, tx.Handover.Listing, false).Missing, 1)
	require.Equal(t, 1, tx.Undelivered(TaskLook, r))
}

// A webhook of an earlier conversation arrives before the answer to the opening. If the opening has
// revived that conversation, the webhook shows how its reads name messages, otherwise not.
func TestEarlyWebhookCountsForItsConversation(t *testing.T) {
	t.Parallel()
	for conversation, want := range map[string]bool{"conversation": true, "elsewhere": true, "new": false} {
		tx := newTransaction(recordIn(machine.StateConnected))
		next(t, tx)
		tx.Handover.From, tx.Handover.OpeningTriedAt = "customer", noon()
		tx.Watched = nil
		tx.ReceivedIDs.Remember("early", ReceivedID, tx.Now)
		o := &openmessaging.Outbound{ID: "early", CustomerID: "customer", ConversationID: "conversation", Time: ago(time.Minute).Std(), Origin: openmessaging.OriginHuman}
		if conversation == "elsewhere" {
			o.ConversationID = conversation
		}
		tx.AcceptMessage(o, openmessaging.Message{Text: "early"}, tx.MessageArrived(o))
		tx.Reached(o)
		require.Empty(t, tx.Handover.ConversationID)
		tx.Apply(machine.Event{Kind: machine.EvAccepted, Conversation: conversation})
		require.Equal(t, want, tx.Handover.Reached, conversation)
	}
}

// A watched conversation becomes that of a session without a webhook of its own.
func TestAdoptedWithoutAWebhook(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.close(tx.Handover, "other", false)
	tx.Now = tx.Now.Add(time.Minute)
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: showing(tx, genesys.PhaseConnected)})
	require.NotNil(t, tx.Open())
	require.False(t, tx.Handover.Reached)
}

// The session of the bot moves to a conversation with an agent, and leaves its own one: that is the
// ninth. The one that the session gets is not the one that is dropped for it.
func TestAdoptedConversationIsNotDropped(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateBot))
	w := tx.watch("adopted", "customer", ago(time.Hour), noon())
	w.Incomplete = true
	for i := range maxWatched - 1 {
		tx.watch(fmt.Sprint("other ", i), "customer", ago(time.Hour), noon().Add(time.Hour))
	}
	r := showing(tx, genesys.PhaseConnected)
	r.Messages = []genesys.MessageRef{refAt("missed", ago(5*time.Minute))}
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: r, Asked: r.Messages, GapErr: errors.New("not reachable")})
	require.Equal(t, "adopted", tx.Handover.ConversationID)
	require.NotNil(t, tx.watching("adopted"), "a message of it is missing")
	require.Nil(t, tx.watching("other 0"))
	for _, x := range tx.In.Entries {
		require.False(t, x.Notice != nil && x.Notice.Kind == machine.NoticeGap)
	}
}

// A conversation with an agent waits for the end of the session, which has another one. It is not
// dropped as long as there are others, because the agent has the turn next.
func TestConversationWithAnAgentIsDroppedLast(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.watch("with an agent", "customer", ago(time.Hour), noon()).Agent = true
	for i := range maxWatched - 1 {
		tx.watch(fmt.Sprint("other ", i), "customer", ago(time.Hour), noon())
	}
	tx.watch("ninth", "customer", noon(), noon())
	require.NotNil(t, tx.watching("with an agent"))
	require.Nil(t, tx.watching("other 0"))
}

// The lane to the host is full, and an agent writes without a session. The message is refused, and
// still proves that the agent is there: otherwise the bot would keep the turn.
func TestRefusedMessageProvesAnAgent(t *testing.T) {
	t.Parallel()
	fill := func(tx *Transaction) {
		for i := range inEntries {
			agentWrites(tx, fmt.Sprint(i), 0, fromFlow)
		}
	}
	tx := left()
	fill(tx)
	agentWrites(tx, "hello", 0, elsewhere)
	require.Len(t, tx.In.Entries, inEntries+1, "and the notice")
	require.NotNil(t, tx.watching("elsewhere"))

	tx = newTransaction(recordIn(machine.StateQueued))
	fill(tx)
	agentWrites(tx, "hello", 0)
	require.Equal(t, machine.StateConnected, tx.Handover.State)
}

// A process that does not know Genesys' clock yet receives the first message of an agent, while its
// own clock is an hour ahead. What the customer writes afterwards is not answered by that message.
func TestAgentWhoWroteBeforeTheClockWasMeasured(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.Clock.Unmeasured = true
	tx.Now = noon().Add(time.Hour)
	agentWrites(tx, "hello", 0)
	say(t, tx, "1")
	tx.Clock = machine.Clock{Ahead: -time.Hour}
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "conversation", Accepted: noon().Add(time.Minute)})
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	require.Equal(t, []string{"1"}, texts(tx.Record, firstReturn(t, tx.Record)))
}

// Watching ends while a conversation that no session needs is still open. A notice reports it.
func TestConversationThatStaysOpenIsReported(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]func(*Transaction) Outcome{
		"an agent is there": func(tx *Transaction) Outcome { return Outcome{Read: showing(tx, genesys.PhaseConnected)} },
		"it cannot be read": func(*Transaction) Outcome { return Outcome{Err: errors.New("not reachable")} },
		"not disconnected": func(tx *Transaction) Outcome {
			return Outcome{Read: showing(tx, genesys.PhaseQueued), Err: errors.New("not reachable")}
		},
	} {
		tx := closes(false)
		tx.Watched[0].EndedAt = tx.Now
		tx.Watched[0].At = tx.Watched[0].Until
		tx.Now = tx.Watched[0].Until
		out := o(tx)
		out.Task = TaskWatch
		settleAs(tx, jobOn(t, tx, Control), out)
		require.Empty(t, tx.Watched, name)
		require.Equal(t, []string{"connectionLost"}, lineup(tx.Record), name)
	}
	tx := closes(false) // it is over
	tx.Now = tx.Watched[0].Until
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: showing(tx, genesys.PhaseEnded)})
	require.Empty(t, tx.Watched)
	require.Empty(t, lineup(tx.Record))
}

// A message in another conversation is no signal of the session's: it does not make polls rare.
func TestMessageElsewhereIsNoSignal(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	agentWrites(tx, "hello", 0, elsewhere)
	require.Zero(t, tx.Handover.SignalledAt)
	require.Equal(t, tx.Now, tx.Handover.PollAt)
	require.False(t, tx.Handover.Poll)
}

// A message opened another conversation, and the old one cannot be read. The customer's messages
// wait for that read only as long as for one that shows nothing.
func TestMovedSessionWaitsForNoRead(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "1")
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "other", Accepted: noon()})
	say(t, tx, "2")
	require.False(t, tx.Ready(ToGenesys))
	failed := Outcome{Task: TaskLook, Err: &genesys.Error{StatusCode: 500}}
	for tx.Open() != nil {
		kind, at := tx.NextTask()
		require.Equal(t, TaskLook, kind)
		tx.Now = machine.Later(tx.Now, at)
		settleAs(tx, jobOn(t, tx, Control), failed)
		require.LessOrEqual(t, tx.Now.Sub(noon()), 10*time.Second)
	}
	require.Equal(t, noon().Add(10*time.Second), tx.Now)
	require.Equal(t, machine.CodeConversationMoved, tx.Handover.Ending.Code)
	require.Equal(t, []string{"1", "2"}, texts(tx.Record, firstReturn(t, tx.Record)))
	require.True(t, tx.watching("other").Close)
}

// TestShortRetentionStopsNoLook checks that looks at the conversation of an ended session that fail
// for longer than a short retention are not given up.
func TestShortRetentionStopsNoLook(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.Keep = time.Minute
	tx.watch("conversation", "customer", ago(time.Hour), noon()).Incomplete = true
	tx.Control.Failures, tx.Control.First = 1, ago(machine.DefaultRetention-time.Minute)
	tx.SettleTask(&Job{Record: tx.Record}, Outcome{Task: TaskLook, Err: &genesys.Error{StatusCode: 503}})
	require.Len(t, tx.Watched, 1)
}

// A short retention is about the record after its end. Reads that fail for longer than that do not
// end a session with an agent.
func TestShortRetentionGivesNoOpenSessionUp(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Keep, tx.Handover.PollAt, tx.Handover.Timers.Max = time.Minute, noon(), -1
	for end := noon().Add(machine.DefaultRetention); tx.Now.Before(end); {
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskLook, Err: &genesys.Error{StatusCode: 503}})
		require.NotNil(t, tx.Open(), tx.Now)
		_, tx.Now = tx.NextTask()
	}
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskLook, Err: &genesys.Error{StatusCode: 503}})
	require.Nil(t, tx.Open())
}

// A process that does not know Genesys' clock yet receives the last message of the earlier agent in
// the same conversation. Genesys wrote its time, and another process measured that of the opening:
// the message belongs to the earlier session.
func TestOldMessageReceivedBeforeTheClockWasMeasured(t *testing.T) {
	t.Parallel()
	for tried, want := range map[bool]machine.State{false: machine.StateQueued, true: machine.StateConnected} {
		tx := newTransaction(recordIn(machine.StateQueued))
		tx.Clock.Unmeasured, tx.Handover.TriedByHost = true, tried
		agentWrites(tx, "of the earlier agent", -time.Hour)
		require.Equal(t, want, tx.Handover.State)
		require.Equal(t, !tried, tx.In.Entries[len(tx.In.Entries)-1].Delivery.Late)
	}
}

// A process with a clock that is an hour ahead, and that has not measured Genesys' clock, ends a
// session. An agent who writes afterwards gets another one.
func TestEndBeforeTheClockWasMeasured(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.Handover.HandedBack = true
	tx.Clock.Unmeasured, tx.Now = true, noon().Add(time.Hour)
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.leave(tx.Handover)
	require.Equal(t, tx.Handover.OpeningTriedAt, tx.watching("conversation").Since, "another process measured it")

	tx.Now = tx.Now.Add(2 * time.Minute)
	tx.Clock = machine.Clock{Ahead: -time.Hour}
	w := tx.watching("conversation")
	r := showing(tx, genesys.PhaseConnected)
	require.False(t, tx.Adoptable(w, r))
	agentWrites(tx, "hello", time.Minute)
	require.True(t, tx.Adoptable(w, r))
}

// An agent writes without a session while reads fail. The message proves the agent, so a session
// begins: otherwise the bot would speak to the customer of that agent until reads work again.
func TestAgentWhoWritesWhileReadsFailGetsASession(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"Genesys fails": &genesys.Error{StatusCode: 500}, "limited": &WaitError{After: time.Minute}} {
		tx := left()
		agentWrites(tx, "hello", 0, elsewhere)
		for tx.Open() == nil {
			_, at := tx.NextTask()
			tx.Now = at
			settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Err: err, Read: &Reading{Began: tx.Now, Err: err}})
			require.LessOrEqual(t, tx.Now.Sub(noon()), 5*time.Second, name)
		}
		require.Equal(t, machine.StateConnected, tx.Handover.State)
		require.Equal(t, "elsewhere", tx.Handover.ConversationID)
		require.Empty(t, tx.Watched)
	}
	tx := left() // a message of an hour ago proves nothing
	agentWrites(tx, "hello", -time.Hour, elsewhere)
	failed := Outcome{Task: TaskWatch, Err: &genesys.Error{StatusCode: 500}, Read: &Reading{Began: tx.Now, Err: &genesys.Error{StatusCode: 500}}}
	settleAs(tx, jobOn(t, tx, Control), failed)
	require.Nil(t, tx.Open())

	tx = left() // no message proves an agent
	tx.watch("elsewhere", "customer", noon(), noon()).Agent = true
	for range 5 {
		_, at := tx.NextTask()
		tx.Now = at
		err := &genesys.Error{StatusCode: 500}
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Err: err, Read: &Reading{Began: tx.Now, Err: err}})
		require.Nil(t, tx.Open())
	}
}

// The pause after failed reads of an earlier conversation does not delay the next session.
func TestPauseOfReadsEndsWithTheSession(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Control.Failures, tx.Control.NotBefore, tx.Control.First = 7, after(time.Minute), noon()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ID, c.PollAt = "bbbbbbbbbbbb", noon()
	tx.Begin(c, &Opening{Texts: []string{"summary"}})
	require.Zero(t, tx.Control.Failures)
	_, at := tx.NextTask()
	require.False(t, at.After(noon()), at)
}
