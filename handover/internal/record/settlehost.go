package record

import (
	"errors"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// How long the host may fail.
const (
	deliveryAge = 2 * time.Minute
	// A notice blocks the lane that long, then it moves behind other entries.
	noticeBlock = time.Minute
	noticeAge   = 24 * time.Hour
	returnAge   = 7 * 24 * time.Hour // Returns, and the notice of the end
)

// SettleIn stores the outcome of the head of the lane to the host.
func (tx *Transaction) SettleIn(j *Job, o Outcome) {
	seq := j.Head.Seq
	if len(tx.In.Entries) == 0 || tx.In.Entries[0].Seq != seq {
		return // settled before
	}
	if o.Err != nil && tx.In.busy(tx.Now) && tx.In.Lease.N != j.Lease.N {
		return // another worker has begun it again: that attempt decides
	}
	x := &tx.In.Entries[0]
	if x.Delivery != nil {
		tx.Given = machine.Later(tx.Given, x.Delivery.Time)
	}
	if x.Delivery != nil && x.Delivery.Verdict != nil {
		tx.concluded(0, *x.Delivery.Verdict, o.Receipted)
		return
	}
	switch {
	case o.Pending:
		tx.pend(x.Delivery.ID)
	case o.Receipted:
		tx.ReceivedIDs.finish(x.Delivery.ID)
	case o.Receipt != nil:
		tx.ReceivedIDs.finish(x.Delivery.ID)
		tx.receipt(*o.Receipt)
	}
	if o.Err == nil {
		tx.done()
		return
	}
	if o.Effect == EffectNotPerformed { // it could not begin in time
		if x.Kind == KindReturn && !j.Head.Unsure && tx.Held {
			tx.unfreeze(x)
		}
		x.NotBefore = tx.backoff(1, o)
		return
	}
	x.Attempts++
	tx.logRetry(x, "the host did not take it")
	if x.First.IsZero() {
		x.First = tx.Now
	}
	x.NotBefore = tx.hostBackoff(x, o)
	switch x.Kind {
	case KindDelivery:
		tx.deliveryFailed(x, o)
	default:
		tx.hostRefused(x)
	}
}

func (tx *Transaction) done() {
	x := tx.In.remove(0)
	if x.Kind != KindReturn {
		return
	}
	tx.removeWords(x.Seq)
	tx.AddLog("given back to the bot", "")
	if tx.Notify {
		n := Notice{Kind: machine.NoticeReturned, Time: tx.Now, Session: *x.Session}
		tx.In.Push(Entry{Seq: tx.NextSeq(), Kind: KindNotice, At: tx.Now, Handover: x.Handover, Notice: &n})
	}
}

func (tx *Transaction) deliveryFailed(x *Entry, o Outcome) {
	code := openmessaging.ReasonGeneralError
	if u, ok := errors.AsType[*UndeliverableError](o.Err); ok {
		code = u.code
	} else if tx.Now.Sub(x.First) < deliveryAge {
		return
	}
	tx.concluded(0, VerdictOf{Status: openmessaging.StatusFailed, Code: code}, false)
}

// hostRefused handles a failed notice or Return. It is retried for long, but it blocks the agent's
// messages for a minute at most.
func (tx *Transaction) hostRefused(x *Entry) {
	limit := noticeAge
	if x.Kind == KindReturn || x.Notice.Kind == machine.NoticeEnded {
		limit = returnAge
	}
	switch {
	case tx.Now.Sub(x.At) >= limit:
		tx.AddLog("given up, the host did not take it", x.Kind.Words())
		tx.GivenUp = x.Kind
		if x.Kind == KindReturn {
			tx.notReturned(x.Seq)
		}
		tx.removeWords(tx.In.remove(0).Seq)
	case tx.Now.Sub(x.First) >= noticeBlock:
		tx.moveBack()
	default:
		x.NotBefore = machine.Earlier(x.NotBefore, x.First.Add(noticeBlock))
	}
}

// notReturned adds a notice for each message of a Return that is dropped.
func (tx *Transaction) notReturned(seq uint64) {
	const detail = "the host has not accepted the Return for 7 days, so it is given up"
	list := tx.Unanswered(seq)
	for _, u := range list {
		tx.MessageFailed(u.ID, detail)
	}
	if len(list) == 0 {
		tx.MessageFailed("", detail)
	}
}

// returnPause is the longest pause between two attempts of a Return.
const returnPause = time.Hour

// hostBackoff returns when to retry an entry. A Return without later entries is retried less and
// less often, until it is dropped.
func (tx *Transaction) hostBackoff(x *Entry, o Outcome) time.Time {
	if x.Kind != KindReturn || len(tx.In.Entries) > 1 {
		return tx.backoff(x.Attempts, o)
	}
	d := BackoffFirst << min(max(x.Attempts-1, 0), 13)
	return machine.Earlier(tx.Now.Add(tx.Jitter(min(d, returnPause))), machine.Later(tx.Now, x.At.Add(returnAge)))
}

// hasten retries a Return early once another entry waits behind it.
func (tx *Transaction) hasten() {
	if len(tx.In.Entries) < 2 || tx.In.busy(tx.Now) {
		return
	}
	head := &tx.In.Entries[0]
	if head.Kind != KindReturn || head.Attempts == 0 || !head.NotBefore.After(tx.Now.Add(backoffLast)) {
		return
	}
	head.NotBefore = tx.Now
	if tx.Now.Sub(head.First) >= noticeBlock {
		tx.moveBack()
	}
}

// moveBack moves the head behind other entries, together with the adjacent entries of its kind,
// which would fail, too. Notices keep their order, unless only notices wait; Returns always do.
func (tx *Transaction) moveBack() {
	kind := tx.In.Entries[0].Kind
	other := slices.IndexFunc(tx.In.Entries, func(x Entry) bool { return x.Kind != kind })
	switch {
	case other < 0 && kind == KindReturn:
		return
	case other < 0:
		other = 1
	}
	moved := make([]Entry, other)
	for i := range moved {
		moved[i] = tx.In.remove(0)
	}
	to := len(tx.In.Entries)
	if kind == KindReturn {
		if next := slices.IndexFunc(tx.In.Entries, func(x Entry) bool { return x.Kind == kind }); next >= 0 {
			to = next
		}
	}
	for i, x := range moved {
		tx.In.insert(to+i, x)
	}
}

// StuckTime is how long a callback that ignores its context blocks its lane, from its lease.
const StuckTime = time.Minute

// ErrStuck is the outcome of a callback that ignores its context.
var ErrStuck = errors.New("handover: the callback has not returned after the end of its context")

// StuckUntil returns until when the callback of a job blocks its lane if it ignores its context.
func (j *Job) StuckUntil() time.Time { return j.Began.Add(StuckTime).UTC().Round(0) }

// SettleStuck blocks the lane to the host while a callback that ignores its context runs. Its
// outcome counts as a failure. If the callback returns later, settleLate stores its outcome.
func (tx *Transaction) SettleStuck(j *Job, o Outcome) {
	if errors.Is(o.Err, ErrStuck) && !j.Returned.Load() {
		tx.In.Stuck = j.StuckUntil()
	}
}

// Heads reports whether the entry with a seq is the head of the lane.
func (l *lane) Heads(seq uint64) bool { return len(l.Entries) > 0 && l.Entries[0].Seq == seq }
