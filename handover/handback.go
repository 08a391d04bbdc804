package handover

import (
	"slices"
	"time"
)

// returnHold is how long a Return waits for words that are still on their way from Genesys.
const returnHold = 2 * time.Second

// tidy does what follows of a state without any event. Every edit ends with it.
func (e *edit) tidy() {
	e.Out.abandon(e.now)
	e.strays()
	if c := e.open(); c != nil && c.State == StateEnding {
		e.tidyEnding(c)
	}
	if e.Now != nil && e.Now.State == StateEnded {
		e.tidyEnded(e.Now)
	}
}

// strays: what was on its way when its handover ended, and was not taken, goes to the agents of the next one.
func (e *edit) strays() {
	first := 0
	if e.Out.busy(e.now) {
		first = 1
	}
	var list []held
	for i := first; i < len(e.Out.Entries); {
		if e.open() == nil || e.Out.Entries[i].Handover == e.Now.ID {
			i++
			continue
		}
		if x := e.Out.remove(i); x.Message != nil {
			list = append(list, held{Unanswered: Unanswered{Message: *x.Message, Sent: x.Maybe || x.Done > 0}, Seq: x.Seq})
		}
	}
	e.again(list...)
}

// again gives messages that were accepted before all that waits to the agents who are there now, or keeps them for the Return.
func (e *edit) again(list ...held) {
	at := e.front()
	for _, h := range list {
		if c := e.open(); c != nil && c.Turn() == TurnAgent && c.State != StateEnding && h.Unanswered.Reason == "" {
			e.requeue(at, h.Unanswered)
			at++
			continue
		}
		e.hold(h.Unanswered, h.Seq)
	}
}

// front is where such a message goes in the lane to Genesys: behind what is on its way and behind the opening. Once something else
// has been attempted it is too late for that, and it goes to the end.
func (e *edit) front() int {
	first := 0
	for i, x := range e.Out.Entries {
		switch {
		case i == 0 && e.Out.begun(), x.Kind == kindOpen && first == i:
			first = i + 1
		case x.Attempts > 0 || x.Maybe || x.Done > 0:
			return len(e.Out.Entries)
		}
	}
	return first
}

// tidyEnding: the end waits for messages, but not for ever.
func (e *edit) tidyEnding(c *core) {
	if !e.now.Before(c.EndAsked.Add(drainPatience)) {
		e.drain()
	}
	switch {
	case len(e.Out.Entries) > 0:
	case c.LeftSent:
		e.apply(event{Kind: evReleased, Code: CodeNotDisconnected, Detail: "the conversation stays open at Genesys: " +
			"the OAuth client may not disconnect it; the agent was told"})
	case c.ConversationID == "":
		e.apply(event{
			Kind: evReleased, Code: CodeNotDisconnected,
			Detail: "Genesys gave no certain answer to the opening; a conversation may stand in the bot queue",
		})
	}
}

// drain takes back what has not been sent. The one that is being sent stays: its outcome decides.
func (e *edit) drain() {
	first := 0
	if e.Out.busy(e.now) {
		first = 1
	}
	for i := first; i < len(e.Out.Entries); {
		if e.Out.Entries[i].Kind == kindLeft && e.open() != nil {
			i++ // the agent's only word that the customer has left
			continue
		}
		x := e.Out.remove(i)
		if x.Message != nil {
			e.hold(Unanswered{Message: *x.Message, Sent: x.Maybe || x.Done > 0}, x.Seq)
		}
	}
}

// hold keeps a message for the next Return.
func (e *edit) hold(u Unanswered, seq uint64) { e.Held = append(e.Held, held{Unanswered: u, Seq: seq}) }

// tidyEnded hands back, once, then whatever turns up later.
func (e *edit) tidyEnded(c *core) {
	e.drain()
	if !c.HandedBack {
		c.HandedBack = true
		e.collect(c)
		if !c.Asked.IsZero() || !c.Connected.IsZero() || len(e.Held) > 0 {
			e.giveBack(c, e.now.Add(returnHold))
		}
		if c.MovedTo != "" {
			e.orphan(c.MovedTo)
		}
	}
	if len(e.Held) > 0 {
		e.giveBack(c, e.now)
	}
	if e.Next != nil && !e.returns() {
		next := e.Next
		e.Next = nil
		e.begin(next.Core, next.Opening)
	}
}

