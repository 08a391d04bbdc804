package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

// The age of a listed message does not depend on this machine's clock.
func TestMissingMessagesByGenesysClock(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
		r := &Reading{Began: noon(), Clock: machine.Clock{Ahead: ahead}}
		for i, age := range []time.Duration{webhookLife + time.Second, webhookLife - time.Second} {
			r.Messages = append(r.Messages, genesys.MessageRef{ID: fmt.Sprint(i), Time: ago(age).Add(ahead).Std()})
		}
		f := recordIn(machine.StateConnected)
		g := f.GapOf(r, ago(10*time.Minute).Add(ahead), machine.Listing{}, false)
		require.Len(t, g.Missing, 1)
		require.Equal(t, "0", g.Missing[0].ID)
		require.True(t, g.young)
	}
}

// Without a measured offset, a time that Genesys wrote is used unchanged, because its age is
// unknown.
func TestUnmeasuredClock(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Clock.Unmeasured, tx.Handover.TriedByHost = true, true
	agentWrites(tx, "hello", time.Hour)
	require.Equal(t, after(time.Hour), tx.Handover.AgentWrote)
	require.False(t, tx.In.Entries[0].Delivery.Late)
	agentWrites(tx, "early", -time.Hour)
	require.False(t, tx.In.Entries[0].Delivery.Late)
	tx.Clock.Unmeasured, tx.Handover.TriedByHost = false, false
	agentWrites(tx, "earlier", -2*time.Hour)
	require.True(t, tx.In.Entries[0].Delivery.Late)
}
