package handover

// fireTimers performs what is due. Whoever calls it has just looked at the conversation, if that was possible.
func (e *edit) fireTimers() {
	c := e.open()
	if c == nil {
		return
	}
	switch kind, at := c.timer(); {
	case kind == timerNone || e.now.Before(at):
	case kind == timerWarn:
		c.Warned = e.now
		e.say(saidIdle, "")
		e.notice(Notice{Kind: NoticeIdle, Detail: "the customer has not written for a while"})
	case kind == timerEnd:
		e.orphan(c.ConversationID)
		if c.Disconnected.IsZero() { // Genesys was not heard at all
			c.unclear()
		}
		e.apply(event{Kind: evReleased, Code: CodeNotDisconnected, Detail: "Genesys did not confirm the end"})
	case kind == timerWork:
		e.apply(event{Kind: evReleased})
	case kind == timerLost:
		e.apply(event{Kind: evFailed, Code: CodeNoAnswer, Detail: "Genesys took the opening, but named no conversation, " +
			"so nobody can see who is there; one may stand in a queue"})
	default:
		e.apply(event{Kind: evEnd, Reason: EndReason(kind), Detail: "a timer ran out"})
	}
}

// unsure reports whether a timer that is due has to wait: nobody said whether an agent is there, or the read shows a step that a
// second one must confirm, or words that are not here yet. It waits timerPatience at most.
func (e *edit) unsure(o outcome) bool {
	c := e.open()
	if c == nil || c.State == StateEnding {
		return false
	}
	_, at := c.timer()
	switch {
	case at.IsZero() || e.now.Before(at) || !e.now.Before(at.Add(timerPatience)):
		return false
	case c.Doubt.Phase != "":
		e.Control.NotBefore = later(e.Control.NotBefore, c.PollAt)
		return true
	case e.words: // what an agent wrote is on its way
		e.Control.NotBefore = later(e.Control.NotBefore, e.now.Add(readPause))
		return true
	default:
		return o.err != nil && (o.read == nil || o.read.err != nil && !o.read.blind && !o.read.gone)
	}
}
