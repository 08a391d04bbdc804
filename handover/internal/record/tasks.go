package record

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A TaskKind is the kind of a task. A task follows from the state of the record and not from an
// entry. It repeats until the state no longer requires it. Each task first reads the conversation,
// except a receipt.
type TaskKind string

// The kinds of tasks.
const (
	TaskNone    TaskKind = ""
	TaskLook    TaskKind = "look"    // read, then transfer or disconnect if the state requires it
	TaskReceipt TaskKind = "receipt" // send a receipt for an agent's message
	TaskWatch   TaskKind = "watch"   // look at a watched conversation
)

// adoptPause delays the adoption of a conversation, so that a message that arrived around the
// end of a session is settled first.
const adoptPause = time.Second

// NextTask returns the next task and when it is due, or TaskNone. Each task has its own pause after
// a failure, so that one that keeps failing does not delay the others.
func (f *Record) NextTask() (TaskKind, machine.Time) {
	kind, at := TaskNone, machine.Time(0)
	consider := func(k TaskKind, t machine.Time) {
		if !t.IsZero() && (kind == TaskNone || t.Before(at)) {
			kind, at = k, t
		}
	}
	if c := f.Open(); c != nil {
		consider(TaskLook, f.lookAgainAt(c))
	}
	if r := f.NextReceipt(); r != nil {
		consider(TaskReceipt, r.due())
	}
	if w := f.NextWatched(); w != nil {
		consider(TaskWatch, f.watchedAt(w))
	}
	return kind, at
}

// lookAgainAt returns when the open session is to be read, after the pause of a look that failed. A
// timer waits for that pause and for a rate limit of Genesys, but at most TimerPatience.
func (f *Record) lookAgainAt(c *machine.Handover) machine.Time {
	at := f.lookAt(c)
	if at.IsZero() {
		return at
	}
	at = machine.Later(at, f.Control.NotBefore)
	if k, t := c.Timer(); k != machine.TimerNone {
		at = machine.Earlier(at, t.Add(k.Patience()))
	}
	return at
}

// lookAt returns when the open session is to be read: by its schedule, or because a timer is
// due.
func (f *Record) lookAt(c *machine.Handover) machine.Time {
	at := machine.Time(0)
	if f.Conversation() != "" && (!c.Blind || c.State != machine.StateEnding || !c.LeftSent) {
		at = c.PollAt
		if drained := c.EndRequestedAt.Add(machine.DrainPatience); c.State == machine.StateEnding && f.Sends() && at.Before(drained) {
			at = drained
		}
	}
	_, t := c.Timer()
	return machine.Soonest(at, t)
}

// Conversation returns the id of the conversation to read: that of the session or, before
// Genesys has named it, the customer's last one. The opening may have revived the last one, and the
// answer to it may not name it.
func (f *Record) Conversation() string {
	c := f.Handover
	switch {
	case c.ConversationID != "" || c.OpeningAcceptedAt.IsZero() || c.State == machine.StateBot || c.State == machine.StateEnding:
		return c.ConversationID
	default:
		return f.lastConversation(c.From)
	}
}

// lastConversation returns the last conversation under an identity, as far as the record knows it.
// The answers to the openings of several sessions in a row may name none.
func (f *Record) lastConversation(from string) string {
	if len(f.Past) > 0 && f.Past[0].From == from && f.Past[0].Session.ConversationID != "" {
		return f.Past[0].Session.ConversationID
	}
	for _, w := range slices.Backward(f.Watched) {
		if w.From == from {
			return w.ID
		}
	}
	for _, p := range f.Past {
		if p.From == from && p.Session.ConversationID != "" {
			return p.Session.ConversationID
		}
	}
	return ""
}

// paused reports whether the lane to Genesys has to wait. It waits for the end of a conversation
// that was replaced, because its messages would reach the other one. It also waits for a running
// Return, because the messages of that Return are sent first if the host refuses it.
func (f *Record) paused() bool {
	c := f.Open()
	return c != nil && (c.MovedTo != "" || f.waitsForReturn())
}

