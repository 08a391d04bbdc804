package machine

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// This file determines how a session ends, and up to which time an agent answers for the sent
// messages.

func (t *Transition) overMoved() {
	reason := EndByGenesys
	if !t.Connected.IsZero() {
		reason = EndByAgent
	}
	if t.State == StateEnding {
		reason = t.Ending.Reason
	}
	t.AnswersNothing()
	t.over(reason, CodeConversationMoved, "the conversation was over: a message of the customer opened another one", t.MovedAt)
}

// AnswersNothing notes that the time when the agents left is unknown. Messages that no agent was
// seen to receive are unanswered.
func (c *Handover) AnswersNothing() { c.AnsweredUntil = c.Came.Add(-ClockSlack) }

// over ends the session, once and for all.
func (t *Transition) over(reason EndReason, code, detail string, at time.Time) {
	connected := t.State == StateConnected && t.AloneSince.IsZero()
	t.enter(StateEnded)
	t.Ending = Ending{Reason: reason, Time: at, Code: code, Detail: detail}
	switch {
	case !t.AnsweredUntil.IsZero():
	case t.leftBefore(t.clock.Genesys(at)):
		t.AnsweredUntil = t.AgentsLeftAt // later messages are for the bot
	case !t.WaitingSince.IsZero() && reason != EndByAgent:
		t.AnswersNothing() // it waited for another agent, and no agent joined
	default:
		if t.AnsweredUntil = t.clock.Genesys(at); at.Equal(t.Now) {
			// Our side ended it, after Genesys had accepted the messages.
			t.AnsweredUntil = t.AnsweredUntil.Add(ClockSlack)
		}
	}
	if connected {
		t.emit(Effect{Notice: NoticeAgentLeft, Agent: t.Agent})
	}
	t.emit(Effect{Notice: NoticeEnded, Agent: t.Agent, Detail: detail})
}

// leftBefore reports whether the agents were gone before an end, by Genesys' clock.
func (t *Transition) leftBefore(end time.Time) bool {
	return !t.AgentsLeftAt.IsZero() && t.AgentsLeftAt.Before(end)
}

// reasonOf returns who ended a conversation.
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

func (t *Transition) finish(e Event) {
	if t.sure(e) {
		t.answers(e)
		t.over(reasonOf(e.Standing), e.Standing.Why, "", t.endOf(e))
	}
}

// came notes an agent who joined and left between two reads.
func (t *Transition) came(e Event) {
	if t.Connected.IsZero() {
		t.Connected, t.Came = t.clock.host(e.Came), e.Came
	}
}

// disconnected reports whether a read shows the end that our own disconnect made. Nothing is sent
// after that.
func (t *Transition) disconnected(e Event) bool {
	return t.State == StateEnding && !t.DisconnectedAt.IsZero() && reasonOf(e.Standing) != EndByAgent
}

// answers returns up to which time an agent answers for the sent messages: up to the end, if an
// agent was there or ended it.
func (t *Transition) answers(e Event) {
	t.came(e)
	end := e.Standing.EndedAt
	switch {
	case end.IsZero():
		t.AnswersNothing()
	case e.Came.IsZero():
	// The agent left together with the customer.
	case t.disconnected(e) && (!t.leftBefore(end) || !e.Moved && end.Sub(t.AgentsLeftAt) <= DateStep):
		t.AnsweredUntil = end.Add(DateStep) // everything was sent before
	case !t.leftBefore(end):
		t.AnsweredUntil = end
	}
}

// sure reports whether a read is certain. A read that began within SettlePeriod of our own write
// may be older than that write, so a later one has to agree.
func (t *Transition) sure(e Event) bool {
	if t.MovedTo != "" || e.Began.Sub(t.LastWriteAt) >= SettlePeriod {
		return true
	}
	if t.Unconfirmed.Phase != e.Standing.Phase {
		t.Unconfirmed = Unconfirmed{Phase: e.Standing.Phase, At: t.LastWriteAt.Add(SettlePeriod)}
	}
	if !e.Began.Before(t.Unconfirmed.At) { // we wrote again since the first one
		return true
	}
	t.ScheduleRead(t.Unconfirmed.At)
	return false
}

// endOf returns when a conversation ended, by this machine's clock.
func (t *Transition) endOf(e Event) time.Time {
	if e.Standing.EndedAt.IsZero() {
		return t.Now
	}
	return t.clock.host(e.Standing.EndedAt)
}

// Unanswered reports whether no agent answers for a message that was sent at a time of Genesys'
// clock.
func (c *Handover) Unanswered(at time.Time) bool {
	return !at.Before(c.AnsweredUntil) || c.Connected.IsZero()
}
