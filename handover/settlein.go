package handover

import (
	"errors"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// How long the host may fail.
const (
	deliveryAge = 2 * time.Minute
	noticeBlock = time.Minute // a notice holds the lane, then it is tried again behind
	noticeAge   = 24 * time.Hour
	returnAge   = 7 * 24 * time.Hour // hand-backs, and the notice of the end
)

// settleIn stores what became of the head of the lane to the host.
func (e *edit) settleIn(j *job, o outcome) {
	seq := j.file.In.Entries[0].Seq
	if len(e.In.Entries) == 0 || e.In.Entries[0].Seq != seq {
		return // settled before
	}
	x := &e.In.Entries[0]
	if x.Delivery != nil {
		e.Given = later(e.Given, x.Delivery.Time)
	}
	if o.receipt != nil {
		e.receipt(*o.receipt)
	}
	if o.err == nil {
		e.done()
		return
	}
	if o.effect == effectNotPerformed { // it could not begin in time
		x.NotBefore = e.backoff(1, o)
		return
	}
	x.Attempts++
	e.retried(x, "the host did not take it")
	if x.First.IsZero() {
		x.First = e.now
	}
	x.NotBefore = e.backoff(x.Attempts, o)
	switch x.Kind {
	case kindDelivery:
		e.undelivered(x, o)
	default:
		e.unheard(x)
	}
}

func (e *edit) done() {
	x := e.In.remove(0)
	if x.Kind != kindReturn {
		return
	}
	e.say(saidReturned, "")
	if e.notify {
		n := Notice{Kind: NoticeReturned, Time: e.now, Session: *x.Session}
		e.In.push(entry{Seq: e.next(), Kind: kindNotice, At: e.now, Handover: x.Handover, Notice: &n})
	}
}

func (e *edit) undelivered(x *entry, o outcome) {
	code := openmessaging.ReasonGeneralError
	if u, ok := errors.AsType[*undeliverableError](o.err); ok {
		code = u.code
	} else if e.now.Sub(x.First) < deliveryAge {
		return
	}
	d := *x.Delivery
	e.In.remove(0)
	e.receipt(receipt{ID: d.ID, Status: openmessaging.StatusFailed, Code: code, To: d.From})
	e.say(saidLost, string(code))
	e.notice(Notice{Kind: NoticeMessageFailed, MessageID: d.ID, Detail: "the customer did not get a message of the agent: " + string(code)})
}

// unheard: a notice or a hand-back failed. It is not given up soon, but it does not hold the agent's messages up for longer
// than a minute either.
func (e *edit) unheard(x *entry) {
	limit := noticeAge
	if x.Kind == kindReturn || x.Notice.Kind == NoticeEnded {
		limit = returnAge
	}
	switch {
	case e.now.Sub(x.At) >= limit:
		e.say(saidGivenUp, string(x.Kind))
		e.In.remove(0)
	case e.now.Sub(x.First) >= noticeBlock:
		e.behind()
	default:
		x.NotBefore = earlier(x.NotBefore, x.First.Add(noticeBlock))
	}
}

// behind lets others go before the head, and with it before all of its kind next to it: they would fail, too. Notices keep
// their order, unless nothing but notices waits; hand-backs always do.
func (e *edit) behind() {
	kind := e.In.Entries[0].Kind
	other := slices.IndexFunc(e.In.Entries, func(x entry) bool { return x.Kind != kind })
	switch {
	case other < 0 && kind == kindReturn:
		return
	case other < 0:
		other = 1
	}
	moved := make([]entry, other)
	for i := range moved {
		moved[i] = e.In.remove(0)
	}
	to := len(e.In.Entries)
	if kind == kindReturn {
		if next := slices.IndexFunc(e.In.Entries, func(x entry) bool { return x.Kind == kind }); next >= 0 {
			to = next
		}
	}
	for i, x := range moved {
		e.In.insert(to+i, x)
	}
}
