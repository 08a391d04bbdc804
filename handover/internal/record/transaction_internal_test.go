package record

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// agentWrites stores a message of an agent, written the given time after noon.
func agentWrites(tx *Transaction, text string, after time.Duration, with ...func(*openmessaging.Outbound)) {
	o := &openmessaging.Outbound{
		ID: text, CustomerID: "customer", ConversationID: "conversation", Time: noon().Add(after).Std(), Origin: openmessaging.OriginHuman,
	}
	for _, f := range with {
		f(o)
	}
	tx.AcceptMessage(o, openmessaging.Message{Text: text}, tx.MessageArrived(o))
	tx.Tidy()
}

func fromFlow(o *openmessaging.Outbound) { o.Origin = openmessaging.OriginBot }

func elsewhere(o *openmessaging.Outbound) { o.ConversationID = "elsewhere" }

// lineup is the lane to the host: texts of deliveries, kinds of the rest.
func lineup(f *Record) []string {
	list := []string{}
	for _, x := range f.In.Entries {
		switch {
		case x.Delivery != nil:
			list = append(list, x.Delivery.Message.Text)
		case x.Notice != nil:
			list = append(list, string(x.Notice.Kind))
		default:
			list = append(list, string(x.Kind))
		}
	}
	return list
}

// A delivery is inserted by channel.time before later ones that were never attempted, but not
// before a notice.
func TestDeliveriesStandInOrder(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	agentWrites(tx, "second", 2*time.Second)
	agentWrites(tx, "third", 3*time.Second)
	agentWrites(tx, "first", time.Second)
	agentWrites(tx, "also second", 2*time.Second)
	require.Equal(t, []string{"first", "second", "also second", "third"}, lineup(tx.Record))
	tx.Notice(Notice{Kind: machine.NoticeIdle})
	agentWrites(tx, "half", time.Second/2)
	require.Equal(t, []string{"first", "second", "also second", "third", "idle", "half"}, lineup(tx.Record), "not across a notice")
	agentWrites(tx, "no time", 0, func(o *openmessaging.Outbound) { o.Time = time.Time{} })
	require.Equal(t, "no time", lineup(tx.Record)[6])
	for _, x := range tx.In.Entries {
		require.False(t, x.Delivery != nil && x.Delivery.OutOfOrder, "nothing was attempted yet")
	}
}

func TestDeliveriesDoNotOvertakeAnAttempt(t *testing.T) {
	t.Parallel()
	t.Run("one that runs", func(t *testing.T) {
		t.Parallel()
		tx := newTransaction(recordIn(machine.StateConnected))
		agentWrites(tx, "second", 2*time.Second)
		jobOn(t, tx, ToHost)
		agentWrites(tx, "first", time.Second)
		require.Equal(t, []string{"second", "first"}, lineup(tx.Record))
		require.True(t, tx.In.Entries[1].Delivery.OutOfOrder)
	})
	t.Run("one that failed", func(t *testing.T) {
		t.Parallel()
		tx := newTransaction(recordIn(machine.StateConnected))
		agentWrites(tx, "second", 2*time.Second)
		settleAs(tx, jobOn(t, tx, ToHost), Outcome{Err: errors.New("no")})
		agentWrites(tx, "first", time.Second)
		require.Equal(t, []string{"second", "first"}, lineup(tx.Record))
		require.True(t, tx.In.Entries[1].Delivery.OutOfOrder)
	})
	t.Run("one that succeeded", func(t *testing.T) {
		t.Parallel()
		tx := newTransaction(recordIn(machine.StateConnected))
		agentWrites(tx, "second", 2*time.Second)
		settleAs(tx, jobOn(t, tx, ToHost), Outcome{})
		agentWrites(tx, "first", time.Second)
		agentWrites(tx, "third", 3*time.Second)
		require.Equal(t, []string{"first", "third"}, lineup(tx.Record))
		require.True(t, tx.In.Entries[0].Delivery.OutOfOrder)
		require.False(t, tx.In.Entries[1].Delivery.OutOfOrder)
	})
}

// Joined precedes the agent's first message; the Return follows the last, if it still waits.
func TestNoticesAndReturnsAroundDeliveries(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	agentWrites(tx, "hello", 0)
	require.Equal(t, []string{"agentJoined", "hello"}, lineup(tx.Record))
	ends(tx, noon().Add(time.Minute))
	agentWrites(tx, "bye", time.Second)
	require.Equal(t, []string{"agentJoined", "hello", "agentLeft", "ended", "bye", "return"}, lineup(tx.Record))
	require.False(t, tx.In.Entries[4].Delivery.Late, "it is the Return's session's")
	tx.In.Entries = tx.In.Entries[5:]
	tx.Now = tx.Now.Add(2 * time.Second)
	jobOn(t, tx, ToHost)
	agentWrites(tx, "too late", 2*time.Second)
	require.Equal(t, []string{"return", "too late"}, lineup(tx.Record))
	require.True(t, tx.In.Entries[1].Delivery.Late)
	require.NotNil(t, tx.watching("conversation"), "perhaps the agent is there again: a read decides")
}

