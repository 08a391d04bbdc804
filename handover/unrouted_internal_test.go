package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/internal/door"
)

// By a clock that is ahead the last word of the agent before comes after the opening. The conversation stands in the bot queue because
// nobody has transferred it yet, not because its agents have given it back.
func TestConnectedByAWordOfBeforeItIsStillTransferred(t *testing.T) {
	t.Parallel()
	word := func() core {
		c := coreIn(StateRequested)
		c.Tried = noon()
		c, _ = apply(c, event{Kind: evAgentSpoke, Began: noon().Add(time.Second)}, noon().Add(time.Second))
		require.Equal(t, StateConnected, c.State)
		return c
	}
	m := &Manager{shell: shell{door.Door{Now: func() time.Time { return noon().Add(time.Minute) }}}}
	inBots := func(came time.Time) (*reading, event, time.Time) {
		e, now := readAt(time.Minute, genesys.PhaseQueued, inQueue("bots"))
		e.Came = came
		return &reading{began: e.Began, standing: e.Standing, history: e.history}, e, now
	}
	for name, came := range map[string]time.Time{"nobody": {}, "the one before": ago(time.Minute)} {
		r, e, now := inBots(came)
		c, effects := apply(word(), e, now)
		require.Equal(t, StateConnected, c.State, name)
		require.Empty(t, effects, name)
		require.True(t, m.mustTransfer(&c, r), name)
		require.Equal(t, now.Add(readPause), c.PollAt, name)
	}
	r, e, now := inBots(noon().Add(3 * time.Second))
	c, _ := apply(word(), e, now)
	require.Equal(t, StateEnded, c.State, "somebody came, and gave it back")
	require.False(t, m.mustTransfer(&c, r))
}

// An end that is older than the opening may be that of the handover before: asked to end, too, a second read has to agree, or the
// customer would be left in a queue.
func TestAnOlderEndIsNotTakenForTheEndThatWasAskedFor(t *testing.T) {
	t.Parallel()
	c := coreIn(StateEnding)
	c.Tried, c.Wrote, c.EndAsked, c.Changed = ago(3*time.Second), ago(3*time.Second), ago(2*time.Second), ago(2*time.Second)
	older := shows(genesys.PhaseEnded)
	older.Standing.EndedAt = ago(7 * time.Second)
	c, _ = apply(c, older, noon())
	require.Equal(t, StateEnding, c.State)
	require.Equal(t, older.Began.Add(secondRead), c.PollAt)
	live, _ := apply(c, shows(genesys.PhaseQueued), noon())
	require.Equal(t, StateEnding, live.State, "he is there")
	again := older
	again.Began = older.Began.Add(secondRead)
	over, _ := apply(c, again, noon().Add(secondRead))
	require.Equal(t, StateEnded, over.State)
}
