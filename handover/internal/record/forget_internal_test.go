package record

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

// A conversation that no session needs is still disconnected, for two minutes at most, and running
// effects to Genesys are waited for. Only then is the record removed.
func TestForgetWaitsForADisconnect(t *testing.T) {
	t.Parallel()
	f := recordIn(machine.StateEnded)
	f.Handover.HandedBack, f.Forget = true, ago(time.Second)
	require.Equal(t, ago(time.Second), f.Expires())
	for want, w := range map[time.Duration]Watched{
		forgetPatience: {ID: "open", Close: true, Closings: maxClosings - 1},
		0:              {ID: "disconnected", Close: true, Closings: 1, ClosedAt: noon()},
	} {
		f.Watched = []Watched{w}
		require.Equal(t, ago(time.Second).Add(want), f.Expires(), w.ID)
	}
	f.Watched = []Watched{{ID: "refused", Close: true, Closings: maxClosings}, {ID: "only read"}}
	require.Equal(t, ago(time.Second), f.Expires())
	f.Watched = nil
	f.Words = []Word{wordOf(1, "m1")}
	require.Zero(t, f.Expires())
}

// An accepted message from Genesys is delivered before the record is removed.
func TestForgetWaitsForTheAgentsWords(t *testing.T) {
	t.Parallel()
	f := recordIn(machine.StateEnded)
	f.Handover.HandedBack, f.Forget = true, ago(time.Second)
	f.In.Push(Entry{Seq: 1, Kind: KindNotice, Notice: &Notice{Kind: machine.NoticeEnded}})
	require.Equal(t, ago(time.Second), f.Expires(), "notices are dropped")
	f.In.Push(Entry{Seq: 2, Kind: KindDelivery, Delivery: &Delivery{ID: "a1"}})
	require.Zero(t, f.Expires())
}

// A running callback is not followed by one for a new record of the customer before it returns.
func TestForgetWaitsForTheHost(t *testing.T) {
	t.Parallel()
	f := recordIn(machine.StateEnded)
	f.Handover.HandedBack, f.Forget = true, ago(time.Second)
	f.In.Push(Entry{Seq: 1, Kind: KindNotice, Notice: &Notice{Kind: machine.NoticeEnded}})
	f.In.Lease = Lease{Owner: "other", N: 1, Seq: 1, Until: noon().Add(LeaseTime)}
	require.Equal(t, noon().Add(LeaseTime+LeaseGrace), f.Expires())
}
