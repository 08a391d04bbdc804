package handover

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// read moves by what the conversation really is in. A read that began before the last move confirms but moves nothing.
func (t *turn) read(e event) {
	before := t.core
	t.learn(e)
	wanted := t.wanted(e.Began)
	t.Gone, t.ReadAt, t.PollAt, t.Blind = time.Time{}, later(t.ReadAt, e.Began), time.Time{}, false
	defer func() {
		t.seen(before)
		if t.PollAt.IsZero() {
			t.poll()
		}
		t.keep(wanted, e.Began)
	}()
	stale := e.Began.Before(t.Changed)
	if !stale {
		t.vouch(e)
		t.AgentsLeft = e.Left
		if e.Began.After(t.Told) {
			t.Told = time.Time{}
		}
		if e.Standing.Phase != genesys.PhaseWrapup {
			t.Wrapup, t.Over = time.Time{}, ended{}
		}
		if t.Doubt.Phase != e.Standing.Phase { // this read does not agree
			t.Doubt = doubt{}
		}
	}
	switch {
	case stale:
	case t.MovedTo != "" && t.State != StateEnding && (e.Standing.Phase == genesys.PhaseEnded || e.Standing.Phase == genesys.PhaseWrapup):
		t.finish(e)
	case t.State == StateEnding && (e.Standing.Phase == genesys.PhaseEnded || e.Standing.Phase == genesys.PhaseWrapup):
		t.readEnding(e)
	case t.MovedTo != "" && t.now.Sub(t.Moved) >= movedPatience:
		t.overMoved()
	case t.MovedTo != "":
	case t.State == StateEnding:
		t.readEnding(e)
	case t.State == StateBot:
		t.readBot(e)
	case t.State == StateRequested:
		t.readRequested(e)
	default:
		t.readRouted(e)
	}
}

// learn notes the bot queue where none is configured: the one the flow put the conversation into. Where it stands by now may be
// another queue of the agents, since nobody may have stored that a transfer worked.
func (t *turn) learn(e event) {
	if t.Routing == RouteByTransfer && t.BotQueue == "" && t.QueueID != "" && e.Entry != t.QueueID {
		t.BotQueue = e.Entry
	}
}

// vouch notes that agents have the conversation.
func (t *turn) vouch(e event) {
	switch e.Standing.Phase {
	case genesys.PhaseConnected, genesys.PhaseParked, genesys.PhaseAlerting:
		t.Vouched = later(t.Vouched, e.Began)
	case genesys.PhaseQueued:
		if !t.inBotQueue(e.Standing) {
			t.Vouched = later(t.Vouched, e.Began)
		}
	default:
	}
}

func (t *turn) readBot(e event) {
	switch e.Standing.Phase {
	case genesys.PhaseEnded, genesys.PhaseWrapup:
		t.finish(e)
	case genesys.PhaseConnected, genesys.PhaseParked:
		t.connect(agentOf(e.Standing))
	default:
	}
}

// readEnding: here a read can only end.
func (t *turn) readEnding(e event) {
	switch e.Standing.Phase {
	case genesys.PhaseEnded, genesys.PhaseWrapup:
		if t.before(e) && !t.sure(e) {
			return
		}
		t.answers(e)
		t.over(t.Ending.Reason, t.Ending.Code, t.Ending.Detail, endOf(e, t.now))
	case genesys.PhaseConnected, genesys.PhaseParked: // somebody came: what was sent so far is answered for
		t.Agent, t.Waiting = agentOf(e.Standing), time.Time{}
		if t.Connected.IsZero() {
			t.Connected = t.now
		}
	default:
	}
}

func (t *turn) readRequested(e event) {
	switch s := e.Standing; s.Phase {
	case genesys.PhaseNotRouted:
		if !t.Accepted.IsZero() && t.now.Sub(t.Accepted) >= flowPatience {
			t.over(EndRefused, CodeFlowNotAttached, "no flow took the message: attach a flow to the integration (guide, step 7)", t.now)
		}
	case genesys.PhaseQueued:
		if !t.inBotQueue(s) && !t.sinceOpening(e) {
			return
		}
		t.StoodIn = s.QueueID
		if t.Routing == RouteByFlow || !t.inBotQueue(s) {
			t.enter(StateQueued)
			t.emit(effect{Notice: NoticeQueued, To: s.QueueID})
		}
	case genesys.PhaseUnknown, genesys.PhaseFlow:
	case genesys.PhaseAlerting:
		if t.sinceOpening(e) {
			t.readRouted(e)
		}
	default:
		t.readRouted(e)
	}
}