func (f *Record) waitsForReturn() bool {
	if !f.In.begun() || f.In.Entries[0].Kind != KindReturn {
		return false
	}
	if h, ok := f.head(); !ok || h.opens() || h.Kind == kindLeft {
		return false
	}
	return slices.ContainsFunc(f.Words, func(w Word) bool { return w.Return == f.In.Entries[0].Seq })
}

// WakeAt returns when a replica has to work on the record. A record with work is always leased or
// due.
func (f *Record) WakeAt() machine.Time {
	at := machine.Time(0)
	if t, ok := f.headReady(); ok && !f.paused() {
		at = machine.Later(f.Out.Lease.over(t), machine.Time(1))
	}
	if w := f.word(f.Out.Lease.Seq); w != nil && w.Handover != "" && (f.Open() == nil || w.Handover != f.Handover.ID) {
		// It is being sent, and its session is over.
		at = machine.Soonest(at, f.Out.Lease.over(w.At))
	}
	if t, ok := f.In.ready(); ok {
		at = machine.Soonest(at, machine.Later(f.In.Lease.over(t), machine.Time(1)))
	}
	if kind, t := f.NextTask(); kind != TaskNone {
		at = machine.Soonest(at, f.Control.Lease.over(t))
	}
	if at.IsZero() {
		at = f.Expires()
	}
	return at
}

// forgetPatience is how long a record that is to be forgotten waits for its conversations to be
// closed.
const forgetPatience = 2 * time.Minute

// Expires returns when the record may be removed. It is zero while the record has work.
func (f *Record) Expires() machine.Time {
	// Messages to Genesys and from agents are waited for; notices are not.
	waits := len(f.Out.Entries)+len(f.Words) > 0 ||
		slices.ContainsFunc(f.In.Entries, func(x Entry) bool { return x.Kind == KindDelivery })
	if !f.Forget.IsZero() && f.Open() == nil && !f.returns() && !waits {
		at := machine.Later(f.Forget, f.In.Stuck, machine.Time(1))
		// The host's callback may still run. No other one may run at the same time.
		if f.In.begun() {
			at = machine.Later(at, f.In.Lease.Until.Add(LeaseGrace))
		}
		if slices.ContainsFunc(f.Watched, func(w Watched) bool { return w.Close && w.ClosedAt.IsZero() && w.Closings < maxClosings }) {
			at = at.Add(forgetPatience)
		}
		return at
	}
	if !f.idle() || f.Keep < 0 {
		return 0
	}
	from := f.Touched
	if f.Handover != nil {
		from = machine.Later(from, f.Handover.Ending.Time)
	}
	return from.Add(f.Retention())
}

// A SocketState is the known state of the socket of an OAuth client.
type SocketState int

// The states of a notification socket.
const (
	SocketNone SocketState = iota // there is none, or its state is unknown
	SocketAlive
	SocketGone
)

const (
	maxRefusals     = 3
	maxReceiptTries = 8
)

