package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestForgetWaitsForTheCleanUp: a conversation that nobody should be in is still disconnected, and what is in flight to Genesys
// is waited for; only then is the record removed.
func TestForgetWaitsForTheCleanUp(t *testing.T) {
	t.Parallel()
	f := fileIn(StateEnded)
	f.Now.HandedBack, f.Forget = true, ago(time.Second)
	require.Equal(t, ago(time.Second), f.expires())
	f.Orphans = []orphan{{Conversation: "orphan", At: noon()}}
	require.Zero(t, f.expires())
	f.Orphans = nil
	f.Out.push(saying(1, "m1"))
	require.Zero(t, f.expires())
}
