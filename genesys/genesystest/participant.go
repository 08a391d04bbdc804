package genesystest

import (
	"slices"
	"time"
)

// Purposes, states and disconnect types, as the API writes them.
const (
	purposeCustomer = "customer"
	purposeWorkflow = "workflow"
	purposeACD      = "acd"
	purposeAgent    = "agent"

	stateAlerting     = "alerting"
	stateConnected    = "connected"
	stateParked       = "parked"
	stateDisconnected = "disconnected"

	byClient       = "client"
	byPeer         = "peer"
	byTransfer     = "transfer"
	byNoAnswer     = "transfer.noanswer"
	byNotAvailable = "transfer.notavailable"
	byError        = "error"
)

// A participant is one leg of a conversation. A leg that ended stays listed; who comes back gets another.
type participant struct {
	id, communication string
	purpose, name     string
	state             string
	disconnectType    string
	queue             *Queue // for an agent: where the conversation came from
	agent             *Agent
	peer              string
	attributes        map[string]string
	messages          []*message

	started, alerting, connected, ended time.Time
	parked, acwStart, acwEnd            time.Time
	asked                               bool         // was offered by name, not through the queue
	beside, watches                     *participant // whom it was called in by, or monitors
	told                                told
}

func (p *participant) live() bool { return p.state != stateDisconnected }

// wrapping reports whether the agent does after-call work.
func (p *participant) wrapping() bool { return !p.acwStart.IsZero() && p.acwEnd.IsZero() }

// join adds a leg. Call it with the lock.
func (o *Org) join(c *Conversation, purpose, name, state string) *participant {
	p := &participant{
		id: o.uuid("participant"), communication: o.uuid("communication"),
		purpose: purpose, name: name, state: state, started: now(), attributes: map[string]string{},
	}
	if state == stateAlerting {
		p.alerting = p.started
	} else {
		p.connected = p.started
	}
	if customer := c.customerLeg(); customer != nil {
		p.peer, customer.peer = customer.communication, p.communication
	}
	c.participants = append(c.participants, p)
	return p
}

func (p *participant) disconnect(how string) {
	if !p.live() {
		return
	}
	p.state, p.disconnectType, p.ended = stateDisconnected, how, now()
}

// first returns the live leg that fits, the newest first.
func (c *Conversation) first(fits func(*participant) bool) *participant {
	for _, p := range slices.Backward(c.participants) {
		if p.live() && fits(p) {
			return p
		}
	}
	return nil
}

func (c *Conversation) leg(purpose string) *participant {
	return c.first(func(p *participant) bool { return p.purpose == purpose })
}

func (c *Conversation) customerLeg() *participant { return c.leg(purposeCustomer) }

func (c *Conversation) ringing() *participant {
	return c.first(func(p *participant) bool { return p.state == stateAlerting })
}

// participantByID finds a leg, live or not.
func (c *Conversation) participantByID(id string) *participant {
	for _, p := range c.participants {
		if p.id == id {
			return p
		}
	}
	return nil
}
