package genesystest

import (
	"slices"
	"time"
)

// A transfer is a command: accepted now, performed a little later, listed among recentTransfers.
type transfer struct {
	id, state   string
	issued      time.Time
	byUser      string
	destination string
	toUser      bool
}

const (
	transferPending  = "Pending"
	transferComplete = "Complete"
	transferFailed   = "Failed"
)

func (o *Org) command(c *Conversation, p *participant, destination string, toUser bool) *transfer {
	t := &transfer{id: o.uuid("transfer"), state: transferPending, issued: now(), destination: destination, toUser: toUser}
	if p.agent != nil {
		t.byUser = p.agent.id
	}
	c.transfers = append(c.transfers, t)
	if len(c.transfers) > 20 { // the API lists the last 20
		c.transfers = slices.Delete(c.transfers, 0, len(c.transfers)-20)
	}
	return t
}

// toQueue replaces a leg by a queue.
func (o *Org) toQueue(c *Conversation, p *participant, q *Queue) {
	t := o.command(c, p, q.id, false)
	o.after(o.opt.pace.Transfer, func() {
		if o.leave(c, p, t) {
			o.enqueue(c, q)
		}
	})
}

// toAgent replaces a leg by an agent, who is asked directly. Who does not answer sends it back to the queue it was in.
func (o *Org) toAgent(c *Conversation, p *participant, a *Agent) {
	t := o.command(c, p, a.id, true)
	o.after(o.opt.pace.Transfer, func() {
		if o.leave(c, p, t) {
			o.ring(c, a, p.queue).asked = true
		}
	})
}

// leave performs the first half of a transfer: the leg that is replaced goes. False: it was gone already.
func (o *Org) leave(c *Conversation, p *participant, t *transfer) bool {
	if !p.live() {
		t.state = transferFailed
		o.touch(c)
		return false
	}
	t.state = transferComplete
	p.disconnect(byTransfer)
	o.wrapUp(c, p)
	c.dismissWatchers()
	for _, other := range c.participants { // an offer of the queue it leaves, the queue of an offer it leaves
		if other.live() && (other.state == stateAlerting || other.purpose == purposeACD) {
			other.disconnect(byTransfer)
		}
	}
	return true
}
