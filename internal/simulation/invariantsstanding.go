package simulation

import (
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// How long what Genesys shows may go unseen when nothing fails: a poll comes each minute, or every five where a source has said
// something lately. That a session has ended after ten minutes holds with both, and with a source that does not tell of the end; what
// is promised is an hour.
const (
	unseenPolls  = 2 * time.Minute
	unseenSource = 6 * time.Minute
	unseenEnd    = 10 * time.Minute
)

// healthy is since when nothing fails; never: something does.
func (w *world) healthy() time.Duration {
	switch {
	case len(w.plan.rates) == 0:
		return 0
	case w.healed:
		return w.healedAt + time.Minute
	default:
		return never
	}
}

// watch is made every few seconds: what Genesys shows is seen after a while, whatever signals say or do not say.
func (l *ledger) watch() {
	l.watchGaps()
	since := l.w.healthy()
	if since == never || since > l.w.now {
		return
	}
	unseen := unseenPolls
	if len(l.w.plan.sources) > 0 {
		unseen = unseenSource
	}
	for _, k := range l.w.store.order {
		v := l.w.store.cells[k].file
		if v == nil || !v.Now.agents() {
			continue // nobody reads for the bot
		}
		c := l.w.genesys.find(v.Now.Conversation)
		if c == nil {
			continue
		}
		from := max(since, v.Now.Started.Sub(epoch), v.Now.Asked.Sub(epoch)) // nobody reads before the agents are asked for
		if end := c.ended(); end != never && l.w.now-max(from, end) > unseenEnd {
			l.w.fail("no session stays open when its conversation has ended", k.Customer, "%s is %s, and %s has ended at %.3f",
				v.Now.ID, v.Now.State, c.id, end.Seconds())
		}
		if a := c.served(); c.live("customer") != nil && a != nil && l.w.now-max(from, a.joined) > unseen {
			l.checkSeen(k.Customer, v, c, a)
		}
	}
}

// checkSeen: an agent who has been there for a while is known to be.
func (l *ledger) checkSeen(k string, v *view, c *conversation, a *leg) {
	switch v.Now.State {
	case handover.StateRequested, handover.StateQueued, handover.StateAlerting:
		l.w.fail("an agent who is there is seen", k, "%s is %s, and agent %s is in %s since %.3f", v.Now.ID, v.Now.State, a.user, c.id,
			a.joined.Seconds())
	default:
	}
}

// checkNobody: a timer that ends a session because no agent came reads first.
func (l *ledger) checkNobody(k string, v *view, c *conversation) {
	since := l.w.healthy()
	if v.Now.State != handover.StateEnding || v.Now.Ending.Reason != handover.EndNoAgent || c == nil || since == never || since > l.w.now {
		return
	}
	if a := c.served(); a != nil && l.w.now-a.joined > nobodyTime {
		l.w.fail("nobody is missed who is there", k, "%s ends since no agent came, and agent %s is in %s since %.3f", v.Now.ID, a.user, c.id,
			a.joined.Seconds())
	}
}

// nobodyTime is what may lie between a read and the end that a timer makes of it: an effect, and what it takes to store it.
const nobodyTime = effectTime + time.Second

// ended is when a conversation ended; never: the customer is in it.
func (c *conversation) ended() time.Duration {
	end := never
	for _, x := range c.legs {
		switch {
		case x.purpose != "customer":
		case x.live():
			return never
		default:
			end = max(end, x.end)
		}
	}
	return end
}
