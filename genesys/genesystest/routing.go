package genesystest

// enqueue puts c into a queue: a new acd leg. Call it with the lock.
func (o *Org) enqueue(c *Conversation, q *Queue) {
	p := o.join(c, purposeACD, q.name, stateConnected)
	p.queue = q
	clear(c.tried)
	o.touch(c)
	o.after(o.opt.pace.Offer, func() { o.offer(c) })
}

// kick looks again at whatever waits, in the order it came: an agent became free, or came.
func (o *Org) kick() {
	if o.kicking {
		return
	}
	o.kicking = true
	o.after(o.opt.pace.Offer, func() {
		o.kicking = false
		for _, c := range o.conversations {
			o.offer(c)
		}
	})
}

// offer rings the next agent of the queue c stands in: in the order they were made, who is not ringing for another, and
// who declined only when all others did too.
func (o *Org) offer(c *Conversation) {
	acd := c.leg(purposeACD)
	if acd == nil || c.ringing() != nil {
		return
	}
	free, untried, members := o.candidates(c, acd.queue)
	switch {
	case free != nil:
		o.ring(c, free, acd.queue)
	case untried == 0 && members > 0 && !c.again:
		c.again = true
		o.after(o.opt.pace.Again, func() {
			c.again = false
			clear(c.tried)
			o.offer(c)
		})
	}
}

func (o *Org) candidates(c *Conversation, q *Queue) (free *Agent, untried, members int) {
	for _, a := range q.members {
		if a.off {
			continue
		}
		members++
		if c.tried[a] {
			continue
		}
		untried++
		if free == nil && (a.bell == nil || a.bell.state != stateAlerting) {
			free = a
		}
	}
	return free, untried, members
}

// ring offers c to an agent.
func (o *Org) ring(c *Conversation, a *Agent, from *Queue) *participant {
	p := o.join(c, purposeAgent, a.name, stateAlerting)
	p.agent, p.queue, a.bell = a, from, p
	a.offers = append(a.offers, &Offer{o: o, c: c, leg: p, agent: a})
	if o.opt.ring > 0 {
		o.after(o.opt.ring, func() { o.unanswered(c, p, byNoAnswer) })
	}
	o.touch(c)
	return p
}

// unanswered ends the ringing of a leg; the next agent's turn comes.
func (o *Org) unanswered(c *Conversation, p *participant, how string) {
	if p.state != stateAlerting {
		return
	}
	p.disconnect(how)
	c.tried[p.agent] = true
	if p.asked && c.leg(purposeACD) == nil {
		o.enqueue(c, p.queue)
		c.tried[p.agent] = true
	}
	o.touch(c)
	o.kick()
}

// answered connects a ringing leg: the acd leg has done its work.
func (o *Org) answered(c *Conversation, p *participant) {
	if p.state != stateAlerting {
		return
	}
	p.state, p.connected = stateConnected, now()
	if acd := c.leg(purposeACD); acd != nil {
		acd.disconnect(byTransfer)
	}
	clear(c.tried)
	o.touch(c)
	o.kick()
}
