package machine

import (
	"cmp"
	"fmt"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// Apply is the state machine: pure, without clock or I/O. It returns the next Handover and the
// effects of the change. An event that has no meaning in a state changes nothing.
func Apply(c Handover, e Event, now Time) (Handover, []Effect) {
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

	Now     Time
	clock   Clock
	effects []Effect
}

func (t *Transition) emit(e Effect) { t.effects = append(t.effects, e) }

func (t *Transition) enter(s State) {
	t.State, t.ChangedAt, t.Unconfirmed, t.AloneSince = s, t.Now, Unconfirmed{}, 0
	t.pollSoon()
}

// pollSoon makes the pauses between polls short again.
func (t *Transition) pollSoon() {
	t.PollEvery = 0
	t.SchedulePoll()
}

// ScheduleRead wants a read at a time, for a reason.
func (t *Transition) ScheduleRead(at Time) { t.PollAt, t.Poll = at, false }

// SchedulePoll schedules the next read when there is no reason for one but time.
func (t *Transition) SchedulePoll() {
	t.Poll = true
	switch {
	case t.State == StateRequested && !t.Misrouted || t.State == StateEnding || t.MovedTo != "":
		t.ScheduleRead(t.Now.Add(ReadPause))
	case t.State == StateBot || t.State == StateEnded:
		t.PollAt = 0
	default:
		most := LastPoll
		if t.Now.Sub(t.SignalledAt) < sourceTrust {
			most = SourcePoll
		}
		t.PollEvery = max(FirstPoll, min(t.PollEvery*3/2, most))
		t.PollAt = t.Now.Add(t.PollEvery)
	}
}

// wanted returns when a read is due that the read of the event does not replace, or zero: it was
// requested after the claim of that read, or is due after it began. Times alone do not show the
// former, because the clocks of processes differ.
func (t *Transition) wanted(e Event) Time {
	if !e.Requested && (t.Poll || !t.PollAt.After(e.Began)) {
		return 0
	}
	return t.PollAt
}

// keep preserves a requested read, so that a read that was already running does not cancel the last
// of many signals.
func (t *Transition) keep(wanted, began Time) {
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
	t.Transferred, t.LastWriteAt, t.ConfirmedAt, t.TransferDoubt = t.Now, t.Now, t.genesysNow(), false
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
		t.EndSignalledAt = 0 // the report of the end was wrong
	}
	back := !t.AloneSince.IsZero() && at.After(t.AgentsLeftAt)
	if at.After(t.AgentsLeftAt) {
		t.AgentsLeftAt = 0
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
	t.WaitingSince = 0
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

// The following determines how a session ends, and up to which time an agent answers for the sent
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
func (t *Transition) overAsRequested(at Time) {
	t.over(t.Ending.Reason, t.Ending.Code, t.Ending.Detail, at)
}

// AnswersNothing notes that the time when the agents left is unknown. Messages that no agent was
// seen to receive are unanswered.
func (c *Handover) AnswersNothing() { c.AnsweredUntil = c.Came.Add(-ClockSlack) }

// over ends the session, once and for all.
func (t *Transition) over(reason EndReason, code, detail string, at Time) {
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
		if t.AnsweredUntil = t.clock.Genesys(at); at == t.Now {
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
func (t *Transition) leftBefore(end Time) bool {
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
	end := TimeOf(e.Standing.EndedAt)
	switch {
	case end.IsZero():
		t.AnswersNothing()
	case e.Came.IsZero():
	case t.disconnected(e) && !t.leftBefore(end):
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
func (t *Transition) endOf(e Event) Time {
	if e.Standing.EndedAt.IsZero() {
		return t.Now
	}
	return t.clock.host(TimeOf(e.Standing.EndedAt))
}

// Unanswered reports whether no agent answers for a message that was sent at a time of Genesys'
// clock.
func (c *Handover) Unanswered(at Time) bool {
	return !at.Before(c.AnsweredUntil) || c.Connected.IsZero()
}

// The following handles reads that return no conversation: the read is forbidden, or the
// conversation is unknown.

func (t *Transition) blind(e Event) {
	t.ReadAt, t.GoneSince = Later(t.ReadAt, e.Began), 0
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
	t.PollAt, t.Poll = 0, true
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
	wanted := t.wanted(e)
	t.ReadAt, t.Denied = Later(t.ReadAt, e.Began), 0
	t.SchedulePoll()
	t.keep(wanted, e.Began)
	if e.Outdated || e.Began.Before(t.ChangedAt) {
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

// The following decides whether signals are reliable, so that polls are rare. A dead source reports
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
	t.SignalledAt, t.Unsignalled = 0, 0
	t.emit(Effect{Notice: NoticeConnectionLost, Detail: detail})
	if wanted := t.wanted(Event{}); !wanted.IsZero() && wanted.Before(t.Now.Add(FirstPoll)) {
		t.PollEvery = 0
		return
	}
	t.pollSoon()
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

// read moves the session to the state that the conversation has. A read that began before the last
// move may confirm the state but does not change it.
func (t *Transition) read(e Event) {
	before := t.Handover
	t.learn(e)
	wanted := t.wanted(e)
	t.GoneSince, t.Denied, t.ReadAt, t.PollAt, t.Blind = 0, 0, Later(t.ReadAt, e.Began), 0, false
	defer func() {
		t.seen(before)
		if t.PollAt.IsZero() {
			t.SchedulePoll()
		}
		t.keep(wanted, e.Began)
	}()
	stale := e.Outdated || e.Began.Before(t.ChangedAt) || e.Legs.Newest.Before(t.Newest)
	if !stale {
		t.Newest, t.Ended = e.Legs.Newest, e.Legs.Ended
		t.confirm(e)
		t.AgentsLeftAt = e.Left
		if t.clock.Genesys(e.Began).After(t.EndSignalledAt) {
			t.EndSignalledAt = 0
		}
		if t.Unconfirmed.Phase != e.Standing.Phase { // this read does not agree
			t.Unconfirmed = Unconfirmed{}
		}
	}
	over := e.Standing.Phase == genesys.PhaseEnded || e.Standing.Phase == genesys.PhaseWrapup
	switch {
	case stale:
	case over && t.State == StateEnding:
		t.readEnding(e)
	case over && (t.MovedTo != "" || t.State != StateRequested || !e.Reopens):
		t.finish(e)
	case t.MovedTo != "" && t.Now.Sub(t.MovedAt) >= movedPatience:
		t.overMoved()
	case t.MovedTo != "":
	case t.State == StateEnding:
		t.readEnding(e)
	case !e.Standing.AloneSince.IsZero():
		t.alone(e)
	case t.State == StateBot:
		t.readBot(e)
	case t.State == StateRequested:
		t.readRequested(e)
	default:
		t.readRouted(e)
	}
	if stale || t.AloneSince.IsZero() || !e.Standing.AloneSince.IsZero() {
		return
	}
	// A connected session still stores that the agent was reported to have left.
	if t.AloneSince = e.Began; t.State != StateConnected {
		t.AloneSince = 0
	}
}

// alone handles a read that shows no agent, queue or flow after an agent. A transfer shows such a
// moment, so the session ends only if a later read shows the same.
func (t *Transition) alone(e Event) {
	if t.AloneSince.IsZero() {
		if t.State == StateConnected {
			t.emit(Effect{Notice: NoticeAgentLeft, Agent: t.Agent})
			t.Agent = Agent{}
		}
		t.AloneSince, t.PollEvery = e.Began, 0
	}
	// Between two reads an agent may have joined and left. The clocks differ a little, so Genesys'
	// time may only extend the period.
	end := Later(t.AloneSince, e.Began.Add(TimeOf(e.Standing.AloneSince).Sub(t.clock.Genesys(e.Began)))).Add(AlonePatience)
	if !e.Began.Before(end) {
		t.came(e)
		t.Leftover = LeftoverOpen
		t.over(EndByAgent, CodeLeftOpen, "the agents left, and the customer stayed in the conversation without a queue", t.Now)
		return
	}
	if t.SchedulePoll(); t.PollAt.After(end) {
		t.ScheduleRead(end)
	}
}

// waits notes that the customer waits for an agent, perhaps for one who is alerted. It reports the
// last agent, unless an earlier read has done so, and returns that agent.
func (t *Transition) waits(next Agent) (last Agent) {
	last, t.Agent = t.Agent, next
	switch {
	case t.State == StateAlerting:
		t.emit(Effect{Notice: NoticeDeclined, Agent: last})
	case t.State == StateConnected && t.AloneSince.IsZero():
		t.emit(Effect{Notice: NoticeAgentLeft, Agent: last})
	}
	if t.WaitingSince.IsZero() {
		t.WaitingSince = t.Now
	}
	return last
}

// learn notes the bot queue if none is configured: the queue into which the flow put the
// conversation. The current queue may be one of the agents, because a transfer may have worked
// without being stored.
func (t *Transition) learn(e Event) {
	if t.Routing == RouteByTransfer && t.BotQueue == "" && t.QueueID != "" && e.Entry != t.QueueID {
		t.BotQueue = e.Entry
	}
}

// confirm notes that agents have the conversation.
func (t *Transition) confirm(e Event) {
	switch e.Standing.Phase {
	case genesys.PhaseQueued:
		if t.InBotQueue(e.Standing) {
			return
		}
	case genesys.PhaseConnected, genesys.PhaseParked, genesys.PhaseAlerting:
	default:
		return
	}
	t.ConfirmedAt = Later(t.ConfirmedAt, t.clock.Genesys(e.Began))
}

func (t *Transition) readBot(e Event) {
	switch e.Standing.Phase {
	case genesys.PhaseConnected, genesys.PhaseParked:
		t.connect(AgentOf(e.Standing))
	case genesys.PhaseQueued:
		t.misrouted(e)
	default:
	}
}

// readEnding: here a read can only end.
func (t *Transition) readEnding(e Event) {
	switch e.Standing.Phase {
	case genesys.PhaseEnded, genesys.PhaseWrapup:
		if t.before(e) && !t.sure(e) {
			return
		}
		t.answers(e)
		t.overAsRequested(t.endOf(e))
	// An agent joined and answers for the messages sent so far.
	case genesys.PhaseConnected, genesys.PhaseParked:
		t.Agent, t.WaitingSince = AgentOf(e.Standing), 0
		t.attended()
	default:
	}
}

func (t *Transition) readRequested(e Event) {
	switch s := e.Standing; s.Phase {
	case genesys.PhaseNotRouted:
		if !t.OpeningAcceptedAt.IsZero() && t.Now.Sub(t.OpeningAcceptedAt) >= flowPatience {
			t.Leftover = LeftoverOpen
			t.over(EndRefused, CodeFlowNotAttached, "no flow accepted the message: attach a flow to the integration (docs/setup.md#step-7)", t.Now)
		}
	case genesys.PhaseQueued:
		if !t.InBotQueue(s) && !t.sinceOpening(e) {
			return
		}
		t.LastQueueID = s.QueueID
		if t.misrouted(e) {
			return
		}
		if t.Routing == RouteByFlow || !t.InBotQueue(s) {
			t.enter(StateQueued)
			t.emit(Effect{Notice: NoticeQueued, To: s.QueueID})
		}
	case genesys.PhaseAlerting:
		if t.sinceOpening(e) {
			t.readRouted(e)
		}
	default:
		t.readRouted(e)
	}
}

// readRouted: the conversation is, or was, with the agents.
func (t *Transition) readRouted(e Event) {
	switch s := e.Standing; s.Phase {
	case genesys.PhaseQueued:
		t.requeued(e)
	case genesys.PhaseAlerting:
		t.alerting(s)
	case genesys.PhaseConnected, genesys.PhaseParked:
		t.joined(s)
	default: // on its way somewhere, or revived
	}
}

func (t *Transition) requeued(e Event) {
	s := e.Standing
	if t.Unrouted(e.Came) && t.InBotQueue(s) {
		t.ScheduleRead(t.Now.Add(ReadPause)) // it is transferred first
		return
	}
	// Adopted sessions are never transferred, but they return to the bot queue.
	if (t.Routing == RouteByTransfer || t.BotQueue != "") && t.InBotQueue(s) {
		// The agent side is over: a message of the customer revived the conversation, or an agent
		// transferred it back.
		if t.sure(e) {
			t.came(e)
			left := e.Left
			// Not reported, or of an older conversation in the thread.
			if left.Before(t.clock.Genesys(t.Started)) {
				left = t.ConfirmedAt
				t.AnswersNothing()
			} else {
				t.AnsweredUntil = left // later messages are for the bot
			}
			t.Leftover = LeftoverOpen
			t.over(t.reason(), "", "the conversation went back to the bot queue", Later(t.clock.host(left), t.Connected))
		}
		return
	}
	from, was := t.LastQueueID, t.State
	t.LastQueueID, t.Unconfirmed, t.TransferDoubt = s.QueueID, Unconfirmed{}, false
	if was == StateQueued && from == s.QueueID {
		return
	}
	agent := t.waits(Agent{})
	t.enter(StateQueued)
	if from != s.QueueID && from != "" {
		t.emit(Effect{Notice: NoticeTransferred, Agent: agent, From: from, To: s.QueueID})
	}
	t.emit(Effect{Notice: NoticeQueued, To: s.QueueID})
}

func (t *Transition) alerting(s genesys.Standing) {
	t.Unconfirmed = Unconfirmed{}
	a := AgentOf(s)
	if t.State == StateAlerting && (a.ID == "" || t.Agent.ID == "" || t.Agent.ID == a.ID) {
		if a.ID != "" {
			t.Agent = a
		}
		return
	}
	left := t.waits(a)
	t.enter(StateAlerting)
	t.calledFrom(s.QueueID, left)
	t.emit(Effect{Notice: NoticeAlerting, Agent: a})
}

func (t *Transition) joined(s genesys.Standing) {
	t.Unconfirmed = Unconfirmed{}
	a, left := AgentOf(s), t.Agent
	if t.State != StateConnected || !t.AloneSince.IsZero() {
		t.calledFrom(s.QueueID, left)
		t.connect(a)
		return
	}
	switch {
	case t.Agent == a || a.ID == "":
	case t.Agent.ID == "" || t.Agent.ID == a.ID: // the name is known now
		t.calledFrom(s.QueueID, left)
		t.Agent = a
	default:
		t.emit(Effect{Notice: NoticeAgentLeft, Agent: left})
		t.calledFrom(s.QueueID, left)
		t.connect(a)
	}
}

// calledFrom notes the queue an agent was called from: a transfer may be over before a read shows
// the conversation waiting.
func (t *Transition) calledFrom(queue string, left Agent) {
	from := t.LastQueueID
	if queue == "" || queue == from {
		return
	}
	t.LastQueueID = queue
	if from != "" && (t.Routing == RouteByFlow || !t.Transferred.IsZero()) {
		t.emit(Effect{Notice: NoticeTransferred, Agent: left, From: from, To: queue})
	}
}

// InBotQueue reports whether the conversation is in the queue into which the flow put it. While the
// queues are unknown, any queue before the first agent counts as that queue.
func (c Handover) InBotQueue(s genesys.Standing) bool {
	switch {
	case s.QueueID == c.QueueID:
		return false
	case c.BotQueue != "":
		return s.QueueID == c.BotQueue
	default:
		return (c.State == StateBot || c.State == StateRequested) && (c.QueueID == "" || s.QueueID == "")
	}
}

// Unrouted reports whether a message of an earlier agent, written by a clock that is ahead, has
// connected the session, and no agent of this handover has joined yet. came is the time when a read
// shows the first agent, or zero.
func (c Handover) Unrouted(came Time) bool {
	return c.State == StateConnected && c.Routing == RouteByTransfer && (c.Transferred.IsZero() || c.TransferDoubt) && came.Before(c.OpeningTriedAt)
}

// before reports whether a read shows an end that is older than the opening. It may be the end of
// the last handover, in a conversation that the opening has revived since.
func (t *Transition) before(e Event) bool {
	return !e.Standing.EndedAt.IsZero() && TimeOf(e.Standing.EndedAt).Before(t.OpeningTriedAt)
}

// sinceOpening reports whether a read shows the effect of the opening. An older read of a
// conversation that the opening revived shows its earlier place. The conversation has not been
// transferred yet, so a second read has to agree.
func (t *Transition) sinceOpening(e Event) bool {
	return !t.Resumed || t.Routing != RouteByTransfer || !t.Transferred.IsZero() || t.sure(e)
}

// misrouted reports whether the conversation waits, before the first agent, in a queue that is
// neither the bot queue nor the agent queue. The host is notified once: usually Channel.BotQueue is
// not the queue that the flow uses.
func (t *Transition) misrouted(e Event) bool {
	s := e.Standing
	switch {
	case t.Routing != RouteByTransfer || !t.Transferred.IsZero() || t.QueueID == "" || t.BotQueue == "" || s.QueueID == "":
		return false
	case s.QueueID == t.QueueID || s.QueueID == t.BotQueue || !e.Came.Before(t.OpeningTriedAt) && !e.Came.IsZero():
		return false
	case t.Misrouted:
		return true
	}
	t.Misrouted = true
	t.emit(Effect{Notice: NoticeMisrouted, To: s.QueueID, Detail: fmt.Sprintf("the conversation waits in the queue %q, which is neither "+
		"Channel.BotQueue nor the agent queue, so it is not transferred: set Channel.BotQueue to the queue that the flow uses "+
		"(docs/setup.md#step-5)", cmp.Or(e.QueueName, s.QueueID))})
	return true
}

// A History is the past of a conversation, as a read shows it.
type History struct {
	Came  Time   // when the first agent joined
	Left  Time   // when the last agent left; zero while one is there
	Entry string // its first queue since then, into which the flow put it
}

// HistoryOf evaluates the agents who were in the conversation since a time. Agents who were only
// alerted do not count.
func HistoryOf(c *genesys.Conversation, since Time) History {
	h := History{Entry: EntryQueue(c, c, since)}
	var last genesys.Participant
	there := false
	for _, p := range c.Participants {
		if !p.IsAgent() || p.Connected.IsZero() || !p.Live() && TimeOf(p.End).Before(since.Add(-SettlePeriod)) {
			continue
		}
		if came := TimeOf(p.Connected); h.Came.IsZero() || came.Before(h.Came) {
			h.Came = came
		}
		if there = there || p.Live(); !p.End.Before(last.End) {
			last = p
		}
	}
	if !there && !h.Came.IsZero() {
		h.Left = TimeOf(last.End)
	}
	return h
}

// EntryQueue returns the id of the queue into which the flow put the present customer since a time,
// or "". It ignores queues that the conversation left before that time or before the customer
// joined, because a revived conversation still lists older ones. A conversation that was in a queue
// or with an agent at that time did not pass through the flow since, nor does one that an agent
// transfers. all has the legs that are left out of c, too.
func EntryQueue(c, all *genesys.Conversation, since Time) string {
	opened := since.Add(-SettlePeriod)
	came := opened
	for _, p := range c.Participants {
		if p.IsCustomer() {
			came = Later(came, TimeOf(p.Start))
		}
	}
	var first genesys.Participant
	for _, p := range c.Participants {
		switch {
		case !p.IsQueue() && !p.IsAgent(), !p.End.IsZero() && TimeOf(p.End).Before(came):
		case !p.Start.IsZero() && TimeOf(p.Start).Before(opened) && (p.End.IsZero() || TimeOf(p.End).After(since)):
			return ""
		case p.QueueID == "" || !p.IsQueue():
		case first.QueueID == "" || p.Start.Before(first.Start):
			first = p
		}
	}
	for _, p := range all.Participants {
		if p.IsAgent() && p.Start.Before(first.Start) && (p.End.IsZero() || p.End.Add(DateStep).After(first.Start)) {
			return "" // an agent transferred it there
		}
	}
	return first.QueueID
}

// AgentOf returns the agent that a read shows.
func AgentOf(s genesys.Standing) Agent { return Agent{ID: s.Agent.UserID, Name: s.Agent.Name} }