// collect finds what the customer wrote and no agent answers for: what was sent after the end, or while no agent ever came,
// and what Genesys refused.
func (e *edit) collect(c *core) {
	if !e.Forget.IsZero() {
		e.Tail, e.Dead, e.Cut = nil, nil, nil
	}
	for _, s := range e.Cut {
		if s.Handover == c.ID && c.unanswered(s.At) {
			e.notKept(s)
		}
	}
	for _, s := range e.Tail {
		if s.Handover == c.ID && c.unanswered(s.At) {
			e.hold(Unanswered{Message: s.Message, Sent: true}, s.Seq)
		}
	}
	for _, d := range e.Dead {
		if d.Handover == c.ID {
			e.hold(Unanswered{Message: d.Message, Reason: d.Reason}, d.Seq)
		}
	}
	e.Tail, e.Dead, e.Cut = nil, nil, nil
}

// unanswered reports whether no agent answers for what was sent at a time.
func (c *core) unanswered(at time.Time) bool { return at.After(c.AnsweredTo) || c.Connected.IsZero() }

// giveBack puts what is held into a Return that has not begun, or into a new one.
func (e *edit) giveBack(c *core, notBefore time.Time) {
	back := e.Held
	e.Held = nil
	for i := range e.In.Entries {
		r := &e.In.Entries[i]
		if r.Kind == kindReturn && r.Handover == c.ID && !r.Maybe {
			e.In.Bytes -= r.Size
			r.giveBack(back)
			*r = r.measured()
			e.In.Bytes += r.Size
			return
		}
	}
	s := c.Session
	r := entry{Seq: e.next(), Kind: kindReturn, Handover: c.ID, At: e.now, NotBefore: notBefore, Session: &s}
	r.giveBack(back)
	e.In.push(r)
}

// giveBack adds messages to a Return, each where it belongs: one that was on its way may turn up after later ones.
func (x *entry) giveBack(list []held) {
	for _, h := range list {
		i, _ := slices.BinarySearch(x.Seqs, h.Seq)
		x.Seqs = slices.Insert(x.Seqs, i, h.Seq)
		x.Back = slices.Insert(x.Back, min(i, len(x.Back)), h.Unanswered)
	}
}

// given notes that a hand-back is attempted: what the host sees stays as it is, whoever is late to say that it took it.
func (e *edit) given(r *entry) {
	r.Maybe = true
	if e.Now != nil && e.Now.ID == r.Handover {
		e.Now.Returned = true
	}
}

// delivers reports whether a message for the customer waits or is being delivered.
func (f *file) delivers() bool {
	return slices.ContainsFunc(f.In.Entries, func(x entry) bool { return x.Kind == kindDelivery })
}

// returns reports whether a hand-back waits or runs.
func (f *file) returns() bool {
	return slices.ContainsFunc(f.In.Entries, func(x entry) bool { return x.Kind == kindReturn })
}

// returning reports whether the host is being given the conversation just now: it may let the bot speak.
func (f *file) returning(now time.Time) bool {
	return f.In.busy(now) && f.In.Entries[0].Kind == kindReturn
}

// turn says who may speak: while a hand-back waits, the bot may not.
func (f *file) turn(now time.Time) Turn {
	switch {
	case f.Next != nil && f.Next.Core.Turn() == TurnAgent:
		return TurnAgent
	case f.open() != nil && f.Now.Turn() == TurnAgent:
		return TurnAgent
	case f.returns() && !f.returning(now):
		return TurnAgent
	default:
		return TurnBot
	}
}

// forgetContent drops what the customer wrote so far, but for what is being sent; the Return still says that it is over.
func (e *edit) forgetContent() {
	first := 0
	if e.Out.busy(e.now) {
		first = 1
	}
	for len(e.Out.Entries) > first {
		e.Out.remove(first)
	}
	for i := range e.In.Entries {
		e.In.Entries[i].Back, e.In.Entries[i].Seqs = nil, nil
	}
	e.Tail, e.Dead, e.Held, e.Cut, e.Check, e.Checks = nil, nil, nil, nil, nil, nil
}
