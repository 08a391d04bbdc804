package genesystest

import (
	"slices"
	"time"
)

// Purposes, states, disconnect types and media roles, as in the API.
const (
	purposeCustomer = "customer"
	purposeWorkflow = "workflow"
	purposeACD      = "acd"
	purposeAgent    = "agent"

	stateAlerting     = "alerting"
	stateConnected    = "connected"
	stateParked       = "parked"
	stateDisconnected = "disconnected"

	disconnectClient       = "client"
	disconnectPeer         = "peer"
	disconnectTransfer     = "transfer"
	disconnectNoAnswer     = "transfer.noanswer"
	disconnectNotAvailable = "transfer.notavailable"
	disconnectError        = "error"
	disconnectTakeover     = "takeover"

	roleFull    = "full"
	roleMonitor = "monitor"
	roleCoach   = "coach"
)

// A participant is one leg of a conversation. A leg that ended stays in the list; a participant
// who returns gets another.
type participant struct {
	o                 *Org
	id, communication string
	purpose, name     string
	state             string
	disconnectType    string
	queue             *Queue // of an agent: where the conversation was before
	agent             *Agent
	peer              string
	attributes        map[string]string
	messages          []*message
	// In the order in which they were added; not changed in place, because snapshots share it.
	mediaRoles []string

	started, alerting, connected, ended time.Time
	parked, acwStart, acwEnd            time.Time
	direct                              bool // offered by name, not through the queue
	// The leg that consults, and the leg that this one monitors.
	consultedBy, monitored *participant
	published              publishedEvents
}

// full reports whether the leg takes part in the conversation, unlike one that only monitors or
// coaches.
func (p *participant) full() bool { return slices.Contains(p.mediaRoles, roleFull) }

func (p *participant) live() bool { return p.state != stateDisconnected }

// wrapping reports whether the agent does after-call work.
func (p *participant) wrapping() bool { return !p.acwStart.IsZero() && p.acwEnd.IsZero() }

// join adds a leg. The caller holds the lock.
func (o *Org) join(c *Conversation, purpose, name, state string) *participant {
	p := &participant{
		o: o, id: o.uuid("participant"), communication: o.uuid("communication"),
		purpose: purpose, name: name, state: state, started: o.now(), attributes: map[string]string{},
		mediaRoles: []string{roleFull},
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
	p.state, p.disconnectType, p.ended = stateDisconnected, how, p.o.now()
}

// first returns the newest live leg that fits, or nil.
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

func (c *Conversation) alertingLeg() *participant {
	return c.first(func(p *participant) bool { return p.state == stateAlerting })
}

// participantByID returns a leg, live or not, or nil.
func (c *Conversation) participantByID(id string) *participant {
	for _, p := range c.participants {
		if p.id == id {
			return p
		}
	}
	return nil
}
