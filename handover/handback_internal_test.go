package handover

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// say forwards a message of the customer.
func say(tb testing.TB, e *edit, text string) Turn {
	tb.Helper()
	turn, err := e.forward(Text(text, text))
	if !errors.Is(err, errUnchanged) {
		require.NoError(tb, err)
		e.tidy()
	}
	return turn
}

// sentAt settles the head of the lane to Genesys as taken.
func sentAt(tb testing.TB, e *edit, now time.Time) {
	tb.Helper()
	e.now = now
	e.settleAs(jobOn(tb, e, toGenesys), outcome{conversation: "conversation"})
}

// ends applies a read that shows the end, ten seconds before it.
func ends(e *edit, now time.Time) {
	e.now = now
	s := standing(genesys.PhaseEnded)
	s.EndedAt = now.Add(-10 * time.Second)
	e.apply(event{Kind: evRead, Began: now, Standing: s})
	e.tidy()
}

func TestWhatIsHandedBack(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	for i, text := range []string{"answered", "sent before the end", "sent after the end", "refused", "part of it was sent", "never sent"} {
		require.Equal(t, TurnAgent, say(t, e, text), i)
	}
	sentAt(t, e, noon())
	e.settleRead(&reading{began: noon().Add(settlePeriod), standing: standing(genesys.PhaseConnected)})
	sentAt(t, e, noon().Add(6*time.Second))
	sentAt(t, e, noon().Add(15*time.Second))
	e.settleAs(jobOn(t, e, toGenesys), outcome{effect: effectRefused, err: &genesys.Error{Op: "send", StatusCode: 400}})
	e.settleAs(jobOn(t, e, toGenesys), outcome{effect: effectAmbiguous, err: genesys.ErrUnavailable})
	ends(e, noon().Add(20*time.Second))

	r := firstReturn(t, e.file)
	require.Equal(t, []string{"sent after the end", "refused", "part of it was sent", "never sent"}, texts(r.Back))
	require.Equal(t, []bool{true, false, true, false}, []bool{r.Back[0].Sent, r.Back[1].Sent, r.Back[2].Sent, r.Back[3].Sent})
	require.NotEmpty(t, r.Back[1].Reason)
	require.Empty(t, r.Back[0].Reason+r.Back[2].Reason+r.Back[3].Reason)
	require.Equal(t, e.now.Add(2*time.Second), r.NotBefore, "held 2 s for words still on their way")
	require.Equal(t, StateEnded, r.Session.State)
	require.Equal(t, EndByAgent, r.Session.Ending.Reason)
	require.Empty(t, e.Out.Entries)
	require.Empty(t, e.Tail)
	require.Empty(t, e.Dead)
}

func TestWithoutAnAgentEverythingIsHandedBack(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateQueued))
	say(t, e, "sent")
	say(t, e, "waits")
	sentAt(t, e, noon())
	e.settleRead(&reading{began: noon().Add(time.Second), standing: standing(genesys.PhaseQueued)})
	ends(e, noon().Add(time.Minute))
	require.Equal(t, []string{"sent", "waits"}, texts(firstReturn(t, e.file).Back))
}

// A POST's 2xx does not prove that anyone will read it: where nobody says since when the agents are gone, all that no read and
// no word of an agent was seen after comes back.
func TestAnEndWithoutATimeHandsBackWhatNobodyVouchedFor(t *testing.T) {
	t.Parallel()
	after := func(d time.Duration) time.Time { return noon().Add(d) }
	for name, end := range map[string]func(*edit){
		"the bot queue": func(e *edit) {
			s := standing(genesys.PhaseQueued)
			s.QueueID = "bots"
			e.apply(event{Kind: evRead, Began: after(20 * time.Second), Standing: s})
		},
		"it opened another": func(e *edit) {
			e.apply(event{Kind: evMoved, Conversation: "other"})
			e.now = after(31 * time.Second)
			e.apply(event{Kind: evRead, Began: e.now, Standing: standing(genesys.PhaseUnknown)})
		},
		"gone": func(e *edit) {
			e.apply(event{Kind: evGone, Began: e.now})
			e.now = after(2 * time.Minute)
			e.apply(event{Kind: evGone, Began: e.now})
		},
		"ended, who knows when": func(e *edit) {
			e.apply(event{Kind: evRead, Began: e.now, Standing: genesys.Standing{Phase: genesys.PhaseEnded}})
		},
		"failed": func(e *edit) { e.apply(event{Kind: evFailed}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEdit(fileIn(StateConnected))
			say(t, e, "answered")
			sentAt(t, e, noon())
			e.settleRead(&reading{began: after(settlePeriod + replicaSlack), standing: standing(genesys.PhaseConnected)})
			say(t, e, "who read this?")
			sentAt(t, e, after(10*time.Second))
			e.now = after(20 * time.Second)
			end(e)
			e.tidy()
			require.Equal(t, StateEnded, e.Now.State)
			require.Equal(t, []string{"who read this?"}, texts(firstReturn(t, e.file).Back))
		})
	}
}

