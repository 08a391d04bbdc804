package handover

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// What comes late, or was no attempt.

// An opening was given up, and its answer comes after all: nobody should be in the conversation it opened.
func TestALateOpeningIsDisconnected(t *testing.T) {
	t.Parallel()
	c := coreIn(StateRequested)
	c.ConversationID, c.Accepted = "", time.Time{}
	e := opens(c)
	late := jobOn(t, e, toGenesys)
	e.now = late.lease.Until.Add(leaseGrace)
	e.apply(event{Kind: evFailed, Code: CodeNoAnswer})
	e.tidy()
	require.Empty(t, e.Out.Entries)
	e.settleAs(late, outcome{conversation: "orphan"})
	require.Equal(t, "orphan", e.Orphans[0].Conversation)
}

// 429 and a spent budget are no attempts: an opening is not given up as forbidden for them, nor is a clean-up.
func TestWhatIsNoAttempt(t *testing.T) {
	t.Parallel()
	tooMany := &genesys.Error{StatusCode: 429, RetryAfter: time.Second}
	denied := &genesys.Error{StatusCode: 403}
	c := coreIn(StateRequested)
	e := opens(c)
	for _, err := range []error{tooMany, &waitError{}, tooMany, denied, denied} {
		e.settleAs(jobOn(t, e, toGenesys), outcome{effect: effectNotPerformed, err: err})
		require.Equal(t, StateRequested, e.Now.State)
	}
	e.settleAs(jobOn(t, e, toGenesys), outcome{effect: effectNotPerformed, err: denied})
	require.Equal(t, EndRefused, e.Now.Ending.Reason)

	e = newEdit(fileIn(StateEnded))
	e.orphan("conversation")
	for range 2 * maxOrphanTries {
		e.settleAs(jobOn(t, e, control), outcome{duty: dutyCleanup, err: tooMany})
	}
	require.Len(t, e.Orphans, 1)
}

// However long Genesys asks to wait, an opening without certainty is given up after two minutes.
func TestAnOpeningWaitsTwoMinutesWhateverRetryAfterSays(t *testing.T) {
	t.Parallel()
	long := &genesys.Error{StatusCode: 503, RetryAfter: time.Hour}
	require.Equal(t, backoffLast, judged(long).retryAfter, "only a 429 says when")
	require.Equal(t, time.Hour+limitedPause, judged(&genesys.Error{StatusCode: 429, RetryAfter: time.Hour}).retryAfter)

	c := coreIn(StateRequested)
	e := opens(c)
	tooMany := outcome{effect: effectNotPerformed, err: &genesys.Error{StatusCode: 429}, retryAfter: time.Hour}
	e.settleAs(jobOn(t, e, toGenesys), tooMany)
	require.Equal(t, noon().Add(openingAge), e.Out.NotBefore)
	e.now = noon().Add(openingAge)
	e.settleAs(jobOn(t, e, toGenesys), tooMany)
	require.Equal(t, EndFailed, e.Now.Ending.Reason)
}

// A delivery that could not begin in time has not been tried.
func TestADeliveryThatDidNotBeginIsNoAttempt(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	comes(e, "1", 0)
	for range 100 {
		e.settleAs(jobOn(t, e, toHost), outcome{effect: effectNotPerformed, err: errUnsure, blameless: true})
		e.now = e.now.Add(10 * time.Second)
	}
	require.Equal(t, []string{"1"}, lineup(e.file))
	require.Zero(t, e.In.Entries[0].Attempts)
}

// Attachments count, or a tail of them makes a record too large to store.
func TestTheTailIsBoundedWithItsAttachments(t *testing.T) {
	t.Parallel()
	picture := openmessaging.Attachment{URL: "https://example.com/" + string(make([]byte, 1900)), MIME: "image/png"}
	e := newEdit(fileIn(StateConnected))
	for i := range 10 {
		m := Message{ID: string(rune('a' + i)), Attachments: make([]openmessaging.Attachment, 20)}
		for i := range m.Attachments {
			m.Attachments[i] = picture
		}
		e.Tail = append(e.Tail, sent{Message: m, Handover: e.Now.ID, At: noon()})
		e.trimTail()
	}
	size := 0
	for _, s := range e.Tail {
		size += sizeOf(s.Message)
	}
	require.LessOrEqual(t, size, tailBytes)
	require.NotEmpty(t, e.Cut)
}

// An agent writes while a Return waits, and is there: what would be handed back is his.
func TestAdoptionTakesBackWhatWaits(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "unanswered")
	ends(e, noon().Add(20*time.Second))
	require.Equal(t, []string{"unanswered"}, texts(firstReturn(t, e.file).Back))
	e.Adopt = &adoption{Conversation: "conversation", From: "customer", At: e.now, Since: e.now}
	e.settleAs(jobOn(t, e, control), outcome{duty: dutyAdopt, known: &known{}, read: &reading{began: e.now, standing: standing(genesys.PhaseConnected)}})
	require.Equal(t, StateConnected, e.Now.State)
	require.Equal(t, []string{"unanswered"}, queued(e.file))
	require.Empty(t, firstReturn(t, e.file).Back)
}

