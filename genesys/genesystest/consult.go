package genesystest

// Consult calls another agent into the conversation, as a second one beside this desk's: it rings there until it is accepted
// or declined, and then both can write to the customer. The agent is made if need be. Either may StepOut; End at either desk
// ends the conversation for all. How a consult shows in a read of a message conversation is UNCERTAIN; here it is one more
// agent's leg, and only the form that is not bound to messages says consultParticipantId. A coach looks the same.
func (d *Desk) Consult(agent string) {
	a := d.o.Agent(agent)
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.has() {
		d.o.ring(d.c, a, d.leg.queue).beside = d.leg
		d.o.touch(d.c)
	}
}

// StepOut ends this desk's part alone, with the disconnect type client, as that of an agent who ends a conversation. Who
// else is there goes on; if nobody is, the conversation goes back to its queue. Who monitors can do nothing else.
func (d *Desk) StepOut() {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if d.leg.watches == nil {
		d.depart(byClient)
	} else if d.leg.live() {
		d.leg.disconnect(byClient)
		d.o.touch(d.c)
	}
}

// depart takes the leg of an agent out of a conversation that goes on.
func (d *Desk) depart(how string) {
	if !d.has() {
		return
	}
	d.leg.disconnect(how)
	d.o.wrapUp(d.c, d.leg)
	d.c.dismissWatchers()
	if d.c.talker() == nil {
		d.o.enqueue(d.c, d.leg.queue)
		return
	}
	d.o.touch(d.c)
}

// Monitor lets a supervisor watch the agent who has the conversation: one more live agent's leg, with
// monitoredParticipantId, which the customer does not notice. It ends with the leg that is watched, and its desk can only
// StepOut. The supervisor is made if need be. Without an agent who has the conversation the desk is not active. Which
// purpose such a leg has is UNCERTAIN; "agent" is the one that misleads who counts agents.
func (c *Conversation) Monitor(supervisor string) *Desk {
	a := c.o.Agent(supervisor)
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	watched := c.talker()
	if watched == nil {
		return &Desk{o: c.o, c: c, leg: &participant{state: stateDisconnected}}
	}
	customer := c.customerLeg()
	peer := customer.peer
	p := c.o.join(c, purposeAgent, a.name, stateConnected)
	p.agent, p.watches, p.peer, customer.peer = a, watched, "", peer
	c.o.touch(c)
	return &Desk{o: c.o, c: c, leg: p}
}

// talker is the newest agent who has the conversation.
func (c *Conversation) talker() *participant {
	return c.first(func(p *participant) bool { return p.talks() })
}

// talks reports whether the leg is that of an agent who has the conversation.
func (p *participant) talks() bool {
	return p.agent != nil && p.watches == nil && (p.state == stateConnected || p.state == stateParked)
}

// dismissWatchers ends the legs of those who watch one that has ended.
func (c *Conversation) dismissWatchers() {
	for _, p := range c.participants {
		if p.watches != nil && !p.watches.live() {
			p.disconnect(byPeer)
		}
	}
}
