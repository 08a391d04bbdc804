package handover

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// asks begins another handover, or plans it.
func asks(e *edit, id string, s State) Session {
	c := coreIn(s)
	c.ID, c.Request, c.ConversationID = id, "request "+id, ""
	c.Tried, c.Accepted, c.Wrote, c.StoodIn, c.Asked, c.Waiting = time.Time{}, time.Time{}, time.Time{}, "", time.Time{}, time.Time{}
	session := e.handOver(c, &opening{Texts: []string{"hello"}}, Timers{})
	e.tidy()
	return session
}

func TestAHandoverTakesBackWhatWaits(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	e.notify = false
	for _, text := range []string{"refused", "1", "2"} {
		say(t, e, text)
	}
	e.settleAs(jobOn(t, e, toGenesys), outcome{effect: effectRefused, err: &genesys.Error{StatusCode: 413}})
	ends(e, noon())
	asks(e, "bcdefghijkl3", StateRequested)
	require.Equal(t, []string{"1", "2"}, queued(e.file), "the customer asked for the agents again")
	require.Equal(t, kindOpen, e.Out.Entries[0].Kind, "nothing overtakes the opening")
	r := firstReturn(t, e.file)
	require.Equal(t, []string{"refused"}, texts(r.Back), "Genesys does not take it now, either")
	require.Equal(t, e.In.Bytes, r.Size)
}

func TestAReturnThatRunsIsNotTakenBack(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	e.notify = false
	say(t, e, "1")
	ends(e, noon())
	e.now = e.now.Add(2 * time.Second)
	jobOn(t, e, toHost)
	asks(e, "bcdefghijkl3", StateRequested)
	require.Empty(t, queued(e.file))
	require.Equal(t, []string{"1"}, texts(firstReturn(t, e.file).Back))
}

func TestAHandoverWhileOneEndsFollowsTheReturn(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateEnding))
	e.notify = false
	session := asks(e, "bcdefghijkl3", StateRequested)
	require.Equal(t, "bcdefghijkl3", session.ID)
	require.Equal(t, StateEnding, e.Now.State)
	require.Equal(t, session.ID, asks(e, "cdefghijklm4", StateRequested).ID, "one is enough")
	require.Equal(t, session.ID, asks(e, "cdefghijklm4", StateRequested).ID, "a repeat of it")
	say(t, e, "comes back")
	ends(e, noon())
	require.Equal(t, StateEnded, e.Now.State, "the Return goes first")
	require.Equal(t, TurnAgent, e.turn(e.now))
	e.now = e.now.Add(2 * time.Second)
	j := jobOn(t, e, toHost)
	require.Equal(t, []string{"comes back"}, texts(firstReturn(t, j.file).Back))
	e.settleAs(j, outcome{})
	require.Equal(t, "bcdefghijkl3", e.Now.ID)
	require.Equal(t, StateRequested, e.Now.State)
	require.Nil(t, e.Next)
	require.Equal(t, kindOpen, e.Out.Entries[0].Kind)
	require.Equal(t, coreIn(StateEnded).ID, e.Past[0].Session.ID)
}

func TestOpenDoesNotOvertakeAReturn(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	e.notify = false
	ends(e, noon())
	asks(e, "bcdefghijkl3", StateBot)
	require.Equal(t, TurnAgent, e.turn(e.now))
	require.Equal(t, TurnAgent, say(t, e, "for the bot"))
	require.Empty(t, queued(e.file), "nothing is mirrored while the bot answers")
	require.Equal(t, []string{"for the bot"}, texts(firstReturn(t, e.file).Back))

	asked := asks(e, "cdefghijklm4", StateRequested)
	require.Equal(t, "bcdefghijkl3", asked.ID)
	require.Equal(t, StateRequested, asked.State, "an agent is wanted, too")
	require.Equal(t, asked, asks(e, "bcdefghijkl3", StateBot), "a repeat")
	e.now = e.now.Add(2 * time.Second)
	e.settleAs(jobOn(t, e, toHost), outcome{})
	require.Equal(t, StateRequested, e.Now.State)
	require.False(t, e.Now.Asked.IsZero())
}

func TestTheSameRequestIsTheSameHandover(t *testing.T) {
	t.Parallel()
	for _, s := range []State{StateBot, StateRequested, StateQueued, StateAlerting, StateConnected, StateEnding, StateEnded} {
		e := newEdit(fileIn(s))
		first := asks(e, "bcdefghijkl3", StateRequested)
		entries := len(e.Out.Entries)
		require.Equal(t, first.ID, asks(e, "bcdefghijkl3", StateRequested).ID, s)
		require.Len(t, e.Out.Entries, entries, "%s: nothing twice", s)
		if s != StateEnding && s != StateEnded {
			require.Equal(t, coreIn(s).ID, first.ID, "%s: the open session", s)
		}
	}
}

// A repeat of an answer that nobody waited for any more is dropped; what belongs to the handover before changes nothing now.
func TestALateOutcomeOfAnOlderHandover(t *testing.T) {
	t.Parallel()
	old := func() (*edit, *job) {
		f := fileIn(StateRequested)
		f.Now.ConversationID, f.Now.Accepted = "", time.Time{}
		e := newEdit(f)
		e.notify = false
		e.Out.push(entry{Seq: e.next(), Kind: kindOpen, Handover: f.Now.ID, At: noon(), Opening: &opening{Texts: []string{"hello"}}})
		say(t, e, "words")
		j := jobOn(t, e, toGenesys)
		e.apply(event{Kind: evFailed})
		e.tidy()
		asks(e, "bcdefghijkl3", StateRequested)
		return e, j
	}
	e, j := old()
	e.settleAs(j, outcome{conversation: "late"})
	require.Empty(t, e.Now.ConversationID, "it is not the new one's")
	require.Zero(t, e.Now.Accepted)
	require.Equal(t, "late", e.Orphans[0].Conversation)
	require.Equal(t, []string{"words"}, queued(e.file))

	e, j = old()
	e.settleAs(j, outcome{effect: effectRefused, err: &genesys.Error{StatusCode: 400}})
	require.Equal(t, StateRequested, e.Now.State)

	e, j = old()
	e.settleAs(j, outcome{effect: effectAmbiguous, err: errors.New("reset")})
	require.Zero(t, e.Now.Wrote)
	require.Len(t, e.Out.Entries, 2, "the new opening and the words")
	require.Equal(t, "bcdefghijkl3", e.Out.Entries[0].Handover)
}

func TestForgetDropsWhatWasWritten(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	e.notify = false
	say(t, e, "secret")
	e.Forget = e.now
	e.apply(event{Kind: evEnd, Reason: EndByCustomer})
	e.forgetContent()
	e.tidy()
	ends(e, noon())
	require.Empty(t, firstReturn(t, e.file).Back)
	r, err := e.encode(e.key, 2)
	require.NoError(t, err)
	require.NotContains(t, string(r.Data), "secret")
	require.Zero(t, e.expires(), "the host still hears that it is over")
	e.now = e.now.Add(2 * time.Second)
	e.settleAs(jobOn(t, e, toHost), outcome{})
	require.False(t, e.expires().After(e.now))
}
