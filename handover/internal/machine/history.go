package machine

import (
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// A History is what a read shows of the time before it.
type History struct {
	Came  time.Time // when the first agent came
	Left  time.Time // when the last agent left; zero while one is there
	Moved bool      // the last agent left it to a queue or to another agent, and did not end it
	Entry string    // the queue it came into first: where the flow put it
}

// HistoryOf looks at the agents who were there since a time; who only let it ring was never there.
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
		h.Left, h.Moved = last.End, movedOn(c, last)
	}
	return h
}

// movedOn reports whether an agent left a conversation to another agent: the leg says so, or it was in a queue since the agent
// came.
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

// entryQueue is the first queue that was not left before the customer who is there came: a revived conversation still lists
// older ones.
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
