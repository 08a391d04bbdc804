package handover

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// A reading is one confirming read.
type reading struct {
	began    time.Time
	standing genesys.Standing
	history  history
	messages []genesys.MessageRef // to the customer
	blind    bool
	gone     bool
	err      error
}

// A history is what a read shows of the time before it.
type history struct {
	Came  time.Time // when the first agent came
	Left  time.Time // when the last agent left; zero while one is there
	Moved bool      // the last agent left it to a queue or to another agent, and did not end it
	Entry string    // the queue it came into first: where the flow put it
}

// readTime leaves time for what follows a read in the same effect.
const readTime = 4 * time.Second

// look reads a conversation.
func (a *account) look(ctx context.Context, s share, id string, since time.Time) (*genesys.Conversation, *reading) {
	ctx, cancel := a.within(ctx, readTime)
	defer cancel()
	r := &reading{began: a.now().UTC().Round(0)}
	var c *genesys.Conversation
	r.err = a.do(ctx, s, func(ctx context.Context) (err error) {
		c, err = a.client.Conversations.Get(ctx, id)
		return err
	})
	switch {
	case r.err == nil:
		r.standing = c.Standing(since)
		r.history = historyOf(c, since)
		r.messages = messagesOf(c)
	case errors.Is(r.err, genesys.ErrForbidden):
		r.blind = true
	case errors.Is(r.err, genesys.ErrNotFound):
		r.gone = true
	}
	return c, r
}

// event is what a read says to the state machine.
func (r *reading) event() event {
	switch {
	case r.blind:
		return event{Kind: evBlind, Began: r.began, Permission: missing(r.err)}
	case r.gone:
		return event{Kind: evGone, Began: r.began}
	default:
		return event{Kind: evRead, Began: r.began, Standing: r.standing, history: r.history}
	}
}

// live reports whether the customer is in the conversation.
func (r *reading) live() bool {
	switch r.standing.Phase {
	case genesys.PhaseUnknown, genesys.PhaseWrapup, genesys.PhaseEnded:
		return false
	default:
		return true
	}
}

// historyOf looks at the agents who were there since a time; who only let it ring was never there.
func historyOf(c *genesys.Conversation, since time.Time) history {
	h := history{Entry: entryQueue(c)}
	var last genesys.Participant
	there := false
	for _, p := range c.Participants {
		if !p.IsAgent() || p.Connected.IsZero() || !p.Live() && p.End.Before(since.Add(-settlePeriod)) {
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

// movedOn reports whether an agent left a conversation to somebody else: his leg says so, or it has stood in a queue since he
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
			came = later(came, p.Start)
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

func agentOf(s genesys.Standing) Agent { return Agent{ID: s.Agent.UserID, Name: s.Agent.Name} }
