package record

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// A Return keeps the deliveries of its session before it and those of other conversations behind
// it. When an agent session begins, the Return is removed, and the deliveries around it are in the
// order of their times.
func TestDroppedReturnLeavesDeliveriesInOrder(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	tx.pushReturn(false)
	late := func(id, conversation string, at machine.Time) {
		tx.AcceptMessage(&openmessaging.Outbound{ID: id, ConversationID: conversation, Time: at.Std(), Origin: openmessaging.OriginHuman},
			openmessaging.Message{Text: id}, 0)
	}
	late("first", "another", ago(3*time.Second))
	late("third", "another", ago(time.Second))
	late("second", "conversation", ago(2*time.Second))
	require.Equal(t, []EntryKind{KindDelivery, KindReturn, KindDelivery, KindDelivery}, kinds(tx.In.Entries))

	tx.install(machinetest.HandoverIn(machine.StateConnected))
	tx.Tidy()
	require.Equal(t, []string{"first", "second", "third"}, takenIDs(tx))
}

func kinds(list []Entry) (kinds []EntryKind) {
	for _, x := range list {
		kinds = append(kinds, x.Kind)
	}
	return kinds
}

// A process was late for its lease. That is no failure of the task, so it does not count toward
// giving the record up.
func TestTaskThatCouldNotBeginIsNoFailure(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Keep = time.Second
	tx.Handover.Started = ago(time.Hour)
	j := jobOn(t, tx, Control)
	for range 5 {
		settleAs(tx, j, Outcome{Effect: EffectNotPerformed, Err: context.DeadlineExceeded, ChannelFault: true})
		require.Equal(t, tx.Now.Add(BackoffFirst), tx.Control.NotBefore)
		tx.Now = tx.Now.Add(time.Minute)
	}
	require.Zero(t, tx.Control.Failures)
	require.NotNil(t, tx.Open())
}

// The answers to the openings of several sessions in a row have no conversation id. The last known
// conversation under their identity is read, even if none of the last sessions has its id.
func TestUnnamedSessionsFindTheLastConversation(t *testing.T) {
	t.Parallel()
	unnamed := func() *Transaction {
		tx := newTransaction(recordIn(machine.StateRequested))
		tx.Handover.ConversationID = ""
		tx.Past = []past{{From: "customer"}, {From: "customer"}}
		return tx
	}
	tx := unnamed()
	tx.Past = append(tx.Past, past{From: "customer", Session: machine.Session{ConversationID: "older"}})
	require.Equal(t, "older", tx.Conversation())
	tx.watch("newer", "customer", noon(), noon())
	tx.watch("of another identity", "customer~abcdefghijk2", noon(), noon())
	require.Equal(t, "newer", tx.Conversation())
	tx.Past[0].Session.ConversationID = "newest"
	require.Equal(t, "newest", tx.Conversation())
	tx.Past, tx.Watched = nil, nil
	require.Empty(t, tx.Conversation())

	// The session may be in it, so it is not disconnected.
	tx = unnamed()
	w := tx.watch("newer", "customer", noon(), noon())
	w.QueuedAt = ago(time.Hour)
	require.False(t, tx.MayDisconnect(w, showing(tx, genesys.PhaseQueued), tx.Now))
	tx.Handover.ConversationID = "another"
	require.True(t, tx.MayDisconnect(w, showing(tx, genesys.PhaseQueued), tx.Now))
}

// A session without a conversation id that is over may have left its messages in the customer's
// last conversation. That conversation is closed. The presence of an agent there begins no session.
func TestUnnamedSessionLeavesTheLastConversation(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateRequested))
	tx.Handover.ConversationID = ""
	tx.Past = []past{{From: "customer", Session: machine.Session{ConversationID: "last"}}}
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.Tidy()
	require.Nil(t, tx.Open())
	w := tx.watching("last")
	require.NotNil(t, w)
	require.True(t, w.Close)
	require.False(t, w.Requested, "no one saw the session there")
	require.False(t, tx.Adoptable(w, showing(tx, genesys.PhaseConnected)))

	tx = newTransaction(recordIn(machine.StateRequested)) // Genesys has not received it
	tx.Handover.ConversationID, tx.Handover.OpeningTriedAt = "", 0
	tx.Past = []past{{From: "customer", Session: machine.Session{ConversationID: "last"}}}
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.Tidy()
	require.Empty(t, tx.Watched)
}

