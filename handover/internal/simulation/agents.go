package simulation

import (
	"time"
)

// offerLater offers the conversation to an agent after a while, if it still waits in the queue.
func (g *cloud) offerLater(c *conversation, queue *leg) {
	wait := g.d.between(300*time.Millisecond, 6*time.Second)
	if g.w.plan.slowToAnswer && g.undirected() && g.d.chance(0.7) {
		wait += g.d.between(20*time.Second, 4*time.Minute)
	}
	g.w.after(wait, func() {
		if !queue.live() {
			return
		}
		l := g.offer(c, queue.queue, pick(g.d, "ann", "bob"))
		g.changed(c)
		rings := g.d.between(200*time.Millisecond, 8*time.Second)
		if g.hasHabit(habitRing) {
			rings = g.d.between(8*time.Second, 40*time.Second)
			g.w.after(rings, func() { g.declined(c, queue, l, "transfer.noanswer") })
			return
		}
		g.w.after(rings, func() { g.answerOffer(c, queue, l) })
	})
}

// offer alerts an agent now.
func (g *cloud) offer(c *conversation, queue, user string) *leg {
	l := g.join(c, "agent", "alerting")
	l.connectedAt, l.queue, l.user = never, queue, user
	return l
}

// answerOffer accepts or declines the offer. queue is the queue it came from, or nil if another
// agent transferred the conversation.
func (g *cloud) answerOffer(c *conversation, queue, l *leg) {
	switch {
	case !l.live():
	case queue != nil && !queue.live():
		g.leave(l, "transfer")
		g.changed(c)
	case g.hasHabit(habitDecline):
		g.declined(c, queue, l, g.declineType())
	case g.undirected() && g.d.chance(0.1):
		g.declined(c, queue, l, "transfer.noanswer")
	default:
		if queue != nil {
			g.leave(queue, "transfer")
		}
		l.state, l.connectedAt = "connected", g.w.now
		l.silent, l.slow, l.mustWrapUp = g.hasHabit(habitSilent), g.hasHabit(habitSlow), g.hasHabit(habitWrapup)
		g.w.logf(customerOf(c.customer), "%s: agent %s is there", c.id, l.user)
		g.changed(c)
		g.continueWork(c, l)
	}
}

// declined ends the offer. Another agent is alerted, or the conversation waits in the queue again.
func (g *cloud) declined(c *conversation, queue, l *leg, how string) {
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
		g.offerLater(c, queue)
	}
}

// continueWork lets an agent take the next step after a while.
func (g *cloud) continueWork(c *conversation, l *leg) {
	wait := g.d.between(200*time.Millisecond, 20*time.Second)
	if l.slow && g.undirected() {
		wait = g.d.between(20*time.Second, 4*time.Minute)
	}
	g.w.after(wait, func() {
		if !l.live() || l.state != "connected" || c.live("customer") == nil {
			return
		}
		if g.workStep(c, l) {
			g.continueWork(c, l)
		}
	})
}

// workStep takes one step of an agent, and reports whether the agent continues.
func (g *cloud) workStep(c *conversation, l *leg) bool {
	switch n := g.d.IntN(100); {
	case !g.undirected():
		g.finish(c, l)
	case !l.silent && g.hasHabit(habitTalk):
		g.webhook(c, g.id("a"), l)
		return true
	case !l.silent && g.hasHabit(habitHasty):
		g.webhook(c, g.id("a"), l)
		g.w.after(g.d.between(0, 2*time.Second), func() { g.moveOn(c, l) })
	case g.hasHabit(habitPark):
		g.park(c, l)
	case g.hasHabit(habitVanish):
		g.vanish(c, l)
	case g.hasHabit(habitColleague):
		g.toColleague(c, l)
	case g.w.plan.routing != "flow" && g.hasHabit(habitBotQueue):
		g.withdraw(c, l, "transfer")
		g.enqueue(c, botQueue)
	case g.hasHabit(habitSystem):
		g.endConversation(c, c.live("customer"), pick(g.d, "system", "timeout", "inactivity"))
	case l.helper == nil && g.hasHabit(habitConsult):
		g.consult(c, l)
		return true
	case g.hasHabit(habitMonitor):
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
		g.finish(c, l)
	default:
		return true
	}
	return false
}

