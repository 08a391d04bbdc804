package machine

import (
	"time"
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
	if t.OpeningTriedAt.IsZero() && t.ConversationID == "" { // Genesys does not know of it
		t.over(e.Reason, e.Code, e.Detail, t.Now)
		return
	}
	if t.State == StateBot {
		t.Leftover = LeftoverRequested
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
	if t.MovedTo != "" || t.ConversationID == "" || e.Conversation == t.ConversationID {
		return
	}
	t.MovedTo, t.MovedAt = e.Conversation, t.Now
	if t.Blind {
		t.overMoved()
		return
	}
	t.ScheduleRead(t.Now)
}
