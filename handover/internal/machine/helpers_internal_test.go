package machine

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// noon is the time that white-box tests count from.
func noon() Time { return TimeOf(time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)) }

// ago is a time before noon.
func ago(d time.Duration) Time { return noon().Add(-d) }

func anna() Agent { return Agent{ID: "a1", Name: "Anna"} }

// allStates lists every state of a session.
func allStates() []State {
	return []State{StateBot, StateRequested, StateQueued, StateAlerting, StateConnected, StateEnding, StateEnded}
}

// allPhases lists every phase a read may show.
func allPhases() []genesys.Phase {
	return []genesys.Phase{
		genesys.PhaseUnknown, genesys.PhaseNotRouted, genesys.PhaseFlow, genesys.PhaseQueued, genesys.PhaseAlerting,
		genesys.PhaseConnected, genesys.PhaseParked, genesys.PhaseWrapup, genesys.PhaseEnded,
	}
}

// handoverIn returns a session at noon, routed by transfer from the queue "bots" to the queue
// "agents". It entered the state a minute before, which is also the time of its last write.
func handoverIn(s State) Handover {
	c := Handover{
		Session: Session{
			ID: "abcdefghijk2", Key: Key{Channel: "shop", Customer: "customer"}, State: s, ConversationID: "conversation",
			Queue: "Agents", Started: ago(10 * time.Minute),
		},
		Request: "request", From: "customer", QueueID: "agents", BotQueue: "bots", LastQueueID: "bots",
		Timers:    Timers{Max: DefaultMax, Retention: DefaultRetention},
		ChangedAt: ago(time.Minute), OpeningTriedAt: ago(10 * time.Minute), OpeningAcceptedAt: ago(10 * time.Minute), LastWriteAt: ago(time.Minute),
	}
	if s == StateBot {
		return c
	}
	c.AgentRequestedAt, c.WaitingSince = ago(9*time.Minute), ago(9*time.Minute)
	if s == StateRequested {
		return c
	}
	c.LastQueueID, c.Transferred, c.ConfirmedAt = "agents", ago(8*time.Minute), ago(time.Minute)
	switch s {
	case StateAlerting:
		c.Agent = anna()
	case StateConnected, StateEnding, StateEnded:
		c.Agent, c.Connected, c.Came, c.WaitingSince = anna(), ago(7*time.Minute), ago(7*time.Minute), 0
	default:
	}
	if s == StateEnding || s == StateEnded {
		c.EndRequestedAt = c.ChangedAt
		c.Ending = Ending{Reason: EndByCustomer, Time: c.ChangedAt}
	}
	return c
}

// standing returns a read that shows an agent in the queue "agents".
func standing(p genesys.Phase) genesys.Standing {
	s := genesys.Standing{Phase: p}
	switch p {
	case genesys.PhaseQueued:
		s.QueueID = "agents"
	case genesys.PhaseAlerting, genesys.PhaseConnected, genesys.PhaseParked, genesys.PhaseWrapup:
		s.QueueID, s.Agent = "agents", genesys.Participant{UserID: "a1", Name: "Anna"}
	default:
	}
	if p == genesys.PhaseWrapup || p == genesys.PhaseEnded {
		s.EndedBy, s.Why, s.EndedAt = "agent", "client", ago(10*time.Second).Std()
	}
	return s
}

// shows is a read that began a second before noon.
func shows(p genesys.Phase, with ...func(*genesys.Standing)) Event {
	s := standing(p)
	for _, f := range with {
		f(&s)
	}
	return Event{Kind: EvRead, Began: ago(time.Second), Standing: s}
}

func inQueue(id string) func(*genesys.Standing) {
	return func(s *genesys.Standing) { s.QueueID = id }
}

func byAgent(id, name string) func(*genesys.Standing) {
	return func(s *genesys.Standing) { s.Agent.UserID, s.Agent.Name = id, name }
}

// kinds are the notices of effects, in order.
func kinds(effects []Effect) []NoticeKind {
	list := []NoticeKind{}
	for _, e := range effects {
		list = append(list, e.Notice)
	}
	return list
}
