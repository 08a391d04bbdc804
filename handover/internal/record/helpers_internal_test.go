package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

func noon() machine.Time { return machinetest.Noon() }

func ago(d time.Duration) machine.Time { return machinetest.Ago(d) }

// newTransaction returns a transaction at noon, for a host that uses notices, with a fixed clock
// and without randomness.
func newTransaction(f *Record) *Transaction {
	n := 0
	return &Transaction{
		Record: f, Key: machine.Key{Channel: "shop", Customer: "customer"}, Now: noon(), Notify: true,
		NewID:  func() string { n++; return fmt.Sprintf("adopted22%03d", n)[:environment.HandoverIDLength] },
		Jitter: func(d time.Duration) time.Duration { return d },
	}
}

// recordIn returns a record with a session in a state.
func recordIn(s machine.State) *Record {
	c := machinetest.HandoverIn(s)
	return &Record{Format: CurrentFormat, Created: 1, Touched: ago(10 * time.Minute), Handover: &c, Keep: machine.DefaultRetention}
}

// opens returns a transaction on a session with an opening in the lane.
func opens(c machine.Handover) *Transaction {
	tx := newTransaction(&Record{Format: CurrentFormat, Created: 1, Touched: noon(), Handover: &c, Keep: machine.DefaultRetention})
	tx.Out.Push(Entry{Seq: tx.NextSeq(), Kind: KindOpen, Handover: c.ID, At: noon(), Opening: &Opening{Texts: []string{"summary"}}})
	return tx
}

// unanswered returns a transaction on a session. Its opening began at noon and has no answer.
func unanswered() *Transaction {
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt, c.OpeningTriedAt, c.Started = "", 0, noon(), noon()
	return opens(c)
}

// copied returns a record as another replica would load it.
func copied(tb testing.TB, f *Record) *Record {
	tb.Helper()
	r, err := f.Encode(machine.Key{Channel: "shop", Customer: "customer"}, 1)
	require.NoError(tb, err)
	g, err := Decode(r)
	require.NoError(tb, err)
	return g
}

// jobOn is a job of another replica than the earlier ones. It performs the head of a lane as it is
// now.
func jobOn(tb testing.TB, tx *Transaction, n LaneName) *Job {
	tb.Helper()
	tx.Leases++
	head := tx.ClaimHead(n)
	taken := Lease{Owner: fmt.Sprint("replica ", tx.Leases), N: tx.Leases, Seq: head.Seq, Until: tx.Now.Add(LeaseTime)}
	tx.Lane(n).Lease = taken
	return &Job{Key: tx.Key, Lane: n, Lease: taken, Head: head, Record: copied(tb, tx.Record), Began: tx.Now.Std()}
}

// settleAs stores an outcome as the Environment does.
func settleAs(tx *Transaction, j *Job, o Outcome) {
	if tx.Release(j) {
		return
	}
	switch j.Lane {
	case ToGenesys:
		tx.SettleOut(j, o)
	case ToHost:
		tx.SettleIn(j, o)
	default:
		tx.SettleTask(j, o)
	}
	tx.Tidy()
}

// wordOf is a message of the customer that waits for the agents of the session in recordIn.
func wordOf(seq uint64, id string) Word {
	m := Message{ID: id, Text: "words " + id}
	return Word{Seq: seq, ID: id, Message: &m, At: noon(), Wire: noon(), Size: SizeOf(m), Handover: "abcdefghijk2"}
}

// texts lists the texts of the customer's messages in a Return.
func texts(f *Record, r Entry) []string {
	list := []string{}
	for i := range f.Words {
		if w := &f.Words[i]; w.Message != nil && (w.Return == r.Seq || !r.Unsure && w.Return == 0) {
			list = append(list, w.Message.Text)
		}
	}
	return list
}

// queued lists the texts of the customer's messages that wait for Genesys.
func queued(f *Record) []string {
	list := []string{}
	for _, x := range f.EntriesOut() {
		if x.Message != nil {
			list = append(list, x.Message.Text)
		}
	}
	return list
}

// inState lists the texts of the words in a state.
func inState(f *Record, s wordState) []string {
	list := []string{}
	for i := range f.Words {
		if w := &f.Words[i]; w.State == s && w.Message != nil {
			list = append(list, w.Message.Text)
		}
	}
	return list
}

// firstReturn is the first Return that waits.
func firstReturn(tb testing.TB, f *Record) Entry {
	tb.Helper()
	for _, x := range f.In.Entries {
		if x.Kind == KindReturn {
			return x
		}
	}
	require.FailNow(tb, "no Return waits")
	return Entry{}
}

// kinds lists the kinds of entries.
func kinds(list []Entry) (kinds []EntryKind) {
	for _, x := range list {
		kinds = append(kinds, x.Kind)
	}
	return kinds
}

// next ends the session and begins another one of the same customer, with an opening.
func next(t *testing.T, tx *Transaction) {
	t.Helper()
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ID, c.Request, c.From = "abcdefghijk3", "another request", "customer~abcdefghijk3"
	c.ConversationID, c.OpeningTriedAt, c.OpeningAcceptedAt = "", 0, 0
	o, err := Request{ID: c.Request, Summary: "summary"}.Opening([]string{"summary"}, c.From)
	require.NoError(t, err)
	tx.Begin(c, o)
	tx.Tidy()
}
