package simulation

import "time"

// ringLater lets it ring at an agent, as long as the conversation waits in the queue.
func (g *cloud) ringLater(c *conversation, queue *leg) {
	wait := g.d.between(300*time.Millisecond, 6*time.Second)
	if g.w.plan.absent && g.free() && g.d.chance(0.7) {
		wait += g.d.between(20*time.Second, 4*time.Minute)
	}
	g.w.after(wait, func() {
		if !queue.live() {
			return
		}
		l := g.rings(c, queue.queue, pick(g.d, "ann", "bob"))
		g.changed(c)
		rings := g.d.between(200*time.Millisecond, 8*time.Second)
		if g.does(habitRing) {
			rings = g.d.between(8*time.Second, 40*time.Second)
			g.w.after(rings, func() { g.declines(c, queue, l, "transfer.noanswer") })
			return
		}
		g.w.after(rings, func() { g.answer(c, queue, l) })
	})
}

// rings lets it ring at an agent now.
func (g *cloud) rings(c *conversation, queue, user string) *leg {
	l := g.join(c, "agent", "alerting")
	l.joined, l.queue, l.user = never, queue, user
	return l
}

// answer: an agent takes what rings, or does not. Without a queue it comes from another agent.
func (g *cloud) answer(c *conversation, queue, l *leg) {
	switch {
	case !l.live():
	case queue != nil && !queue.live():
		g.leave(l, "transfer")
		g.changed(c)
	case g.does(habitDecline):
		g.declines(c, queue, l, g.decline())
	case g.free() && g.d.chance(0.1):
		g.declines(c, queue, l, "transfer.noanswer")
	default:
		if queue != nil {
			g.leave(queue, "transfer")
		}
		l.state, l.joined = "connected", g.w.now
		l.silent, l.slow, l.wrapup = g.does(habitSilent), g.does(habitSlow), g.does(habitWrapup)
		g.w.tell(customerOf(c.customer), "%s: agent %s is there", c.id, l.user)
		g.changed(c)
		g.work(c, l)
	}
}

// declines: it rings elsewhere, or waits in the queue again.
func (g *cloud) declines(c *conversation, queue, l *leg, how string) {
	if !l.live() {
		return
	}
	g.leave(l, how)
	if queue == nil {
		g.enqueue(c, l.queue)
		return
	}
	g.changed(c)
	if queue.live() {
		g.ringLater(c, queue)
	}
}

// work is what an agent does next.
func (g *cloud) work(c *conversation, l *leg) {
	wait := g.d.between(200*time.Millisecond, 20*time.Second)
	if l.slow && g.free() {
		wait = g.d.between(20*time.Second, 4*time.Minute)
	}
	g.w.after(wait, func() {
		if !l.live() || l.state != "connected" || c.live("customer") == nil {
			return
		}
		if g.step(c, l) {
			g.work(c, l)
		}
	})
}

// step reports whether the agent goes on.
func (g *cloud) step(c *conversation, l *leg) bool {
	switch n := g.d.IntN(100); {
	case !g.free():
		g.finishes(c, l)
	case !l.silent && g.does(habitTalk):
		g.webhook(c, g.id("a"), l)
		return true
	case g.does(habitPark):
		g.park(c, l)
	case g.does(habitVanish):
		g.vanish(c, l)
	case g.does(habitColleague):
		g.toColleague(c, l)
	case g.w.plan.routing != "flow" && g.does(habitBack):
		g.withdraw(c, l, "transfer")
		g.enqueue(c, botQueue)
	case g.does(habitSystem):
		g.over(c, c.live("customer"), pick(g.d, "system", "timeout", "inactivity"))
	case l.helper == nil && g.does(habitConsult):
		g.consult(c, l)
		return true
	case g.does(habitMonitor):
		g.monitored(c, l)
		return true
	case n < 55:
		if !l.silent {
			g.webhook(c, g.id("a"), l)
		}
		return true
	case n < 65:
		g.withdraw(c, l, "transfer")
		g.enqueue(c, pick(g.d, agentQueue, otherQueue))
	case n < 70:
		g.withdraw(c, l, "transfer.notavailable")
		g.enqueue(c, l.queue)
	case n < 85:
		g.finishes(c, l)
	default:
		return true
	}
	return false
}

// finishes: the agent ends it, perhaps with a last word, which may come after the end.
func (g *cloud) finishes(c *conversation, l *leg) {
	if !l.silent && g.d.chance(0.4) {
		g.webhook(c, g.id("a"), l)
	}
	if g.does(habitCut) {
		for _, o := range g.w.customers {
			if o.key.Customer == customerOf(c.customer) {
				o.called()
			}
		}
	}
	g.over(c, l, "client")
	if !l.silent && g.d.chance(0.2) {
		g.w.after(g.d.between(0, 6*time.Second), func() { g.webhook(c, g.id("a"), l) })
	}
}

// close lets every conversation that the agents have, or nobody, come to its end.
func (g *cloud) close() {
	g.closing = true
	g.w.tell("", "all conversations end")
	for _, c := range g.conversations {
		customer, bot := c.live("customer"), c.live("acd")
		if customer == nil || !c.withAgents() && bot != nil {
			continue
		}
		by, how := customer, pick(g.d, "client", "system", "timeout", "error")
		if l := c.served(); l != nil && g.d.chance(0.5) {
			by, how = l, "client"
		}
		g.over(c, by, how)
	}
}
