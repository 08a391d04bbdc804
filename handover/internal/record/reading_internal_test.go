package record

import (
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

// Legs that an earlier read showed as ended count neither for the standing nor for the history.
func TestReadWithoutEarlierLegs(t *testing.T) {
	t.Parallel()
	c := &genesys.Conversation{Participants: []genesys.Participant{
		{ID: "1", Purpose: genesys.PurposeCustomer, State: genesys.StateConnected, Start: ago(time.Hour).Std()},
		{
			ID: "2", Purpose: genesys.PurposeAgent, State: genesys.StateDisconnected,
			Start: ago(time.Minute).Std(), Connected: ago(50 * time.Second).Std(), End: ago(2 * time.Second).Std(),
		},
	}}
	known := LegsOf(c)
	require.Equal(t, ago(2*time.Second), known.Newest)
	require.Len(t, strings.Fields(known.Ended), 1)
	require.NotZero(t, machine.HistoryOf(c, noon()).Left)
	require.Zero(t, machine.HistoryOf(Without(c, strings.Fields(known.Ended)), noon()))
	require.Len(t, c.Participants, 2)
	c.Participants[1].End = ago(time.Second).Std()
	require.NotZero(t, machine.HistoryOf(Without(c, strings.Fields(known.Ended)), noon()).Left, "it was revived, and ended again")
	for range 2 * maxLegs {
		c.Participants = append(c.Participants, c.Participants[1])
	}
	require.Len(t, strings.Fields(LegsOf(c).Ended), maxLegs)
}

// The opening was tried by a process that did not know Genesys' clock. A read that does know it
// judges by Genesys' time, and by the first queue of the customer.
func TestReadSinceAnOpeningByTheHostsClock(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
		clock := machine.Clock{Ahead: ahead}
		at := func(s int) time.Time { return clock.Genesys(noon().Add(time.Duration(s) * time.Second)).Std() }
		agent := genesys.Participant{
			ID: "1", Purpose: genesys.PurposeAgent, State: genesys.StateDisconnected, Start: at(-90), Connected: at(-80), End: at(-60),
		}
		customer := genesys.Participant{ID: "2", Purpose: genesys.PurposeCustomer, State: genesys.StateConnected, Start: at(1)}
		bots := genesys.Participant{ID: "3", Purpose: "acd", State: genesys.StateConnected, Start: at(2), QueueID: "bots"}
		r := &Reading{Began: noon().Add(time.Minute), Clock: clock}
		since := machine.Since{At: noon(), ByHost: true}
		r.Show(&genesys.Conversation{Participants: []genesys.Participant{agent, customer, bots}}, since, "")
		require.Equal(t, "bots", r.History.Entry, ahead)
		require.Zero(t, r.History.Came, "the agent of an earlier session")
		require.Equal(t, genesys.PhaseQueued, r.Standing.Phase)

		customer.State, customer.End = genesys.StateDisconnected, at(30)
		r.Show(&genesys.Conversation{Participants: []genesys.Participant{agent, customer}}, since, "")
		require.Equal(t, genesys.PhaseEnded, r.Standing.Phase, ahead)

		r.Clock = machine.Clock{Unmeasured: true}
		r.Show(&genesys.Conversation{Participants: []genesys.Participant{agent, customer, bots}}, since, "")
		require.Equal(t, "bots", r.History.Entry, "whichever clock is wrong")
	}
}
