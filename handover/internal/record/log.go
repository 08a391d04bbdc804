package record

import (
	"strings"
	"unicode"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// The values of LogLine.What, besides the states, for Manager.Explain. For a state, Why
// begins with the event, followed by the agent, queue or reason. No line contains message text
// or a customer id.
const (
	saidAccepted   = "accepted"    // Why: resumed, or empty
	saidMoved      = "moved"       // a message from this side opened another conversation
	saidBlind      = "blind"       // the conversation may not be read
	saidAgent      = "agent"       // Why: the agent, who was unknown before
	saidDeclined   = "declined"    // Why: agent
	saidLeft       = "left"        // Why: agent
	saidPassed     = "passed"      // Why: the old and the new queue
	saidMisrouted  = "misrouted"   // Why: the queue and the fix
	saidIdle       = "idle"        // NoticeIdle was sent
	saidRetry      = "retry"       // Why: error, without content
	saidTransfer   = "no transfer" // Why: error
	saidDisconnect = "no disconnect"
	saidDropped    = "dropped" // Why: kind of the notice
	saidReturned   = "returned"
	saidLost       = "undelivered" // Why: code
	saidGivenUp    = "given up"    // Why: kind of the entry
	saidOverflow   = "overflow"    // an agent's message did not fit into the record
	saidGap        = "gap"         // agents' messages are lost. Why: how many, and the reason
	saidFetched    = "fetched"     // an agent's message, without a webhook
	// Genesys gets no receipt that a message failed. Why: the reason.
	saidNoReceipt = "no receipt"
	// A refused message is in no Return, because too many were refused.
	saidNotKept = "not kept"
	saidSource  = "source"            // signals are no longer reliable
	SaidFailed  = "failed at Genesys" // a receipt reports that a message was not delivered
	saidBegun   = "begun"             // of a state: the session began in it
)

// maxWhy limits a log line, and so the size of the record.
const maxWhy = 160

// logMove logs a transition: first what ended with it, then the new state.
func (tx *Transaction) logMove(before *machine.Handover, ev machine.Event, effects []machine.Effect) {
	c := tx.Handover
	again := false
	for _, f := range effects {
		switch f.Notice {
		case machine.NoticeDeclined:
			tx.AddLog(saidDeclined, f.Agent.Words())
		case machine.NoticeAgentLeft:
			tx.AddLog(saidLeft, f.Agent.Words())
		case machine.NoticeTransferred:
			tx.AddLog(saidPassed, f.From+" "+f.To)
		case machine.NoticeMisrouted:
			tx.AddLog(saidMisrouted, f.Detail)
		case machine.NoticeConnectionLost:
			if !c.Blind {
				tx.AddLog(saidSource, "")
			}
		case machine.NoticeAgentJoined, machine.NoticeAlerting:
			again = true // of another agent, in the same state
		default:
		}
	}
	switch {
	case c.State != before.State || again:
		tx.AddLog(string(c.State), string(ev.Kind)+" "+c.About())
	case c.Agent.ID != "" && before.Agent.ID == "":
		tx.AddLog(saidAgent, c.Agent.Words())
	}
	if before.OpeningAcceptedAt.IsZero() && !c.OpeningAcceptedAt.IsZero() {
		tx.AddLog(saidAccepted, "")
	}
	if !before.Resumed && c.Resumed {
		tx.AddLog(saidAccepted, "resumed")
	}
	if before.MovedTo == "" && c.MovedTo != "" {
		tx.AddLog(saidMoved, "")
	}
	if !before.Blind && c.Blind {
		tx.AddLog(saidBlind, "")
	}
}

// AddLog adds a log line. It skips a repeated saidRetry, saidNoReceipt or saidNotKept, so that
// repeated failures do not push older lines out.
func (tx *Transaction) AddLog(what, why string) {
	why = OneLine(why, maxWhy)
	repeats := what == saidRetry || what == saidNoReceipt || what == saidNotKept
	if n := len(tx.Log); n > 0 && repeats && tx.Log[n-1].What == what && tx.Log[n-1].Why == why {
		return
	}
	tx.note(tx.Now, what, why)
}

// logRetry logs the first failure of an entry. The entry itself counts the failures.
func (tx *Transaction) logRetry(x *Entry, why string) {
	if x.Attempts == 1 {
		tx.AddLog(saidRetry, string(x.Kind)+" "+why)
	}
}

// OneLine returns s without control characters and line breaks, cut to about most bytes.
func OneLine(s string, most int) string {
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
