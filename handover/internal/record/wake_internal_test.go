package record

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// WakeAt is Until + 2 s for a leased entry, otherwise the later of NotBefore and the time of the
// entry.
func TestARecordWithWorkIsLeasedOrDue(t *testing.T) {
	t.Parallel()
	head := func(f *Record, l *lane) {
		l.Push(Entry{Seq: 1, Kind: KindNotice, At: ago(time.Minute), Notice: &Notice{}})
		f.Handover = nil
	}
	for name, test := range map[string]struct {
		with func(*Record)
		want machine.Time
	}{
		"due since it was accepted": {func(f *Record) { head(f, &f.Out) }, ago(time.Minute)},
		"not before":                {func(f *Record) { head(f, &f.Out); f.Out.NotBefore = noon() }, noon()},
		"the entry not before":      {func(f *Record) { head(f, &f.In); f.In.Entries[0].NotBefore = noon() }, noon()},
		"leased":                    {func(f *Record) { head(f, &f.In); f.In.Lease = Lease{Owner: "a", Until: noon()} }, noon().Add(2 * time.Second)},
		"the earlier lane": {func(f *Record) {
			head(f, &f.Out)
			head(f, &f.In)
			f.Out.Lease = Lease{Owner: "a", Until: noon()}
		}, ago(time.Minute)},
		"control is leased": {func(f *Record) {
			f.Handover, f.Watched = nil, []Watched{{At: ago(time.Minute)}}
			f.Control.Lease = Lease{Owner: "a", Until: noon()}
		}, noon().Add(2 * time.Second)},
		"a lease of a dead process wakes no replica before there is work": {func(f *Record) {
			f.Handover, f.Watched = nil, []Watched{{At: noon().Add(time.Minute)}}
			f.Control.Lease = Lease{Owner: "a", Until: noon()}
		}, noon().Add(time.Minute)},
		"nor where there is nothing": {func(f *Record) {
			f.Handover.Ending.Time, f.Control.Lease = noon(), Lease{Owner: "a", Until: noon()}
		}, noon().Add(73 * time.Hour)},
		"nor for a head that waits": {func(f *Record) {
			head(f, &f.Out)
			f.Out.NotBefore, f.Out.Lease = noon().Add(time.Minute), Lease{Owner: "a", Until: noon()}
		}, noon().Add(time.Minute)},
		"messages that would go to another conversation wait for a read": {func(f *Record) {
			f.Handover = new(machinetest.HandoverIn(machine.StateConnected))
			f.Words = []Word{wordOf(1, "first")}
			f.Handover.MovedTo, f.Handover.PollAt = "other", noon().Add(time.Second)
		}, noon().Add(time.Second)},
		"a message of the customer": {func(f *Record) {
			f.Handover, f.Words = new(machinetest.HandoverIn(machine.StateConnected)), []Word{wordOf(1, "first")}
		}, noon()},
		"a message that is being sent, and its session is over": {func(f *Record) {
			f.Words = []Word{wordOf(1, "first")}
			f.Out.Lease = Lease{Owner: "a", Seq: 1, Until: noon()}
		}, noon().Add(2 * time.Second)},
		"an opening that waits for a disconnect": {func(f *Record) {
			f.Handover = new(machinetest.HandoverIn(machine.StateRequested))
			f.Handover.Started, f.Handover.OpeningTriedAt, f.Handover.OpeningAcceptedAt, f.Handover.ConversationID = noon(), 0, 0, ""
			f.Out.Push(Entry{Seq: 1, Kind: KindOpen, At: noon(), Opening: &Opening{Texts: []string{"hello"}}})
			f.Watched = []Watched{{ID: "old", From: f.Handover.From, Close: true, At: noon().Add(time.Hour)}}
		}, noon().Add(30 * time.Second)},
		"but not for that of another identity": {func(f *Record) {
			f.Handover = new(machinetest.HandoverIn(machine.StateRequested))
			f.Handover.Started, f.Handover.OpeningTriedAt, f.Handover.OpeningAcceptedAt, f.Handover.ConversationID = noon(), 0, 0, ""
			f.Out.Push(Entry{Seq: 1, Kind: KindOpen, At: noon(), Opening: &Opening{Texts: []string{"hello"}}})
			f.Watched = []Watched{{ID: "old", From: "another", Close: true, At: noon().Add(time.Hour)}}
		}, noon()},
		"an entry without a time": {func(f *Record) { head(f, &f.Out); f.Out.Entries[0].At = 0 }, 1},
		"retention":               {func(f *Record) { f.Handover.Ending.Time = noon() }, noon().Add(73 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := recordIn(machine.StateEnded)
			test.with(f)
			require.Equal(t, test.want, f.WakeAt())
		})
	}
}

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
