package record

import (
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Overdue returns for how long the record has been due.
func (tx *Transaction) Overdue() time.Duration {
	if at := tx.WakeAt(); !at.IsZero() {
		return max(0, tx.Now.Sub(at))
	}
	return 0
}

// Retention returns how long the record is kept after its end.
func (f *Record) Retention() time.Duration {
	if f.Keep <= 0 {
		return machine.DefaultRetention
	}
	return f.Keep
}

// GiveUp drops the effects that wait for Genesys and can never be performed. The host gets a Return
// with the customer's messages, and a notice.
func (tx *Transaction) GiveUp(why string) {
	why = "given up: " + why
	tx.AddLog(saidGivenUp, why)
	open := tx.Open() != nil
	if open {
		tx.Apply(machine.Event{Kind: machine.EvFailed, Code: machine.CodeNoAnswer, Detail: why})
		tx.Tidy()
	}
	waits := len(tx.Watched)+len(tx.Receipts)+len(tx.Out.Entries) > 0
	for i := range tx.Watched {
		tx.reportUnseen(&tx.Watched[i], why, "")
	}
	tx.Watched, tx.Receipts = nil, nil
	tx.dropEntries(func(Entry) bool { return true })
	if waits && !open {
		tx.Notice(Notice{Kind: machine.NoticeConnectionLost, Detail: why})
	}
	tx.Control = lane{}
	tx.Abandoned = tx.Now
}
