package genesystest

import (
	"context"
	"errors"
	"slices"
	"time"
)

// An Agent is a person at a desk. Conversations of the agent's queues are offered one at a time: to the agents in the order
// they were made, to the next when one declines. There is no limit to how many an agent has accepted. Safe for concurrent
// use.
type Agent struct {
	o        *Org
	id, name string
	off      bool
	offers   []*Offer     // not yet returned by Next
	bell     *participant // the last leg that rang
}

var errClosed = errors.New("genesystest: the organisation is closed")

// Agent makes a person who is a member of queues and on queue, or adds queues to the one of that name. Queues are made if
// need be.
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
		q := o.queueMade(queue)
		if !slices.Contains(q.members, a) {
			q.members = append(q.members, a)
		}
	}
	o.kick()
	return a
}

// Name is the agent's name.
func (a *Agent) Name() string { return a.name }

// ID is the agent's user id.
func (a *Agent) ID() string { return a.id }

// GoOffQueue keeps new conversations from the agent; those at hand stay.
func (a *Agent) GoOffQueue() { a.setOff(true) }

// GoOnQueue makes the agent available again, as agents are at first.
func (a *Agent) GoOnQueue() { a.setOff(false) }

func (a *Agent) setOff(off bool) {
	a.o.mu.Lock()
	defer a.o.mu.Unlock()
	a.off = off
	a.o.kick()
}

// Wait returns the next conversation that rings at the agent's desk. The test fails when none does within a day, or when
// its context ends first.
func (a *Agent) Wait(tb TB) *Offer {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 24*time.Hour)
	defer cancel()
	offer, err := a.Next(ctx)
	if err != nil {
		tb.Fatalf("genesystest: nothing was offered to %s: %v", a.name, err)
		return nil
	}
	return offer
}

// Next is Wait for programs: it returns the cause when ctx ends, or an error when the organisation was closed. An offer
// that stopped ringing before anybody asked is skipped.
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

func (a *Agent) talking() bool {
	for _, c := range a.o.conversations {
		if c.first(func(p *participant) bool { return p.agent == a && p.state != stateAlerting }) != nil {
			return true
		}
	}
	return false
}