// readRouted: the conversation is, or was, with the agents.
func (t *turn) readRouted(e event) {
	switch s := e.Standing; s.Phase {
	case genesys.PhaseEnded, genesys.PhaseWrapup:
		t.finish(e)
	case genesys.PhaseQueued:
		t.requeued(e)
	case genesys.PhaseAlerting:
		t.alerting(s)
	case genesys.PhaseConnected, genesys.PhaseParked:
		t.joined(s)
	case genesys.PhaseUnknown, genesys.PhaseNotRouted, genesys.PhaseFlow: // on its way somewhere, or revived
	}
}

func (t *turn) requeued(e event) {
	s := e.Standing
	if t.unrouted(e.Came) && t.inBotQueue(s) {
		t.readAt(t.now.Add(readPause)) // it is transferred first
		return
	}
	if (t.Routing == RouteByTransfer || t.BotQueue != "") && t.inBotQueue(s) { // adopted ones are never transferred, but come back
		// The agent side is over: a message of the customer revived the conversation, or an agent gave it back.
		if t.sure(e) {
			t.came(e)
			reason := EndByGenesys
			if !t.Connected.IsZero() {
				reason = EndByAgent
			}
			left := e.Left
			if left.Before(t.Started) { // not said, or of an older conversation in the thread
				left = t.Vouched
				t.unclear()
			} else {
				t.AnsweredTo = left.Add(-clockSlack) // it is Genesys' clock, and what we sent after it is for the bot
			}
			t.over(reason, "", "the conversation went back to the bot queue", later(left, t.Connected))
		}
		return
	}
	from, was := t.StoodIn, t.State
	t.StoodIn, t.Doubt = s.QueueID, doubt{}
	if was == StateQueued && from == s.QueueID {
		return
	}
	agent := t.Agent
	switch was {
	case StateAlerting:
		t.emit(effect{Notice: NoticeDeclined, Agent: agent})
	case StateConnected:
		t.emit(effect{Notice: NoticeAgentLeft, Agent: agent})
	default:
	}
	t.Agent = Agent{}
	if t.Waiting.IsZero() {
		t.Waiting = t.now
	}
	t.enter(StateQueued)
	if from != s.QueueID && from != "" {
		t.emit(effect{Notice: NoticeTransferred, Agent: agent, From: from, To: s.QueueID})
	}
	t.emit(effect{Notice: NoticeQueued, To: s.QueueID})
}

func (t *turn) alerting(s genesys.Standing) {
	t.Doubt = doubt{}
	a := agentOf(s)
	if t.State == StateAlerting && (a.ID == "" || t.Agent.ID == "" || t.Agent.ID == a.ID) {
		if a.ID != "" {
			t.Agent = a
		}
		return
	}
	left := t.Agent
	switch t.State {
	case StateAlerting:
		t.emit(effect{Notice: NoticeDeclined, Agent: t.Agent})
	case StateConnected:
		t.emit(effect{Notice: NoticeAgentLeft, Agent: t.Agent})
	default:
	}
	if t.Waiting.IsZero() {
		t.Waiting = t.now
	}
	t.Agent = a
	t.enter(StateAlerting)
	t.calledFrom(s.QueueID, left)
	t.emit(effect{Notice: NoticeAlerting, Agent: a})
}

func (t *turn) joined(s genesys.Standing) {
	t.Doubt = doubt{}
	a, left := agentOf(s), t.Agent
	if t.State != StateConnected {
		t.calledFrom(s.QueueID, left)
		t.connect(a)
		return
	}
	switch {
	case t.Agent == a || a.ID == "":
	case t.Agent.ID == "" || t.Agent.ID == a.ID: // now we know who
		t.calledFrom(s.QueueID, left)
		t.Agent = a
	default:
		t.emit(effect{Notice: NoticeAgentLeft, Agent: left})
		t.calledFrom(s.QueueID, left)
		t.connect(a)
	}
}

// calledFrom notes the queue an agent was called from: a transfer may be over before a read shows the conversation waiting.
func (t *turn) calledFrom(queue string, left Agent) {
	from := t.StoodIn
	if queue == "" || queue == from {
		return
	}
	t.StoodIn = queue
	if from != "" && (t.Routing == RouteByFlow || !t.Transferred.IsZero()) {
		t.emit(effect{Notice: NoticeTransferred, Agent: left, From: from, To: queue})
	}
}
