package machine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// read moves the session to the state that the conversation has. A read that began before the last
// move may confirm the state but does not change it.
func (t *Transition) read(e Event) {
	before := t.Handover
	t.learn(e)
	wanted := t.wanted(e.Began)
	t.GoneSince, t.Denied, t.ReadAt, t.PollAt, t.Blind = time.Time{}, time.Time{}, Later(t.ReadAt, e.Began), time.Time{}, false
	defer func() {
		t.seen(before)
		if t.PollAt.IsZero() {
			t.SchedulePoll()
		}
		t.keep(wanted, e.Began)
	}()
	stale := e.Began.Before(t.ChangedAt) || e.Legs.Newest.Before(t.Newest)
	if !stale {
		t.Newest, t.Ended = e.Legs.Newest, e.Legs.Ended
		t.confirm(e)
		t.AgentsLeftAt = e.Left
		if t.clock.Genesys(e.Began).After(t.EndSignalledAt) {
			t.EndSignalledAt = time.Time{}
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
		t.AloneSince = time.Time{}
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
	end := Later(t.AloneSince, e.Began.Add(e.Standing.AloneSince.Sub(t.clock.Genesys(e.Began)))).Add(AlonePatience)
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
		t.Agent, t.WaitingSince = AgentOf(e.Standing), time.Time{}
		t.attended()
	default:
	}
}

func (t *Transition) readRequested(e Event) {
	switch s := e.Standing; s.Phase {
	case genesys.PhaseNotRouted:
		if !t.OpeningAcceptedAt.IsZero() && t.Now.Sub(t.OpeningAcceptedAt) >= flowPatience {
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
	t.LastQueueID, t.Unconfirmed = s.QueueID, Unconfirmed{}
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
func (c Handover) Unrouted(came time.Time) bool {
	return c.State == StateConnected && c.Routing == RouteByTransfer && c.Transferred.IsZero() && came.Before(c.OpeningTriedAt)
}

// before reports whether a read shows an end that is older than the opening. It may be the end of
// the last handover, in a conversation that the opening has revived since.
func (t *Transition) before(e Event) bool {
	return !e.Standing.EndedAt.IsZero() && e.Standing.EndedAt.Before(t.OpeningTriedAt)
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
	Came time.Time // when the first agent joined
	Left time.Time // when the last agent left; zero while one is there
	// The last agent left before the end: to a queue, to another agent, or the leg broke.
	Moved bool
	Entry string // its first queue since then, into which the flow put it
}

// HistoryOf evaluates the agents who were in the conversation since a time. Agents who were only
// alerted do not count.
func HistoryOf(c *genesys.Conversation, since time.Time) History {
	h := History{Entry: EntryQueue(c, since)}
	var last genesys.Participant
	there := false
	for _, p := range c.Participants {
		if !p.IsAgent() || p.Connected.IsZero() || !p.Live() && p.End.Before(since.Add(-SettlePeriod)) {
			continue
		}
		if h.Came.IsZero() || p.Connected.Before(h.Came) {
			h.Came = p.Connected
		}
		if there = there || p.Live(); !p.End.Before(last.End) {
			last = p
		}
	}
	if !there && !h.Came.IsZero() {
		h.Left, h.Moved = last.End, movedOn(c, last) || broke(c, last)
	}
	return h
}

// movedOn reports whether an agent left a conversation to another agent: the leg shows a transfer,
// or the conversation was in a queue after the agent joined.
func movedOn(c *genesys.Conversation, agent genesys.Participant) bool {
	return strings.HasPrefix(agent.DisconnectType, genesys.DisconnectTransfer) ||
		slices.ContainsFunc(c.Participants, func(p genesys.Participant) bool { return p.IsQueue() && p.Start.After(agent.Connected) })
}

// broke reports whether the leg of an agent ended by a failure that did not end the customer's leg.
func broke(c *genesys.Conversation, agent genesys.Participant) bool {
	switch agent.DisconnectType {
	case genesys.DisconnectError, genesys.DisconnectSystem, genesys.DisconnectTimeout, genesys.DisconnectTransportFailure,
		genesys.DisconnectSessionExpired:
	default:
		return false
	}
	var customer genesys.Participant
	for _, p := range c.Participants {
		if p.IsCustomer() && !p.Start.Before(customer.Start) {
			customer = p
		}
	}
	return customer.Live() || customer.DisconnectType != agent.DisconnectType
}

// EntryQueue returns the id of the first queue of the present customer since a time, or "". It
// ignores queues that the conversation left before that time or before the customer joined, because
// a revived conversation still lists older ones.
func EntryQueue(c *genesys.Conversation, since time.Time) string {
	came := since.Add(-SettlePeriod)
	for _, p := range c.Participants {
		if p.IsCustomer() {
			came = Later(came, p.Start)
		}
	}
	var first genesys.Participant
	for _, p := range c.Participants {
		if !p.IsQueue() || p.QueueID == "" || !p.End.IsZero() && p.End.Before(came) {
			continue
		}
		if first.QueueID == "" || p.Start.Before(first.Start) {
			first = p
		}
	}
	return first.QueueID
}

// AgentOf returns the agent that a read shows.
func AgentOf(s genesys.Standing) Agent { return Agent{ID: s.Agent.UserID, Name: s.Agent.Name} }
