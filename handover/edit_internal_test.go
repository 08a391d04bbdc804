package handover

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// comes hears a message of an agent, written so long after noon.
func comes(e *edit, text string, after time.Duration, with ...func(*openmessaging.Outbound)) {
	o := &openmessaging.Outbound{
		ID: text, CustomerID: "customer", ConversationID: "conversation", Time: noon().Add(after), Origin: openmessaging.OriginHuman,
	}
	for _, f := range with {
		f(o)
	}
	e.hear(o, openmessaging.Message{Text: text}, e.arrives(o))
	e.tidy()
}

func fromFlow(o *openmessaging.Outbound)  { o.Origin = openmessaging.OriginBot }
func elsewhere(o *openmessaging.Outbound) { o.ConversationID = "elsewhere" }

// lineup is the lane to the host: texts of deliveries, kinds of the rest.
func lineup(f *file) []string {
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

// An append goes by channel.time before entries never attempted that are later, not across a notice.
func TestDeliveriesStandInOrder(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	comes(e, "second", 2*time.Second)
	comes(e, "third", 3*time.Second)
	comes(e, "first", time.Second)
	comes(e, "also second", 2*time.Second)
	require.Equal(t, []string{"first", "second", "also second", "third"}, lineup(e.file))
	e.notice(Notice{Kind: NoticeIdle})
	comes(e, "half", time.Second/2)
	require.Equal(t, []string{"first", "second", "also second", "third", "idle", "half"}, lineup(e.file), "not across a notice")
	comes(e, "no time", 0, func(o *openmessaging.Outbound) { o.Time = time.Time{} })
	require.Equal(t, "no time", lineup(e.file)[6])
	for _, x := range e.In.Entries {
		require.False(t, x.Delivery != nil && x.Delivery.OutOfOrder, "nothing was attempted yet")
	}
}

func TestDeliveriesDoNotOvertakeAnAttempt(t *testing.T) {
	t.Parallel()
	t.Run("one that runs", func(t *testing.T) {
		t.Parallel()
		e := newEdit(fileIn(StateConnected))
		comes(e, "second", 2*time.Second)
		jobOn(t, e, toHost)
		comes(e, "first", time.Second)
		require.Equal(t, []string{"second", "first"}, lineup(e.file))
		require.True(t, e.In.Entries[1].Delivery.OutOfOrder)
	})
	t.Run("one that failed", func(t *testing.T) {
		t.Parallel()
		e := newEdit(fileIn(StateConnected))
		comes(e, "second", 2*time.Second)
		e.settleAs(jobOn(t, e, toHost), outcome{err: errors.New("no")})
		comes(e, "first", time.Second)
		require.Equal(t, []string{"second", "first"}, lineup(e.file))
		require.True(t, e.In.Entries[1].Delivery.OutOfOrder)
	})
	t.Run("one that succeeded", func(t *testing.T) {
		t.Parallel()
		e := newEdit(fileIn(StateConnected))
		comes(e, "second", 2*time.Second)
		e.settleAs(jobOn(t, e, toHost), outcome{})
		comes(e, "first", time.Second)
		comes(e, "third", 3*time.Second)
		require.Equal(t, []string{"first", "third"}, lineup(e.file))
		require.True(t, e.In.Entries[0].Delivery.OutOfOrder)
		require.False(t, e.In.Entries[1].Delivery.OutOfOrder)
	})
}

// Joined precedes the agent's first message; the Return follows the last, if it still waits.
func TestNoticesAndReturnsAroundDeliveries(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateQueued))
	comes(e, "hello", 0)
	require.Equal(t, []string{"agentJoined", "hello"}, lineup(e.file))
	ends(e, noon().Add(time.Minute))
	comes(e, "bye", time.Second)
	require.Equal(t, []string{"agentJoined", "hello", "agentLeft", "ended", "bye", "return"}, lineup(e.file))
	require.False(t, e.In.Entries[4].Delivery.Late, "it is the Return's session's")
	e.In.Entries = e.In.Entries[5:]
	e.now = e.now.Add(2 * time.Second)
	jobOn(t, e, toHost)
	comes(e, "too late", 2*time.Second)
	require.Equal(t, []string{"return", "too late"}, lineup(e.file))
	require.True(t, e.In.Entries[1].Delivery.Late)
	require.NotNil(t, e.Adopt, "perhaps the agent is there again: a read decides")
}

// Flow messages wait 250 ms, never mean an agent, and are marked as Genesys' own.
func TestFlowMessages(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateQueued))
	comes(e, "you are next", 0, fromFlow)
	require.Equal(t, StateQueued, e.Now.State)
	x := e.In.Entries[0]
	require.Equal(t, noon().Add(250*time.Millisecond), x.NotBefore)
	require.Equal(t, openmessaging.OriginBot, x.Delivery.Origin)
	comes(e, "welcome", -time.Second, fromFlow)
	require.Equal(t, []string{"welcome", "you are next"}, lineup(e.file))

	e = newEdit(fileIn(StateEnded))
	comes(e, "how were we?", 0, fromFlow, elsewhere)
	require.Nil(t, e.Adopt, "nobody is there")
}

