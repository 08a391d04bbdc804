package engine

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/stretchr/testify/require"
)

// By a clock that is ahead, the last message of the earlier agent was written after the opening.
// The conversation is in the bot queue because it has not been transferred yet, not because its
// agents have returned it.
func TestSessionConnectedByAnEarlierMessageIsTransferred(t *testing.T) {
	t.Parallel()
	word := func() machine.Handover {
		c := machinetest.HandoverIn(machine.StateRequested)
		c.OpeningTriedAt = noon()
		c, _ = machine.Apply(c, machine.Event{Kind: machine.EvAgentWrote, Began: noon().Add(time.Second)}, noon().Add(time.Second))
		require.Equal(t, machine.StateConnected, c.State)
		return c
	}
	m := &Manager{Environment: environment.Environment{Now: func() time.Time { return noon().Add(time.Minute).Std() }}}
	inBots := func(came machine.Time) (*record.Reading, machine.Event, machine.Time) {
		e, now := readAt(time.Minute, genesys.PhaseQueued, machinetest.InQueue("bots"))
		e.Came = came
		return &record.Reading{Began: e.Began, Standing: e.Standing, History: e.History}, e, machine.TimeOf(now)
	}
	for name, came := range map[string]machine.Time{"no agent": 0, "the one before": ago(time.Minute)} {
		r, e, now := inBots(came)
		c, effects := machine.Apply(word(), e, now)
		require.Equal(t, machine.StateConnected, c.State, name)
		require.Empty(t, effects, name)
		require.True(t, m.mustTransfer(&c, r), name)
		require.Equal(t, now.Add(machine.ReadPause), c.PollAt, name)
	}
	// Genesys may have accepted a transfer: it is repeated after a pause.
	r, e, now := inBots(0)
	c, _ := machine.Apply(word(), e, now)
	c.Transferred, c.TransferDoubt = noon().Add(time.Minute-machine.TransferPause), true
	require.True(t, m.mustTransfer(&c, r))
	c.Transferred++
	require.False(t, m.mustTransfer(&c, r))
	c, _ = machine.Apply(c, machine.Event{Kind: machine.EvTransferred}, now)
	require.False(t, c.Unrouted(0))
	r, e, now = inBots(noon().Add(3 * time.Second))
	c, _ = machine.Apply(word(), e, now)
	require.Equal(t, machine.StateEnded, c.State, "an agent joined, and returned it")
	require.False(t, m.mustTransfer(&c, r))
}
