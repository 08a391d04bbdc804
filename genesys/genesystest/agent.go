package genesystest

import (
	"context"
	"errors"
	"slices"
	"time"
)

// An Agent is a Genesys user who answers conversations. Each agent is offered one conversation at
// a time; an agent may have accepted any number of them. A queue offers a conversation to its
// agents in the order in which they joined it, and to the next one after a decline. Safe for
// concurrent use.
type Agent struct {
	o         *Org
	id, name  string
	offQueue  bool
	offers    []*Offer     // not yet returned by Next
	lastAlert *participant // the newest leg that alerted
}

var errClosed = errors.New("genesystest: the organisation is closed")

// Agent returns the agent of that name, on queue and a member of queues in addition to those of
// earlier calls. It makes the agent and the queues that do not exist yet.
func (o *Org) Agent(name string, queues ...string) *Agent {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.agents, func(a *Agent) bool { return a.name == name })
	if i < 0 {
		i = len(o.agents)
		o.agents = append(o.agents, &Agent{o: o, id: o.uuid("user"), name: name})
	}
	a := o.agents[i]
	for _, queue := range queues {
		q := o.ensureQueue(queue)
		if !slices.Contains(q.members, a) {
			q.members = append(q.members, a)
		}
	}
	o.offerWaiting()
	return a
}

// Name returns the agent's name.
func (a *Agent) Name() string { return a.name }

// ID returns the agent's user id.
func (a *Agent) ID() string { return a.id }

// GoOffQueue stops new offers to the agent. Conversations that the agent has are not affected.
func (a *Agent) GoOffQueue() { a.setOffQueue(true) }

// GoOnQueue makes the agent available again. A new agent is on queue.
func (a *Agent) GoOnQueue() { a.setOffQueue(false) }

func (a *Agent) setOffQueue(off bool) {
	a.o.mu.Lock()
	defer a.o.mu.Unlock()
	a.offQueue = off
	a.o.offerWaiting()
}

// Wait returns the next conversation offered to the agent. The test fails if there is none within
// a day, or before its context ends.
func (a *Agent) Wait(tb TB) *Offer {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 24*time.Hour)
	defer cancel()
	offer, err := a.Next(ctx)
	if err != nil {
		tb.Fatalf("genesystest: no conversation was offered to the agent %s: %v", a.name, err)
		return nil
	}
	return offer
}

// Next is Wait for programs. It returns the cause when ctx ends, and an error when the
// organisation is closed. It skips offers that no longer alert.
func (a *Agent) Next(ctx context.Context) (*Offer, error) {
	for {
		a.o.mu.Lock()
		offer, changed, closed := a.pop(), a.o.changed, a.o.closed
		a.o.mu.Unlock()
		if offer != nil {
			return offer, nil
		}
		if closed {
			return nil, errClosed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (a *Agent) pop() *Offer {
	for len(a.offers) > 0 {
		first := a.offers[0]
		a.offers = a.offers[1:]
		if first.leg.state == stateAlerting {
			return first
		}
	}
	return nil
}

func (a *Agent) interacting() bool {
	for _, c := range a.o.conversations {
		if c.first(func(p *participant) bool { return p.agent == a && p.state != stateAlerting }) != nil {
			return true
		}
	}
	return false
}

// An Offer alerts an agent to a conversation. It ends when the agent accepts or declines, or when
// the conversation ends or goes to another queue or agent. Safe for concurrent use.
type Offer struct {
	o     *Org
	c     *Conversation
	leg   *participant
	agent *Agent
}

// Conversation returns the conversation on offer.
func (f *Offer) Conversation() *Conversation { return f.c }

// Ringing reports whether the offer can still be accepted.
func (f *Offer) Ringing() bool {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	return f.leg.state == stateAlerting
}

// Decline sends the conversation to the next agent of the queue. After all agents of the queue
// have declined, and after a pause, it is offered to all of them again. Decline has no effect on
// an offer that no longer alerts.
//
// The leg then has the disconnect type client, like the leg of an agent who ends a conversation.
// Which type Genesys writes is UNCERTAIN. This one misleads a client that looks at the leg alone.
func (f *Offer) Decline() {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	f.o.unanswered(f.c, f.leg, disconnectClient)
}

// LetRing leaves the offer unanswered: it alerts for d and then goes to the next agent. It
// returns at once. The usual time at Genesys is 30 s.
func (f *Offer) LetRing(d time.Duration) {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	f.o.after(d, func() { f.o.unanswered(f.c, f.leg, disconnectNoAnswer) })
}

// Accept connects the agent and returns the desk. If the offer no longer alerts, the desk is not
// active and its methods have no effect.
func (f *Offer) Accept() *Desk {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	f.o.answered(f.c, f.leg)
	return &Desk{o: f.o, c: f.c, leg: f.leg}
}
