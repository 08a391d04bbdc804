package genesystest

import "slices"

// Monitor lets a supervisor follow the agent who has the conversation. It adds a connected
// agent's leg with monitoredParticipantId and the media role monitor, which the customer does not
// notice. The leg ends with the monitored leg. At the returned desk only Coach, TakeOver and
// StepOut have an effect. The supervisor is made if need be. Without an agent who has the
// conversation, the desk is not active.
//
// Which purpose such a leg has is UNCERTAIN: "agent" misleads a client that counts agents.
func (c *Conversation) Monitor(supervisor string) *Desk {
	a := c.o.Agent(supervisor)
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	monitored := c.connectedAgent()
	if monitored == nil {
		return &Desk{o: c.o, c: c, leg: &participant{o: c.o, state: stateDisconnected}}
	}
	customer := c.customerLeg()
	peer := customer.peer
	p := c.o.join(c, purposeAgent, a.name, stateConnected)
	p.agent, p.monitored, p.mediaRoles = a, monitored, []string{roleMonitor}
	p.peer, customer.peer = "", peer
	c.o.touch(c)
	return &Desk{o: c.o, c: c, leg: p}
}

// Coach lets a supervisor who monitors also write to the agent, which the customer does not
// notice. The leg gets the media role coach in addition, and in the form for all media
// coachedParticipantId. Coach has no effect at any other desk.
func (d *Desk) Coach() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.monitors() && !slices.Contains(d.leg.mediaRoles, roleCoach) {
		d.leg.mediaRoles = append(slices.Clone(d.leg.mediaRoles), roleCoach)
		d.o.touch(d.c)
	}
}

// TakeOver makes a supervisor who monitors the agent of the conversation. The monitored leg ends
// with the disconnect type takeover, and this desk can write to the customer. The supervisor's
// leg keeps monitoredParticipantId and gets the media role full in addition; with
// WithTakeoverInNewLeg a new leg follows it. TakeOver has no effect at any other desk.
func (d *Desk) TakeOver() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if !d.monitors() {
		return
	}
	agent, queue, monitored := d.leg.agent, d.leg.monitored.queue, d.leg.monitored
	if d.o.opt.newTakeoverLeg {
		d.leg.disconnect(disconnectTransfer)
		d.leg = d.o.join(d.c, purposeAgent, agent.name, stateConnected)
		d.leg.agent = agent
	} else {
		customer := d.c.customerLeg()
		d.leg.mediaRoles = append(slices.Clone(d.leg.mediaRoles), roleFull)
		d.leg.peer, customer.peer = customer.communication, d.leg.communication
	}
	d.leg.queue = queue
	monitored.disconnect(disconnectTakeover)
	d.o.wrapUp(d.c, monitored)
	d.c.endMonitorLegs()
	d.o.touch(d.c)
}

// monitors reports whether the leg monitors or coaches and has not taken over.
func (d *Desk) monitors() bool { return d.leg.live() && d.leg.monitored != nil && !d.leg.full() }

// connectedAgent returns the newest leg of an agent who has the conversation, or nil.
func (c *Conversation) connectedAgent() *participant {
	return c.first(func(p *participant) bool { return p.hasConversation() })
}

// hasConversation reports whether the leg is that of an agent who has the conversation.
func (p *participant) hasConversation() bool {
	return p.agent != nil && p.full() && (p.state == stateConnected || p.state == stateParked)
}

// endMonitorLegs ends every leg that monitors an ended leg.
func (c *Conversation) endMonitorLegs() {
	for _, p := range c.participants {
		if p.monitored != nil && !p.full() && !p.monitored.live() {
			p.disconnect(disconnectPeer)
		}
	}
}
