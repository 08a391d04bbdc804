package machine

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/stretchr/testify/require"
)

// A supervisor who monitored is not in the history of agents, and one who still monitors is not a
// present agent.
func TestAWatcherIsNotInTheHistory(t *testing.T) {
	t.Parallel()
	agent := genesys.Participant{
		Purpose: genesys.PurposeAgent, State: genesys.StateDisconnected, DisconnectType: genesys.DisconnectClient,
		Start: ago(time.Minute).Std(), Connected: ago(time.Minute).Std(), End: ago(time.Second).Std(),
	}
	watcher := genesys.Participant{
		Purpose: genesys.PurposeAgent, State: genesys.StateConnected, Start: ago(2 * time.Minute).Std(), Connected: ago(2 * time.Minute).Std(), Watching: true,
	}
	require.Zero(t, HistoryOf(&genesys.Conversation{Participants: []genesys.Participant{watcher}}, ago(time.Hour)))
	require.Equal(t, History{Came: TimeOf(agent.Connected), Left: TimeOf(agent.End)},
		HistoryOf(&genesys.Conversation{Participants: []genesys.Participant{agent, watcher}}, ago(time.Hour)))
}