// A human message counts only for the current conversation id.
func TestWhoseMessageItIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		with     func(*edit, *openmessaging.Outbound)
		state    State // after it
		late     bool
		handover string
	}{
		"of the conversation":       {func(*edit, *openmessaging.Outbound) {}, StateConnected, false, "abcdefghijk2"},
		"of an unknown one":         {func(_ *edit, o *openmessaging.Outbound) { elsewhere(o) }, StateQueued, true, ""},
		"of an earlier handover":    {func(_ *edit, o *openmessaging.Outbound) { o.ConversationID = "before" }, StateQueued, true, "zyxwvutsrqp7"},
		"of no conversation":        {func(_ *edit, o *openmessaging.Outbound) { o.ConversationID = "" }, StateConnected, false, "abcdefghijk2"},
		"of somebody":               {func(_ *edit, o *openmessaging.Outbound) { o.ConversationID, o.CustomerID = "", "somebody" }, StateQueued, true, ""},
		"of before this handover":   {func(_ *edit, o *openmessaging.Outbound) { o.Time = ago(time.Hour) }, StateQueued, true, "abcdefghijk2"},
		"before the opening's word": {func(e *edit, o *openmessaging.Outbound) { e.Now.ConversationID = ""; elsewhere(o) }, StateConnected, false, "abcdefghijk2"},
		"before the opening": {func(e *edit, o *openmessaging.Outbound) {
			e.Now.ConversationID, e.Now.Tried = "", time.Time{}
			elsewhere(o)
		}, StateQueued, true, ""},
		"before the opening's word, of an earlier": {func(e *edit, o *openmessaging.Outbound) {
			e.Now.ConversationID, o.ConversationID = "", "before"
		}, StateQueued, true, "zyxwvutsrqp7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEdit(fileIn(StateQueued))
			e.notify = false
			e.Past = []past{{Session: Session{ID: "zyxwvutsrqp7", ConversationID: "before"}}}
			comes(e, "hello", 0, func(o *openmessaging.Outbound) { test.with(e, o) })
			require.Equal(t, test.state, e.Now.State)
			d := e.In.Entries[0].Delivery
			require.Equal(t, test.late, d.Late)
			require.Equal(t, test.handover, d.Session.ID)
		})
	}
}

// Sent messages stay in Tail until a later agent message: one that was only delivered later answers for nothing.
func TestAWebhookThatWasOnItsWayAnswersForNothing(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "are you there?")
	sentAt(t, e, noon().Add(30*time.Second))
	comes(e, "one moment", 10*time.Second)
	require.Len(t, e.Tail, 1)
	e.now = noon().Add(time.Minute)
	comes(e, "yes?", 31*time.Second)
	require.Len(t, e.Tail, 1, "Genesys' clock may be 2 s ahead of ours")
	comes(e, "yes", 40*time.Second)
	require.Empty(t, e.Tail)
}

func TestAFullLaneToTheHost(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	for i := range inEntries {
		comes(e, "m", time.Duration(i))
	}
	comes(e, "too much", time.Hour)
	comes(e, "too much, too", time.Hour)
	require.Len(t, e.In.Entries, inEntries+1)
	require.Equal(t, NoticeMessageFailed, e.In.Entries[inEntries].Notice.Kind, "told once")
	require.Len(t, e.Receipts, 2, "the agent is told of each")
	require.Equal(t, openmessaging.StatusFailed, e.Receipts[0].Status)
}

func TestAFullLaneToGenesys(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateQueued))
	for i := range outEntries {
		say(t, e, string(rune('a'+i)))
	}
	before := len(e.Said)
	turn, err := e.forward(Text("more", "more"))
	require.ErrorIs(t, err, ErrBacklog)
	require.Empty(t, turn)
	require.Len(t, e.Out.Entries, outEntries)
	require.Len(t, e.Said, before, "a repeat may be taken")
	e.apply(event{Kind: evEnd, Reason: EndByCustomer})
	require.Equal(t, StateEnding, e.Now.State, "the end is never refused")
}

func TestForwardInEveryState(t *testing.T) {
	t.Parallel()
	for s, test := range map[State]struct {
		turn           Turn
		mirrored, held int
	}{
		"": {TurnBot, 0, 0}, StateBot: {TurnBot, 0, 0}, StateEnded: {TurnBot, 0, 0}, StateEnding: {TurnAgent, 0, 1},
		StateRequested: {TurnAgent, 1, 0}, StateQueued: {TurnAgent, 1, 0}, StateAlerting: {TurnAgent, 1, 0}, StateConnected: {TurnAgent, 1, 0},
	} {
		f := &file{}
		if s != "" {
			f = fileIn(s)
			f.Now.HandedBack = true
		}
		e := newEdit(f)
		for range 2 {
			require.Equal(t, test.turn, say(t, e, "words"), s)
			require.Len(t, queued(e.file), test.mirrored, s)
			require.Len(t, e.Held, test.held, s)
		}
	}
}

func TestReceiptsAreBounded(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	for i := range 100 {
		e.receipt(receipt{ID: string(rune(i))})
	}
	require.Len(t, e.Receipts, maxReceipts)
	require.Equal(t, string(rune(99)), e.Receipts[maxReceipts-1].ID, "the oldest give way")
}

func TestOrphans(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateEnded))
	e.orphan("")
	e.orphan("one")
	e.orphan("one")
	require.Len(t, e.Orphans, 1)
	e.settleAs(jobOn(t, e, control), outcome{duty: dutyCleanup, err: genesys.ErrUnavailable})
	require.Len(t, e.Orphans, 1)
	e.settleAs(jobOn(t, e, control), outcome{duty: dutyCleanup})
	require.Empty(t, e.Orphans)
}