// Flow messages wait 250 ms, never mean an agent, and are marked as Genesys' own.
func TestFlowMessages(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	agentWrites(tx, "you are next", 0, fromFlow)
	require.Equal(t, machine.StateQueued, tx.Handover.State)
	x := tx.In.Entries[0]
	require.Equal(t, noon().Add(250*time.Millisecond), x.NotBefore)
	require.Equal(t, openmessaging.OriginBot, x.Delivery.Origin)
	agentWrites(tx, "welcome", -time.Second, fromFlow)
	require.Equal(t, []string{"welcome", "you are next"}, lineup(tx.Record))

	tx = newTransaction(recordIn(machine.StateEnded))
	agentWrites(tx, "how were we?", 0, fromFlow)
	require.Empty(t, tx.Watched, "no agent is there")
	agentWrites(tx, "welcome", 0, fromFlow, elsewhere)
	require.Len(t, tx.Watched, 1, "the customer may wait in a conversation that a message without an answer has opened")
	require.Zero(t, tx.Watched[0].WroteAt)
}

// A human message counts only for the current conversation id.
func TestWhoseMessageItIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		with     func(*Transaction, *openmessaging.Outbound)
		state    machine.State // after it
		late     bool
		handover string
	}{
		"of the conversation":       {func(*Transaction, *openmessaging.Outbound) {}, machine.StateConnected, false, "abcdefghijk2"},
		"of an unknown one":         {func(_ *Transaction, o *openmessaging.Outbound) { elsewhere(o) }, machine.StateQueued, true, ""},
		"of an earlier handover":    {func(_ *Transaction, o *openmessaging.Outbound) { o.ConversationID = "before" }, machine.StateQueued, true, "zyxwvutsrqp7"},
		"of no conversation":        {func(_ *Transaction, o *openmessaging.Outbound) { o.ConversationID = "" }, machine.StateConnected, false, "abcdefghijk2"},
		"of another customer":       {func(_ *Transaction, o *openmessaging.Outbound) { o.ConversationID, o.CustomerID = "", "somebody" }, machine.StateQueued, true, ""},
		"from before this handover": {func(_ *Transaction, o *openmessaging.Outbound) { o.Time = ago(time.Hour).Std() }, machine.StateQueued, true, "abcdefghijk2"},
		"before the opening's word": {func(tx *Transaction, o *openmessaging.Outbound) { tx.Handover.ConversationID = ""; elsewhere(o) }, machine.StateConnected, false, "abcdefghijk2"},
		"before the opening": {func(tx *Transaction, o *openmessaging.Outbound) {
			tx.Handover.ConversationID, tx.Handover.OpeningTriedAt = "", 0
			elsewhere(o)
		}, machine.StateQueued, true, ""},
		"before the opening's word, of an earlier": {func(tx *Transaction, o *openmessaging.Outbound) {
			tx.Handover.ConversationID, o.ConversationID = "", "before"
		}, machine.StateQueued, true, "zyxwvutsrqp7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateQueued))
			tx.Notify = false
			tx.Past = []past{{Session: machine.Session{ID: "zyxwvutsrqp7", ConversationID: "before"}}}
			agentWrites(tx, "hello", 0, func(o *openmessaging.Outbound) { test.with(tx, o) })
			require.Equal(t, test.state, tx.Handover.State)
			d := tx.In.Entries[0].Delivery
			require.Equal(t, test.late, d.Late)
			require.Equal(t, test.handover, d.Session.ID)
		})
	}
}

// Sent messages remain in the ledger until a later message of an agent. An earlier message that is
// delivered later answers for none.
func TestAWebhookThatWasOnItsWayAnswersForNothing(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "are you there?")
	sentAt(t, tx, noon().Add(30*time.Second))
	agentWrites(tx, "one moment", 10*time.Second)
	require.Len(t, tx.Words, 1)
	tx.Now = noon().Add(time.Minute)
	agentWrites(tx, "yes?", 30*time.Second-time.Microsecond)
	require.Len(t, tx.Words, 1)
	agentWrites(tx, "yes", 31*time.Second)
	require.Empty(t, tx.Words)
}

func TestAFullLaneToTheHost(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	for i := range inEntries {
		agentWrites(tx, "m", time.Duration(i))
	}
	agentWrites(tx, "too much", time.Hour)
	agentWrites(tx, "too much, too", time.Hour)
	require.Len(t, tx.In.Entries, inEntries+1)
	require.Equal(t, machine.NoticeMessageFailed, tx.In.Entries[inEntries].Notice.Kind, "reported once")
	require.Len(t, tx.Receipts, 2, "the agent gets a receipt for each")
	require.Equal(t, openmessaging.StatusFailed, tx.Receipts[0].Status)
}

