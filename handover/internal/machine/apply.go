package machine

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// Apply is the state machine: pure, without clock or I/O. It returns the next Handover and the
// effects of the change. An event that has no meaning in a state changes nothing.
func Apply(c Handover, e Event, now time.Time) (Handover, []Effect) {
	if !c.Open() {
		return c, nil
	}
	t := &Transition{Handover: c, Now: now, clock: e.Clock}
	switch e.Kind {
	case EvHandOver:
		t.handOver()
	case EvEnd:
		t.end(e)
	case EvAccepted:
		t.accepted(e)
	case EvNamed:
		t.named(e)
	case EvTransferred:
		t.transferred()
	case EvRead:
		t.read(e)
	case EvBlind:
		t.blind(e)
	case EvSignalled:
		t.signalled(e)
	case EvSocket:
		t.socket(e.Alive)
	case EvGone:
		t.gone(e)
	case EvAgentWrote:
		t.agentWrote(e)
	case EvMoved:
		t.moved(e)
	case EvRefused:
		t.over(EndRefused, e.Code, e.Detail, now)
	case EvFailed:
		t.Leftover = LeftoverOpen
		t.AnswersNothing()
		t.over(EndFailed, e.Code, e.Detail, now)
	case EvReleased:
		if t.State == StateEnding {
			if !t.leftBefore(t.genesysNow()) {
				t.AnswersNothing()
			}
			t.over(t.Ending.Reason, e.Code, e.Detail, now)
		}
	}
	return t.Handover, t.effects
}

// A Transition is one call of Apply: the resulting Handover, and the effects in order.
type Transition struct {
	Handover

	Now     time.Time
	clock   Clock
	effects []Effect
}

func (t *Transition) emit(e Effect) { t.effects = append(t.effects, e) }

func (t *Transition) enter(s State) {
	t.State, t.ChangedAt, t.Unconfirmed, t.AloneSince = s, t.Now, Unconfirmed{}, time.Time{}
	t.PollSoon()
}

// PollSoon makes the pauses between polls short again.
func (t *Transition) PollSoon() {
	t.PollEvery = 0
	t.SchedulePoll()
}

// ScheduleRead wants a read at a time, for a reason.
func (t *Transition) ScheduleRead(at time.Time) { t.PollAt, t.Poll = at, false }

// SchedulePoll schedules the next read when there is no reason for one but time.
func (t *Transition) SchedulePoll() {
	t.Poll = true
	switch {
	case t.State == StateRequested && !t.Misrouted || t.State == StateEnding || t.MovedTo != "":
		t.ScheduleRead(t.Now.Add(ReadPause))
	case t.State == StateBot || t.State == StateEnded:
		t.PollAt = time.Time{}
	default:
		most := LastPoll
		if t.Now.Sub(t.SignalledAt) < sourceTrust {
			most = SourcePoll
		}
		t.PollEvery = max(FirstPoll, min(t.PollEvery*3/2, most))
		t.PollAt = t.Now.Add(t.PollEvery)
	}
}

// wanted returns when a read is due that was requested after the last read began, or zero.
func (t *Transition) wanted(began time.Time) time.Time {
	if t.Poll || !t.PollAt.After(began) {
		return time.Time{}
	}
	return t.PollAt
}

// keep preserves a requested read, so that a read that was already running does not cancel the last
// of many signals.
func (t *Transition) keep(wanted, began time.Time) {
	if wanted.IsZero() || !t.Open() {
		return
	}
	if at := Later(wanted, began.Add(ReadPause)); t.PollAt.IsZero() || at.Before(t.PollAt) {
		t.ScheduleRead(at)
	}
}

func (t *Transition) handOver() {
	if t.State != StateBot {
		return
	}
	t.AgentRequestedAt, t.WaitingSince = t.Now, t.Now
	t.enter(StateRequested)
	t.ScheduleRead(t.Now)
	t.emit(Effect{Notice: NoticeRequested})
}

func (t *Transition) end(e Event) {
	if t.State == StateEnding {
		return
	}
	unknown := t.OpeningTriedAt.IsZero() && t.ConversationID == "" // to Genesys
	if unknown || t.State == StateBot {
		if !unknown {
			t.Leftover = LeftoverRequested
		}
		t.over(e.Reason, e.Code, e.Detail, t.Now)
		return
	}
	t.EndRequestedAt = t.Now
	t.Ending = Ending{Reason: e.Reason, Time: t.Now, Code: e.Code, Detail: e.Detail}
	t.enter(StateEnding)
	t.ScheduleRead(t.Now)
	t.emit(Effect{Notice: NoticeEnding, Detail: e.Detail})
}

