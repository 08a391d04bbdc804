package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRetentionWaitsForWork: a record in which anything waits is not removed, however old it is.
func TestRetentionWaitsForWork(t *testing.T) {
	t.Parallel()
	old := func() *file {
		f := fileIn(StateEnded)
		f.Now.HandedBack, f.Keep = true, time.Nanosecond
		return f
	}
	require.False(t, old().expires().After(noon()), "or the test looks at nothing")
	for name, wait := range map[string]func(*file){
		"a message to Genesys": func(f *file) { f.Out.push(saying(1, "m1")) },
		"a delivery":           func(f *file) { f.In.push(entry{Seq: 1, Kind: kindDelivery, Delivery: &delivery{}}) },
		"a notice":             func(f *file) { f.In.push(entry{Seq: 1, Kind: kindNotice, Notice: &Notice{}}) },
		"a hand-back":          func(f *file) { f.In.push(entry{Seq: 1, Kind: kindReturn, Session: &Session{}}) },
		"what is held for one": func(f *file) { f.Held = []held{{}} },
		"a receipt":            func(f *file) { f.Receipts = []receipt{{}} },
		"a next handover":      func(f *file) { f.Next = &plan{} },
		"a last look":          func(f *file) { f.Check = &check{Conversation: "ended"} },
		"a clean-up":           func(f *file) { f.Orphans = []orphan{{Conversation: "orphan"}} },
		"who wrote unasked":    func(f *file) { f.Adopt = &adoption{Conversation: "strange"} },
		"an open session":      func(f *file) { f.Now.State = StateConnected },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := old()
			wait(f)
			require.Zero(t, f.expires())
		})
	}
}

// TestRetentionWithoutAHandover counts from the last webhook.
func TestRetentionWithoutAHandover(t *testing.T) {
	t.Parallel()
	f := &file{Touched: noon()}
	require.Equal(t, noon().Add(DefaultRetention), f.expires())
	require.Equal(t, f.expires(), f.wakeAt())
}
