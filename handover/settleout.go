package handover

import (
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// How long an entry to Genesys may wait for certainty.
const (
	openingAge = 2 * time.Minute
	messageAge = 15 * time.Minute
)

// settleOut stores what became of the head of the lane to Genesys.
func (e *edit) settleOut(j *job, o outcome) {
	if e.sameSession(j) && e.open() != nil {
		if e.settleRead(o.read); e.open() == nil {
			e.checkEnd(o.read)
		}
	}
	head := j.file.Out.Entries[0]
	if len(e.Out.Entries) == 0 || e.Out.Entries[0].Seq != head.Seq || e.Out.Entries[0].Done != head.Done {
		e.reopenedLate(head, o)
		return // settled before
	}
	x := &e.Out.Entries[0]
	ours := e.Now.ID == x.Handover
	if ours && x.Kind == kindOpen && o.queueID != "" && e.Now.QueueID == "" {
		e.Now.QueueID, e.Now.BotQueue = o.queueID, o.botQueue
	}
	switch o.effect {
	case effectDone:
		e.sent(x, o)
	case effectRefused:
		e.refused(o)
	case effectNotPerformed:
		if x.Kind == kindOpen && !x.Maybe && x.Done == 0 && ours {
			e.Now.Tried = time.Time{}
		}
		e.failed(x, o)
	case effectAmbiguous:
		x.Maybe = true
		if ours {
			e.Now.Wrote = e.now
		}
		e.failed(x, o)
	case effectHeld:
		if o.err != nil {
			e.failed(x, o)
			return
		}
		e.Out.NotBefore = e.now.Add(readPause)
	}
}

// reopenedLate: an opening that was given up has opened a conversation after all. Nobody should be in it.
func (e *edit) reopenedLate(x entry, o outcome) {
	ours := e.open() != nil && e.Now.ID == x.Handover
	if x.Kind == kindOpen && o.effect == effectDone && o.conversation != "" && !ours && o.conversation != e.Now.ConversationID {
		e.orphan(o.conversation)
	}
}

// settleRead applies what was read on the way.
func (e *edit) settleRead(r *reading) {
	if r == nil || e.open() == nil || r.err != nil && !r.blind && !r.gone {
		return
	}
	e.apply(r.event())
	live := r.standing.Phase == genesys.PhaseConnected || r.standing.Phase == genesys.PhaseParked
	if c := e.open(); live && c != nil && c.State == StateConnected && c.MovedTo == "" && !c.Vouched.Before(r.began) {
		e.answered(r.began.Add(-settlePeriod-replicaSlack), true) // younger than our own write a read may be stale
	}
}

// answered drops what was sent before: an agent is there to answer for it. A word of his does not answer what no answer of Genesys
// placed in his conversation; that he is still seen in it does, since it would have gone there.
func (e *edit) answered(at time.Time, seen bool) {
	for len(e.Cut) > 0 && !e.Cut[0].At.After(at) {
		e.Cut = e.Cut[1:]
	}
	e.Tail = slices.DeleteFunc(e.Tail, func(s sent) bool { return !s.At.After(at) && (seen || !s.Unplaced) })
}

// sent: Genesys took a part.
func (e *edit) sent(x *entry, o outcome) {
	open := e.Now.Open() && e.Now.ID == x.Handover
	at := e.now
	if e.elsewhere(x, o) {
		at = at.Add(clockSlack) // it came after the end, and our clock may be behind
	}
	e.Out.Failures, e.Out.NotBefore = 0, time.Time{}
	x.Done++
	x.Attempts, x.Maybe = 0, false
	if open {
		e.Now.Wrote = e.now
	}
	if open && x.Kind == kindOpen && x.Done == 1 && !e.reopened(o.conversation) {
		e.apply(event{Kind: evAccepted, Conversation: o.conversation, Resumed: e.wasIn(o.conversation)})
	}
	if x.Kind == kindMessage && o.platformID != "" {
		e.Sent = last(append(e.Sent, sentID{Platform: o.platformID, Host: x.HostID}), maxSent)
	}
	if x.Done >= x.parts() {
		y := e.Out.remove(0)
		switch {
		case y.Message == nil:
		case open:
			unplaced := o.conversation == "" && e.elsewhere(&y, o)
			e.Tail = append(e.Tail, sent{Message: *y.Message, Handover: y.Handover, Seq: y.Seq, At: at, Unplaced: unplaced})
			e.trimTail()
		default:
			e.again(held{Unanswered: Unanswered{Message: *y.Message, Sent: true}, Seq: y.Seq})
		}
	}
	if o.conversation == "" || o.conversation == e.Now.ConversationID {
		return
	}
	switch {
	case !open:
		e.orphan(o.conversation)
	case e.Now.ConversationID == "":
		e.apply(event{Kind: evAccepted, Conversation: o.conversation})
	default:
		e.apply(event{Kind: evMoved, Conversation: o.conversation})
	}
}

// elsewhere reports whether a message went into another conversation, or may have: its answer should name one, that of a reply
// to a quick reply or a card never does.
func (e *edit) elsewhere(x *entry, o outcome) bool {
	unnamed := o.conversation == "" && x.Kind == kindReply
	return e.Now.ConversationID != "" && o.conversation != e.Now.ConversationID && !unnamed
}

// reopened reports whether a repeat of the opening has opened a second conversation: an agent was in the first, so that is over.
func (e *edit) reopened(conversation string) bool {
	was := e.Now.ConversationID
	return conversation != "" && was != "" && conversation != was && !e.Now.Connected.IsZero()
}

func (e *edit) trimTail() {
	size := 0
	for i, s := range slices.Backward(e.Tail) {
		size += sizeOf(s.Message)
		if size > tailBytes || len(e.Tail)-i > tailEntries {
			e.cut(e.Tail[:i+1])
			e.Tail = e.Tail[i+1:]
			return
		}
	}
}

// cut keeps no more of messages than that they were sent.
func (e *edit) cut(list []sent) {
	for _, s := range list {
		e.Cut = append(e.Cut, cut{Host: s.Message.ID, Handover: s.Handover, At: s.At})
	}
	for ; len(e.Cut) > maxCut; e.Cut = e.Cut[1:] {
		e.notKept(e.Cut[0])
	}
}

// notKept says what cannot be handed back, as nothing may disappear in silence.
func (e *edit) notKept(c cut) {
	e.notice(Notice{
		Kind: NoticeMessageFailed, MessageID: c.Host,
		Detail: "Genesys took the message, no agent answers for it, and too many came after it to hand it back",
	})
}

// wasIn reports whether an earlier handover used the conversation.
func (e *edit) wasIn(conversation string) bool {
	for _, p := range e.Past {
		if conversation != "" && p.Session.ConversationID == conversation {
			return true
		}
	}
	return false
}

// refused: Genesys will never take it. The lane goes on.
func (e *edit) refused(o outcome) {
	y := e.Out.remove(0)
	switch {
	case y.Kind == kindOpen && y.Done == 0 && y.Handover == e.Now.ID:
		code := o.code
		if code == "" {
			code = CodeRejected
		}
		e.apply(event{Kind: evRefused, Code: code, Detail: explain(o.err)})
	case y.Message != nil && e.open() != nil && y.Handover == e.Now.ID:
		e.bury(dead{Message: *y.Message, Handover: y.Handover, Seq: y.Seq, Reason: explain(o.err)})
		e.notice(Notice{Kind: NoticeMessageFailed, MessageID: y.HostID, Detail: explain(o.err)})
	case y.Message != nil:
		e.hold(Unanswered{Message: *y.Message, Reason: explain(o.err)}, y.Seq)
	default:
		e.notice(Notice{Kind: NoticeMessageFailed, Detail: "a part of the opening was refused: " + explain(o.err)})
	}
}

// bury keeps what Genesys refused for the Return. The host has been told of each, so the oldest give way.
func (e *edit) bury(d dead) {
	e.Dead = last(append(e.Dead, d), maxDead)
	size := 0
	for i, d := range slices.Backward(e.Dead) {
		if size += sizeOf(d.Message); size > deadBytes {
			e.Dead = e.Dead[i+1:]
			return
		}
	}
}

// failed: not now. By age it fails for good, and the session with it.
func (e *edit) failed(x *entry, o outcome) {
	if !postponed(o.err) {
		x.Attempts++
		e.retried(x, explain(o.err))
	}
	e.Out.Failures++
	e.Out.NotBefore = e.backoff(e.Out.Failures, o)
	age := e.now.Sub(x.At)
	if last := x.At.Add(openingAge); x.Kind == kindOpen && x.Done == 0 && e.Out.NotBefore.After(last) {
		e.Out.NotBefore = later(last, e.now) // then it is given up, however long Genesys asks to wait
	}
	switch {
	case e.open() == nil || x.Handover != e.Now.ID:
	case x.Kind == kindOpen && x.Done == 0 && !x.Maybe && forbidden(o.err) && x.Attempts >= 3:
		e.Out.remove(0)
		e.apply(event{Kind: evRefused, Code: CodePermission, Detail: explain(o.err)})
	case x.Kind == kindOpen && x.Done == 0 && age >= openingAge:
		detail := "Genesys gave no certain answer to the opening: " + explain(o.err)
		if x.Maybe {
			detail += "; a conversation may stand in the bot queue"
		}
		e.Out.remove(0)
		e.apply(event{Kind: evFailed, Code: CodeNoAnswer, Detail: detail})
	case age >= messageAge:
		e.apply(event{Kind: evFailed, Code: CodeNoAnswer, Detail: "Genesys took no message for 15 minutes: " + explain(o.err)})
	}
}
