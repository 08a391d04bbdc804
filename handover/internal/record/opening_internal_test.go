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

// TestAnOpeningByAge checks that the two minutes of an opening count from its first attempt: before
// it, it may have waited for a conversation to be closed.
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

// TestOpeningWaitsAtMostTwoMinutesForRetryAfter checks that an opening without certainty is given
// up after two minutes, however long Genesys asks to wait.
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

// TestUnsureOpeningDoesNotEndASessionWithAnAgent checks an opening whose answers are lost, while an
// agent is certainly in the conversation that it opened. The session does not end after two
// minutes, since the bot would speak to the customer of that agent. It ends like one whose messages
// are not accepted.
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

// TestFailureOfAnEarlierSessionDelaysNoOpening checks a message of an ended session that fails
// after the next session has begun. Its pause does not delay the opening.
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

// TestOpeningsAnswerNamesTheConversation checks that the id in the answer of the opening is the
// better one before an agent was there.
func TestOpeningsAnswerNamesTheConversation(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID = "of a webhook"
	tx := opens(c)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "of the answer"})
	require.Equal(t, "of the answer", tx.Handover.ConversationID)
	require.Empty(t, tx.Handover.MovedTo)
}

// TestRepeatedOpeningThatOpensAnotherEndsIt checks an opening whose answer was lost. An agent
// accepted the conversation and ended it, and the repeat of the opening opened another one without
// an agent.
func TestRepeatedOpeningThatOpensAnotherEndsIt(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt = "", 0
	tx := opens(c)
	say(t, tx, "waits")
	tx.Out.Entries[0].Unsure = true
	tx.Handover.ConversationID = "first"
	tx.Apply(machine.Event{Kind: machine.EvAgentWrote, Began: noon()})
	require.Equal(t, machine.StateConnected, tx.Handover.State)

	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "second"})
	require.Equal(t, "first", tx.Handover.ConversationID)
	require.Equal(t, "second", tx.Handover.MovedTo)
	require.Equal(t, []string{"waits"}, queued(tx.Record))
	require.True(t, tx.paused(), "it would go to the other one")

	tx.Now = after(6 * time.Second)
	s := machinetest.Standing(genesys.PhaseEnded)
	tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: s, History: machine.History{Came: ago(time.Minute), Left: machine.TimeOf(s.EndedAt)}})
	tx.Tidy()
	require.Equal(t, machine.EndByAgent, tx.Handover.Ending.Reason)
	require.Equal(t, []string{"waits"}, texts(tx.Record, firstReturn(t, tx.Record)))
	require.NotNil(t, tx.watching("second"))
}

// TestAnOpeningThatNamesNoConversation checks an answer to the opening that has no conversation id.
// A webhook may have it. Without it the conversation cannot be transferred.
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

// TestUnnamedSessionsFindTheLastConversation checks several sessions in a row whose openings'
// answers have no conversation id. The last known conversation under their identity is read, even
// if none of the last sessions has its id.
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

// TestUnnamedSessionLeavesTheLastConversation checks a session without a conversation id that is
// over and may have left its messages in the customer's last conversation. That conversation is
// closed. The presence of an agent there begins no session.
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

// TestOpeningWaitsForADisconnect checks that an opening waits while a conversation under its
// identity is to be closed: until that was tried, or an agent was seen, or for 30 s.
func TestOpeningWaitsForADisconnect(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		read    func(*Transaction) *Reading
		refused error
		waits   bool
	}{
		"it is over":        {seeing(genesys.PhaseEnded), nil, false},
		"disconnected":      {seeing(genesys.PhaseQueued), nil, false},
		"refused":           {seeing(genesys.PhaseQueued), apiFault(403), false},
		"an agent is there": {seeing(genesys.PhaseConnected), nil, false},
		"it rings":          {seeing(genesys.PhaseAlerting), nil, false},
		"not readable":      {unreadable, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := closes(false)
			asks(tx, "bcdefghijkl3", machine.StateRequested)
			at, ok := tx.headReady()
			require.True(t, ok)
			require.Equal(t, noon().Add(gatePatience), at)
			looks(t, tx, test.read, test.refused)
			at, _ = tx.headReady()
			require.Equal(t, test.waits, at.After(tx.Now))
			if len(tx.Watched) > 0 && tx.Watched[0].Agent {
				tx.Watched[0].Requested = true
				at, _ = tx.headReady()
				require.True(t, at.After(tx.Now), "it is disconnected all the same")
			}
		})
	}
}