// All agents have left a conversation that no session needs, and the customer is without an agent
// for two minutes.
func TestWatchedIsAbandoned(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.watch("other", "customer", noon(), noon())
	alone := func(since machine.Time) func(*Transaction) *Reading {
		return func(tx *Transaction) *Reading {
			r := showing(tx, genesys.PhaseUnknown)
			r.Standing.AloneSince = since.Std()
			return r
		}
	}
	require.False(t, looks(t, tx, alone(ago(time.Minute)), nil))
	require.True(t, looks(t, tx, alone(ago(time.Minute)), nil))

	tx = left() // the agents had left before it was watched
	tx.watch("other", "customer", noon(), noon())
	require.False(t, looks(t, tx, seeing(genesys.PhaseNotRouted), nil))
	tx.Watched[0].At = noon().Add(machine.AlonePatience - time.Microsecond)
	require.False(t, looks(t, tx, seeing(genesys.PhaseNotRouted), nil))
	require.True(t, looks(t, tx, seeing(genesys.PhaseNotRouted), nil))
}

// Missing messages of a watched conversation are reported for its session, if there is one, and
// never for the session that is open now.
func TestGapNoticeNamesItsConversation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		watch func(*Transaction)
		want  string
	}{
		"left by this session": {func(tx *Transaction) { tx.close(tx.Handover, "other", false) }, "abcdefghijk2"},
		"left by an earlier session": {func(tx *Transaction) {
			c := machinetest.HandoverIn(machine.StateEnded)
			c.ID = "zyxwvutsrqp2"
			tx.close(&c, "other", false)
		}, "zyxwvutsrqp2"},
		"of no session": {func(tx *Transaction) { tx.watch("other", "customer", ago(time.Hour), noon()) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx, refs := gapped(1)
			test.watch(tx)
			tx.Watched[0].Since = ago(time.Hour)
			checkListing(t, tx, refusedWith(403), nil, refs...)
			require.Len(t, tx.In.Entries, 1)
			n := tx.In.Entries[0].Notice
			require.Equal(t, machine.NoticeGap, n.Kind)
			require.Equal(t, test.want, n.Session.ID)
			require.Equal(t, "other", n.Session.ConversationID)
		})
	}
}

// When watching is given up, the messages that the last read listed are reported. A message that
// has arrived since is not missing.
func TestGiveUpReportsMissing(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(3)
	endListing(t, tx, false, refs...)
	takenIDs(tx)
	tx.Now = tx.Now.Add(time.Hour)
	tx.ReceivedIDs.Remember("missed 1", ReceivedID, tx.Now)
	tx.GiveUp("not reachable")
	require.Empty(t, tx.Watched)
	list := takenIDs(tx)
	require.Len(t, list, 1)
	require.Contains(t, list[0], "gap: 2 messages")
	require.Contains(t, list[0], "missed 0, missed 2")
}

// A message that is listed at the end of a session may still be delivered by its webhook. If no
// later look can read the conversation, it is reported.
func TestYoungMessageIsMissingAtLast(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	endListing(t, tx, true, refAt("young", ago(3*time.Second)))
	takenIDs(tx)
	for len(tx.Watched) > 0 {
		checkListing(t, tx, nil, errors.New("down"))
	}
	list := takenIDs(tx)
	require.Len(t, list, 1)
	require.Contains(t, list[0], "ids: young")
}

// Looks have found messages missing, and then one cannot read. Its retry has the pause of a first
// failure.
func TestFailedLooksAloneLengthenThePause(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	w := tx.watching("other")
	w.Since, w.Reached, w.Proven = ago(time.Hour), true, true
	for range maxLooks - 1 {
		checkListing(t, tx, refusedWith(503), nil, refAt("missing", ago(10*time.Minute)))
	}
	checkListing(t, tx, nil, refusedWith(503))
	require.Equal(t, tx.Now.Add(2*lookPause), tx.watching("other").At)
}

// Disconnects have failed, and then a look cannot read. Its retry has the pause of a first failure.
func TestFailedDisconnectsDoNotLengthenThePauseOfReads(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	disconnect := func() {
		tx.Now = machine.Later(tx.Now, tx.watching("other").At)
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: showing(tx, genesys.PhaseQueued), Err: refusedWith(503)})
	}
	for range 6 {
		disconnect()
	}
	require.Equal(t, tx.Now.Add(lookPause), tx.watching("other").At)
	checkListing(t, tx, nil, refusedWith(503))
	require.Equal(t, tx.Now.Add(2*lookPause), tx.watching("other").At)
	disconnect()
	require.Equal(t, tx.Now.Add(lookPause), tx.watching("other").At, "they still get rarer")
}