func (t *Transition) accepted(e Event) {
	if t.OpeningAcceptedAt.IsZero() {
		t.OpeningAcceptedAt = t.Now
	}
	if e.Conversation != "" {
		t.goesOnIn(e)
	}
	t.LastWriteAt = t.Now
	if t.State != StateBot {
		t.ScheduleRead(t.Now.Add(FirstRead))
	}
}

// goesOnIn notes the conversation of the session, and the legs of it that earlier reads showed.
func (t *Transition) goesOnIn(e Event) {
	if e.Conversation != t.ConversationID {
		t.Legs = Legs{Newest: e.Legs.Newest, Before: e.Legs.Ended}
	}
	t.ConversationID, t.Resumed = e.Conversation, e.Resumed
}

// named: only until an answer names the conversation.
func (t *Transition) named(e Event) {
	t.goesOnIn(e)
	if !t.OpeningAcceptedAt.IsZero() && t.State != StateBot {
		t.ScheduleRead(t.Now.Add(FirstRead))
	}
}

func (t *Transition) transferred() {
	t.Transferred, t.LastWriteAt, t.ConfirmedAt = t.Now, t.Now, t.genesysNow()
	if t.State != StateRequested {
		return
	}
	t.LastQueueID = t.QueueID
	t.enter(StateQueued)
	t.emit(Effect{Notice: NoticeQueued, To: t.QueueID})
}

// agentWrote handles a person's message. It proves that an agent is there, even against reads.
func (t *Transition) agentWrote(e Event) {
	at := t.genesysNow()
	if !e.Began.IsZero() && (t.clock.Unmeasured || e.Began.Before(at)) {
		at = e.Began // a late webhook proves only the state at its time
	}
	t.AgentAt, t.AgentWrote, t.ConfirmedAt = t.Now, Later(t.AgentWrote, at), Later(t.ConfirmedAt, at)
	if at.After(t.EndSignalledAt) {
		t.EndSignalledAt = time.Time{} // the report of the end was wrong
	}
	back := !t.AloneSince.IsZero() && at.After(t.AgentsLeftAt)
	if at.After(t.AgentsLeftAt) {
		t.AgentsLeftAt = time.Time{}
	}
	if t.State == StateEnding {
		return
	}
	if t.State != StateConnected || back {
		if t.Connected.IsZero() {
			t.Connected, t.Came = t.Now, at // the clock of this process may be unmeasured
		}
		t.connect(Agent{})
		t.ScheduleRead(t.Now.Add(FirstRead)) // find the agent's name
	}
}

func (t *Transition) connect(a Agent) {
	t.Agent = a
	t.attended()
	t.WaitingSince = time.Time{}
	t.enter(StateConnected)
	t.emit(Effect{Notice: NoticeAgentJoined, Agent: a})
}

// attended notes that an agent is there now.
func (t *Transition) attended() {
	if t.Connected.IsZero() {
		t.Connected, t.Came = t.Now, t.genesysNow()
	}
}

func (t *Transition) moved(e Event) {
	switch {
	case t.ConversationID == "" || e.Conversation == t.ConversationID:
		return
	case t.MovedTo != "":
		if t.Now.Sub(t.MovedAt) >= movedPatience { // the lane has waited long enough
			t.overMoved()
		}
		return
	}
	t.MovedTo, t.MovedAt = e.Conversation, t.Now
	if t.Blind {
		t.overMoved()
		return
	}
	t.ScheduleRead(t.Now)
}

// This file determines how a session ends, and up to which time an agent answers for the sent
// messages.

func (t *Transition) overMoved() {
	t.AnswersNothing()
	t.over(t.reason(), CodeConversationMoved, "the conversation was over: a message of the customer opened another one", t.MovedAt)
}

// reason returns who ended a conversation if no read shows it.
func (t *Transition) reason() EndReason {
	switch {
	case t.State == StateEnding:
		return t.Ending.Reason
	case !t.Connected.IsZero():
		return EndByAgent
	default:
		return EndByGenesys
	}
}

