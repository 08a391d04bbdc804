package machine

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/stretchr/testify/require"
)

func TestAnEndBeforeTheOpeningWasTriedNeedsNoCall(t *testing.T) {
	t.Parallel()
	for _, s := range []State{StateBot, StateRequested} {
		c := handoverIn(s)
		c.ConversationID, c.OpeningTriedAt, c.OpeningAcceptedAt = "", 0, 0
		next, effects := Apply(c, Event{Kind: EvEnd, Reason: EndByCustomer}, noon())
		require.Equal(t, StateEnded, next.State)
		require.Equal(t, EndByCustomer, next.Ending.Reason)
		require.Equal(t, []NoticeKind{NoticeEnded}, kinds(effects))

		c.OpeningTriedAt = ago(time.Second)
		next, _ = Apply(c, Event{Kind: EvEnd, Reason: EndByCustomer}, noon())
		want := map[State]State{StateBot: StateEnded, StateRequested: StateEnding}
		require.Equal(t, want[s], next.State, "Genesys may have received the opening")
	}
}

func TestTheOpeningIsAcceptedOnce(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateRequested)
	c.ConversationID, c.OpeningAcceptedAt = "", 0
	c, _ = Apply(c, Event{Kind: EvAccepted, Conversation: "first", Resumed: true}, noon())
	require.Equal(t, noon(), c.OpeningAcceptedAt)
	require.Equal(t, noon(), c.LastWriteAt)
	require.Equal(t, "first", c.ConversationID)
	require.True(t, c.Resumed)
	require.Equal(t, noon().Add(FirstRead), c.PollAt)
	c, _ = Apply(c, Event{Kind: EvAccepted}, noon().Add(time.Hour))
	require.Equal(t, noon(), c.OpeningAcceptedAt)
	require.Equal(t, "first", c.ConversationID, "an answer without an id removes none")
}

func TestAMessageThatOpenedAnotherConversation(t *testing.T) {
	t.Parallel()
	moved := func(s State) Handover {
		c, effects := Apply(handoverIn(s), Event{Kind: EvMoved, Conversation: "other"}, noon())
		require.Equal(t, s, c.State, "a read shows how the old one ended")
		require.Empty(t, effects)
		require.Equal(t, noon(), c.PollAt)
		return c
	}
	t.Run("a read shows the end", func(t *testing.T) {
		t.Parallel()
		e, now := readAt(time.Second, genesys.PhaseEnded)
		next, _ := Apply(moved(StateConnected), e, now)
		require.Equal(t, StateEnded, next.State, "no second read: the message proves it, too")
		require.Equal(t, EndByAgent, next.Ending.Reason)
		require.Equal(t, TimeOf(e.Standing.EndedAt), next.Ending.Time)
	})
	t.Run("reads do not show it", func(t *testing.T) {
		t.Parallel()
		c := moved(StateConnected)
		e, now := readAt(10*time.Second-1, genesys.PhaseConnected)
		c, _ = Apply(c, e, now)
		require.Equal(t, StateConnected, c.State)
		e, now = readAt(10*time.Second, genesys.PhaseConnected)
		c, _ = Apply(c, e, now)
		require.Equal(t, StateEnded, c.State)
		require.Equal(t, CodeConversationMoved, c.Ending.Code)
		require.Equal(t, EndByAgent, c.Ending.Reason)
	})
	t.Run("reads find nothing", func(t *testing.T) {
		t.Parallel()
		next, _ := Apply(moved(StateQueued), Event{Kind: EvGone, Began: noon().Add(10 * time.Second)}, noon().Add(10*time.Second))
		require.Equal(t, StateEnded, next.State)
		require.Equal(t, EndByGenesys, next.Ending.Reason, "no agent was ever there")
	})
	t.Run("reads are forbidden", func(t *testing.T) {
		t.Parallel()
		next, _ := Apply(denied(moved(StateConnected)), Event{Kind: EvBlind, Began: noon()}, noon().Add(time.Second))
		require.Equal(t, StateEnded, next.State, "otherwise it would wait forever")
		c := handoverIn(StateConnected)
		c.Blind = true
		next, _ = Apply(c, Event{Kind: EvMoved, Conversation: "other"}, noon())
		require.Equal(t, StateEnded, next.State)
	})
	t.Run("while our side ends it", func(t *testing.T) {
		t.Parallel()
		e, now := readAt(time.Second, genesys.PhaseEnded)
		next, _ := Apply(moved(StateEnding), e, now)
		require.Equal(t, EndByCustomer, next.Ending.Reason, "the reason that was asked for")
		next, _ = Apply(denied(moved(StateEnding)), Event{Kind: EvBlind, Began: noon()}, noon())
		require.Equal(t, EndByCustomer, next.Ending.Reason)
	})
	t.Run("it is the same", func(t *testing.T) {
		t.Parallel()
		c, _ := Apply(handoverIn(StateConnected), Event{Kind: EvMoved, Conversation: "conversation"}, noon())
		require.Empty(t, c.MovedTo)
		c = handoverIn(StateRequested)
		c.ConversationID = ""
		c, _ = Apply(c, Event{Kind: EvMoved, Conversation: "other"}, noon())
		require.Empty(t, c.MovedTo, "there was none to move from")
	})
}