// finish lets the agent end the conversation, perhaps with a last message, which may be written
// after the end.
func (g *cloud) finish(c *conversation, l *leg) {
	if !l.silent && g.d.chance(0.4) {
		g.webhook(c, g.id("a"), l)
	}
	if g.hasHabit(habitEndEarly) {
		for _, o := range g.w.customers {
			if o.key.Customer == customerOf(c.customer) {
				o.wakeUp()
			}
		}
	}
	g.endConversation(c, l, "client")
	if !l.silent && g.d.chance(0.2) {
		g.w.after(g.d.between(0, 6*time.Second), func() { g.webhook(c, g.id("a"), l) })
	}
}

// endAll ends every conversation that has agents, or only the customer. Without a configured bot
// queue, a session that began in a conversation with agents does not know that queue. It stays open
// when they return the conversation to it, so endAll ends that as well.
func (g *cloud) endAll() {
	g.endingAll = true
	g.w.logf("", "all conversations end")
	for _, c := range g.conversations {
		customer, bot := c.live("customer"), c.live("acd")
		if customer == nil || !c.withAgents() && bot != nil && g.w.plan.bot {
			continue
		}
		by, how := customer, pick(g.d, "client", "system", "timeout", "error")
		if l := c.served(); l != nil && g.d.chance(0.5) {
			by, how = l, "client"
		}
		g.endConversation(c, by, how)
	}
}

// moveOn lets an agent transfer the conversation to a queue, or end it.
func (g *cloud) moveOn(c *conversation, l *leg) {
	switch {
	case !l.live() || c.live("customer") == nil:
	case g.d.chance(0.5):
		g.withdraw(c, l, "transfer")
		g.enqueue(c, pick(g.d, agentQueue, otherQueue))
	default:
		g.finish(c, l)
	}
}

// answered lets an eager customer answer an agent's message soon.
func (g *cloud) answered(c *conversation) {
	o := g.w.customer(customerOf(c.customer))
	if o == nil || !g.w.plan.eager || !g.d.chance(0.5) {
		return
	}
	o.next = o.write
	g.w.after(g.d.between(0, 3*time.Second), o.wakeUp)
}

// A habit is something that agents do besides answering, writing, transferring to a queue and
// ending.
type habit string

// Each habit is on in some seeds.
const (
	habitDecline   habit = "decline"   // they decline
	habitRing      habit = "ring"      // they do not answer, and another agent is alerted
	habitColleague habit = "colleague" // they transfer to another agent, who may decline
	habitConsult   habit = "consult"   // they consult another agent, who leaves again or takes over
	habitPark      habit = "park"      // they park, and resume or do not
	// Their leg breaks; the conversation returns to the queue, or stays without an agent.
	habitVanish   habit = "vanish"
	habitBotQueue habit = "back"    // they transfer to the bot queue
	habitMonitor  habit = "monitor" // a supervisor monitors, and leaves a little later than they
	habitWrapup   habit = "wrapup"  // they have after-call work, and end it late or never
	habitLinger   habit = "linger"  // their leg stays for a while after the customer has left
	habitSilent   habit = "silent"  // they never write
	habitSlow     habit = "slow"    // they take minutes for each step
	habitEndEarly habit = "cut"     // they end the conversation just when the customer writes
	habitTalk     habit = "talk"    // they write most of the time
	habitSystem   habit = "system"  // Genesys ends the conversation, and no participant does
	habitHasty    habit = "hasty"   // they write, and transfer or end within seconds
)

func allHabits() []habit {
	return []habit{
		habitDecline, habitRing, habitColleague, habitConsult, habitPark, habitVanish, habitBotQueue, habitMonitor,
		habitWrapup, habitLinger, habitSilent, habitSlow, habitEndEarly, habitSystem, habitTalk, habitHasty,
	}
}

func newHabits(seed uint64) map[habit]float64 {
	d, on := newRandom(seed, "habits"), map[habit]float64{}
	for _, h := range allHabits() {
		if is, rate := d.chance(0.4), pick(d, 0.1, 0.25, 0.5); is {
			on[h] = rate
		}
	}
	return on
}

// hasHabit reports, at random, whether an agent follows a habit now.
func (g *cloud) hasHabit(h habit) bool { return g.undirected() && g.d.chance(g.w.plan.habits[h]) }

// undirected reports whether agents follow their habits. Otherwise they only finish their work.
func (g *cloud) undirected() bool { return !g.w.healed || g.w.plan.remoteEnd && !g.endingAll }

