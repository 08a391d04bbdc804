package record

import (
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Receipts report to Genesys whether an agent's message was delivered. Each message gets at most
// one final receipt.

const (
	maxAwaited  = 64
	awaitedTime = 10 * time.Minute // from when Deliver returned Pending
)

// An awaited receipt waits until the host reports the outcome of the message.
type awaited struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

// maxAddressees is the number of identities that the index in a mark can distinguish.
const maxAddressees = identityMask + 1

// An addressee is a customer id under which Genesys has the customer. With IdentitySession each
// handover has another.
type addressee struct {
	From  string    `json:"from"`
	Since time.Time `json:"since"` // older marks mean the identity that had this place before
}

// Addressee returns the index of a customer id in the table. A new one takes the place of the
// oldest of 8.
func (tx *Transaction) Addressee(from string) int {
	is := func(x addressee) bool { return x.From == from }
	if i := slices.IndexFunc(tx.Addressees, is); i >= 0 {
		return i
	}
	added := addressee{From: from, Since: tx.Now.Truncate(time.Minute)}
	if len(tx.Addressees) < maxAddressees {
		tx.Addressees = append(tx.Addressees, added)
	} else {
		oldest := slices.MinFunc(tx.Addressees, func(a, b addressee) int { return a.Since.Compare(b.Since) })
		tx.Addressees[slices.Index(tx.Addressees, oldest)] = added
	}
	return slices.IndexFunc(tx.Addressees, is)
}

// writtenTo returns the customer id that a message was written to. ok is false if it is no longer
// known.
func (f *Record) writtenTo(id string) (from string, ok bool) {
	i := f.ReceivedIDs.identityOf(id)
	at, known := f.ReceivedIDs.minute(id)
	if !known || i >= len(f.Addressees) || at.Before(f.Addressees[i].Since) {
		return "", false
	}
	return f.Addressees[i].From, true
}

// A VerdictOf a message is the outcome that the host reports.
type VerdictOf struct {
	Status openmessaging.Status     `json:"status"`
	Code   openmessaging.ReasonCode `json:"code,omitempty"`
	Silent bool                     `json:"silent,omitempty"` // without a receipt
}

func (v VerdictOf) failed() bool { return v.Status == openmessaging.StatusFailed }

// Conclude applies the outcome of a message that the host reports. It reports whether that changes
// anything.
func (tx *Transaction) Conclude(id string, v VerdictOf) bool {
	at := slices.IndexFunc(tx.In.Entries, func(x Entry) bool { return x.Delivery != nil && x.Delivery.ID == id })
	repeated := tx.ReceivedIDs.Recall("fail "+id) != UnknownID
	switch {
	case at < 0 && tx.ReceivedIDs.Recall(id) == UnknownID, repeated:
		return false
	case v.failed():
		tx.ReceivedIDs.Remember("fail "+id, ReceivedID, tx.Now)
	}
	switch {
	case at == 0 && tx.In.busy(tx.Now): // the outcome of the attempt settles it
		d := tx.In.Entries[0].Delivery
		if d.Verdict == nil {
			d.Verdict = &v
			return true
		}
		return v.failed() && !d.Verdict.failed() && tx.failedLater(id, v)
	case at >= 0: // an attempt failed, or its result is unknown
		tx.concluded(at, v, false)
		return true
	}
	pending, expired := tx.await(id)
	switch {
	case pending && !expired && (v.failed() || !v.Silent), !pending && v.failed() && !tx.ReceivedIDs.final(id):
		tx.finalReceipt(id, v)
	case pending && expired:
		tx.ReceivedIDs.finish(id)
	}
	if v.failed() {
		return tx.failedLater(id, v)
	}
	return pending
}

// await removes a message from the awaited ones.
func (tx *Transaction) await(id string) (pending, expired bool) {
	i := slices.IndexFunc(tx.Awaited, func(a awaited) bool { return a.ID == id })
	if i < 0 {
		return false, false
	}
	expired = tx.Now.Sub(tx.Awaited[i].At) >= awaitedTime
	tx.Awaited = slices.Delete(tx.Awaited, i, i+1)
	return true, expired
}

// pend begins to wait for the outcome of a message. Messages that waited too long, and the oldest
// of too many, get no receipt.
func (tx *Transaction) pend(id string) {
	tx.Awaited = append(tx.Awaited, awaited{ID: id, At: tx.Now})
	for len(tx.Awaited) > maxAwaited || tx.Now.Sub(tx.Awaited[0].At) >= awaitedTime {
		tx.ReceivedIDs.finish(tx.Awaited[0].ID)
		tx.Awaited = tx.Awaited[1:]
	}
}

// concluded removes a message from the lane to the host, because its outcome is known. receipted
// means that Genesys has its receipt.
func (tx *Transaction) concluded(at int, v VerdictOf, receipted bool) {
	d := *tx.In.remove(at).Delivery
	tx.Given = machine.Later(tx.Given, d.Time)
	switch {
	case receipted:
		tx.ReceivedIDs.finish(d.ID)
	case !v.Silent:
		tx.ReceivedIDs.finish(d.ID)
		tx.receipt(Receipt{ID: d.ID, Status: v.Status, Code: v.Code, To: d.From})
	}
	if v.failed() {
		tx.failedLater(d.ID, v)
	}
}

// finalReceipt queues the receipt of a message that is no longer in the lane.
func (tx *Transaction) finalReceipt(id string, v VerdictOf) {
	tx.ReceivedIDs.finish(id)
	if to, ok := tx.writtenTo(id); ok {
		tx.receipt(Receipt{ID: id, Status: v.Status, Code: v.Code, To: to})
	}
}

// failedLater adds the notice that a message failed.
func (tx *Transaction) failedLater(id string, v VerdictOf) bool {
	tx.AddLog("a message of the agent did not get to the customer", string(v.Code))
	tx.MessageFailed(id, "the customer did not get a message of the agent: "+string(v.Code))
	return true
}

// receipt queues a receipt for Genesys. If there are too many, it drops the oldest Delivered
// receipt, or else the oldest, and logs that in the record.
func (tx *Transaction) receipt(r Receipt) {
	r.Time = tx.Now
	tx.Receipts = append(tx.Receipts, r)
	if len(tx.Receipts) <= maxReceipts {
		return
	}
	i := slices.IndexFunc(tx.Receipts, func(r Receipt) bool { return r.Status != openmessaging.StatusFailed })
	if i < 0 {
		i = 0
		tx.logOnce(saidNoReceipt, "too many receipts wait")
	}
	tx.Receipts = slices.Delete(tx.Receipts, i, i+1)
}

func (r *Receipt) due() time.Time { return machine.Later(r.Time, r.At) }

// NextReceipt returns the receipt to send first, or nil: the one that is due first, but a failure
// precedes a Delivered receipt that is due up to 30 s earlier.
func (f *Record) NextReceipt() *Receipt {
	var next *Receipt
	order := func(r *Receipt) time.Time {
		if r.Status == openmessaging.StatusFailed {
			return r.due().Add(-backoffLast)
		}
		return r.due()
	}
	for i := range f.Receipts {
		if r := &f.Receipts[i]; next == nil || order(r).Before(order(next)) {
			next = r
		}
	}
	return next
}
