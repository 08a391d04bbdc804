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
		c = &conversation{id: g.id("c"), customer: customer, spokenAt: never, shownGone: never, shownBack: never, shown: never, looks: map[*replica]sight{}}
		g.conversations = append(g.conversations, c)
	}
	for _, l := range c.legs { // an agent who was still at work
		g.leave(l, "peer")
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
	g.enqueue(c, botQueue)
	if g.d.chance(0.1) {
		g.webhook(c, g.id("f"), nil)
	}
}

func (g *cloud) join(c *conversation, purpose, state string) *leg {
	l := &leg{
		id: g.id("l"), communication: g.id("m"), purpose: purpose, state: state, start: g.w.now, joined: g.w.now, end: never, wrapped: never,
	}
	c.legs = append(c.legs, l)
	return l
}

func (c *conversation) live(purpose string) *leg {
	for _, l := range c.legs {
		if l.purpose == purpose && l.live() && l.watches == "" {
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
		if l.live() && l.watches == "" && (l.purpose == "agent" || l.purpose == "acd" && l.queue != botQueue) {
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

// over ends a conversation; by is the leg that left, and how.
func (g *cloud) over(c *conversation, by *leg, how string) {
	g.w.tell(customerOf(c.customer), "%s ends, by the %s", c.id, by.purpose)
	linger := by.purpose == "customer" && g.does(habitLinger)
	g.withdraw(c, by, how)
	for _, l := range c.legs {
		switch {
		case !l.live():
		case linger && l.agent():
			g.w.after(g.d.between(time.Second, time.Minute), func() {
				g.withdraw(c, l, "client")
				g.changed(c)
			})
		case how == "system":
			g.withdraw(c, l, how)
		default:
			g.withdraw(c, l, "peer")
		}
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
	g.told(c, true)
}

// stir lets the customer do something just when something happens: most that goes wrong, goes wrong there.
func (g *cloud) stir(c *conversation) {
	for _, o := range g.w.customers {
		if o.key.Customer == customerOf(c.customer) && g.d.chance(0.25) {
			g.w.after(g.d.between(0, 2*time.Second), o.called)
		}
	}
}
