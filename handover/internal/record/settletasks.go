package record

import (
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
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
	if o.Task == TaskLook && tx.lookedElsewhere(j) {
		tx.settleElsewhere(j, o)
		return
	}
	endWaits := false
	if o.Task == TaskLook && tx.sameSession(j) {
		tx.settleSocket(o.Socket)
		endWaits = tx.settleGap(o)
	}
	if !endWaits {
		tx.settleLookRead(j, o)
	}
	switch {
	case o.Task == TaskReceipt: // waits separately, see settleReceipt: a receipt delays no read
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
		if tx.Now.Sub(since) >= tx.Retention() {
			tx.GiveUp(Explain(o.Err))
			return
		}
	default:
		tx.Control.Failures, tx.Control.NotBefore, tx.Control.First = 0, time.Time{}, time.Time{}
	}
	switch o.Task {
	case TaskLook:
		tx.settleLook(j, o)
	case TaskReceipt:
		tx.settleReceipt(j, o)
	case TaskWatch:
		tx.settleWatched(j, o)
	case TaskNone:
	}
	if o.Task == TaskLook && tx.sameSession(j) && !tx.unsure(o) {
		tx.fireTimers()
	}
}

// lookedElsewhere reports whether a look was at a conversation that the session has left since.
func (tx *Transaction) lookedElsewhere(j *Job) bool {
	return tx.sameSession(j) && j.Record.Handover.ConversationID != "" && j.Record.Handover.ConversationID != tx.Handover.ConversationID
}

// settleElsewhere ignores what a look at a conversation showed that the session has left. Messages
// that are missing there are looked for by another task.
func (tx *Transaction) settleElsewhere(j *Job, o Outcome) {
	c := j.Record.Handover
	if len(o.Asked) > 0 {
		w := tx.watch(c.ConversationID, c.From, c.OpeningTriedAt, tx.Now)
		w.Handover, w.Incomplete = c.ID, true
	}
	tx.Control.Failures, tx.Control.NotBefore, tx.Control.First = 0, time.Time{}, time.Time{}
}

func (tx *Transaction) settleSocket(s SocketState) {
	if s != SocketNone {
		tx.Apply(machine.Event{Kind: machine.EvSocket, Alive: s == SocketAlive})
	}
}

// failed reports whether a task has no result. A read that is forbidden, or finds no conversation,
// is a result.
func (o Outcome) failed() bool {
	return o.Err != nil && (o.Read == nil || !o.Read.Blind && !o.Read.Gone)
}

// settleLookRead applies the read of a look to the session that it was made for.
func (tx *Transaction) settleLookRead(j *Job, o Outcome) {
	if o.Task != TaskLook || !tx.sameSession(j) {
		return
	}
	open := tx.Open() != nil
	// A change since the claim made it the end.
	if tx.settleRead(o.Read); open && tx.Open() == nil && !o.End {
		tx.repairEnd(o.Read)
	}
}

func (tx *Transaction) sameSession(j *Job) bool {
	return tx.Handover != nil && j.Record.Handover != nil && tx.Handover.ID == j.Record.Handover.ID
}

func (tx *Transaction) settleLook(j *Job, o Outcome) {
	if !tx.sameSession(j) || tx.Open() == nil {
		return
	}
	if o.QueueID != "" && tx.Handover.QueueID == "" {
		tx.Handover.QueueID, tx.Handover.BotQueue = o.QueueID, o.BotQueue
	}
	if tx.Handover.ConversationID == "" {
		tx.settleSearch(o)
		return
	}
	switch {
	case o.Code != "":
		tx.Handover.Leftover = machine.LeftoverOpen
		tx.Apply(machine.Event{Kind: machine.EvRefused, Code: o.Code, Detail: Explain(o.Err)})
	case o.Transferred:
		tx.Apply(machine.Event{Kind: machine.EvTransferred})
	case o.Doubtful:
		tx.Handover.Transferred, tx.Handover.LastWriteAt = tx.Now, tx.Now
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
	tx.AddLog(saidTransfer, Explain(o.Refused))
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
// and the session ends on our side.
func (tx *Transaction) notDisconnected(o Outcome) {
	tx.AddLog(saidDisconnect, Explain(o.Refused))
	if o.LeftText != "" && !tx.Handover.LeftSent {
		tx.Handover.LeftSent = true
		tx.Handover.Disconnects = machine.MaxDisconnects
		tx.Out.Push(Entry{
			Seq: tx.NextSeq(), Kind: kindLeft, Handover: tx.Handover.ID, At: tx.Now, HostID: tx.Handover.ID,
			Wire: tx.wireTime(tx.Now, 1), Text: o.LeftText,
		})
		return
	}
	tx.Handover.Disconnects = machine.MaxDisconnects // another attempt would be refused, too
	tx.Apply(machine.Event{
		Kind: machine.EvReleased, Code: machine.CodeNotDisconnected,
		Detail: "the conversation stays open at Genesys: " + Explain(o.Refused),
	})
}

// A pollBudget has slots for polls: a part of the rate limit that all sessions of one OAuth client
// share.
type pollBudget interface {
	PollSlot(at time.Time) time.Time
	FreeSlot(slot time.Time)
}

// A Reservation records how the runs of one transaction changed the slots of polls, so that a rerun
// after a conflict does not repeat it.
type Reservation struct {
	slot  time.Time
	freed bool
}

// ReservePoll reserves a slot of the budget for the poll that a look scheduled, and releases the
// slot of the poll that this look replaced. Otherwise, with reads requested by signals, unused
// slots would delay other polls for hours.
func (tx *Transaction) ReservePoll(o Outcome, r *Reservation) {
	c := tx.Handover
	if o.Task != TaskLook || o.Polls == nil || c == nil {
		return
	}
	if c.Slot.After(tx.Now) && !r.freed {
		o.Polls.FreeSlot(c.Slot)
	}
	r.freed, c.Slot = true, time.Time{}
	if !c.Open() || !c.Poll || c.PollAt.IsZero() {
		return
	}
	if r.slot.Before(c.PollAt) {
		r.slot = o.Polls.PollSlot(c.PollAt)
	}
	c.PollAt, c.Slot = r.slot, r.slot
}

func (tx *Transaction) settleReceipt(j *Job, o Outcome) {
	first := j.Record.NextReceipt()
	for i := range tx.Receipts {
		r := &tx.Receipts[i]
		if r.ID != first.ID || r.Status != first.Status {
			continue
		}
		why := Judged(o.Err)
		if !postponed(o.Err) {
			r.Tries++
		}
		if o.Err == nil || r.Tries >= maxReceiptTries || why.Effect == EffectRefused {
			if o.Err != nil && r.Status == openmessaging.StatusFailed {
				tx.AddLog(saidNoReceipt, Explain(o.Err))
			}
			tx.Receipts = append(tx.Receipts[:i], tx.Receipts[i+1:]...)
			return
		}
		r.At = tx.backoff(r.Tries, why)
		return
	}
}
