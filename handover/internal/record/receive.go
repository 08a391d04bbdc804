package record

import (
	"cmp"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// The ages of webhooks.
const (
	replayAge = 15 * time.Minute       // Genesys stops retrying a webhook after 85 s
	flowHold  = 250 * time.Millisecond // flows post in bursts and out of order
)

// Replays reports whether a webhook with an unknown id is a replay, by Genesys' clock: the memory
// of ids covers replayAge. Until the offset of that clock is measured, it reports false. An old
// message of a conversation of this customer may be one that Genesys could not post before, unless
// it was written before the opening.
func (tx *Transaction) Replays(o *openmessaging.Outbound) bool {
	if o.Time.IsZero() || tx.Clock.Unmeasured || tx.genesysNow().Sub(machine.TimeOf(o.Time)) <= replayAge {
		return false
	}
	if c := tx.Open(); c != nil && o.ConversationID != "" && o.ConversationID == c.ConversationID {
		return machine.TimeOf(o.Time).Before(c.MessagesSince())
	}
	w := tx.watching(o.ConversationID)
	return w == nil || machine.TimeOf(o.Time).Before(w.Since)
}

// AcceptMessage adds a message for the customer to the lane to the host. A message that finds the
// lane full is refused, and still proves that its author is there.
func (tx *Transaction) AcceptMessage(o *openmessaging.Outbound, body openmessaging.Message, notBefore machine.Time) {
	id := o.ID
	if id == "" {
		id = tx.EntryID("", tx.NextSeq())
	}
	d := Delivery{ID: id, Message: body, Origin: o.Origin, Time: machine.TimeOf(o.Time), From: o.CustomerID}
	current := tx.OfCurrentSession(o)
	human := o.Origin != openmessaging.OriginBot
	if current && tx.Open() != nil && tx.Handover.ConversationID == "" && o.ConversationID != "" {
		tx.Apply(machine.Event{Kind: machine.EvNamed, Conversation: o.ConversationID})
	}
	switch {
	case current && human && tx.Open() != nil:
		tx.Apply(machine.Event{Kind: machine.EvAgentWrote, Began: machine.TimeOf(o.Time)})
		if tx.Handover.MovedTo == "" { // the agent has not seen words sent to another conversation
			tx.answered(tx.spoken(machine.TimeOf(o.Time)), false)
		}
	case human && o.ConversationID != "" && (tx.Open() == nil || tx.Handover.ConversationID != o.ConversationID):
		tx.wroteElsewhere(o)
	}
	if !tx.makeRoom(len(body.Text)) {
		tx.ReceivedIDs.finish(id)
		tx.receipt(Receipt{ID: id, Status: openmessaging.StatusFailed, Code: openmessaging.ReasonRateLimited, To: o.CustomerID})
		tx.reportOverflow()
		return
	}
	d.Session, d.Late = tx.belongs(o, current)
	tx.deliver(d, notBefore)
}

// wroteElsewhere handles a person's message in a conversation other than that of the open session.
// A read shows whether an agent is there.
func (tx *Transaction) wroteElsewhere(o *openmessaging.Outbound) {
	at := tx.written(machine.TimeOf(o.Time))
	w := tx.watch(o.ConversationID, o.CustomerID, at, tx.Now.Add(adoptPause))
	w.WroteAt = machine.Later(w.WroteAt, at)
	if c := tx.Open(); c != nil && c.ConversationID != "" {
		tx.readNext(c)
	}
}

// readNext schedules the next possible read of the session's conversation. Unlike a signal, its
// cause says nothing about signals.
func (tx *Transaction) readNext(c *machine.Handover) {
	if at := tx.mayReadAt(c); !tx.readBy(c, at) {
		c.PollAt, c.Poll = at, false
		c.Requests++
	}
}

// readBy reports whether a read is scheduled that will begin by a time and show what is so now. A
// poll does not count, because it may wait for its share of the rate limit, nor does a read that is
// running, because it may have begun before.
func (tx *Transaction) readBy(c *machine.Handover, at machine.Time) bool {
	reads := !tx.Control.Lease.Free(tx.Now) || !tx.Out.Lease.Free(tx.Now)
	return !c.PollAt.IsZero() && !c.Poll && !c.PollAt.After(at) && !reads
}

// mayReadAt returns when the session's conversation may be read again.
func (tx *Transaction) mayReadAt(c *machine.Handover) machine.Time {
	pause := machine.ReadPause
	if c.Blind {
		pause = machine.BlindPause
	}
	return machine.Later(tx.Now, c.ReadAt.Add(pause))
}

// MessageArrived notes that webhooks arrive, and returns until when this one waits: flows post out
// of order, and after a gap missing messages are delivered first.
func (tx *Transaction) MessageArrived(o *openmessaging.Outbound) machine.Time {
	until := machine.Time(0)
	if o.Origin == openmessaging.OriginBot {
		until = tx.Now.Add(flowHold)
	}
	c := tx.Open()
	// The opening may have revived this conversation.
	if c != nil && c.ConversationID == "" && c.From == o.CustomerID {
		c.Reached = true
	}
	if c != nil && tx.OfCurrentSession(o) {
		c.Reached = true
		if !c.GapAt.IsZero() {
			until = tx.Now.Add(gapHold)
			tx.readNext(c)
		}
	}
	return until
}

// Reached notes that a webhook of a conversation has arrived, even if its session is over or has a
// successor, if a message of the session has just opened it, or if it is watched only because of
// that webhook.
func (tx *Transaction) Reached(o *openmessaging.Outbound) {
	if w := tx.watching(o.ConversationID); w != nil {
		w.Reached = true
	}
	if c := tx.Handover; c != nil && o.ConversationID != "" && (c.ConversationID == o.ConversationID || c.MovedTo == o.ConversationID) {
		c.Reached = true
	}
	if p := tx.pastIn(o.ConversationID); p != nil {
		p.Reached = true
	}
}

// keepReached notes whether webhooks of the conversation have arrived that a session has just got.
// Those of other conversations prove nothing: if reads list none of their ids, that is not because
// webhooks have others. first means that the session had none before: a webhook may have been of
// the conversation that its opening has revived.
func (tx *Transaction) keepReached(c *machine.Handover, first bool) {
	c.Reached = c.Reached && first && tx.wasIn(c.ConversationID)
	if w := tx.watching(c.ConversationID); w != nil {
		c.Reached, c.Proven = c.Reached || w.Reached, c.Proven || w.Proven
	}
}

// written returns when a message was written, by Genesys' clock. For a message without a time or
// with a future time it returns now.
func (tx *Transaction) written(at machine.Time) machine.Time {
	if now := tx.genesysNow(); at.IsZero() || !tx.Clock.Unmeasured && at.After(now) {
		return now
	}
	return at
}

// spoken returns up to when a message of an agent answers the customer's messages, by Genesys'
// clock. A message without a time was written somewhat earlier than it arrived.
func (tx *Transaction) spoken(at machine.Time) machine.Time {
	if at.IsZero() {
		return tx.genesysNow().Add(-machine.ClockSlack)
	}
	return tx.written(at)
}

// OfCurrentSession reports whether a message belongs to the conversation of the open session, or of
// the one that just ended without a Return yet. A person's message before the answer to the opening
// belongs to it, unless its conversation is that of an earlier session.
func (tx *Transaction) OfCurrentSession(o *openmessaging.Outbound) bool {
	c := tx.Handover
	switch {
	case c == nil:
		return false
	case c.State == machine.StateEnded && !tx.returnWaits(c.ID):
		return false
	case !o.Time.IsZero() && !c.TriedByHost && machine.TimeOf(o.Time).Before(c.MessagesSince()): // both by Genesys' clock
		return false // of an earlier handover in the same conversation
	case c.ConversationID == "" && c.OpeningTriedAt.IsZero():
		return false // Genesys has not received the opening
	case o.ConversationID == "":
		return c.From == o.CustomerID
	case c.OpeningAcceptedAt.IsZero() && c.ConversationID == "" && tx.Clock.Unmeasured && o.Origin != openmessaging.OriginBot:
		// An agent cannot answer that early, and the message may be of an earlier conversation.
		return false
	case c.ConversationID == "":
		return c.From == o.CustomerID && c.Open() && !tx.wasIn(o.ConversationID)
	default:
		return o.ConversationID == c.ConversationID
	}
}

// returnWaits reports whether no Return of a handover has been attempted yet.
func (f *Record) returnWaits(handover string) bool {
	if f.Handover != nil && f.Handover.ID == handover && f.Handover.Returned {
		return false
	}
	return f.returnOf(handover) >= 0
}

// belongs returns the handover that a message belongs to, and whether the message is late.
func (tx *Transaction) belongs(o *openmessaging.Outbound, current bool) (machine.Session, bool) {
	if current {
		return tx.Handover.Session, false
	}
	if tx.Handover != nil && o.ConversationID != "" && o.ConversationID == tx.Handover.ConversationID {
		return tx.Handover.Session, true
	}
	_, handover, _ := SplitFrom(o.CustomerID)
	if p := find(tx.Past, func(p *past) bool {
		return o.ConversationID != "" && p.Session.ConversationID == o.ConversationID || p.Session.ID == handover
	}); p != nil {
		return p.Session, true
	}
	return machine.Session{Key: tx.Key, ConversationID: o.ConversationID}, true
}

// reportOverflow notifies the host once that messages are refused, until there is room again.
func (tx *Transaction) reportOverflow() {
	const detail = "too many messages wait for the host: the agent sees that they failed"
	if slices.ContainsFunc(tx.In.Entries, func(x Entry) bool { return x.Notice != nil && x.Notice.Detail == detail }) {
		return
	}
	tx.AddLog("a message of the agent was refused, because too much waits for the host", "")
	tx.MessageFailed("", detail)
}

// HostIDOf returns the host's id of a message that Genesys names by its id, or "".
func (f *Record) HostIDOf(platform string) string {
	if s := find(f.Sent, func(s *sentID) bool { return s.Platform == platform }); s != nil {
		return s.Host
	}
	return ""
}

// Reported applies a report that a conversation ended at a time, zero if unknown. It reports
// whether there is a change to store.
func (tx *Transaction) Reported(conversation string, at machine.Time) bool {
	stored := false
	if !tx.Handover.Open() && !tx.Handover.Blind {
		return false // a read has confirmed the end
	}
	if at.IsZero() {
		if stored = tx.firstReport(conversation); !stored && tx.ReceivedIDs.Recall(reportKey(conversation, tx.Handover.ID)) == UnknownID {
			return false // a duplicate: it is about an earlier session
		}
		at = tx.genesysNow()
	}
	before := *tx.Handover
	tx.Apply(machine.Event{Kind: machine.EvSignalled, Began: tx.written(at)})
	return stored || *tx.Handover != before
}

// firstReport remembers that a report without a time arrived for the current session of a
// conversation. It reports whether none arrived in the 15 minutes before.
func (tx *Transaction) firstReport(conversation string) bool {
	key := reportKey(conversation, "")
	if last, ok := tx.ReceivedIDs.minute(key); ok && tx.Now.Sub(last) < markPeriod {
		return false
	}
	tx.ReceivedIDs.Remember(key, ReceivedID, tx.Now)
	tx.ReceivedIDs.Remember(reportKey(conversation, tx.Handover.ID), ReceivedID, tx.Now)
	return true
}

func reportKey(conversation, session string) string { return "ended " + conversation + " " + session }

// ReadSoon schedules a read and reports whether there is a change to store. It changes nothing if
// one is scheduled within the next second and none is running. Reads are at least 2 s apart, and
// the last of many signals always leads to a read.
func (tx *Transaction) ReadSoon(c *machine.Handover) bool {
	at := tx.mayReadAt(c)
	// A read with a reason has its best time. An earlier one delays the next by 2 s.
	if tx.readBy(c, at.Add(machine.FirstRead)) {
		return false
	}
	c.PollAt, c.Poll, c.SignalledAt, c.Unsignalled = at, false, tx.Now, 0
	c.Requests++
	return true
}

// Receipts report to Genesys whether an agent's message was delivered. Each message gets at most
// one final receipt.

const (
	maxAwaited  = 64
	awaitedTime = 10 * time.Minute // from when Deliver returned Pending
)

// An awaited receipt waits until the host reports the outcome of the message.
type awaited struct {
	ID string       `json:"id"`
	At machine.Time `json:"at"`
}

// maxAddressees is the number of identities that the index in a mark can distinguish.
const maxAddressees = identityMask + 1

// An addressee is a customer id under which Genesys has the customer. With IdentitySession each
// handover has another.
type addressee struct {
	From  string       `json:"from"`
	Since machine.Time `json:"since"` // older marks mean the identity that had this place before
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
		oldest := slices.MinFunc(tx.Addressees, func(a, b addressee) int { return cmp.Compare(a.Since, b.Since) })
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

func (r *Receipt) due() machine.Time { return machine.Later(r.Time, r.At) }

// NextReceipt returns the receipt to send first, or nil: the one that is due first, but a failure
// precedes a Delivered receipt that is due up to 30 s earlier.
func (f *Record) NextReceipt() *Receipt {
	var next *Receipt
	order := func(r *Receipt) machine.Time {
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
