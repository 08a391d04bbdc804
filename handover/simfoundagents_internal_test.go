package handover

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// More that the simulation found: whose the conversation was, and until when.

// An agent moved the conversation on, and our side ended it a second later. Our clock is behind that of Genesys, so a message
// sent between the two looks older than it is.
func TestAnAgentWhoMovedItOnDoesNotAnswerWhatCameWithinTheClocksDifference(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		moved bool
		back  []string
	}{
		"into a queue": {true, []string{"to nobody"}},
		"by ending it": {false, []string{}}, // it ended while he was there, so he has read it
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEdit(fileIn(StateConnected))
			say(t, e, "to nobody")
			sentAt(t, e, noon().Add(-time.Second)) // by our clock; it was half a second after he left
			e.now = noon().Add(6 * time.Second)
			s := standing(genesys.PhaseEnded)
			s.EndedBy, s.EndedAt = "customer", noon().Add(time.Second)
			e.apply(event{Kind: evRead, Began: e.now, Standing: s, history: history{Came: ago(time.Minute), Left: noon(), Moved: test.moved}})
			e.tidy()
			require.Equal(t, StateEnded, e.Now.State)
			require.Equal(t, test.back, texts(firstReturn(t, e.file).Back))
		})
	}
}

// The same, when no read tells of the end.
func TestAnAgentWhoLeftDoesNotAnswerWhatCameWithinTheClocksDifferenceOfAnEndNobodyRead(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "to nobody")
	sentAt(t, e, noon().Add(-time.Second))
	e.apply(event{Kind: evEnd, Reason: EndByCustomer})
	e.Now.AgentsLeft = noon()
	e.now = noon().Add(time.Second)
	e.apply(event{Kind: evReleased, Code: CodeNotDisconnected})
	e.tidy()
	require.Equal(t, []string{"to nobody"}, texts(firstReturn(t, e.file).Back))
}

// The opening's answer was lost, an agent took the conversation and ended it, and the repeat opened another. Nobody reads that.
func TestARepeatedOpeningThatOpensAnotherConversationEndsTheSession(t *testing.T) {
	t.Parallel()
	c := coreIn(StateRequested)
	c.ConversationID, c.Accepted = "", time.Time{}
	e := opens(c)
	say(t, e, "waits")
	e.Out.Entries[0].Maybe = true
	e.Now.ConversationID = "first"
	e.apply(event{Kind: evAgentSpoke, Began: noon()})
	require.Equal(t, StateConnected, e.Now.State)

	e.settleAs(jobOn(t, e, toGenesys), outcome{conversation: "second"})
	require.Equal(t, "first", e.Now.ConversationID)
	require.Equal(t, "second", e.Now.MovedTo)
	require.Equal(t, []string{"waits"}, queued(e.file))
	require.True(t, e.held(), "it would go to the other one")

	e.now = noon().Add(6 * time.Second)
	s := standing(genesys.PhaseEnded)
	e.apply(event{Kind: evRead, Began: e.now, Standing: s, history: history{Came: ago(time.Minute), Left: s.EndedAt}})
	e.tidy()
	require.Equal(t, EndByAgent, e.Now.Ending.Reason)
	require.Equal(t, []string{"waits"}, texts(firstReturn(t, e.file).Back))
	require.Equal(t, "second", e.Orphans[0].Conversation)
}

// Before any agent was there the answer's id is the better one.
func TestTheConversationIsTheOneOfTheOpeningsAnswer(t *testing.T) {
	t.Parallel()
	c := coreIn(StateRequested)
	c.ConversationID = "of a webhook"
	e := opens(c)
	e.settleAs(jobOn(t, e, toGenesys), outcome{conversation: "of the answer"})
	require.Equal(t, "of the answer", e.Now.ConversationID)
	require.Empty(t, e.Now.MovedTo)
}

// No bot queue is configured, and a transfer worked whose outcome nobody stored: an agent has moved the conversation to
// another queue since. That is not the bot queue, and nothing is taken out of it.
func TestAnotherQueueOfTheAgentsIsNotTheBotQueue(t *testing.T) {
	t.Parallel()
	c := coreIn(StateRequested)
	c.BotQueue, c.StoodIn = "", ""
	shown := shows(genesys.PhaseQueued, inQueue("billing"))
	shown.Entry = "entry"
	c, _ = apply(c, shown, noon())
	require.Equal(t, StateQueued, c.State)
	require.Equal(t, "entry", c.BotQueue)
	e, now := readAt(time.Minute, genesys.PhaseQueued, inQueue("billing"))
	c, _ = apply(c, e, now)
	require.Equal(t, StateQueued, c.State)
}