// Our side asked for the end, and the agent had left before: what was sent in between is nobody's.
func TestAnEndOfOursAfterTheirsHandsBackWhatCameBetween(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	say(t, e, "too late")
	sentAt(t, e, noon().Add(5*time.Second))
	e.apply(event{Kind: evEnd, Reason: EndByCustomer})
	s := standing(genesys.PhaseEnded)
	s.EndedAt = noon().Add(time.Second)
	e.now = noon().Add(6 * time.Second)
	e.apply(event{Kind: evRead, Began: e.now, Standing: s})
	e.tidy()
	require.Equal(t, EndByCustomer, e.Now.Ending.Reason)
	require.Equal(t, []string{"too late"}, texts(firstReturn(t, e.file).Back))
}

func TestWhoWasConnectedIsReturned(t *testing.T) {
	t.Parallel()
	bot := fileIn(StateBot)
	e := newEdit(bot)
	ends(e, noon().Add(time.Minute))
	require.False(t, e.returns(), "nobody ever had the conversation but the bot")

	e = newEdit(fileIn(StateBot))
	e.apply(event{Kind: evAgentSpoke})
	ends(e, noon().Add(time.Minute))
	require.True(t, e.returns(), "an agent took it from the bot queue")
}

// The bot never overtakes a hand-back.
func TestMessagesAroundAReturn(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	ends(e, noon())
	require.Equal(t, TurnAgent, e.turn(e.now), "while it waits")
	require.Equal(t, TurnAgent, say(t, e, "while it waits"))
	require.Len(t, e.In.Entries, 3, "agent left, ended, Return")
	e.In.Entries = e.In.Entries[2:]
	require.Equal(t, []string{"while it waits"}, texts(e.In.Entries[0].Back))

	e.now = noon().Add(2 * time.Second)
	j := jobOn(t, e, toHost)
	require.Equal(t, TurnBot, e.turn(e.now), "the host may answer from inside it")
	require.Equal(t, TurnAgent, say(t, e, "while it runs"))
	require.Equal(t, []string{"while it waits"}, texts(e.In.Entries[0].Back), "what the host was given stays as it is")
	require.Equal(t, []string{"while it runs"}, texts(e.In.Entries[1].Back), "for the next Return")
	require.Equal(t, e.now, e.In.Entries[1].At)
	require.Zero(t, later(e.In.Entries[1].NotBefore, e.now).Sub(e.now), "which is not held")

	e.settleAs(j, outcome{})
	require.Equal(t, TurnAgent, e.turn(e.now), "the next one waits")
	e.settleAs(jobOn(t, e, toHost), outcome{})
	require.False(t, e.returns())
	require.Equal(t, TurnBot, e.turn(e.now))
	require.Equal(t, TurnBot, say(t, e, "after it"))
	require.Equal(t, TurnAgent, say(t, e, "while it runs"), "a repeat gives the first answer")
}

func TestAReturnThatFailedIsNotChanged(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	e.notify = false
	ends(e, noon())
	say(t, e, "first")
	e.now = e.now.Add(2 * time.Second)
	e.settleAs(jobOn(t, e, toHost), outcome{err: errUnchanged})
	require.Equal(t, TurnAgent, e.turn(e.now))
	say(t, e, "second")
	require.Equal(t, []string{"first"}, texts(e.In.Entries[0].Back))
	require.Equal(t, []string{"second"}, texts(e.In.Entries[1].Back))
}

// Everything is handed back in order, also what was on its way when the session ended and turns up later.
func TestWhatWasOnItsWayComesBackInOrder(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	e.notify = false
	for _, text := range []string{"1", "2", "3"} {
		say(t, e, text)
	}
	j := jobOn(t, e, toGenesys)
	ends(e, noon().Add(time.Second))
	require.Equal(t, []string{"2", "3"}, texts(firstReturn(t, e.file).Back))
	require.Equal(t, []string{"1"}, queued(e.file), "its outcome decides")
	e.settleAs(j, outcome{effect: effectNotPerformed, err: genesys.ErrUnavailable})
	require.Equal(t, []string{"1", "2", "3"}, texts(firstReturn(t, e.file).Back))
	require.Empty(t, e.Out.Entries)
}
