package record

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

func TestRetention(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state machine.State
		with  func(*Record)
		want  machine.Time
	}{
		"73 h after the end":        {machine.StateEnded, func(f *Record) { f.Handover.Ending.Time = noon() }, noon().Add(73 * time.Hour)},
		"or the text of the host":   {machine.StateEnded, func(f *Record) { f.Handover.Ending.Time, f.Keep = noon(), time.Hour }, noon().Add(time.Hour)},
		"forever":                   {machine.StateEnded, func(f *Record) { f.Keep = -1 }, 0},
		"no handover ever":          {"", func(f *Record) { f.Handover, f.Keep, f.Touched = nil, 0, noon() }, noon().Add(73 * time.Hour)},
		"touched since":             {machine.StateEnded, func(f *Record) { f.Touched = noon() }, noon().Add(73 * time.Hour)},
		"not while open":            {machine.StateBot, nil, 0},
		"nor while something waits": {machine.StateEnded, func(f *Record) { f.In.Push(Entry{Kind: KindReturn, Session: &machine.Session{}}) }, 0},
		"nor a message":             {machine.StateEnded, func(f *Record) { f.Words = []Word{wordOf(1, "m1")} }, 0},
		"nor a receipt":             {machine.StateEnded, func(f *Record) { f.Receipts = []Receipt{{}} }, 0},
		"asked to forget":           {machine.StateEnded, func(f *Record) { f.Forget = noon() }, noon()},
		"forget ends it first":      {machine.StateConnected, func(f *Record) { f.Forget = noon() }, 0},
		"and returns it first": {machine.StateEnded, func(f *Record) {
			f.Forget = noon()
			f.In.Push(Entry{Kind: KindReturn, Session: &machine.Session{}})
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := recordIn(test.state)
			if test.with != nil {
				test.with(f)
			}
			require.Equal(t, test.want, f.Expires())
		})
	}
}

// TestRetentionWaitsForWork checks that a record with waiting work is not removed, at any age.
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

// TestRetentionWithoutAHandover checks that the retention counts from the last webhook.
func TestRetentionWithoutAHandover(t *testing.T) {
	t.Parallel()
	f := &Record{Touched: noon()}
	require.Equal(t, noon().Add(machine.DefaultRetention), f.Expires())
	require.Equal(t, f.Expires(), f.WakeAt())
}

// TestForgetWaitsForADisconnect checks that a conversation that no session needs is still
// disconnected, for two minutes at most, and that running effects to Genesys are waited for. Only
// then is the record removed.
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

// TestForgetWaitsForTheAgentsWords checks that an accepted message from Genesys is delivered before
// the record is removed.
func TestForgetWaitsForTheAgentsWords(t *testing.T) {
	t.Parallel()
	f := recordIn(machine.StateEnded)
	f.Handover.HandedBack, f.Forget = true, ago(time.Second)
	f.In.Push(Entry{Seq: 1, Kind: KindNotice, Notice: &Notice{Kind: machine.NoticeEnded}})
	require.Equal(t, ago(time.Second), f.Expires(), "notices are dropped")
	f.In.Push(Entry{Seq: 2, Kind: KindDelivery, Delivery: &Delivery{ID: "a1"}})
	require.Zero(t, f.Expires())
}

// TestForgetWaitsForTheHost checks that a running callback is not followed by one for a new record
// of the customer before it returns.
func TestForgetWaitsForTheHost(t *testing.T) {
	t.Parallel()
	f := recordIn(machine.StateEnded)
	f.Handover.HandedBack, f.Forget = true, ago(time.Second)
	f.In.Push(Entry{Seq: 1, Kind: KindNotice, Notice: &Notice{Kind: machine.NoticeEnded}})
	f.In.Lease = Lease{Owner: "other", N: 1, Seq: 1, Until: noon().Add(LeaseTime)}
	require.Equal(t, noon().Add(LeaseTime+LeaseGrace), f.Expires())
}

// TestForgetWaitsForAStuckCallback checks a callback that ignores its context and still runs. If
// the record were removed, another callback would begin at the same time.
func TestForgetWaitsForAStuckCallback(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	tx.Forget = noon()
	require.Equal(t, noon(), tx.Expires())
	tx.In.Stuck = noon().Add(StuckTime)
	require.Equal(t, noon().Add(StuckTime), tx.Expires())
}

func TestForgetDropsWhatWasWritten(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	say(t, tx, "secret")
	tx.Forget = tx.Now
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.ForgetContent()
	tx.Tidy()
	ends(tx, noon())
	r, err := tx.Encode(tx.Key, 2)
	require.NoError(t, err)
	require.NotContains(t, string(r.Data), "secret")
	require.Zero(t, tx.Expires(), "the host still gets the end")
	j, list := atReturn(t, tx)
	require.Empty(t, list)
	settleAs(tx, j, Outcome{})
	require.False(t, tx.Expires().After(tx.Now))
}

// TestForgetKeepsLaterWords checks that messages of the customer after Forget, while the session
// still ends, are accepted and go into its Return.
func TestForgetKeepsLaterWords(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	tx := &Transaction{Record: &Record{Handover: &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateConnected, ConversationID: "c1"}}}, Now: now}
	tx.accept(Message{ID: "before", Text: "hello"})
	tx.Forget = now
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.ForgetContent()
	require.Empty(t, tx.Words)

	tx.accept(Message{ID: "after", Text: "hello"})
	tx.Apply(machine.Event{Kind: machine.EvReleased})
	tx.Tidy()
	require.Len(t, tx.Words, 1)
	require.Equal(t, "after", tx.Words[0].ID)
}

func TestANewHandoverIsNotForgottenWithTheOld(t *testing.T) {
	t.Parallel()
	f := recordIn(machine.StateEnded)
	f.Handover.HandedBack, f.Forget = true, ago(time.Second)
	tx := newTransaction(f)
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ID, c.Request = "bcdefghijkl3", "again"
	_, _ = tx.HandOver(c, &Opening{Texts: []string{"hello"}}, machine.Timers{})
	tx.Tidy()
	require.Equal(t, machine.StateRequested, tx.Handover.State)
	require.Zero(t, tx.Forget)
	require.Empty(t, tx.Past, "what was before is")
}
