package handover

import (
	"time"
)

// apply is the state machine: pure, no clock, no I/O. It gives the next core and what follows of the move. An event that
// means nothing in a state changes nothing.
func apply(c core, e event, now time.Time) (core, []effect) {
	if !c.Open() {
		return c, nil
	}
	t := &turn{core: c, now: now}
	switch e.Kind {
	case evHandOver:
		t.handOver()
	case evEnd:
		t.end(e)
	case evAccepted:
		t.accepted(e)
	case evNamed:
		t.named(e)
	case evTransferred:
		t.transferred()
	case evRead:
		t.read(e)
	case evBlind:
		t.blind(e)
	case evSignalled:
		t.signalled()
	case evSocket:
		t.socket(e.Alive)
	case evGone:
		t.gone(e)
	case evAgentSpoke:
		t.agentSpoke(e)
	case evMoved:
		t.moved(e)
	case evRefused:
		t.over(EndRefused, e.Code, e.Detail, now)
	case evFailed:
		t.unclear()
		t.over(EndFailed, e.Code, e.Detail, now)
	case evReleased:
		switch {
		case t.State == StateEnding:
			t.over(t.Ending.Reason, e.Code, e.Detail, now)
		case !t.Wrapup.IsZero():
			t.waitsNoLonger()
		}
	}
	return t.core, t.effects
}

// A turn is one application: the core as it becomes, and the effects in order.
type turn struct {
	core

	now     time.Time
	effects []effect
}

func (t *turn) emit(e effect) { t.effects = append(t.effects, e) }

func (t *turn) enter(s State) {
	t.State, t.Changed, t.Doubt = s, t.now, doubt{}
	t.hurry()
}

// hurry makes the pauses between polls short again.
func (t *turn) hurry() {
	t.PollEvery = 0
	t.poll()
}

// readAt wants a read at a time, for a reason.
func (t *turn) readAt(at time.Time) { t.PollAt, t.Poll = at, false }

// poll schedules the next read when there is no reason for one but time.
func (t *turn) poll() {
	t.Poll = true
	switch {
	case t.State == StateRequested || t.State == StateEnding || t.MovedTo != "":
		t.readAt(t.now.Add(readPause))
	case t.State == StateBot || t.State == StateEnded:
		t.PollAt = time.Time{}
	default:
		most := lastPoll
		if t.now.Sub(t.Signalled) < sourceTrust {
			most = sourcePoll
		}
		t.PollEvery = max(firstPoll, min(t.PollEvery*3/2, most))
		t.PollAt = t.now.Add(t.PollEvery)
	}
}

// wanted is when a read is wanted for a reason that came after the last read began; zero: there is none.
func (t *turn) wanted(began time.Time) time.Time {
	if t.Poll || !t.PollAt.After(began) {
		return time.Time{}
	}
	return t.PollAt
}

// keep holds on to a wanted read, so that the last of many signals is not lost to the read that was under way.
func (t *turn) keep(wanted, began time.Time) {
	if wanted.IsZero() || !t.Open() {
		return
	}
	if at := later(wanted, began.Add(readPause)); t.PollAt.IsZero() || at.Before(t.PollAt) {
		t.readAt(at)
	}
}

func (t *turn) handOver() {
	if t.State != StateBot {
		return
	}
	t.Asked, t.Waiting = t.now, t.now
	t.enter(StateRequested)
	t.readAt(t.now)
	t.emit(effect{Notice: NoticeRequested})
}

func (t *turn) end(e event) {
	if t.State == StateEnding {
		return
	}
	if t.Tried.IsZero() && t.ConversationID == "" { // Genesys never heard of it
		t.over(e.Reason, e.Code, e.Detail, t.now)
		return
	}
	t.EndAsked = t.now
	t.Ending = Ending{Reason: e.Reason, Time: t.now, Code: e.Code, Detail: e.Detail}
	t.enter(StateEnding)
	t.readAt(t.now)
	t.emit(effect{Notice: NoticeEnding, Detail: e.Detail})
}

func (t *turn) accepted(e event) {
	if t.Accepted.IsZero() {
		t.Accepted = t.now
	}
	if e.Conversation != "" {
		t.ConversationID, t.Resumed = e.Conversation, e.Resumed
	}
	t.Wrote = t.now
	if t.State != StateBot {
		t.readAt(t.now.Add(firstRead))
	}
}

// named: only until an answer names the conversation.
func (t *turn) named(e event) {
	t.ConversationID, t.Resumed = e.Conversation, e.Resumed
	if !t.Accepted.IsZero() && t.State != StateBot {
		t.readAt(t.now.Add(firstRead))
	}
}

func (t *turn) transferred() {
	t.Transferred, t.Wrote, t.Vouched = t.now, t.now, t.now
	if t.State != StateRequested {
		return
	}
	t.StoodIn = t.QueueID
	t.enter(StateQueued)
	t.emit(effect{Notice: NoticeQueued, To: t.QueueID})
}

// agentSpoke: a person's message proves that an agent is there, whatever reads say.
func (t *turn) agentSpoke(e event) {
	at := t.now
	if !e.Began.IsZero() && e.Began.Before(at) {
		at = e.Began // a webhook that comes late proves no more than what was then
	}
	t.AgentAt, t.Vouched = t.now, later(t.Vouched, at)
	if at.After(t.AgentsLeft) {
		t.AgentsLeft = time.Time{}
	}
	if t.State == StateEnding {
		return
	}
	if t.State != StateConnected {
		t.connect(Agent{})
		t.readAt(t.now.Add(firstRead)) // who is it?
	}
}

func (t *turn) connect(a Agent) {
	t.Agent = a
	if t.Connected.IsZero() {
		t.Connected = t.now
	}
	t.Waiting = time.Time{}
	t.enter(StateConnected)
	t.emit(effect{Notice: NoticeAgentJoined, Agent: a})
}

func (t *turn) moved(e event) {
	if t.MovedTo != "" || t.ConversationID == "" || e.Conversation == t.ConversationID {
		return
	}
	t.MovedTo, t.Moved = e.Conversation, t.now
	if t.Blind {
		t.overMoved()
		return
	}
	t.readAt(t.now)
}
