package handover

import (
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

const (
	maxRefusals     = 3
	maxReceiptTries = 8
	maxOrphanTries  = 3
	orphanPause     = 30 * time.Second
)

// settleDuty stores what a duty found and did.
func (e *edit) settleDuty(j *job, o outcome) {
	if o.duty == dutyLook && e.sameSession(j) {
		e.settleSocket(o.socket)
		e.settleGap(o)
	}
	e.settleLookRead(j, o)
	switch {
	case o.duty == dutyReceipt: // waits for itself, see settleReceipt: a courtesy holds up no read
	case o.failed():
		e.Control.Failures++
		e.Control.NotBefore = e.backoff(e.Control.Failures, o)
	default:
		e.Control.Failures, e.Control.NotBefore = 0, time.Time{}
	}
	switch o.duty {
	case dutyLook:
		e.settleLook(j, o)
	case dutyReceipt:
		e.settleReceipt(j, o)
	case dutyAdopt:
		e.settleAdopt(j, o)
	case dutyCleanup:
		e.settleCleanup(j, o)
	case dutyCheck:
		e.settleCheck(j, o)
	case dutyNone:
	}
	if o.duty == dutyLook && e.sameSession(j) && !e.unsure(o) {
		e.fireTimers()
	}
}

func (e *edit) settleSocket(s socketState) {
	if s != socketNone {
		e.apply(event{Kind: evSocket, Alive: s == socketAlive})
	}
}

// failed reports whether a duty has learned nothing. That a read is forbidden, or finds nothing, is an answer.
func (o outcome) failed() bool {
	return o.err != nil && (o.read == nil || !o.read.blind && !o.read.gone)
}

// settleLookRead applies a look's read to the session it was made for.
func (e *edit) settleLookRead(j *job, o outcome) {
	if o.duty != dutyLook || !e.sameSession(j) {
		return
	}
	open := e.open() != nil
	if e.settleRead(o.read); open && e.open() == nil && !o.end { // what was stored meanwhile has made it the end
		e.checkEnd(o.read)
	}
}

func (e *edit) sameSession(j *job) bool {
	return e.Now != nil && j.file.Now != nil && e.Now.ID == j.file.Now.ID
}

func (e *edit) settleLook(j *job, o outcome) {
	if !e.sameSession(j) || e.open() == nil {
		return
	}
	if o.queueID != "" && e.Now.QueueID == "" {
		e.Now.QueueID, e.Now.BotQueue = o.queueID, o.botQueue
	}
	if e.Now.ConversationID == "" {
		e.settleSearch(o)
		return
	}
	switch {
	case o.code != "":
		e.orphan(e.Now.ConversationID)
		e.apply(event{Kind: evRefused, Code: o.code, Detail: explain(o.err)})
	case o.transferred:
		e.apply(event{Kind: evTransferred})
	case o.doubtful:
		e.Now.Transferred, e.Now.Wrote = e.now, e.now
	case o.disconnected:
		e.Now.Disconnected, e.Now.PollAt, e.Now.Poll = e.now, e.now.Add(firstRead), false
		if e.Now.Disconnects++; e.Now.Blind {
			e.apply(event{Kind: evReleased, Code: e.Now.Ending.Code, Detail: e.Now.Ending.Detail})
		}
	case o.refused != nil && o.tried:
		e.notDisconnected(o)
	case o.refused != nil:
		e.notTransferred(o)
	}
}

// settleSearch: the conversation was found, or is looked for again.
func (e *edit) settleSearch(o outcome) {
	if o.conversation != "" {
		e.apply(event{Kind: evNamed, Conversation: o.conversation, Resumed: true})
		return
	}
	if !e.now.Before(e.Now.PollAt) {
		e.Now.PollAt = e.now.Add(readPause)
	}
}

func (e *edit) notTransferred(o outcome) {
	if errors.Is(o.refused, genesys.ErrUnauthorized) {
		return
	}
	e.say(saidTransfer, explain(o.refused))
	if e.Now.Refusals++; e.Now.Refusals < maxRefusals {
		return
	}
	code := CodeNotTransferred
	if missing(o.refused) != "" {
		code = CodePermission
	}
	e.orphan(e.Now.ConversationID)
	e.apply(event{Kind: evRefused, Code: code, Detail: "the transfer to the agent queue was refused: " + explain(o.refused)})
}

// notDisconnected: we may not end it. The agent is told, if the host gave a text, and the session ends on our side.
func (e *edit) notDisconnected(o outcome) {
	e.say(saidDisconnect, explain(o.refused))
	if o.leftText != "" && !e.Now.LeftSent {
		e.Now.LeftSent = true
		e.Now.Disconnects = maxDisconnects
		e.Out.push(entry{
			Seq: e.next(), Kind: kindLeft, Handover: e.Now.ID, At: e.now, HostID: e.Now.ID,
			Wire: e.wireTime(e.now, 1), Text: o.leftText,
		})
		return
	}
	e.apply(event{
		Kind: evReleased, Code: CodeNotDisconnected,
		Detail: "the conversation stays open at Genesys: " + explain(o.refused),
	})
}

// A reservation is what the rounds of one edit did to the slots of polls: a conflict must not do it again.
type reservation struct {
	slot  time.Time
	freed bool
}

// reservePoll puts the poll that a look scheduled into a slot of the budget, and gives back the one that this look made needless:
// where signals ask for the reads, polls that nobody makes would push the others out for hours.
func (e *edit) reservePoll(o outcome, r *reservation) {
	c := e.Now
	if o.duty != dutyLook || o.known == nil || c == nil {
		return
	}
	if c.Slot.After(e.now) && !r.freed {
		o.known.account.freeSlot(c.Slot)
	}
	r.freed, c.Slot = true, time.Time{}
	if !c.Open() || !c.Poll || c.PollAt.IsZero() {
		return
	}
	if r.slot.Before(c.PollAt) {
		r.slot = o.known.account.pollSlot(c.PollAt)
	}
	c.PollAt, c.Slot = r.slot, r.slot
}

func (e *edit) settleReceipt(j *job, o outcome) {
	first := j.file.nextReceipt()
	for i := range e.Receipts {
		r := &e.Receipts[i]
		if r.ID != first.ID || r.Status != first.Status {
			continue
		}
		why := judged(o.err)
		if !postponed(o.err) {
			r.Tries++
		}
		if o.err == nil || r.Tries >= maxReceiptTries || why.effect == effectRefused {
			e.Receipts = append(e.Receipts[:i], e.Receipts[i+1:]...)
			return
		}
		r.At = e.backoff(r.Tries, why)
		return
	}
}

// settleAdopt opens a session if a live agent stands behind the message that came without one.
func (e *edit) settleAdopt(j *job, o outcome) {
	a := j.file.Adopt
	if e.Adopt == nil || *e.Adopt != *a || o.failed() {
		return
	}
	e.Adopt = nil
	if e.open() != nil || o.err != nil {
		return
	}
	if p := o.read.standing.Phase; p != genesys.PhaseConnected && p != genesys.PhaseParked {
		return
	}
	e.adopt(a, o.read, &o.known.channel, o.botQueue)
}

func (e *edit) settleCleanup(j *job, o outcome) {
	first := j.file.Orphans[0].Conversation
	for i := range e.Orphans {
		x := &e.Orphans[i]
		if x.Conversation != first {
			continue
		}
		if !postponed(o.err) {
			x.Tries++
		}
		x.At = e.now.Add(orphanPause)
		if o.err == nil || forbidden(o.err) || x.Tries >= maxOrphanTries {
			e.Orphans = append(e.Orphans[:i], e.Orphans[i+1:]...)
		}
		return
	}
}
