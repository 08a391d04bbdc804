package record

import (
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// fireTimers applies the timer that is due. The caller has just read the conversation, if that
// was possible.
func (tx *Transaction) fireTimers() {
	c := tx.Open()
	if c == nil {
		return
	}
	switch kind, at := c.Timer(); {
	case kind == machine.TimerNone || tx.Now.Before(at):
	case kind == machine.TimerWarn:
		c.WarnedAt = tx.Now
		tx.AddLog(saidIdle, "")
		tx.Notice(Notice{Kind: machine.NoticeIdle, Detail: "the customer has not written for a while"})
	case kind == machine.TimerEnd:
		c.Leftover = machine.LeftoverRequested
		if c.DisconnectedAt.IsZero() { // no disconnect reached Genesys
			c.AnswersNothing()
		}
		tx.Apply(machine.Event{Kind: machine.EvReleased, Code: machine.CodeNotDisconnected, Detail: "Genesys did not confirm the end"})
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
	_, at := c.Timer()
	switch {
	case at.IsZero() || tx.Now.Before(at) || !tx.Now.Before(at.Add(machine.TimerPatience)):
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