// TestOpeningWaitsForALookThatMayDisconnect checks an opening while a look may be disconnecting a
// conversation that only waits in a queue, because the opening would join it.
func TestOpeningWaitsForALookThatMayDisconnect(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	w := tx.watch("revived", tx.Handover.From, ago(time.Minute), tx.Now)
	w.QueuedAt = ago(queuePatience)
	look := jobOn(t, tx, Control)
	require.True(t, tx.MayDisconnect(look.Record.NextWatched(), showing(tx, genesys.PhaseQueued), tx.Now))
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	tx.Tidy()
	require.False(t, tx.Ready(ToGenesys), "the look may be disconnecting it now")
	settleAs(tx, look, Outcome{Task: TaskWatch, Tried: true, Disconnected: true, Read: showing(tx, genesys.PhaseQueued)})
	require.True(t, tx.Ready(ToGenesys))
}

// TestOpeningAndDisconnectExcludeEachOther checks an opening that may join a conversation that is
// to be closed: neither is claimed while the other runs.
func TestOpeningAndDisconnectExcludeEachOther(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	tx.Now = noon().Add(gatePatience)
	look := jobOn(t, tx, Control)
	require.False(t, tx.Ready(ToGenesys), "a look may be disconnecting")
	settleAs(tx, look, Outcome{Task: TaskWatch, Read: unreadable(tx), Err: refusedWith(503)})
	require.True(t, tx.Ready(ToGenesys))
	opens := jobOn(t, tx, ToGenesys)
	require.Nil(t, tx.NextWatched(), "the opening may join it")

	settleAs(tx, opens, Outcome{Conversation: "other"})
	require.Empty(t, tx.Watched, "it is the session's now")
	require.Equal(t, "other", tx.Handover.ConversationID)
}

// TestOpeningOfAnEarlierSessionExcludesADisconnect checks a session that ends while its opening is
// being sent: the next session does not end the exclusion.
func TestOpeningOfAnEarlierSessionExcludesADisconnect(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	tx.Now = noon().Add(gatePatience)
	tx.Out.Entries[0].Opening.Customer.ID = tx.Handover.From
	opening := jobOn(t, tx, ToGenesys)
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	asks(tx, "cdefghijklm4", machine.StateRequested)
	require.Equal(t, "cdefghijklm4", tx.Handover.ID)
	tx.Now = tx.Now.Add(time.Second)
	require.False(t, tx.Ready(Control), "the opening may join the conversation")
	_, at := tx.NextTask()
	require.Equal(t, opening.Lease.Until.Add(LeaseGrace), at, "its process may have died")

	settleAs(tx, opening, Outcome{Conversation: "new"})
	require.True(t, tx.Ready(Control))
}

// TestOpeningElsewhereLeavesTheIntent checks an answer of the opening that names another
// conversation: the first is closed.
func TestOpeningElsewhereLeavesTheIntent(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	tx.Now = noon().Add(gatePatience)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "new"})
	require.True(t, tx.watching("other").Close)
	require.True(t, looks(t, tx, seeing(genesys.PhaseQueued), nil))
}

// TestQueueOfOpenDuringAHandOver checks a look that was claimed before HandOver named another
// queue, which is not resolved yet. It does not set the queue of Open.
func TestQueueOfOpenDuringAHandOver(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateBot))
	tx.Handover.Queue, tx.Handover.QueueID = "Sales", "sales"
	tx.Handover.PollAt = noon()
	j := jobOn(t, tx, Control)
	r := showing(tx, genesys.PhaseQueued)
	r.Standing.QueueID = "bots"
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ID, c.Request, c.Queue, c.QueueID = "abcdefghijk3", "other", "Billing", "" // Genesys could not be reached
	_, err := tx.HandOver(c, &Opening{Texts: []string{"hello"}}, machine.Timers{})
	require.NoError(t, err)
	tx.Tidy()
	require.Equal(t, "Billing", tx.Handover.Queue)
	require.Empty(t, tx.Handover.QueueID)
	settleAs(tx, j, Outcome{Task: TaskLook, Read: r, QueueID: j.Record.Handover.QueueID, BotQueue: j.Record.Handover.BotQueue})
	require.NotEqual(t, "sales", tx.Handover.QueueID, "the customer goes to the queue that HandOver replaced")
}

// TestQueueOfTheOpeningDuringAHandOver checks the same for the opening of Open that is being sent.
func TestQueueOfTheOpeningDuringAHandOver(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateBot)
	c.ConversationID, c.OpeningAcceptedAt, c.Queue, c.QueueID = "", 0, "Sales", ""
	tx := opens(c)
	j := jobOn(t, tx, ToGenesys)
	h := machinetest.HandoverIn(machine.StateRequested)
	h.ID, h.Request, h.Queue, h.QueueID = "abcdefghijk3", "other", "Billing", ""
	_, err := tx.HandOver(h, &Opening{Texts: []string{"hello"}}, machine.Timers{})
	require.NoError(t, err)
	tx.Tidy()
	settleAs(tx, j, Outcome{QueueID: "sales", BotQueue: "bots", Conversation: "conversation"})
	require.NotEqual(t, "sales", tx.Handover.QueueID)
}
