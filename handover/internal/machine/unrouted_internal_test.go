package machine

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/stretchr/testify/require"
)

// An end that is older than the opening may be that of the last handover. A second read has to
// agree, also after a requested end; otherwise the customer would remain in a queue.
func TestAnOlderEndIsNotTakenForTheEndThatWasAskedFor(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateEnding)
	c.OpeningTriedAt, c.LastWriteAt, c.EndRequestedAt, c.ChangedAt = ago(3*time.Second), ago(3*time.Second), ago(2*time.Second), ago(2*time.Second)
	older := shows(genesys.PhaseEnded)
	older.Standing.EndedAt = ago(7 * time.Second).Std()
	c, _ = Apply(c, older, noon())
	require.Equal(t, StateEnding, c.State)
	second := c.LastWriteAt.Add(SettlePeriod)
	require.Equal(t, second, c.PollAt)
	live, _ := Apply(c, shows(genesys.PhaseQueued), noon())
	require.Equal(t, StateEnding, live.State, "the agent is there")
	again := older
	again.Began = second
	over, _ := Apply(c, again, second)
	require.Equal(t, StateEnded, over.State)
}
