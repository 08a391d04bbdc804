package simulation

import "time"

// A habit is one thing that agents do besides answering, writing, moving a conversation to a queue and ending it.
type habit string

// The habits. Each is on in some seeds.
const (
	habitDecline   habit = "decline"   // they decline
	habitRing      habit = "ring"      // they let it ring until it rings elsewhere
	habitColleague habit = "colleague" // they transfer to another agent, who may decline
	habitConsult   habit = "consult"   // they ask another agent in, who leaves again or stays in their place
	habitPark      habit = "park"      // they park, and resume or do not
	habitVanish    habit = "vanish"    // their leg breaks; the conversation goes back to the queue, or stays alone
	habitBack      habit = "back"      // they transfer to the bot queue
	habitMonitor   habit = "monitor"   // a supervisor looks on, and stays for a moment longer than they
	habitWrapup    habit = "wrapup"    // they have to wrap up, and do so late or never
	habitLinger    habit = "linger"    // their leg stays for a while when the customer is gone
	habitSilent    habit = "silent"    // they never write
	habitSlow      habit = "slow"      // they take minutes for what they do
	habitCut       habit = "cut"       // they end it just when the customer writes
	habitTalk      habit = "talk"      // they write, and go on writing
	habitSystem    habit = "system"    // Genesys ends the conversation, and nobody else
)

func allHabits() []habit {
	return []habit{
		habitDecline, habitRing, habitColleague, habitConsult, habitPark, habitVanish, habitBack, habitMonitor, habitWrapup, habitLinger,
		habitSilent, habitSlow, habitCut, habitSystem, habitTalk,
	}
}

func newHabits(seed uint64) map[habit]float64 {
	d, on := newDice(seed, "habits"), map[habit]float64{}
	for _, h := range allHabits() {
		if is, rate := d.chance(0.4), pick(d, 0.1, 0.25, 0.5); is {
			on[h] = rate
		}
	}
	return on
}

// does draws whether an agent has a habit now. At the end they only do their work.
func (g *cloud) does(h habit) bool { return g.free() && g.d.chance(g.w.plan.habits[h]) }

// free: agents do as they like.
func (g *cloud) free() bool { return !g.w.healed || g.w.plan.patient && !g.closing }

// decline is how the leg of an agent ends who did not answer.
func (g *cloud) decline() string {
	return pick(g.d, "client", "endpoint.donotdisturb", "transfer.donotdisturb", "transfer.noanswer")
}

// toColleague transfers to another agent: it rings there, and no queue has it.
func (g *cloud) toColleague(c *conversation, l *leg) {
	g.withdraw(c, l, "transfer")
	x := g.rings(c, l.queue, other(l.user))
	g.changed(c)
	g.w.after(g.d.between(200*time.Millisecond, 8*time.Second), func() { g.answer(c, nil, x) })
}

// consult asks another agent in.
func (g *cloud) consult(c *conversation, l *leg) {
	x := g.rings(c, l.queue, other(l.user))
	l.helper = x
	g.changed(c)
	g.w.after(g.d.between(200*time.Millisecond, 8*time.Second), func() {
		switch {
		case !x.live():
			return
		case g.d.chance(0.3):
			g.leave(x, g.decline())
			g.changed(c)
			return
		}
		x.state, x.joined = "connected", g.w.now
		g.w.tell(customerOf(c.customer), "%s: agent %s is there, too", c.id, x.user)
		g.changed(c)
		g.w.after(g.d.between(200*time.Millisecond, 20*time.Second), func() { g.consulted(c, l, x) })
	})
}

// consulted: one of the two goes.
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
		g.work(c, helper)
	}
}

// park sets the conversation aside, for a while or for ever.
func (g *cloud) park(c *conversation, l *leg) {
	l.state = "parked"
	g.w.tell(customerOf(c.customer), "%s: agent %s parks", c.id, l.user)
	g.changed(c)
	if g.d.chance(0.3) {
		return
	}
	g.w.after(g.d.between(5*time.Second, 3*time.Minute), func() {
		if l.live() && c.live("customer") != nil {
			l.state = "connected"
			g.changed(c)
			g.work(c, l)
		}
	})
}

// vanish: the leg of an agent breaks. Nobody has the conversation until it is in the queue again, if it ever is.
func (g *cloud) vanish(c *conversation, l *leg) {
	g.w.tell(customerOf(c.customer), "%s: agent %s vanishes", c.id, l.user)
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

// monitored lets a supervisor look on.
func (g *cloud) monitored(c *conversation, l *leg) {
	x := g.join(c, pick(g.d, "user", "agent"), "connected")
	x.user, x.watches = "sue", l.id
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

// withdraw takes an agent out, and whom he has asked in.
func (g *cloud) withdraw(c *conversation, l *leg, how string) {
	g.leave(l, how)
	if l.helper != nil {
		g.leave(l.helper, "peer")
	}
	if l.wrapup && l.agent() && !g.d.chance(0.3) {
		g.w.after(g.d.between(time.Second, 2*time.Minute), func() {
			l.wrapped = g.w.now
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
