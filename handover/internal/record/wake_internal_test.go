package record

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// TestARecordWithWorkIsLeasedOrDue checks that WakeAt is Until + 2 s for a leased entry, otherwise
// the later of NotBefore and the time of the entry.
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

// TestWordOfDeadSenderIsDue checks a process that dies while it sends a word. The session ends
// before the lease expires. Then the word goes into a Return, so the record is due at that time.
func TestWordOfDeadSenderIsDue(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	message := Message{ID: "m1", Text: "hello"}
	f := &Record{
		Handover: &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateEnded}, HandedBack: true, Returned: true},
		Words:    []Word{{Seq: 1, ID: "m1", Message: &message, At: now, Handover: "aaaaaaaaaaaa"}},
		Out:      lane{Lease: Lease{Owner: "dead", N: 1, Seq: 1, Until: now.Add(LeaseTime)}},
	}

	require.Equal(t, now.Add(LeaseTime+LeaseGrace), f.WakeAt())

	tx := &Transaction{Record: f, Now: now.Add(LeaseTime + LeaseGrace)}
	tx.Tidy()
	require.Len(t, f.In.Entries, 1)
	require.Equal(t, KindReturn, f.In.Entries[0].Kind)
	require.Equal(t, f.In.Entries[0].At, f.WakeAt())
}

// TestOpeningBehindATextIsDue checks a session that begins in the bot's turn while a process may
// still be sending the text that the customer has left. The opening is due when that attempt is
// over, also while a Return runs.
func TestOpeningBehindATextIsDue(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	tx.Out.Push(Entry{Seq: tx.NextSeq(), Kind: kindLeft, Handover: tx.Handover.ID, At: noon(), Text: "bye"})
	tx.Out.Lease = Lease{Owner: "another", N: 1, Seq: tx.Seq, Until: noon().Add(LeaseTime)}
	w := wordOf(tx.NextSeq(), "m1")
	w.State = wordSent
	tx.Words = append(tx.Words, w)
	tx.Tidy()
	c := machinetest.HandoverIn(machine.StateBot)
	c.ID, c.ConversationID, c.OpeningTriedAt, c.OpeningAcceptedAt = "zyxwvutsrqp2", "", 0, 0
	tx.Begin(c, &Opening{Texts: []string{"summary"}})
	tx.Tidy()
	tx.Now = noon().Add(returnHold)
	tx.In.Lease = Lease{Owner: "another", N: 2, Seq: tx.ClaimHead(ToHost).Seq, Until: tx.Now.Add(LeaseTime)}
	require.Equal(t, KindReturn, tx.In.Entries[0].Kind)

	require.Equal(t, noon().Add(LeaseTime+LeaseGrace), tx.WakeAt())
	tx.Now = tx.WakeAt()
	tx.Tidy()
	require.True(t, tx.Ready(ToGenesys))
	require.Equal(t, KindOpen, tx.ClaimHead(ToGenesys).Kind)
}