// The flow put it into the agents' queue at once, and an agent moved it on: there is no bot queue.
func TestStraightToTheAgentsThereIsNoBotQueue(t *testing.T) {
	t.Parallel()
	c := coreIn(StateRequested)
	c.BotQueue, c.StoodIn = "", ""
	shown := shows(genesys.PhaseQueued, inQueue("billing"))
	shown.Entry = "agents"
	c, _ = apply(c, shown, noon())
	require.Equal(t, StateQueued, c.State)
	require.Empty(t, c.BotQueue)
}

// A read of the record took seconds. The lease counts from its end, or it would run out before an effect that began after it.
func TestLeaseCountsFromWhenTheRecordWasRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	m := w.replica()
	m.config.Store = slowReads{NewMemoryStore(), func() { w.now = w.now.Add(5 * time.Second) }}
	e, _, err := m.load(t.Context(), recordKey())
	require.NoError(t, err)
	require.Equal(t, m.now().UTC(), e.now)
}

type slowReads struct {
	Store

	read func()
}

func (s slowReads) Get(ctx context.Context, k Key) (Record, error) {
	s.read()
	return s.Store.Get(ctx, k)
}

// A replica whose clock is behind sent a message that opened another conversation. That an agent is still seen in the old one
// does not answer it.
func TestAnAgentWhoIsStillSeenDoesNotAnswerWhatWentElsewhere(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "elsewhere")
	sentAt(t, e, ago(3*time.Second))
	e.apply(event{Kind: evMoved, Conversation: "other"})
	e.now = noon().Add(8 * time.Second)
	e.settleRead(&reading{began: e.now, standing: standing(genesys.PhaseConnected)})
	require.Len(t, e.Tail, 1)
}

// The answer did not say where a message went: it had opened another conversation. What the agent writes late in the old one does
// not answer it; that he is still seen there would.
func TestAnAgentWhoWritesLateDoesNotAnswerWhatNoAnswerPlaced(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "elsewhere?")
	e.settleAs(jobOn(t, e, toGenesys), outcome{})
	e.now = noon().Add(20 * time.Second)
	e.hear(&openmessaging.Outbound{
		ID: "late", CustomerID: e.Now.From, ConversationID: e.Now.ConversationID, Time: e.now, Origin: openmessaging.OriginHuman,
	}, openmessaging.Message{Text: "Bye"}, time.Time{})
	require.Len(t, e.Tail, 1)
	seen := *e
	seen.file = copied(t, e.file)
	seen.settleRead(&reading{began: e.now, standing: standing(genesys.PhaseConnected)})
	require.Empty(t, seen.Tail)
	ends(e, noon().Add(11*time.Second)) // it ended a second after the message
	require.Equal(t, []string{"elsewhere?"}, texts(firstReturn(t, e.file).Back))
}

// An agent said good-bye and ended it, and the customer asked for agents again before that word arrived: it is no word of the new
// handover, whose opening has revived the conversation and stands in the bot queue. Taken for one, the session was over at once.
func TestTheLastWordOfTheAgentBeforeIsNotOneOfTheNextHandover(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		resumed bool
		written time.Time
		want    State
	}{
		"before, in the same conversation": {true, ago(1300 * time.Millisecond), StateRequested},
		"since":                            {true, noon(), StateConnected},
		"in a new one, by a clock behind":  {false, ago(1300 * time.Millisecond), StateConnected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEdit(fileIn(StateRequested))
			e.Now.Tried, e.Now.Resumed = noon(), test.resumed
			e.now = noon().Add(3 * time.Second)
			e.hear(&openmessaging.Outbound{
				ID: "bye", CustomerID: e.Now.From, ConversationID: e.Now.ConversationID, Time: test.written, Origin: openmessaging.OriginHuman,
			}, openmessaging.Message{Text: "Bye!"}, time.Time{})
			require.Equal(t, test.want, e.Now.State)
			require.Equal(t, test.want == StateRequested, e.In.Entries[len(e.In.Entries)-1].Delivery.Late)
		})
	}
}

// A read that is older than the opening shows the conversation as it was before that revived it, in the agents' queue. Taken for the
// truth, the bot queue that the next one shows was the end.
func TestAReadOlderThanTheOpeningDoesNotRouteARevivedConversation(t *testing.T) {
	t.Parallel()
	for _, p := range []genesys.Phase{genesys.PhaseQueued, genesys.PhaseAlerting} {
		c := coreIn(StateRequested)
		c.Resumed, c.Wrote, c.Transferred = true, noon(), time.Time{}
		e, now := readAt(time.Second, p, inQueue("agents"))
		first, effects := apply(c, e, now)
		require.Equal(t, StateRequested, first.State, p)
		require.Empty(t, effects)

		e, now = readAt(5*time.Second, genesys.PhaseQueued, inQueue("bots"))
		c, _ = apply(first, e, now)
		require.Equal(t, StateRequested, c.State, "it waits for the transfer")

		e, now = readAt(4*time.Second, p, inQueue("agents"))
		c, _ = apply(first, e, now)
		require.NotEqual(t, StateRequested, c.State, "a second read agrees")
	}
}