func TestAFullLaneToGenesys(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	for i := range maxWords {
		say(t, tx, strconv.Itoa(i))
	}
	before := len(tx.ForwardedIDs)
	turn, err := tx.Forward(Message{ID: "more", Text: "more"})
	require.ErrorIs(t, err, ErrBacklog)
	require.Empty(t, turn)
	require.Len(t, queued(tx.Record), maxWords)
	require.Len(t, tx.ForwardedIDs, before, "a repeat may be accepted")
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	require.Equal(t, machine.StateEnding, tx.Handover.State, "the end is never refused")
}

func TestForwardInEveryState(t *testing.T) {
	t.Parallel()
	for s, test := range map[machine.State]struct {
		transition    machine.Turn
		queued, words int
	}{
		"": {machine.TurnBot, 0, 0}, machine.StateBot: {machine.TurnBot, 0, 0}, machine.StateEnded: {machine.TurnBot, 0, 0}, machine.StateEnding: {machine.TurnAgent, 0, 1},
		machine.StateRequested: {machine.TurnAgent, 1, 1}, machine.StateQueued: {machine.TurnAgent, 1, 1}, machine.StateAlerting: {machine.TurnAgent, 1, 1}, machine.StateConnected: {machine.TurnAgent, 1, 1},
	} {
		f := &Record{}
		if s != "" {
			f = recordIn(s)
			f.Handover.HandedBack = true
		}
		tx := newTransaction(f)
		for range 2 {
			require.Equal(t, test.transition, say(t, tx, "words"), s)
			require.Len(t, queued(tx.Record), test.queued, s)
			require.Len(t, tx.Words, test.words, s)
		}
	}
}

func TestReceiptsAreBounded(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	for i := range 100 {
		tx.receipt(Receipt{ID: string(rune(i))})
	}
	require.Len(t, tx.Receipts, maxReceipts)
	require.Equal(t, string(rune(99)), tx.Receipts[maxReceipts-1].ID, "the oldest are dropped")
}

// A notice is between two deliveries, so the later message is delivered first. The other one is
// marked as out of order.
func TestDeliveryBehindANoticeIsOutOfOrder(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.deliver(Delivery{ID: "second", Time: noon().Add(time.Second), Session: tx.Handover.Session}, 0)
	tx.Notice(Notice{Kind: machine.NoticeAgentJoined})
	tx.deliver(Delivery{ID: "first", Time: noon(), Session: tx.Handover.Session}, 0)
	require.False(t, tx.OutOfOrder(tx.In.Entries[0].Delivery))

	settleAs(tx, jobOn(t, tx, ToHost), Outcome{})
	require.True(t, tx.OutOfOrder(tx.In.Entries[1].Delivery))
}

// After the first attempt of a session's Return, an agent's message is late, also if another Return
// waits.
func TestDeliveryAfterTheFirstReturnIsLate(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	ends(tx, noon().Add(20*time.Second))
	require.True(t, tx.returnWaits(tx.Handover.ID), "what arrives before the Return still belongs to the session")
	j, _ := atReturn(t, tx)
	require.False(t, tx.returnWaits(tx.Handover.ID))
	say(t, tx, "for the next Return")
	settleAs(tx, j, Outcome{})
	require.True(t, tx.returns())
	require.False(t, tx.returnWaits(tx.Handover.ID))
}

// Failed notices have moved behind the Return of their session. A delivery is still inserted before
// the Return.
func TestDeliveryGoesBeforeTheReturn(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	ends(tx, noon().Add(20*time.Second))
	tx.Notice(Notice{Kind: machine.NoticeAgentJoined})
	tx.deliver(Delivery{ID: "late word", Time: noon(), Session: tx.Handover.Session}, 0)
	at := map[EntryKind]int{}
	for i, x := range tx.In.Entries {
		at[x.Kind] = i
	}
	require.Less(t, at[KindDelivery], at[KindReturn])
}

// The answer of the opening named no conversation, and an agent of the last one writes late in it.
// That does not prove that the opening has revived it: only a read that shows the customer there
// does.
func TestLateMessageDoesNotNameTheConversation(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt, c.OpeningTriedAt = "", noon(), noon()
	tx := newTransaction(&Record{Format: CurrentFormat, Created: 1, Touched: noon(), Handover: &c, Keep: machine.DefaultRetention})
	tx.Past = []past{{Session: machine.Session{ID: "abcdefghijk1", ConversationID: "last"}, From: c.From}}
	tx.Now = noon().Add(20 * time.Second)
	tx.AcceptMessage(&openmessaging.Outbound{
		ID: "late", CustomerID: c.From, ConversationID: "last", Time: tx.Now.Std(), Origin: openmessaging.OriginHuman,
	}, openmessaging.Message{Text: "Bye"}, 0)
	require.Equal(t, machine.StateRequested, tx.Handover.State)
	require.Empty(t, tx.Handover.ConversationID)
	require.True(t, tx.In.Entries[0].Delivery.Late)
}
