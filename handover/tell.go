package handover

import (
	"strings"
	"unicode"
)

// What the log of a record says, for [Manager.Explain]. What is a state or one of these words; Why begins with the event where
// What is a state, and goes on with whom or what it is about. Never content, and never the customer.
const (
	saidAccepted   = "accepted"    // Why: resumed, or nothing
	saidMoved      = "moved"       // a message of ours opened another conversation
	saidBlind      = "blind"       // the read is forbidden
	saidAgent      = "agent"       // Why: who it is, known only now
	saidDeclined   = "declined"    // Why: agent
	saidLeft       = "left"        // Why: agent
	saidPassed     = "passed"      // Why: queues, from and to
	saidIdle       = "idle"        // the warning was given
	saidRetry      = "retry"       // Why: error, without content
	saidTransfer   = "no transfer" // Why: error
	saidDisconnect = "no disconnect"
	saidDropped    = "dropped" // Why: kind of the notice
	saidReturned   = "returned"
	saidLost       = "undelivered"       // Why: code
	saidGivenUp    = "given up"          // Why: kind of the entry
	saidOverflow   = "overflow"          // an agent's message had no room
	saidGap        = "gap"               // agents' messages are lost. Why: how many, and why
	saidFetched    = "fetched"           // an agent's message that no webhook brought
	saidSource     = "source"            // signals are not to be relied on any more
	saidFailed     = "failed at Genesys" // a receipt says that a message did not arrive
	saidBegun      = "begun"             // of a state: the session began with it
)

// maxWhy bounds a line of the log, and so the record.
const maxWhy = 160

// tell notes a move: first what came to an end with it, then where the session is now.
func (e *edit) tell(before *core, ev event, effects []effect) {
	c := e.Now
	again := false
	for _, f := range effects {
		switch f.Notice {
		case NoticeDeclined:
			e.say(saidDeclined, f.Agent.words())
		case NoticeAgentLeft:
			e.say(saidLeft, f.Agent.words())
		case NoticeTransferred:
			e.say(saidPassed, f.From+" "+f.To)
		case NoticeConnectionLost:
			if !c.Blind {
				e.say(saidSource, "")
			}
		case NoticeAgentJoined, NoticeAlerting:
			again = true // of another agent, where the state stays
		default:
		}
	}
	switch {
	case c.State != before.State || again:
		e.say(string(c.State), string(ev.Kind)+" "+c.about())
	case c.Agent.ID != "" && before.Agent.ID == "":
		e.say(saidAgent, c.Agent.words())
	}
	if before.Accepted.IsZero() && !c.Accepted.IsZero() {
		e.say(saidAccepted, "")
	}
	if !before.Resumed && c.Resumed {
		e.say(saidAccepted, "resumed")
	}
	if before.MovedTo == "" && c.MovedTo != "" {
		e.say(saidMoved, "")
	}
	if !before.Blind && c.Blind {
		e.say(saidBlind, "")
	}
}

// about is what a state is about.
func (c *core) about() string {
	switch c.State {
	case StateQueued:
		return c.StoodIn
	case StateAlerting, StateConnected:
		return c.Agent.words()
	case StateEnding, StateEnded:
		return string(c.Ending.Reason) + " " + c.Ending.Code
	default:
		return ""
	}
}

// say notes a line, but not the same twice in a row: one that goes on failing must not push the story out.
func (e *edit) say(what, why string) {
	why = oneLine(why, maxWhy)
	if n := len(e.Log); n > 0 && what == saidRetry && e.Log[n-1].What == what && e.Log[n-1].Why == why {
		return
	}
	e.note(e.now, what, why)
}

// retried notes the first failure of an entry; how many there were is in the entry.
func (e *edit) retried(x *entry, why string) {
	if x.Attempts == 1 {
		e.say(saidRetry, string(x.Kind)+" "+why)
	}
}

// words are who an agent is.
func (a Agent) words() string {
	if a.Name != "" {
		return a.Name
	}
	return a.ID
}

// oneLine is text that stays on its line.
func oneLine(s string, most int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s))
	for i := range s {
		if i > most {
			return strings.TrimSpace(s[:i]) + "…"
		}
	}
	return s
}
