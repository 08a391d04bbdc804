package machine

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/stretchr/testify/require"
)

// No bot queue is configured, and the outcome of a transfer was lost. A queue that an agent moved
// the conversation to is not the bot queue.
func TestAgentsOtherQueueIsNotTheBotQueue(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateRequested)
	c.BotQueue, c.LastQueueID = "", ""
	shown := shows(genesys.PhaseQueued, inQueue("billing"))
	shown.Entry, shown.Came = "entry", noon()
	c, _ = Apply(c, shown, noon())
	require.Equal(t, StateQueued, c.State)
	require.Equal(t, "entry", c.BotQueue)
	e, now := readAt(time.Minute, genesys.PhaseQueued, inQueue("billing"))
	c, _ = Apply(c, e, now)
	require.Equal(t, StateQueued, c.State)
}

// The flow put it into the agents' queue at once, and an agent moved it on: there is no bot queue.
func TestStraightToTheAgentsThereIsNoBotQueue(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateRequested)
	c.BotQueue, c.LastQueueID = "", ""
	shown := shows(genesys.PhaseQueued, inQueue("billing"))
	shown.Entry = "agents"
	c, _ = Apply(c, shown, noon())
	require.Equal(t, StateQueued, c.State)
	require.Empty(t, c.BotQueue)
}

// A read that began before the opening shows the revived conversation at its earlier place, in the
// agents' queue.
func TestReadOlderThanTheOpeningDoesNotRoute(t *testing.T) {
	t.Parallel()
	for _, p := range []genesys.Phase{genesys.PhaseQueued, genesys.PhaseAlerting} {
		c := handoverIn(StateRequested)
		c.Resumed, c.LastWriteAt, c.Transferred = true, noon(), 0
		e, now := readAt(time.Second, p, inQueue("agents"))
		first, effects := Apply(c, e, now)
		require.Equal(t, StateRequested, first.State, p)
		require.Empty(t, effects)

		e, now = readAt(5*time.Second, genesys.PhaseQueued, inQueue("bots"))
		c, _ = Apply(first, e, now)
		require.Equal(t, StateRequested, c.State, "it waits for the transfer")

		e, now = readAt(5*time.Second-1, p, inQueue("agents"))
		c, _ = Apply(first, e, now)
		require.Equal(t, StateRequested, c.State, "it may be stale, too")
		e, now = readAt(5*time.Second, p, inQueue("agents"))
		first.LastWriteAt = noon().Add(2 * time.Second)
		c, _ = Apply(first, e, now)
		require.NotEqual(t, StateRequested, c.State, "a second read agrees, regardless of writes since the first")
	}
}