func TestAConversationThatReadsDoNotFind(t *testing.T) {
	t.Parallel()
	gone := func(c Handover, after time.Duration) Handover {
		at := noon().Add(after)
		next, _ := Apply(c, Event{Kind: EvGone, Began: at}, at)
		return next
	}
	c := gone(handoverIn(StateConnected), 0)
	require.Equal(t, StateConnected, gone(c, time.Minute-time.Microsecond).State)
	over := gone(c, time.Minute)
	require.Equal(t, StateEnded, over.State)
	require.Equal(t, EndByGenesys, over.Ending.Reason)
	require.Equal(t, CodeConversationGone, over.Ending.Code)

	e, now := readAt(30*time.Second, genesys.PhaseUnknown)
	found, _ := Apply(c, e, now)
	require.Equal(t, StateConnected, gone(found, time.Minute).State, "the minute starts again")

	ending := handoverIn(StateEnding)
	ending.DisconnectedAt = ago(time.Second)
	ending = gone(ending, 0)
	require.Equal(t, StateEnding, ending.State, "one 404 is no proof, even after our disconnect")
	require.Equal(t, EndByCustomer, gone(ending, time.Minute).Ending.Reason)

	stale := handoverIn(StateConnected)
	next, _ := Apply(stale, Event{Kind: EvGone, Began: stale.ChangedAt.Add(-time.Microsecond)}, noon())
	require.Zero(t, next.GoneSince)
}

// denied returns a Handover with one forbidden read, so that the next one counts.
func denied(c Handover) Handover {
	c.Denied = ago(DeniedPause)
	return c
}

func TestBlindModeEndsWhenDisconnected(t *testing.T) {
	t.Parallel()
	c := denied(handoverIn(StateEnding))
	c, _ = Apply(c, Event{Kind: EvBlind, Began: noon()}, noon())
	require.Equal(t, StateEnding, c.State)
	c.DisconnectedAt = noon()
	c, _ = Apply(c, Event{Kind: EvBlind, Began: noon()}, noon())
	require.Equal(t, StateEnded, c.State)
	require.Equal(t, EndByCustomer, c.Ending.Reason)
}

// Polls: 5 s × 1.5 up to 60 s, 5 min with a live source, none in bot.
func TestPolls(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state     State
		signalled time.Duration // before each read; 0: never
		want      []time.Duration
	}{
		"bot":       {StateBot, 0, []time.Duration{0, 0}},
		"requested": {StateRequested, 0, []time.Duration{2 * time.Second, 2 * time.Second}},
		"ending":    {StateEnding, 0, []time.Duration{2 * time.Second, 2 * time.Second}},
		"no source": {StateConnected, 0, []time.Duration{
			5 * time.Second, 7500 * time.Millisecond, 11250 * time.Millisecond, 16875 * time.Millisecond,
			25312500 * time.Microsecond, 37968750 * time.Microsecond, 56953125 * time.Microsecond, time.Minute, time.Minute,
		}},
		"a live source": {StateConnected, time.Minute, []time.Duration{
			5 * time.Second, 7500 * time.Millisecond, 11250 * time.Millisecond, 16875 * time.Millisecond,
			25312500 * time.Microsecond, 37968750 * time.Microsecond, 56953125 * time.Microsecond,
			85429687500, 128144531250, 192216796875, 288325195312, 5 * time.Minute, 5 * time.Minute,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := handoverIn(test.state)
			now := noon()
			for i, want := range test.want {
				if test.signalled > 0 {
					c.SignalledAt = now.Add(-test.signalled)
				}
				next, _ := Apply(c, Event{Kind: EvRead, Began: now, Standing: standing(genesys.PhaseUnknown)}, now)
				if want == 0 {
					require.Zero(t, next.PollAt)
					continue
				}
				require.Equal(t, want.Truncate(time.Microsecond), next.PollAt.Sub(now), i)
				c, now = next, next.PollAt
			}
		})
	}
}

// A signal that arrives during a read is not satisfied by that read.
func TestReadRequestedDuringAReadIsKept(t *testing.T) {
	t.Parallel()
	began := ago(time.Second)
	for name, test := range map[string]struct {
		wanted Time
		poll   bool
		want   Time
	}{
		"a signal since":              {ago(500 * time.Millisecond), false, began.Add(ReadPause)},
		"a signal that waits":         {began.Add(3 * time.Second), false, began.Add(3 * time.Second)},
		"the read that was scheduled": {began, false, noon().Add(FirstPoll)},
		"a poll":                      {began.Add(time.Second), true, noon().Add(FirstPoll)},
	} {
		for _, e := range []Event{
			{Kind: EvRead, Began: began, Standing: standing(genesys.PhaseConnected)}, {Kind: EvGone, Began: began},
		} {
			c := handoverIn(StateConnected)
			c.PollAt, c.Poll = test.wanted, test.poll
			next, _ := Apply(c, e, noon())
			require.Equal(t, test.want, next.PollAt, "%s, %s", name, e.Kind)
		}
	}
	c := handoverIn(StateConnected)
	c.PollAt = ago(500 * time.Millisecond)
	next, _ := Apply(c, Event{Kind: EvRead, Began: began, Standing: standing(genesys.PhaseEnded)}, noon())
	require.Equal(t, StateEnded, next.State)
	require.Zero(t, next.PollAt, "there is nothing left to read")
}
