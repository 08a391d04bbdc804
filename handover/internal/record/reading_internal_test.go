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
