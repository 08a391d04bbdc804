package machine

import (
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// A History is the past of a conversation, as a read shows it.
type History struct {
	Came time.Time // when the first agent joined
	Left time.Time // when the last agent left; zero while one is there
	// The last agent left before the end: to a queue, to another agent, or the leg broke.
	Moved bool
	Entry string // its first queue, into which the flow put it
}

// HistoryOf evaluates the agents who were in the conversation since a time. Agents who were only
// alerted do not count.
func HistoryOf(c *genesys.Conversation, since time.Time) History {
	h := History{Entry: entryQueue(c)}
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
	if strings.HasPrefix(agent.DisconnectType, genesys.DisconnectTransfer) {
		return true
	}
	for _, p := range c.Participants {
		if p.IsQueue() && p.Start.After(agent.Connected) {
			return true
		}
	}
	return false
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

// entryQueue returns the first queue of the present customer. It ignores queues that the
// conversation left before the customer joined, because a revived conversation still lists older
// ones.
func entryQueue(c *genesys.Conversation) string {
	var came time.Time
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
