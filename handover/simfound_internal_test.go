package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// What the simulation found: each of these histories broke a promise once.

// A process died in the middle of a POST; the conversation ended before anybody repeated it. Nobody knows what became of the
// message, so the bot hears that an agent may have read it.
func TestAMessageWhosePostWasAbandonedIsHandedBackAsSent(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "abandoned")
	say(t, e, "waits")
	e.Out.Lease = lease{Owner: "dead", N: 1, Seq: e.Out.Entries[0].Seq, Until: noon().Add(leaseTime)}

	ends(e, noon().Add(leaseTime))
	require.Len(t, e.Out.Entries, 1, "it is leased, so its outcome decides")

	e.now = noon().Add(leaseTime + leaseGrace)
	e.tidy()
	r := firstReturn(t, e.file)
	require.Equal(t, []string{"abandoned", "waits"}, texts(r.Back))
	require.Equal(t, []bool{true, false}, []bool{r.Back[0].Sent, r.Back[1].Sent})
}

// The same, when the next handover has begun by then.
func TestAStrayWhosePostWasAbandonedIsHandedBackAsSent(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "abandoned")
	e.Out.Lease = lease{Owner: "dead", N: 1, Seq: e.Out.Entries[0].Seq, Until: noon().Add(time.Second)}
	next := coreIn(StateBot)
	next.ID = "abcdefghijk3"
	e.install(next)

	e.now = noon().Add(time.Second + leaseGrace)
	e.tidy()
	require.Len(t, e.Held, 1)
	require.True(t, e.Held[0].Unanswered.Sent)
}

// Our clock is behind that of Genesys: a message that opened another conversation came after the end, whatever the clocks say.
func TestAMessageThatOpenedAnotherConversationIsHandedBackWhateverTheClocksSay(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "too late")
	e.settleAs(jobOn(t, e, toGenesys), outcome{conversation: "another"})
	require.Equal(t, "another", e.Now.MovedTo)

	e.now = noon().Add(time.Second)
	s := standing(genesys.PhaseEnded)
	s.EndedAt = noon().Add(clockSlack - time.Millisecond)
	e.apply(event{Kind: evRead, Began: e.now, Standing: s, history: history{Came: ago(time.Minute), Left: s.EndedAt}})
	e.tidy()
	require.Equal(t, StateEnded, e.Now.State)
	require.Equal(t, []string{"too late"}, texts(firstReturn(t, e.file).Back))
}

// A notice lies between two messages, so the later one goes first: then the other says that it is out of order.
func TestADeliveryBehindANoticeSaysThatItIsOutOfOrder(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	e.deliver(delivery{ID: "second", Time: noon().Add(time.Second), Session: e.Now.Session}, time.Time{})
	e.notice(Notice{Kind: NoticeAgentJoined})
	e.deliver(delivery{ID: "first", Time: noon(), Session: e.Now.Session}, time.Time{})
	require.False(t, e.outOfOrder(e.In.Entries[0].Delivery))

	e.settleAs(jobOn(t, e, toHost), outcome{})
	require.True(t, e.outOfOrder(e.In.Entries[1].Delivery))
}

// The agent left unnoticed, our side asked for the end, and every read failed: no one knows whether what was sent was read.
func TestWhatWasSentIsHandedBackWhenNobodyConfirmsTheEnd(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "unread")
	sentAt(t, e, noon())
	e.apply(event{Kind: evEnd, Reason: EndByCustomer})

	e.now = noon().Add(endPatience)
	e.fireTimers()
	e.tidy()
	require.Equal(t, CodeNotDisconnected, e.Now.Ending.Code)
	r := firstReturn(t, e.file)
	require.Equal(t, []string{"unread"}, texts(r.Back))
	require.True(t, r.Back[0].Sent)
}

