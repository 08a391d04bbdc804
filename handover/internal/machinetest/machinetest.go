// Package machinetest contains the helpers that white-box tests of the packages above machine
// share: a session in each state, and reads. Only tests import it. The tests of machine itself have
// copies, because they cannot import a package that imports machine.
package machinetest

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Noon is the time that white-box tests count from.
func Noon() machine.Time {
	return machine.TimeOf(time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC))
}

// Ago returns a time before noon.
func Ago(d time.Duration) machine.Time { return Noon().Add(-d) }

// Anna returns the agent who is in the conversations.
func Anna() machine.Agent { return machine.Agent{ID: "a1", Name: "Anna"} }

// States lists every state of a session.
func States() []machine.State {
	return []machine.State{machine.StateBot, machine.StateRequested, machine.StateQueued, machine.StateAlerting, machine.StateConnected, machine.StateEnding, machine.StateEnded}
}

// Phases lists every phase that a read may show.
func Phases() []genesys.Phase {
	return []genesys.Phase{
		genesys.PhaseUnknown, genesys.PhaseNotRouted, genesys.PhaseFlow, genesys.PhaseQueued, genesys.PhaseAlerting,
		genesys.PhaseConnected, genesys.PhaseParked, genesys.PhaseWrapup, genesys.PhaseEnded,
	}
}

// HandoverIn returns a session at noon, routed by transfer from the queue "bots" to the queue
// "agents". It entered the state a minute before, which is also the time of its last write.
func HandoverIn(s machine.State) machine.Handover {
	c := machine.Handover{
		Session: machine.Session{
			ID: "abcdefghijk2", Key: machine.Key{Channel: "shop", Customer: "customer"}, State: s, ConversationID: "conversation",
			Queue: "Agents", Started: Ago(10 * time.Minute),
		},
		Request: "request", From: "customer", QueueID: "agents", BotQueue: "bots", LastQueueID: "bots",
		Timers:    machine.Timers{Max: machine.DefaultMax, Retention: machine.DefaultRetention},
		ChangedAt: Ago(time.Minute), OpeningTriedAt: Ago(10 * time.Minute), OpeningAcceptedAt: Ago(10 * time.Minute), LastWriteAt: Ago(time.Minute),
	}
	if s == machine.StateBot {
		return c
	}
	c.AgentRequestedAt, c.WaitingSince = Ago(9*time.Minute), Ago(9*time.Minute)
	if s == machine.StateRequested {
		return c
	}
	c.LastQueueID, c.Transferred, c.ConfirmedAt = "agents", Ago(8*time.Minute), Ago(time.Minute)
	switch s {
	case machine.StateAlerting:
		c.Agent = Anna()
	case machine.StateConnected, machine.StateEnding, machine.StateEnded:
		c.Agent, c.Connected, c.Came, c.WaitingSince = Anna(), Ago(7*time.Minute), Ago(7*time.Minute), 0
	default:
	}
	if s == machine.StateEnding || s == machine.StateEnded {
		c.EndRequestedAt = c.ChangedAt
		c.Ending = machine.Ending{Reason: machine.EndByCustomer, Time: c.ChangedAt}
	}
	return c
}

// Standing returns a read. The conversation waits in the queue "agents", or Anna is in it.
func Standing(p genesys.Phase) genesys.Standing {
	s := genesys.Standing{Phase: p}
	switch p {
	case genesys.PhaseQueued:
		s.QueueID = "agents"
	case genesys.PhaseAlerting, genesys.PhaseConnected, genesys.PhaseParked, genesys.PhaseWrapup:
		s.QueueID, s.Agent = "agents", genesys.Participant{UserID: "a1", Name: "Anna"}
	default:
	}
	if p == genesys.PhaseWrapup || p == genesys.PhaseEnded {
		s.EndedBy, s.Why, s.EndedAt = "agent", "client", Ago(10*time.Second).Std()
	}
	return s
}

// Shows returns the event of a read that began a second before noon.
func Shows(p genesys.Phase, with ...func(*genesys.Standing)) machine.Event {
	s := Standing(p)
	for _, f := range with {
		f(&s)
	}
	return machine.Event{Kind: machine.EvRead, Began: Ago(time.Second), Standing: s}
}

// InQueue changes the queue that a read shows.
func InQueue(id string) func(*genesys.Standing) {
	return func(s *genesys.Standing) { s.QueueID = id }
}

// ByAgent changes the agent that a read shows.
func ByAgent(id, name string) func(*genesys.Standing) {
	return func(s *genesys.Standing) { s.Agent.UserID, s.Agent.Name = id, name }
}
