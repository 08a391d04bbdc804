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

// TestForgetWaitsForTheAgentsWords: a message that was accepted from Genesys is delivered first.
func TestForgetWaitsForTheAgentsWords(t *testing.T) {
	t.Parallel()
	f := fileIn(StateEnded)
	f.Now.HandedBack, f.Forget = true, ago(time.Second)
	f.In.push(entry{Seq: 1, Kind: kindNotice, Notice: &Notice{Kind: NoticeEnded}})
	require.Equal(t, ago(time.Second), f.expires(), "notices are dropped")
	f.In.push(entry{Seq: 2, Kind: kindDelivery, Delivery: &delivery{ID: "a1"}})
	require.Zero(t, f.expires())
}

// TestForgetWaitsForTheHost: a callback that runs is not joined by that of a new life of the customer.
func TestForgetWaitsForTheHost(t *testing.T) {
	t.Parallel()
	f := fileIn(StateEnded)
	f.Now.HandedBack, f.Forget = true, ago(time.Second)
	f.In.push(entry{Seq: 1, Kind: kindNotice, Notice: &Notice{Kind: NoticeEnded}})
	f.In.Lease = lease{Owner: "other", N: 1, Seq: 1, Until: noon().Add(leaseTime)}
	require.Equal(t, noon().Add(leaseTime+leaseGrace), f.expires())
}