// The host was given a Return and nobody stored that it took it; then the customer asks for agents again. What the host has
// seen stays as it is: the same id is the same content.
func TestAReturnThatWasAttemptedIsNotTakenBack(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateQueued))
	say(t, e, "unanswered")
	ends(e, noon().Add(20*time.Second))
	for e.In.Entries[0].Kind != kindReturn {
		e.settleAs(jobOn(t, e, toHost), outcome{})
	}
	lost := jobOn(t, e, toHost)

	e.now = lost.lease.Until.Add(leaseGrace)
	next := coreIn(StateRequested)
	next.ID, next.Request = "abcdefghijk3", "another request"
	e.begin(next, &opening{Texts: []string{"summary"}})
	require.Equal(t, []string{"unanswered"}, texts(firstReturn(t, e.file).Back))
	require.Len(t, e.Out.Entries, 1, "only the opening")
}

// Genesys took a message, nobody read it, and the next handover ended before it was sent again: it has still been sent once.
func TestWhatGenesysTookInAnEarlierHandoverIsHandedBackAsSent(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateQueued))
	say(t, e, "sent")
	say(t, e, "not sent")
	sentAt(t, e, noon())
	ends(e, noon().Add(20*time.Second))
	require.Equal(t, []string{"sent", "not sent"}, texts(firstReturn(t, e.file).Back))

	next := coreIn(StateRequested)
	next.ID, next.Request = "abcdefghijk3", "another request"
	e.begin(next, &opening{Texts: []string{"summary"}})
	ends(e, noon().Add(40*time.Second))
	var back []Unanswered
	for _, x := range e.In.Entries {
		back = append(back, x.Back...)
	}
	require.Equal(t, []string{"sent", "not sent"}, texts(back))
	require.Equal(t, []bool{true, false}, []bool{back[0].Sent, back[1].Sent})
}

// The host has been given a session back; another Return of it waits, since the customer wrote meanwhile. What an agent
// writes now comes too late for the session.
func TestADeliveryAfterTheFirstReturnIsLate(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	ends(e, noon().Add(20*time.Second))
	for e.In.Entries[0].Kind != kindReturn {
		e.settleAs(jobOn(t, e, toHost), outcome{})
	}
	require.True(t, e.returnWaits(e.Now.ID), "what arrives before the Return still belongs to the session")
	e.given(&e.In.Entries[0])
	e.giveBack(e.Now, e.now)
	require.True(t, e.returns())
	require.False(t, e.returnWaits(e.Now.ID))
	e.settleAs(jobOn(t, e, toHost), outcome{})
	require.True(t, e.returns())
	require.False(t, e.returnWaits(e.Now.ID))
}

// A message has opened another conversation. What the agent writes late in the old one does not answer it.
func TestAnAgentWhoWritesLateDoesNotAnswerWhatWentElsewhere(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "elsewhere")
	e.settleAs(jobOn(t, e, toGenesys), outcome{conversation: "another"})
	e.now = noon().Add(5 * time.Second)
	e.hear(&openmessaging.Outbound{
		ID: "late", CustomerID: e.Now.From, ConversationID: e.Now.ConversationID, Time: noon().Add(4 * time.Second),
		Origin: openmessaging.OriginHuman,
	}, openmessaging.Message{Text: "Bye"}, time.Time{})
	ends(e, noon().Add(9*time.Second)) // it ended a second before
	require.Equal(t, []string{"elsewhere"}, texts(firstReturn(t, e.file).Back))
}

// Notices that failed were put behind the Return of their session. A message that comes before the Return goes before it all
// the same.
func TestADeliveryGoesBeforeTheReturnOfItsSessionAcrossNoticesBehindIt(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	ends(e, noon().Add(20*time.Second))
	e.notice(Notice{Kind: NoticeAgentJoined})
	e.deliver(delivery{ID: "late word", Time: noon(), Session: e.Now.Session}, time.Time{})
	at := map[entryKind]int{}
	for i, x := range e.In.Entries {
		at[x.Kind] = i
	}
	require.Less(t, at[kindDelivery], at[kindReturn])
}
