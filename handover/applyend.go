package handover

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// How a session ends, and until when an agent answers for what was sent.

func (t *turn) overMoved() {
	reason := EndByGenesys
	if !t.Connected.IsZero() {
		reason = EndByAgent
	}
	if t.State == StateEnding {
		reason = t.Ending.Reason
	}
	t.unclear()
	t.over(reason, CodeConversationMoved, "the conversation was over: a message of the customer opened another one", t.Moved)
}

// unclear: nobody says when the agents were gone, so all that none was seen to have got goes back.
func (c *core) unclear() { c.AnsweredTo = c.Connected.Add(-clockSlack) }

// over ends the session, once and for all.
func (t *turn) over(reason EndReason, code, detail string, at time.Time) {
	connected := t.State == StateConnected
	t.enter(StateEnded)
	t.Ending = Ending{Reason: reason, Time: at, Code: code, Detail: detail}
	switch {
	case !t.AnsweredTo.IsZero():
	case t.leftBefore(at):
		t.AnsweredTo = t.AgentsLeft.Add(-clockSlack) // it is Genesys' clock, and what we sent after it is for the bot
	case !t.Waiting.IsZero() && reason != EndByAgent:
		t.unclear() // it waited for another agent, and none came
	default:
		t.AnsweredTo = at
	}
	if connected {
		t.emit(effect{Notice: NoticeAgentLeft, Agent: t.Agent})
	}
	t.emit(effect{Notice: NoticeEnded, Agent: t.Agent, Detail: detail})
}

// leftBefore reports whether the agents were gone before an end.
func (t *turn) leftBefore(end time.Time) bool {
	return !t.AgentsLeft.IsZero() && t.AgentsLeft.Before(end)
}

// reasonOf reads who ended a conversation.
func reasonOf(s genesys.Standing) EndReason {
	switch s.EndedBy {
	case "agent", "user":
		return EndByAgent
	case "customer", "external":
		return EndByCustomer
	default:
		return EndByGenesys
	}
}

func (t *turn) finish(e event) {
	if t.sure(e) && !t.awaitsWrapup(e) {
		t.answers(e)
		t.over(reasonOf(e.Standing), e.Standing.Why, "", endOf(e, t.now))
	}
}

// awaitsWrapup reports whether the end waits for the agent's after-call work: only if the host wants that, and not for ever.
func (t *turn) awaitsWrapup(e event) bool {
	if !t.AwaitWrapup || t.State != StateConnected || t.MovedTo != "" || e.Standing.Phase != genesys.PhaseWrapup {
		return false
	}
	then := *t
	then.answers(e)
	t.Over = ended{Ending{Reason: reasonOf(e.Standing), Time: endOf(e, t.now), Code: e.Standing.Why}, then.AnsweredTo}
	if t.Wrapup.IsZero() {
		t.Wrapup = t.now
		t.hurry()
	}
	return t.now.Sub(t.Wrapup) < wrapupPatience
}

// waitsNoLonger ends a session whose after-call work no read shows the end of.
func (t *turn) waitsNoLonger() {
	t.AnsweredTo = t.Over.AnsweredTo
	t.over(t.Over.Ending.Reason, t.Over.Ending.Code, "", t.Over.Ending.Time)
}

// came notes an agent who came and went without a read that showed it.
func (t *turn) came(e event) {
	if t.Connected.IsZero() {
		t.Connected = e.Came
	}
}

// answers tells until when an agent answers for what was sent: to the end, if he was there or ended it.
func (t *turn) answers(e event) {
	t.came(e)
	end := e.Standing.EndedAt
	switch {
	case end.IsZero():
		t.unclear()
	case e.Came.IsZero():
	case !t.leftBefore(end):
		t.AnsweredTo = end
	case !e.Moved && end.Sub(t.AgentsLeft) <= clockSlack: // he left with the customer
		t.AnsweredTo = t.AgentsLeft
	}
}

// sure asks for a second read when our own write is so young that the first may be older than it.
func (t *turn) sure(e event) bool {
	if t.MovedTo != "" || e.Began.Sub(t.Wrote) >= settlePeriod {
		return true
	}
	if t.Doubt.Phase == e.Standing.Phase && e.Began.Sub(t.Doubt.At) >= secondRead {
		return true
	}
	if t.Doubt.Phase != e.Standing.Phase {
		t.Doubt = doubt{Phase: e.Standing.Phase, At: e.Began}
	}
	t.readAt(t.Doubt.At.Add(secondRead))
	return false
}

func endOf(e event, now time.Time) time.Time {
	if e.Standing.EndedAt.IsZero() {
		return now
	}
	return e.Standing.EndedAt
}