// SettleTask stores the result of a task.
func (tx *Transaction) SettleTask(j *Job, o Outcome) {
	if o.Alarm != "" {
		tx.Notice(Notice{Kind: machine.NoticeConnectionLost, Detail: o.Alarm})
	}
	look := o.Task == TaskLook && tx.sameSession(j)
	if was := j.Record.Handover; look && was.ConversationID != "" && was.ConversationID != tx.Handover.ConversationID {
		tx.settleElsewhere(j, o)
		return
	}
	if look {
		tx.noteRequested(j, o.Read)
		if o.Socket != SocketNone {
			tx.Apply(machine.Event{Kind: machine.EvSocket, Alive: o.Socket == SocketAlive})
		}
		if endWaits := tx.settleGap(o); !endWaits {
			tx.settleRead(o.Read, o.End)
		}
	}
	switch {
	case o.Task == TaskReceipt, o.Task == TaskWatch && tx.Open() != nil:
		// They wait separately, see settleReceipt and settleWatched, and delay no look.
	case o.Task == TaskNone && o.Err != nil:
		// The task could not begin in time, so it has no result.
		tx.Control.NotBefore = tx.backoff(1, o)
	case o.failed():
		tx.Control.Failures++
		tx.Control.NotBefore = tx.backoff(tx.Control.Failures, o)
		if tx.Control.First.IsZero() {
			tx.Control.First = tx.Now
		}
		since := tx.Control.First
		if tx.Handover != nil {
			since = machine.Later(since, tx.Handover.Started)
		}
		if tx.Now.Sub(since) >= tx.patience() {
			tx.GiveUp(Explain(o.Err))
			return
		}
	default:
		tx.Control.Failures, tx.Control.NotBefore, tx.Control.First = 0, 0, 0
	}
	switch {
	case look:
		if tx.settleLook(j, o); tx.Open() != nil && !tx.unsure(o) {
			if tx.fireTimers(); tx.Open() == nil {
				tx.repairEnd(o.Read)
			}
		}
	case o.Task == TaskReceipt:
		tx.settleReceipt(j, o)
	case o.Task == TaskWatch:
		tx.settleWatched(j, o)
	}
}

// settleElsewhere ignores what a look at a conversation showed that the session has left. Messages
// that are missing there are looked for by another task.
func (tx *Transaction) settleElsewhere(j *Job, o Outcome) {
	c := j.Record.Handover
	if len(o.Asked) > 0 {
		w := tx.watch(c.ConversationID, c.From, c.OpeningTriedAt, tx.Now)
		w.Handover, w.Incomplete = c.ID, true
	}
	tx.Control.Failures, tx.Control.NotBefore, tx.Control.First = 0, 0, 0
}

// failed reports whether a task has no result. A read that is forbidden, or finds no conversation,
// is a result.
func (o Outcome) failed() bool {
	return o.Err != nil && (o.Read == nil || !o.Read.Blind && !o.Read.Gone)
}

func (tx *Transaction) sameSession(j *Job) bool {
	return tx.Handover != nil && j.Record.Handover != nil && tx.Handover.ID == j.Record.Handover.ID
}

func (tx *Transaction) settleLook(j *Job, o Outcome) {
	if tx.Open() == nil {
		return
	}
	if tx.Handover.Queue == j.Record.Handover.Queue { // no HandOver has named another one
		tx.Handover.QueueID, tx.Handover.BotQueue = cmp.Or(tx.Handover.QueueID, o.QueueID), cmp.Or(tx.Handover.BotQueue, o.BotQueue)
	}
	if tx.Handover.ConversationID == "" {
		tx.settleSearch(o)
		return
	}
	routing := o.Code != "" || o.Refused != nil && !o.Tried
	switch {
	case routing && tx.Handover.State != j.Record.Handover.State: // it may be with an agent already
	case o.Code != "":
		tx.Handover.Leftover = machine.LeftoverOpen
		tx.Apply(machine.Event{Kind: machine.EvRefused, Code: o.Code, Detail: Explain(o.Err)})
	case o.Transferred:
		tx.Apply(machine.Event{Kind: machine.EvTransferred})
	case o.Doubtful:
		tx.Handover.Transferred, tx.Handover.LastWriteAt, tx.Handover.TransferDoubt = tx.Now, tx.Now, true
	case o.Disconnected:
		tx.Handover.DisconnectedAt, tx.Handover.PollAt, tx.Handover.Poll = tx.Now, tx.Now.Add(machine.FirstRead), false
		if tx.Handover.Disconnects++; tx.Handover.Blind {
			tx.Apply(machine.Event{Kind: machine.EvReleased, Code: tx.Handover.Ending.Code, Detail: tx.Handover.Ending.Detail})
		}
	case o.Refused != nil && o.Tried:
		tx.notDisconnected(o)
	case o.Refused != nil:
		tx.notTransferred(o)
	}
}

// settleSearch stores the found conversation, or schedules the next search.
func (tx *Transaction) settleSearch(o Outcome) {
	if o.Conversation != "" {
		tx.Apply(machine.Event{Kind: machine.EvNamed, Conversation: o.Conversation, Resumed: true})
		return
	}
	if !tx.Now.Before(tx.Handover.PollAt) {
		tx.Handover.PollAt = tx.Now.Add(machine.ReadPause)
	}
}