// What turned up of an earlier handover while the bot had the word goes to the agents when they are asked for.
func TestWhatTurnedUpDuringTheBotsTurnGoesToTheAgents(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateBot))
	e.Now.QueueID, e.Now.BotQueue = "", ""
	e.hold(Unanswered{Message: Text("1", "turned up"), Sent: true}, 1)
	c := coreIn(StateRequested)
	c.Request, c.ID = "another request", "abcdefghijk3"
	e.handOver(c, &opening{Texts: []string{"summary"}}, Timers{})
	require.Equal(t, StateRequested, e.Now.State)
	require.Equal(t, []string{"turned up"}, queued(e.file))
	require.Empty(t, e.Held)
	require.Equal(t, []string{"agents", "bots"}, []string{e.Now.QueueID, e.Now.BotQueue})
}

// Genesys answered the opening without naming a conversation: a webhook may, else it cannot be transferred.
func TestAnOpeningThatNamesNoConversation(t *testing.T) {
	t.Parallel()
	opened := func() *edit {
		c := coreIn(StateRequested)
		c.ConversationID, c.Accepted, c.Tried = "", time.Time{}, noon()
		e := opens(c)
		e.settleAs(jobOn(t, e, toGenesys), outcome{})
		require.Equal(t, StateRequested, e.Now.State)
		return e
	}
	e := opened()
	e.hear(&openmessaging.Outbound{
		ID: "1", CustomerID: e.Now.From, ConversationID: "named", Time: noon(), Origin: openmessaging.OriginBot,
	}, openmessaging.Message{Text: "Welcome"}, time.Time{})
	require.Equal(t, "named", e.Now.ConversationID)
	kind, at := e.duty()
	require.Equal(t, dutyLook, kind)
	require.Equal(t, noon().Add(firstRead), at)

	e = opened()
	kind, at = e.duty()
	require.Equal(t, dutyLook, kind)
	require.Equal(t, noon().Add(openingAge), at)
	e.now = at
	e.settleAs(jobOn(t, e, control), outcome{duty: dutyLook})
	require.Equal(t, EndFailed, e.Now.Ending.Reason)
}

// A process stood still in an effect while the record was removed and made anew. What it has to say is of another life, where the
// numbers of entries are the same.
func TestAnOutcomeOfAnEarlierLifeOfTheRecordSettlesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	m := w.replica()
	m.config.Store, m.locks, m.log = NewMemoryStore(), newLocks(), slog.New(slog.DiscardHandler)
	m.running = false // it performs nothing
	k := Key{Channel: "shop", Customer: "customer"}
	begins := func(id string) *file {
		f, err := m.accept(t.Context(), k, func(e *edit) error {
			c := coreIn(StateRequested)
			c.ID, c.Request, c.ConversationID, c.Accepted = id, id, "", time.Time{}
			e.begin(c, &opening{Texts: []string{"summary"}})
			return nil
		})
		require.NoError(t, err)
		return f
	}
	before := begins("abcdefghijk2")
	r, err := m.config.Store.Get(t.Context(), k)
	require.NoError(t, err)
	require.NoError(t, m.config.Store.Delete(t.Context(), k, r.Revision))
	w.now = w.now.Add(time.Second)
	after := begins("abcdefghijk3")
	require.Equal(t, before.Out.Entries[0].Seq, after.Out.Entries[0].Seq, "or the test looks at nothing")

	m.settle(t.Context(), &job{key: k, lane: toGenesys, file: before}, outcome{conversation: "of the first life"})
	f, err := m.file(t.Context(), k)
	require.NoError(t, err)
	require.Len(t, f.Out.Entries, 1)
	require.Empty(t, f.Now.ConversationID)
}

// A message was on its way when its handover ended, and Genesys did not take it. It was written before what waits for the agents
// of the next one, so it goes before that.
func TestAMessageThatMissedItsHandoverGoesFirst(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "first")
	j := jobOn(t, e, toGenesys)
	ends(e, noon().Add(2*time.Second))
	next := coreIn(StateRequested)
	next.ID, next.Request = "abcdefghijk3", "another request"
	e.begin(next, &opening{Texts: []string{"summary"}})
	say(t, e, "second")
	say(t, e, "third")
	e.settleAs(j, outcome{effect: effectNotPerformed, err: &genesys.Error{StatusCode: 429}})
	require.Equal(t, []string{"first", "second", "third"}, queued(e.file))
	require.Equal(t, kindOpen, e.Out.Entries[0].Kind)
	for i, x := range e.Out.Entries[1:] {
		require.True(t, x.Wire.After(e.Out.Entries[i].Wire), "times grow")
		require.Greater(t, x.Seq, e.Out.Entries[i].Seq, "and numbers, by which a Return sorts")
	}
	require.True(t, e.Out.Entries[3].Wire.Equal(e.WireTime))
}

// The answer named no conversation, and an agent of the last one writes late in it. That does not say that the opening has
// revived it: only a read does, which shows the customer there again.
func TestALateWordDoesNotNameTheConversation(t *testing.T) {
	t.Parallel()
	c := coreIn(StateRequested)
	c.ConversationID, c.Accepted, c.Tried = "", noon(), noon()
	e := newEdit(&file{Format: fileFormat, Created: 1, Touched: noon(), Now: &c, Keep: DefaultRetention})
	e.Past = []past{{Session: Session{ID: "abcdefghijk1", ConversationID: "last"}, From: c.From}}
	e.now = noon().Add(20 * time.Second)
	e.hear(&openmessaging.Outbound{
		ID: "late", CustomerID: c.From, ConversationID: "last", Time: e.now, Origin: openmessaging.OriginHuman,
	}, openmessaging.Message{Text: "Bye"}, time.Time{})
	require.Equal(t, StateRequested, e.Now.State)
	require.Empty(t, e.Now.ConversationID)
	require.True(t, e.In.Entries[0].Delivery.Late)
}