// overAsRequested ends a session that is ending.
func (t *Transition) overAsRequested(at time.Time) {
	t.over(t.Ending.Reason, t.Ending.Code, t.Ending.Detail, at)
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

// This file handles reads that return no conversation: the read is forbidden, or the conversation
// is unknown.

func (t *Transition) blind(e Event) {
	t.ReadAt, t.GoneSince = Later(t.ReadAt, e.Began), time.Time{}
	if t.Denied.IsZero() {
		t.Denied = e.Began
	}
	// One answer is no proof.
	if again := t.Denied.Add(DeniedPause); !t.Blind && e.Began.Before(again) {
		t.ScheduleRead(again)
		return
	}
	first := !t.Blind
	t.Blind = true
	t.PollAt, t.Poll = time.Time{}, true
	if t.State != StateBot {
		t.PollAt = t.Now.Add(BlindPoll)
	}
	switch {
	case t.MovedTo != "": // no read can show how the old conversation ended
		t.overMoved()
	case t.State == StateEnding && !t.DisconnectedAt.IsZero():
		t.overAsRequested(t.Now)
	case t.State == StateRequested && t.Routing == RouteByTransfer && t.Transferred.IsZero():
		t.over(EndRefused, CodePermission, "the conversation may not be read, so it cannot be transferred to the agent queue: "+
			"let the OAuth client read message conversations, or route by flow", t.Now)
	case !t.EndSignalledAt.IsZero() && t.State != StateBot:
		t.overReported()
	case first && t.State != StateBot && t.State != StateEnding:
		t.emit(Effect{Notice: NoticeConnectionLost, Detail: blindDetail, Permission: e.Permission})
	}
}

const blindDetail = "the conversation may not be read: an agent is detected by the first message, an end only by a signal that reports it, by a timer, " +
	"or when the host ends it"

// signalled handles a report that the conversation ended at a time. It counts only for a session
// that had begun before, and only if no agent wrote later. If the conversation may be read, a read
// decides, or shows that reading is forbidden.
func (t *Transition) signalled(e Event) {
	switch {
	case t.State == StateBot || e.Began.Before(t.OpeningTriedAt.Add(ClockSlack)) || e.Began.Before(t.AgentWrote):
	case t.Blind:
		t.overReported()
	default:
		t.EndSignalledAt = Later(t.EndSignalledAt, e.Began)
	}
}

// overReported ends a session because a signal reports its end and the conversation cannot be read.
func (t *Transition) overReported() {
	if t.State == StateEnding {
		t.overAsRequested(t.Now)
		return
	}
	t.AnswersNothing()
	t.over(EndByGenesys, CodeSignalled, "a signal reports the end of the conversation, and it may not be read", t.Now)
}

func (t *Transition) gone(e Event) {
	wanted := t.wanted(e.Began)
	t.ReadAt, t.Denied = Later(t.ReadAt, e.Began), time.Time{}
	t.SchedulePoll()
	t.keep(wanted, e.Began)
	if e.Began.Before(t.ChangedAt) {
		return
	}
	if t.MovedTo != "" && t.Now.Sub(t.MovedAt) >= movedPatience {
		t.overMoved()
		return
	}
	if t.GoneSince.IsZero() {
		t.GoneSince = t.Now
	}
	if t.Now.Sub(t.GoneSince) >= GonePatience {
		reason := t.Ending.Reason
		if t.State != StateEnding {
			reason = EndByGenesys
			t.AnswersNothing()
		}
		t.over(reason, CodeConversationGone, "Genesys no longer knows the conversation", t.Now)
	}
}

// This file decides whether signals are reliable, so that polls are rare. A dead source reports
// nothing, so it is detected by the steps that it did not signal.

// socket notes whether a notification socket is alive. A live socket is trusted without signals as
// long as it has announced the last step. After a step that it did not announce, for example to a
// queue that it does not cover, the conversation is polled.
func (t *Transition) socket(alive bool) {
	was := t.Socket
	t.Socket = alive
	switch {
	case alive && t.announced():
		t.SignalledAt = t.Now
	case !alive && was:
		t.lost("the notification socket is gone: until it is back, steps are seen by polling")
	}
}

// announced reports whether a signal announced the last step.
func (t *Transition) announced() bool {
	return !t.SignalledAt.IsZero() && !t.SignalledAt.Before(t.ChangedAt.Add(-sourceDelay))
}

// lost makes polls frequent again and reports the lost source.
func (t *Transition) lost(detail string) {
	t.SignalledAt, t.Unsignalled = time.Time{}, 0
	t.emit(Effect{Notice: NoticeConnectionLost, Detail: detail})
	if wanted := t.wanted(time.Time{}); !wanted.IsZero() && wanted.Before(t.Now.Add(FirstPoll)) {
		t.PollEvery = 0
		return
	}
	t.PollSoon()
}

// seen rates the source by a step that a read showed: whether a signal requested the read, or
// whether it was only a poll.
func (t *Transition) seen(before Handover) {
	moved := t.State != before.State || t.Agent.ID != before.Agent.ID
	switch {
	case !moved || !before.Poll || before.SignalledAt.IsZero() || t.State == StateEnded:
		return
	case t.Unsignalled+1 < maxUnsignalled:
		t.Unsignalled++
	default:
		t.lost("signals no longer arrive: steps are detected by polling")
	}
}
