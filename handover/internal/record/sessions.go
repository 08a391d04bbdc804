package record

import (
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// HandOver begins the session c, or continues the session that Open began. asked contains the
// timers of the request, without those of the channel.
func (tx *Transaction) HandOver(c machine.Handover, o *Opening, asked machine.Timers) (machine.Session, error) {
	if id := tx.Began(c.Request); id != "" {
		return tx.SessionOf(id), nil
	}
	tx.remember(c.Request, c.ID)
	open := tx.Open()
	switch {
	case open != nil && open.State == machine.StateBot && c.State == machine.StateRequested:
		completed, err := asked.Complete(open.Timers)
		if err != nil {
			return machine.Session{}, err
		}
		tx.remember(c.Request, open.ID)
		open.Queue, open.QueueID, open.Timers = c.Queue, c.QueueID, completed
		tx.Keep = open.Timers.Retention
		if c.BotQueue != "" {
			open.BotQueue = c.BotQueue
		}
		tx.Apply(machine.Event{Kind: machine.EvHandOver})
		tx.send(Entry{Kind: KindContext, Handover: open.ID, HostID: c.Request, Opening: o.as(open.From)})
	case open != nil && open.State != machine.StateEnding:
		tx.remember(c.Request, open.ID)
		return open.Session, nil
	default:
		if _, err := asked.Complete(c.Timers); err != nil {
			return machine.Session{}, err
		}
		if open != nil {
			tx.endNow(c.State == machine.StateBot)
		}
		tx.Begin(c, o)
	}
	tx.rememberTranscript(o.lines)
	return tx.Handover.Session, nil
}

// endNow ends a session that is ending, because another session begins. Its conversation is
// still closed, and the opening of the next session waits for that. The customer's messages go
// to the agents of the next session. If returns is set, they are returned to the bot instead.
func (tx *Transaction) endNow(returns bool) {
	c := tx.Handover
	if tx.Handover.HandedBack = !returns; !c.OpeningTriedAt.IsZero() {
		c.Leftover = machine.LeftoverRequested
	}
	tx.Apply(machine.Event{Kind: machine.EvReleased, Code: c.Ending.Code, Detail: c.Ending.Detail})
	if !returns {
		tx.answeredByEnd(c)
		tx.leave(c)
	}
	tx.Tidy()
}

// Began returns the id of the session that a request began, or "".
func (f *Record) Began(request string) string {
	if r := f.request(request); r != nil {
		return r.Handover
	}
	return ""
}

func (f *Record) request(id string) *requestID {
	h := hashID(id)
	return find(f.Requests, func(r *requestID) bool { return r.Hash == h })
}

// remember stores the id of the session that a request led to.
func (tx *Transaction) remember(request, handover string) {
	if r := tx.request(request); r != nil {
		r.Handover = handover
		return
	}
	tx.Requests = last(append(tx.Requests, requestID{Hash: hashID(request), Handover: handover}), maxRequests)
}

// SessionOf returns the session of a handover, if the record still has it.
func (tx *Transaction) SessionOf(handover string) machine.Session {
	if tx.Handover != nil && tx.Handover.ID == handover {
		return tx.Handover.Session
	}
	if p := tx.pastOf(handover); p != nil {
		return p.Session
	}
	return machine.Session{ID: handover, Key: tx.Key, State: machine.StateEnded}
}

// pastOf returns an earlier session, or nil.
func (f *Record) pastOf(handover string) *past {
	return find(f.Past, func(p *past) bool { return p.Session.ID == handover })
}

// pastIn returns the last of the earlier sessions in a conversation, or nil.
func (f *Record) pastIn(conversation string) *past {
	return find(f.Past, func(p *past) bool { return conversation != "" && p.Session.ConversationID == conversation })
}

// adopt opens a session that Genesys began: a live agent writes without an open session. The bot
// must not speak at the same time, and the conversation is returned when it ends.
func (tx *Transaction) adopt(a *Watched, r *Reading, defaults machine.Timers, botQueue string) {
	c := machine.Handover{
		Session: machine.Session{
			ID: tx.NewID(), Key: tx.Key, State: machine.StateConnected, ConversationID: a.ID,
			Agent: machine.AgentOf(r.Standing), Resumed: true, Connected: tx.Now,
		},
		Came:              tx.genesysNow(),
		From:              a.From,
		OpeningTriedAt:    a.Since,
		OpeningAcceptedAt: tx.Now,
		AgentRequestedAt:  tx.Now,
		QueueID:           r.Standing.QueueID,
		BotQueue:          botQueue,
		// Regardless of the channel, because nothing is transferred.
		Routing: machine.RouteByFlow,
		AgentAt: tx.Now, AgentWrote: a.Since,
		ConfirmedAt: r.genesysBegan(),
		ReadAt:      r.Began,
		Timers:      defaults,
		Listing:     machine.Listing{Reached: a.Reached, Proven: a.Proven},
		Legs:        a.Legs,
	}
	c.Queue, c.Blind = c.QueueID, r.Blind
	if o := tx.Open(); o != nil { // the bot's session continues in this conversation
		tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByGenesys, Detail: "an agent went on with another conversation of the customer"})
		tx.Handover.Leftover = machine.LeftoverOpen // its end was not requested
		tx.Tidy()
	}
	tx.install(c)
	tx.Notice(Notice{Kind: machine.NoticeAgentJoined, Agent: c.Agent, Detail: "the agent went on with an older conversation"})
	t := &machine.Transition{Handover: *tx.Handover, Now: tx.Now}
	t.SchedulePoll()
	*tx.Handover = t.Handover
}

// Overdue returns for how long the record has been due.
func (tx *Transaction) Overdue() time.Duration {
	if at := tx.WakeAt(); !at.IsZero() {
		return max(0, tx.Now.Sub(at))
	}
	return 0
}

// Retention returns how long the record is kept after its end.
func (f *Record) Retention() time.Duration {
	if f.Keep <= 0 {
		return machine.DefaultRetention
	}
	return f.Keep
}

// givesUpAfter returns how long a task is tried that fails. A short retention is about the record
// after its end: while the channel is served, it does not end a session with an agent.
func (tx *Transaction) givesUpAfter(o Outcome) time.Duration {
	if tx.Open() != nil && !errors.Is(o.Err, ErrNoChannel) {
		return max(tx.Retention(), machine.DefaultRetention)
	}
	return tx.Retention()
}

// GiveUp drops the effects that wait for Genesys and can never be performed. The host gets a Return
// with the customer's messages, and a notice.
func (tx *Transaction) GiveUp(why string) {
	tx.AddLog("given up", why)
	why = "given up: " + why
	open := tx.Open() != nil
	if open {
		tx.Apply(machine.Event{Kind: machine.EvFailed, Code: machine.CodeNoAnswer, Detail: why})
		tx.Tidy()
	}
	waits := len(tx.Watched)+len(tx.Receipts)+len(tx.Out.Entries) > 0
	for i := range tx.Watched {
		tx.reportUnseen(&tx.Watched[i], why, "")
	}
	tx.Watched, tx.Receipts = nil, nil
	tx.dropEntries(func(Entry) bool { return true })
	if waits && !open {
		tx.Notice(Notice{Kind: machine.NoticeConnectionLost, Detail: why})
	}
	tx.Control = lane{}
	tx.Abandoned = tx.Now
}