// declineType returns a random disconnect type of an agent's leg that was not answered.
func (g *cloud) declineType() string {
	return pick(g.d, "client", "endpoint.donotdisturb", "transfer.donotdisturb", "transfer.noanswer")
}

// toColleague transfers to another agent, who is alerted without a queue.
func (g *cloud) toColleague(c *conversation, l *leg) {
	g.withdraw(c, l, "transfer")
	x := g.offer(c, l.queue, other(l.user))
	g.changed(c)
	g.w.after(g.d.between(200*time.Millisecond, 8*time.Second), func() { g.answerOffer(c, nil, x) })
}

// consult adds another agent to the conversation.
func (g *cloud) consult(c *conversation, l *leg) {
	x := g.offer(c, l.queue, other(l.user))
	l.helper = x
	g.changed(c)
	g.w.after(g.d.between(200*time.Millisecond, 8*time.Second), func() {
		switch {
		case !x.live():
			return
		case g.d.chance(0.3):
			g.leave(x, g.declineType())
			g.changed(c)
			return
		}
		x.state, x.connectedAt = "connected", g.w.now
		g.w.logf(customerOf(c.customer), "%s: agent %s is there, too", c.id, x.user)
		g.changed(c)
		g.w.after(g.d.between(200*time.Millisecond, 20*time.Second), func() { g.consulted(c, l, x) })
	})
}

// consulted ends a consultation: one of the two agents leaves.
func (g *cloud) consulted(c *conversation, l, helper *leg) {
	switch {
	case !helper.live() || !l.live():
	case g.d.chance(0.5):
		g.leave(helper, "client")
		g.changed(c)
	default:
		l.helper = nil
		g.withdraw(c, l, "transfer.consult")
		g.changed(c)
		g.continueWork(c, helper)
	}
}

// park sets the conversation aside, for a while or permanently.
func (g *cloud) park(c *conversation, l *leg) {
	l.state = "parked"
	g.w.logf(customerOf(c.customer), "%s: agent %s parks", c.id, l.user)
	g.changed(c)
	if g.d.chance(0.3) {
		return
	}
	g.w.after(g.d.between(5*time.Second, 3*time.Minute), func() {
		if l.live() && c.live("customer") != nil {
			l.state = "connected"
			g.changed(c)
			g.continueWork(c, l)
		}
	})
}

// vanish breaks the leg of an agent. The conversation is in no queue until Genesys puts it into
// one, if it does.
func (g *cloud) vanish(c *conversation, l *leg) {
	g.w.logf(customerOf(c.customer), "%s: agent %s vanishes", c.id, l.user)
	g.withdraw(c, l, pick(g.d, "error", "system", "transport.failure"))
	g.changed(c)
	alone := g.d.between(0, 5*time.Second)
	switch n := g.d.IntN(10); {
	case n < 2:
		return
	case n < 5:
		alone += g.d.between(20*time.Second, 4*time.Minute)
	}
	g.w.after(alone, func() {
		if customer := c.live("customer"); customer != nil && !c.withAgents() && c.live("acd") == nil {
			g.enqueue(c, l.queue)
		}
	})
}

// monitored lets a supervisor monitor the agent.
func (g *cloud) monitored(c *conversation, l *leg) {
	x := g.join(c, pick(g.d, "user", "agent"), "connected")
	x.user, x.monitors = "sue", l.id
	g.changed(c)
	var look func()
	look = func() {
		if !x.live() {
			return
		}
		if !l.live() || g.d.chance(0.2) {
			g.leave(x, "client")
			g.changed(c)
			return
		}
		g.w.after(g.d.between(time.Second, 5*time.Second), look)
	}
	look()
}

// withdraw disconnects a leg and the agent it consulted, and starts after-call work.
func (g *cloud) withdraw(c *conversation, l *leg, how string) {
	g.leave(l, how)
	if l.helper != nil {
		g.leave(l.helper, "peer")
	}
	if l.mustWrapUp && l.agent() && !g.d.chance(0.3) {
		g.w.after(g.d.between(time.Second, 2*time.Minute), func() {
			l.wrappedUpAt = g.w.now
			g.changed(c)
		})
	}
}

func other(user string) string {
	if user == "ann" {
		return "bob"
	}
	return "ann"
}