// A process may still be sending the text that the customer has left when the next session begins,
// in the bot's turn. The opening is due when that attempt is over, also while a Return runs.
func TestOpeningBehindATextIsDue(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	tx.Out.Push(Entry{Seq: tx.NextSeq(), Kind: kindLeft, Handover: tx.Handover.ID, At: noon(), Text: "bye"})
	tx.Out.Lease = Lease{Owner: "another", N: 1, Seq: tx.Seq, Until: noon().Add(LeaseTime)}
	w := wordOf(tx.NextSeq(), "m1")
	w.State = wordSent
	tx.Words = append(tx.Words, w)
	tx.Tidy()
	c := machinetest.HandoverIn(machine.StateBot)
	c.ID, c.ConversationID, c.OpeningTriedAt, c.OpeningAcceptedAt = "zyxwvutsrqp2", "", 0, 0
	tx.Begin(c, &Opening{Texts: []string{"summary"}})
	tx.Tidy()
	tx.Now = noon().Add(returnHold)
	tx.In.Lease = Lease{Owner: "another", N: 2, Seq: tx.ClaimHead(ToHost).Seq, Until: tx.Now.Add(LeaseTime)}
	require.Equal(t, KindReturn, tx.In.Entries[0].Kind)

	require.Equal(t, noon().Add(LeaseTime+LeaseGrace), tx.WakeAt())
	tx.Now = tx.WakeAt()
	tx.Tidy()
	require.True(t, tx.Ready(ToGenesys))
	require.Equal(t, KindOpen, tx.ClaimHead(ToGenesys).Kind)
}

// A message of a session opened another conversation, and its answer arrives in the next session,
// which has another identity. The conversation belongs to the session and the identity of the
// message.
func TestLateConversationHasItsOwnIdentity(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Handover.From = "customer~abcdefghijk2"
	tx.Words = append(tx.Words, wordOf(tx.NextSeq(), "m1"))
	j := jobOn(t, tx, ToGenesys)
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ID, c.From, c.Request, c.ConversationID = "zyxwvutsrqp2", "customer~zyxwvutsrqp2", "next", ""
	_, err := tx.HandOver(c, &Opening{Texts: []string{"summary"}}, machine.Timers{})
	require.NoError(t, err)
	tx.Tidy()
	settleAs(tx, j, Outcome{Conversation: "late"})
	w := tx.watching("late")
	require.NotNil(t, w)
	require.Equal(t, "customer~abcdefghijk2", w.From)
	require.Equal(t, "abcdefghijk2", w.Handover)
}

// A callback that ignores its context still runs. If the record were removed, another callback
// would begin at the same time.
func TestForgetWaitsForAStuckCallback(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	tx.Forget = noon()
	require.Equal(t, noon(), tx.Expires())
	tx.In.Stuck = noon().Add(StuckTime)
	require.Equal(t, noon().Add(StuckTime), tx.Expires())
}

// The opening has no answer yet, and Genesys' clock is not measured. A message of an agent may be
// of an earlier conversation, also of a forgotten one, so a read of its conversation decides.
func TestUnmeasuredClockNamesNoConversation(t *testing.T) {
	t.Parallel()
	message := &openmessaging.Outbound{ID: "w1", CustomerID: "customer", ConversationID: "older", Time: noon().Std(), Origin: openmessaging.OriginHuman}
	unanswered := func() *Transaction {
		tx := newTransaction(recordIn(machine.StateRequested))
		tx.Handover.ConversationID, tx.Handover.OpeningAcceptedAt = "", 0
		tx.Clock.Unmeasured = true
		return tx
	}
	tx := unanswered()
	tx.AcceptMessage(message, openmessaging.Message{Text: "hello"}, 0)
	require.Equal(t, machine.StateRequested, tx.Handover.State)
	require.Empty(t, tx.Handover.ConversationID)
	require.NotNil(t, tx.watching("older"))

	tx = unanswered()
	tx.Handover.OpeningAcceptedAt = noon()
	require.True(t, tx.OfCurrentSession(message))
	tx = unanswered()
	tx.Clock.Unmeasured = false
	require.True(t, tx.OfCurrentSession(message))
	tx = unanswered()
	flow := *message
	flow.Origin = openmessaging.OriginBot
	require.True(t, tx.OfCurrentSession(&flow))
}

// TestOpeningOfAProcessWithoutGenesysClock: a process sent the opening before it knew Genesys'
// clock, and died. The next one that knows it converts the time. Legs that end later would
// otherwise count as older than the opening, and the session would stay open.
func TestOpeningOfAProcessWithoutGenesysClock(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt, c.OpeningTriedAt = "", 0, 0
	tx := opens(c)
	tx.Clock.Unmeasured = true
	tx.ClaimHead(ToGenesys)
	require.Equal(t, noon(), tx.Handover.OpeningTriedAt)

	tx.MeasureOpening()
	require.Equal(t, noon(), tx.Handover.OpeningTriedAt)
	tx.Clock = machine.Clock{Ahead: -time.Hour}
	tx.MeasureOpening()
	tx.MeasureOpening()
	require.Equal(t, noon().Add(-time.Hour), tx.Handover.OpeningTriedAt)
}