func (tx *Transaction) notTransferred(o Outcome) {
	if errors.Is(o.Refused, genesys.ErrUnauthorized) {
		return
	}
	tx.AddLog("the transfer was refused", Explain(o.Refused))
	if tx.Handover.Refusals++; tx.Handover.Refusals < maxRefusals {
		return
	}
	code := machine.CodeNotTransferred
	if missing(o.Refused) != "" {
		code = machine.CodePermission
	}
	tx.Handover.Leftover = machine.LeftoverOpen
	tx.Apply(machine.Event{Kind: machine.EvRefused, Code: code, Detail: "the transfer to the agent queue was refused: " + Explain(o.Refused)})
}

// notDisconnected handles a refused disconnect. The agent gets the host's text, if there is one,
// and the session ends on our side. Without such a text, the conversation is still watched: as long
// as no leg names the customer's communication, Genesys refuses a disconnect that it accepts later.
func (tx *Transaction) notDisconnected(o Outcome) {
	tx.AddLog(saidNoDisconnect, Explain(o.Refused))
	if tx.Handover.LeftSent { // settled before: the session ends when the text is sent
		return
	}
	if o.LeftText != "" {
		tx.Handover.LeftSent, tx.Handover.Disconnects = true, machine.MaxDisconnects
		tx.send(Entry{Kind: kindLeft, Handover: tx.Handover.ID, HostID: tx.Handover.ID, Text: o.LeftText})
		return
	}
	tx.Handover.Disconnects++
	tx.Handover.Leftover = machine.LeftoverRequested
	tx.stays("the conversation stays open at Genesys: " + Explain(o.Refused))
}

// A pollBudget has slots for polls: a part of the rate limit that all sessions of one OAuth client
// share.
type pollBudget interface {
	PollSlot(at machine.Time) machine.Time
	PollSlotBefore(at, limit machine.Time) (machine.Time, bool)
	FreeSlot(slot machine.Time)
}

// A Reservation records how the runs of one transaction changed the slots of polls, so that a rerun
// after a conflict does not repeat it.
type Reservation struct {
	Polls pollBudget
	slot  machine.Time
	freed bool
}

// release releases the slot that an earlier run reserved.
func (r *Reservation) release() {
	if !r.slot.IsZero() {
		r.Polls.FreeSlot(r.slot)
		r.slot = 0
	}
}

// replace releases, once, the slot of a poll that another read replaces.
func (r *Reservation) replace(c *machine.Handover, now machine.Time) {
	if c.Slot.After(now) && !r.freed {
		r.Polls.FreeSlot(c.Slot)
	}
	r.freed, c.Slot = true, 0
}

// ReservePoll reserves a slot of the budget for the poll that a look scheduled, and releases the
// slot of the poll that this look replaced. Otherwise, with reads requested by signals, unused
// slots would delay other polls for hours.
func (tx *Transaction) ReservePoll(o Outcome, r *Reservation) {
	c := tx.Handover
	if o.Task != TaskLook || o.Polls == nil || c == nil {
		return
	}
	r.Polls = o.Polls
	r.replace(c, tx.Now)
	polls := c.Open() && c.Poll && !c.PollAt.IsZero()
	if !polls || r.slot.Before(c.PollAt) {
		r.release()
	}
	if !polls {
		return
	}
	if r.slot.IsZero() {
		r.slot = r.Polls.PollSlot(c.PollAt)
	}
	c.PollAt, c.Slot = r.slot, r.slot
}

