package record

import (
	"errors"
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

// TestDeliveriesStandInOrder checks that a delivery is inserted by channel.time before later ones
// that were never attempted, but not before a notice.
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

// TestDeliveryBehindANoticeIsOutOfOrder checks a notice between two deliveries, so that the later
// message is delivered first. The other one is marked as out of order.
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

// TestNoticesAndReturnsAroundDeliveries checks that the notice of a joined agent precedes the
// agent's first message, and that the Return follows the last message if it still waits.
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

// TestDeliveryGoesBeforeTheReturn checks failed notices that have moved behind the Return of their
// session. A delivery is still inserted before the Return.
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

// TestDroppedReturnLeavesDeliveriesInOrder checks a Return that keeps the deliveries of its session
// before it and those of other conversations behind it. When an agent session begins, the Return is
// removed, and the deliveries around it are in the order of their times.
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

// TestNoticesGiveWay checks that a host that refuses notices for hours does not block the agent's
// messages: the oldest notices are dropped, that of the end never.
func TestNoticesGiveWay(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notice(Notice{Kind: machine.NoticeEnded})
	for range 3 * inEntries {
		tx.Notice(Notice{Kind: machine.NoticeAlerting})
	}
	require.Len(t, tx.In.Entries, inEntries)
	agentWrites(tx, "hello", time.Second)
	require.Len(t, tx.In.Entries, inEntries)
	require.Empty(t, tx.Receipts, "not refused")
	require.Equal(t, machine.NoticeEnded, tx.In.Entries[0].Notice.Kind)
	require.NotNil(t, tx.In.Entries[inEntries-1].Delivery)
}

// TestTheNoticeUnderWayStays checks that the notice of a running callback remains, because its
// outcome is still to be settled.
func TestTheNoticeUnderWayStays(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	for range inEntries {
		tx.Notice(Notice{Kind: machine.NoticeAlerting})
	}
	head := tx.In.Entries[0].Seq
	tx.In.Lease = Lease{Owner: "another", N: 1, Seq: head, Until: tx.Now.Add(LeaseTime)}
	tx.Notice(Notice{Kind: machine.NoticeDeclined})
	require.Len(t, tx.In.Entries, inEntries)
	require.Equal(t, head, tx.In.Entries[0].Seq)
}

// TestFailedEntryMovesToTheEnd checks that an entry that fails moves behind others, and that
// entries keep their order.
func TestFailedEntryMovesToTheEnd(t *testing.T) {
	t.Parallel()
	const notice, delivery, back = KindNotice, KindDelivery, KindReturn
	for name, c := range map[string]struct {
		kinds []EntryKind
		want  []uint64
	}{
		"a notice alone":                    {[]EntryKind{notice}, []uint64{1}},
		"notices only":                      {[]EntryKind{notice, notice, notice}, []uint64{2, 3, 1}},
		"notices before a message":          {[]EntryKind{notice, notice, delivery}, []uint64{3, 1, 2}},
		"a hand-back alone":                 {[]EntryKind{back, back}, []uint64{1, 2}},
		"a hand-back before a message":      {[]EntryKind{back, delivery, delivery}, []uint64{2, 3, 1}},
		"a hand-back before a later one":    {[]EntryKind{back, notice, delivery, back, notice}, []uint64{2, 3, 1, 4, 5}},
		"hand-backs before a later message": {[]EntryKind{back, back, delivery}, []uint64{3, 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			for i, k := range c.kinds {
				tx.In.Push(Entry{Seq: uint64(i + 1), Kind: k})
			}
			tx.moveBack()
			var got []uint64
			size := 0
			for _, x := range tx.In.Entries {
				got = append(got, x.Seq)
				size += x.Size
			}
			require.Equal(t, c.want, got)
			require.Equal(t, size, tx.In.Bytes)
		})
	}
}

// TestFlowMessages checks that flow messages wait 250 ms, never mean an agent, and are marked as
// Genesys' own.
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
	agentWrites(tx, "how were we?", 0, fromFlow, elsewhere)
	require.Empty(t, tx.Watched, "no agent is there")
}

// TestWhoseMessageItIs checks that a human message counts only for the current conversation id.
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
		"of another customer":       {func(_ *Transaction, o *openmessaging.Outbound) { o.ConversationID, o.CustomerID = "", "another" }, machine.StateQueued, true, ""},
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

// TestLastMessageOfTheAgentBeforeIsLate checks an agent who ended the session with a last message,
// while the customer requested agents again before that message arrived. It does not belong to the
// new session, although its opening has revived the conversation.
func TestLastMessageOfTheAgentBeforeIsLate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		resumed bool
		written machine.Time
		want    machine.State
	}{
		"before, in the same conversation": {true, ago(1300 * time.Millisecond), machine.StateRequested},
		"since":                            {true, noon(), machine.StateConnected},
		"in a new one, by a clock behind":  {false, ago(1300 * time.Millisecond), machine.StateConnected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateRequested))
			tx.Handover.OpeningTriedAt, tx.Handover.Resumed = noon(), test.resumed
			tx.Now = after(3 * time.Second)
			tx.AcceptMessage(&openmessaging.Outbound{
				ID: "bye", CustomerID: tx.Handover.From, ConversationID: tx.Handover.ConversationID, Time: test.written.Std(), Origin: openmessaging.OriginHuman,
			}, openmessaging.Message{Text: "Bye!"}, 0)
			require.Equal(t, test.want, tx.Handover.State)
			require.Equal(t, test.want == machine.StateRequested, tx.In.Entries[len(tx.In.Entries)-1].Delivery.Late)
		})
	}
}

// TestDeliveryAfterTheFirstReturnIsLate checks that an agent's message is late after the first
// attempt of a session's Return, also if another Return waits.
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

// TestLateMessageDoesNotNameTheConversation checks an answer of the opening that named no
// conversation, while an agent of the last one writes late in it. That does not prove that the
// opening has revived it: only a read that shows the customer there does.
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