// TestLookAtALeftConversation: the context of a HandOver opened another conversation while a look
// read the one before. The agents' messages that the look fetched there are not of the present one,
// and are looked for in their own.
func TestLookAtALeftConversation(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(1)
	tx.Handover.State = machine.StateRequested
	j := jobOn(t, tx, Control)
	o := listedOutcome(tx, refs...)
	o.Asked = j.Record.GapOf(o.Read, j.Record.Handover.OpeningTriedAt, j.Record.Handover.Listing, false).Missing
	o.Stored = storedOf(o.Asked)
	require.Len(t, o.Stored, 1)
	tx.continued("next")
	require.Equal(t, "next", tx.Handover.ConversationID)
	settleAs(tx, j, o)
	require.Equal(t, machine.StateRequested, tx.Handover.State)
	require.Empty(t, takenIDs(tx))
	w := tx.watching("conversation")
	require.NotNil(t, w)
	require.Equal(t, tx.Handover.ID, w.Handover)
	require.False(t, w.Close)
}

// TestEndLooksAtOtherAgents: an agent is in another conversation when the session ends. A look
// finds the agent before the Return gives the turn to the bot.
func TestEndLooksAtOtherAgents(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.watch("with an agent", "customer", noon(), noon().Add(machine.SourcePoll)).Agent = true
	tx.watch("without", "customer", noon(), noon().Add(machine.SourcePoll))
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	require.Equal(t, noon().Add(adoptPause), tx.watching("with an agent").At)
	require.Equal(t, noon().Add(machine.SourcePoll), tx.watching("without").At)
	require.Less(t, adoptPause, returnHold)
}

// TestLeftTextWaitsForNoReturn: words of a Return that fails would be sent before later words. The
// text that the customer has left ends the session, so nothing of a Return precedes it.
func TestLeftTextWaitsForNoReturn(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnding))
	tx.In.Push(Entry{Seq: tx.NextSeq(), Kind: KindReturn, Handover: "zyxwvutsrqp2", At: noon(), Unsure: true})
	tx.In.Lease = Lease{Owner: "another", N: 1, Seq: tx.Seq, Until: noon().Add(LeaseTime)}
	w := wordOf(tx.NextSeq(), "m1")
	w.Return = tx.In.Lease.Seq
	tx.Words = append(tx.Words, w)
	tx.Out.Push(Entry{Seq: tx.NextSeq(), Kind: kindLeft, Handover: tx.Handover.ID, At: noon(), Text: "bye"})
	require.True(t, tx.Ready(ToGenesys))
}

// Messages of a session's conversation are missing, so it stays watched. It is not disconnected
// while the session needs it, even if it has been in a queue for long.
func TestConversationOfTheSessionIsNotDisconnected(t *testing.T) {
	t.Parallel()
	for _, s := range []machine.State{machine.StateBot, machine.StateQueued, machine.StateConnected} {
		tx := newTransaction(recordIn(s))
		w := tx.watch(tx.Handover.ConversationID, "customer", noon(), noon())
		w.Incomplete, w.QueuedAt = true, ago(time.Hour)
		require.False(t, tx.MayDisconnect(w, showing(tx, genesys.PhaseQueued), tx.Now), s)
	}
}

// A Return begins, a message gets another one, and then the first could not begin in time. It is
// pending again and contains both messages, so the session has no second one.
func TestReturnThatCouldNotBeginContainsLaterMessages(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	tx.pushReturn(false)
	tx.Now = tx.Now.Add(returnHold)
	tx.Words = []Word{wordOf(20, "first")}
	j := jobOn(t, tx, ToHost)
	tx.Words = append(tx.Words, wordOf(21, "second"))
	tx.Tidy()
	require.Equal(t, []EntryKind{KindReturn, KindReturn}, kinds(tx.In.Entries))

	settleAs(tx, j, Outcome{Effect: EffectNotPerformed, Err: context.DeadlineExceeded})
	require.Equal(t, []EntryKind{KindReturn}, kinds(tx.In.Entries))
	tx.Now = tx.Now.Add(time.Minute)
	j = jobOn(t, tx, ToHost)
	require.Len(t, tx.Unanswered(j.Head.Seq), 2)
}