// PollSooner moves the next poll of the session to the next free slot, if that is earlier. A look
// that is running does not count: it may have begun before what the poll is to show.
func (tx *Transaction) PollSooner(r *Reservation) error {
	c := tx.Open()
	switch {
	case c != nil && !r.slot.IsZero() && c.Slot == r.slot: // an earlier run was stored
		return ErrUnchanged
	case c == nil || c.State == machine.StateBot:
		r.release()
		return ErrUnchanged
	}
	next := c.PollAt
	switch runs := !tx.Control.Lease.Free(tx.Now); {
	case runs:
		next = 0
	case !next.IsZero() && !c.Poll:
		r.release()
		return ErrUnchanged
	}
	at := machine.Later(tx.Now, c.ReadAt.Add(machine.ReadPause))
	if r.slot.Before(at) {
		r.release()
		var sooner bool
		if r.slot, sooner = r.Polls.PollSlotBefore(at, next); !sooner {
			return ErrUnchanged
		}
	}
	if !next.IsZero() && !next.After(r.slot) {
		r.release()
		return ErrUnchanged
	}
	r.replace(c, tx.Now)
	c.PollAt, c.Poll, c.Slot = r.slot, true, r.slot
	c.Requests++
	return nil
}

func (tx *Transaction) settleReceipt(j *Job, o Outcome) {
	was := j.Record.NextReceipt()
	i := slices.IndexFunc(tx.Receipts, func(r Receipt) bool { return r.ID == was.ID && r.Status == was.Status })
	if i < 0 {
		return
	}
	r, why := &tx.Receipts[i], Judged(o.Err)
	if !postponed(o.Err) {
		r.Tries++
	}
	if o.Err != nil && r.Tries < maxReceiptTries && why.Effect != EffectRefused {
		r.At = tx.backoff(r.Tries, why)
		return
	}
	if o.Err != nil && r.Status == openmessaging.StatusFailed {
		tx.logOnce(saidNoReceipt, Explain(o.Err))
	}
	tx.Receipts = slices.Delete(tx.Receipts, i, i+1)
}

// fireTimers applies the timer that is due. The caller has just read the conversation, if that
// was possible.
func (tx *Transaction) fireTimers() {
	c := tx.Open()
	if c == nil {
		return
	}
	switch kind, at := c.Timer(); {
	case kind == machine.TimerNone || tx.Now.Before(at):
	case kind == machine.TimerMoved:
		tx.Apply(machine.Event{Kind: machine.EvMoved, Conversation: c.MovedTo})
	case kind == machine.TimerWarn:
		c.WarnedAt = tx.Now
		tx.AddLog("the host was notified that the customer is silent", "")
		tx.Notice(Notice{Kind: machine.NoticeIdle, Detail: "the customer has not written for a while"})
	case kind == machine.TimerEnd:
		c.Leftover = machine.LeftoverRequested
		if c.DisconnectedAt.IsZero() { // no disconnect reached Genesys
			c.AnswersNothing()
		}
		tx.stays("Genesys did not confirm the end")
	case kind == machine.TimerLost:
		tx.Apply(machine.Event{Kind: machine.EvFailed, Code: machine.CodeNoAnswer, Detail: "Genesys accepted the opening but did not name " +
			"the conversation, so its state cannot be read; it may remain in a queue"})
	default:
		tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndReason(kind), Detail: "a timer ran out"})
	}
}

// unsure reports whether a due timer has to wait, for TimerPatience at most. It waits if the
// read failed, if a step needs a second read to confirm it, or if agents' messages are missing.
func (tx *Transaction) unsure(o Outcome) bool {
	c := tx.Open()
	if c == nil || c.State == machine.StateEnding {
		return false
	}
	kind, at := c.Timer()
	switch {
	case at.IsZero() || tx.Now.Before(at) || !tx.Now.Before(at.Add(kind.Patience())):
		return false
	case c.Unconfirmed.Phase != "":
		tx.Control.NotBefore = machine.Later(tx.Control.NotBefore, c.PollAt)
		return true
	case tx.unseenListed: // messages of agents are on their way
		tx.Control.NotBefore = machine.Later(tx.Control.NotBefore, tx.Now.Add(machine.ReadPause))
		return true
	default:
		return o.Err != nil && (o.Read == nil || o.Read.Err != nil && !o.Read.Blind && !o.Read.Gone)
	}
}
