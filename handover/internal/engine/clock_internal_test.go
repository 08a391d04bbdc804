package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/stretchr/testify/require"
)

// TestOldProofAsksForARead checks that a POST is preceded by a read if the last proof that agents
// have the conversation is 15 s old by Genesys' clock, or of unknown age.
func TestOldProofAsksForARead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, _ := crowded(t, 0)
		c, head := machinetest.HandoverIn(machine.StateConnected), record.Entry{Kind: record.KindMessage}
		for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
			k := machine.Clock{Ahead: ahead}
			c.ConfirmedAt = k.Genesys(machine.TimeOf(m.Now().Add(-confirmedTime)))
			require.False(t, m.mustConfirm(k, &c, &head))
			require.True(t, m.mustConfirm(machine.Clock{Ahead: ahead, Unmeasured: true}, &c, &head))
			c.ConfirmedAt = c.ConfirmedAt.Add(-time.Second)
			require.True(t, m.mustConfirm(k, &c, &head))
		}
	})
}

// TestAcceptedInTheSecondOfTheDate checks that a message counts as accepted at the latest in the
// second of the Date, and when the answer arrived.
func TestAcceptedInTheSecondOfTheDate(t *testing.T) {
	t.Parallel()
	date := noon()
	clock := machine.Clock{Ahead: time.Second}
	arrived := noon().Add(-800 * time.Millisecond) // 0.2 s after the Date
	require.Equal(t, date.Add(200*time.Millisecond), acceptedAt(date, clock, arrived))
	require.Equal(t, date.Add(machine.DateStep), acceptedAt(date, clock, arrived.Add(time.Second)))
	require.Equal(t, date, acceptedAt(date, clock, arrived.Add(-time.Second)), "the clocks of servers differ a little")
	clock.Unmeasured = true
	require.Equal(t, date.Add(machine.DateStep), acceptedAt(date, clock, arrived))
}
