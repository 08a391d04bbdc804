package simulation

import (
	"time"
)

// enter finds the conversation a customer's message goes into: the live one, the last one revived, or a new one.
func (g *cloud) enter(customer string) *conversation {
	var c *conversation
	for _, o := range g.conversations {
		if o.customer == customer {
			c = o
		}
	}
	if c != nil && c.live("customer") != nil {
		return c
	}
	if c == nil || !g.w.plan.revive {
		c = &conversation{id: g.id("c"), customer: customer, botAt: never, spokenAt: never}
		g.conversations = append(g.conversations, c)
	}
	g.w.tell(customerOf(customer), "Genesys begins %s", c.id)
	g.join(c, "customer", "connected")
	g.w.after(g.d.between(50*time.Millisecond, 800*time.Millisecond), func() { g.flow(c) })
	g.changed(c)
	return c
}

// flow is the Architect flow: it puts the conversation into a queue.
func (g *cloud) flow(c *conversation) {
	if c.live("customer") == nil || c.live("acd") != nil || c.live("agent") != nil {
		return
	}
	if g.w.plan.routing == "flow" {
		g.enqueue(c, agentQueue)
		return
	}
	c.botAt = g.w.now
	g.enqueue(c, botQueue)
	if g.d.chance(0.1) {
		g.webhook(c, g.id("f"), true)
	}
}

func (g *cloud) join(c *conversation, purpose, state string) *leg {
	l := &leg{
		id: g.id("l"), communication: g.id("m"), purpose: purpose, state: state, start: g.w.now, joined: g.w.now, end: never,
	}
	c.legs = append(c.legs, l)
	return l
}

func (c *conversation) live(purpose string) *leg {
	for _, l := range c.legs {
		if l.purpose == purpose && l.live() {
			return l
		}
	}
	return nil
}

// served is the agent who has the conversation, or nil.
func (c *conversation) served() *leg {
	for _, l := range c.legs {
		if l.agent() && l.live() {
			return l
		}
	}
	return nil
}

// withAgents reports whether the agents have the conversation: one is there, it rings, or it waits in their queue.
func (c *conversation) withAgents() bool {
	for _, l := range c.legs {
		if l.live() && (l.purpose == "agent" || l.purpose == "acd" && l.queue != botQueue) {
			return true
		}
	}
	return false
}

func (g *cloud) leave(l *leg, how string) {
	if l.live() {
		l.state, l.how, l.end = "disconnected", how, g.w.now
	}
}

// over ends a conversation; by is the leg that left.
func (g *cloud) over(c *conversation, by *leg) {
	g.w.tell(customerOf(c.customer), "%s ends, by the %s", c.id, by.purpose)
	g.leave(by, "client")
	for _, l := range c.legs {
		g.leave(l, "peer")
	}
	g.changed(c)
}

func (g *cloud) enqueue(c *conversation, queue string) {
	if c.live("customer") == nil {
		g.changed(c)
		return
	}
	l := g.join(c, "acd", "connected")
	l.queue = queue
	g.w.tell(customerOf(c.customer), "%s waits in %s", c.id, queue[len(queue)-4:])
	g.changed(c)
	if queue != botQueue {
		g.ringLater(c, l)
	}
}

// ringLater lets it ring at an agent, as long as the conversation waits in the queue.
func (g *cloud) ringLater(c *conversation, queue *leg) {
	wait := g.d.between(300*time.Millisecond, 6*time.Second)
	if g.w.plan.absent && !g.w.healed && g.d.chance(0.7) {
		wait += g.d.between(20*time.Second, 4*time.Minute)
	}
	g.w.after(wait, func() {
		if !queue.live() {
			return
		}
		l := g.join(c, "agent", "alerting")
		l.joined, l.queue, l.user = never, queue.queue, pick(g.d, "ann", "bob")
		g.changed(c)
		g.w.after(g.d.between(200*time.Millisecond, 8*time.Second), func() { g.answer(c, queue, l) })
	})
}

func (g *cloud) answer(c *conversation, queue, l *leg) {
	switch {
	case !l.live():
	case !queue.live():
		g.leave(l, "transfer")
		g.changed(c)
	case g.d.chance(0.25) && !g.w.healed:
		g.leave(l, "transfer.noanswer")
		g.changed(c)
		g.ringLater(c, queue)
	default:
		g.leave(queue, "transfer")
		l.state, l.joined = "connected", g.w.now
		g.w.tell(customerOf(c.customer), "%s: agent %s is there", c.id, l.user)
		g.changed(c)
		g.work(c, l)
	}
}

// work is what an agent does next.
func (g *cloud) work(c *conversation, l *leg) {
	g.w.after(g.d.between(200*time.Millisecond, 20*time.Second), func() {
		if !l.live() {
			return
		}
		n := g.d.IntN(100)
		if g.w.healed {
			n = 80
		}
		switch {
		case n < 55:
			g.webhook(c, g.id("a"), false)
		case n < 65:
			g.leave(l, "transfer")
			g.enqueue(c, pick(g.d, agentQueue, otherQueue))
		case n < 70:
			g.leave(l, "transfer.notavailable")
			g.enqueue(c, l.queue)
		case n < 85:
			if g.d.chance(0.4) {
				g.webhook(c, g.id("a"), false)
			}
			g.over(c, l)
			if g.d.chance(0.2) {
				g.w.after(g.d.between(0, 6*time.Second), func() { g.webhook(c, g.id("a"), false) })
			}
		}
		g.work(c, l)
	})
}

const keptSnapshots = 12

// changed notes who is there now, and lets a signal say so.
func (g *cloud) changed(c *conversation) {
	s := snapshot{at: g.w.now}
	for _, l := range c.legs {
		s.legs = append(s.legs, *l)
	}
	c.past = append(c.past, s)
	g.stir(c)
	if len(c.past) > keptSnapshots {
		c.past = c.past[1:]
	}
	if g.w.plan.signals && !c.signalling && g.d.chance(0.8) {
		c.signalling = true
		g.w.after(g.d.between(50*time.Millisecond, 2*time.Second), func() { g.signal(c) })
	}
}

// stir lets the customer do something just when something happens: most that goes wrong, goes wrong there.
func (g *cloud) stir(c *conversation) {
	for _, o := range g.w.customers {
		if o.key.Customer == customerOf(c.customer) && g.d.chance(0.25) {
			g.w.after(g.d.between(0, 2*time.Second), o.called)
		}
	}
}

// signal tells any replica that something changed.
func (g *cloud) signal(c *conversation) {
	c.signalling = false
	if r := g.w.serving(); r != nil {
		g.w.start("signal", r, func() {
			_ = r.manager.Recheck(background, c.id) // a signal may be lost
		})
	}
}
