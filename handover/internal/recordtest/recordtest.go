// Package recordtest contains the helpers that white-box tests of the packages above record share:
// a record with a session in each state, and a transaction and a job on it. Only tests import it.
// The tests of record itself have copies, because they cannot import a package that imports record.
package recordtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// NewTransaction returns a transaction on a record at noon, for a host that uses notices. It is
// deterministic.
func NewTransaction(f *record.Record) *record.Transaction {
	n := 0
	return &record.Transaction{
		Record: f, Key: machine.Key{Channel: "shop", Customer: "customer"}, Now: machinetest.Noon(), Notify: true,
		NewID:  func() string { n++; return fmt.Sprintf("adopted22%03d", n)[:environment.HandoverIDLength] },
		Jitter: func(d time.Duration) time.Duration { return d },
	}
}

// RecordIn returns a record with a session in a state.
func RecordIn(s machine.State) *record.Record {
	c := machinetest.HandoverIn(s)
	return &record.Record{Format: record.CurrentFormat, Created: 1, Touched: machinetest.Ago(10 * time.Minute), Handover: &c, Keep: machine.DefaultRetention}
}

// Copied returns a record as another replica would load it.
func Copied(tb testing.TB, f *record.Record) *record.Record {
	tb.Helper()
	r, err := f.Encode(machine.Key{Channel: "shop", Customer: "customer"}, 1)
	if err != nil {
		tb.Fatal(err)
	}
	g, err := record.Decode(r)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// JobOn returns a job that performs the head of a lane of tx as it is now.
func JobOn(tb testing.TB, tx *record.Transaction, n record.LaneName) *record.Job {
	tb.Helper()
	tx.Leases++
	head := tx.ClaimHead(n)
	taken := record.Lease{Owner: "replica", N: tx.Leases, Seq: head.Seq, Until: tx.Now.Add(record.LeaseTime)}
	tx.Lane(n).Lease = taken
	return &record.Job{Key: tx.Key, Lane: n, Lease: taken, Head: head, Record: Copied(tb, tx.Record), Began: tx.Now.Std()}
}

// WordOf returns a message of the customer that waits for the agents of the session of RecordIn.
func WordOf(seq uint64, id string) record.Word {
	m := record.Message{ID: id, Text: "words " + id}
	return record.Word{Seq: seq, ID: id, Message: &m, At: machinetest.Noon(), Wire: machinetest.Noon(), Size: record.SizeOf(m), Handover: "abcdefghijk2"}
}

// Queued lists the texts of the messages that wait for Genesys.
func Queued(f *record.Record) []string {
	list := []string{}
	for _, x := range f.EntriesOut() {
		if x.Message != nil {
			list = append(list, x.Message.Text)
		}
	}
	return list
}
