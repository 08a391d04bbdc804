package record

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

// A record with waiting work is not removed, at any age.
func TestRetentionWaitsForWork(t *testing.T) {
	t.Parallel()
	old := func() *Record {
		f := recordIn(machine.StateEnded)
		f.Handover.HandedBack, f.Keep = true, time.Nanosecond
		return f
	}
	require.False(t, old().Expires().After(noon()), "or the test looks at nothing")
	for name, wait := range map[string]func(*Record){
		"an opening":           func(f *Record) { f.Out.Push(Entry{Seq: 1, Kind: KindOpen, Opening: &Opening{}}) },
		"a delivery":           func(f *Record) { f.In.Push(Entry{Seq: 1, Kind: KindDelivery, Delivery: &Delivery{}}) },
		"a notice":             func(f *Record) { f.In.Push(Entry{Seq: 1, Kind: KindNotice, Notice: &Notice{}}) },
		"a hand-back":          func(f *Record) { f.In.Push(Entry{Seq: 1, Kind: KindReturn, Session: &machine.Session{}}) },
		"a message":            func(f *Record) { f.Words = []Word{wordOf(1, "m1")} },
		"a receipt":            func(f *Record) { f.Receipts = []Receipt{{}} },
		"another conversation": func(f *Record) { f.Watched = []Watched{{ID: "other"}} },
		"an open session":      func(f *Record) { f.Handover.State = machine.StateConnected },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := old()
			wait(f)
			require.Zero(t, f.Expires())
		})
	}
}

// TestRetentionWithoutAHandover counts from the last webhook.
func TestRetentionWithoutAHandover(t *testing.T) {
	t.Parallel()
	f := &Record{Touched: noon()}
	require.Equal(t, noon().Add(machine.DefaultRetention), f.Expires())
	require.Equal(t, f.Expires(), f.WakeAt())
}
