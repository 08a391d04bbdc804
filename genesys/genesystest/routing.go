package genesystest

import (
	"context"
	"maps"
)

// An Arrival is a conversation as the message flow sees it.
type Arrival struct {
	ConversationID string
	CustomerID     string
	Text           string // of the message that opened or revived it
	// Participant data of the customer: channel.metadata.customAttributes.
	Attributes map[string]string
	Revived    bool // the conversation had ended before
}

// WithFlow replaces the guide's flow, which sends every conversation to the queue "Bot". f
// returns the queue's name or id. With an empty or unknown queue the conversation stays in the
// flow. f may call methods of the organisation.
func WithFlow(f func(Arrival) (queue string)) Option {
	return func(s *settings) error {
		s.flow = f
		return nil
	}
}

// RouteByAttribute returns a flow for WithFlow. It routes to the queue named by an attribute of
// the customer, or to otherwise if the attribute is empty.
func RouteByAttribute(name, otherwise string) func(Arrival) string {
	return func(a Arrival) string {
		if q := a.Attributes[name]; q != "" {
			return q
		}
		return otherwise
	}
}

// WithoutFlow leaves the integration without a flow, as it is before the setup guide attaches
// one: messages are accepted, but no flow or agent receives the conversation.
func WithoutFlow() Option {
	return func(s *settings) error {
		s.noFlow = true
		return nil
	}
}

// startFlow starts the flow, unless the customer's leg ends first.
func (o *Org) startFlow(c *Conversation, customer *participant) {
	if o.opt.noFlow {
		return
	}
	o.after(o.opt.pace.Flow, func() {
		if !customer.live() {
			return
		}
		p := o.join(c, purposeWorkflow, "Handover", stateConnected)
		o.touch(c)
		o.after(o.opt.pace.Route, func() { o.route(c, p) })
	})
}

func (o *Org) route(c *Conversation, flow *participant) {
	if !flow.live() {
		return
	}
	if o.opt.flow == nil {
		o.flowDone(c, flow, "Bot")
		return
	}
	a := Arrival{
		ConversationID: c.id, CustomerID: c.customer.ID, Attributes: maps.Clone(c.attributes()), Revived: c.revivedAt > 0,
	}
	if len(c.messages) > c.revivedAt {
		a.Text = c.messages[c.revivedAt].text
	}
	o.spawn(func(context.Context) {
		queue := o.opt.flow(a)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.flowDone(c, flow, queue)
	})
}

func (o *Org) flowDone(c *Conversation, flow *participant, queue string) {
	q := o.findQueue(queue)
	if q == nil || !flow.live() {
		return
	}
	flow.disconnect(disconnectTransfer)
	o.enqueue(c, q)
}

// enqueue adds an acd leg for a queue. The caller holds the lock.
func (o *Org) enqueue(c *Conversation, q *Queue) {
	p := o.join(c, purposeACD, q.name, stateConnected)
	p.queue = q
	clear(c.declined)
	o.touch(c)
	o.after(o.opt.pace.Offer, func() { o.offer(c) })
}

// offerWaiting plans new offers of all waiting conversations, oldest first, because an agent was
// added or became free.
func (o *Org) offerWaiting() {
	if o.offersPlanned {
		return
	}
	o.offersPlanned = true
	o.after(o.opt.pace.Offer, func() {
		o.offersPlanned = false
		for _, c := range o.conversations {
			o.offer(c)
		}
	})
}

// offer alerts the next agent of the conversation's queue: the first one in the order in which
// they joined it who is on queue, has not declined, and is not alerted to another conversation.
// After all have declined it plans to offer the conversation to all of them again.
func (o *Org) offer(c *Conversation) {
	acd := c.leg(purposeACD)
	if acd == nil || c.alertingLeg() != nil {
		return
	}
	free, remaining, members := o.candidates(c, acd.queue)
	switch {
	case free != nil:
		o.alert(c, free, acd.queue)
	case remaining == 0 && members > 0 && !c.retryPlanned:
		c.retryPlanned = true
		o.after(o.opt.pace.Again, func() {
			c.retryPlanned = false
			clear(c.declined)
			o.offer(c)
		})
	}
}

func (o *Org) candidates(c *Conversation, q *Queue) (free *Agent, remaining, members int) {
	for _, a := range q.members {
		if a.offQueue {
			continue
		}
		members++
		if c.declined[a] {
			continue
		}
		remaining++
		if free == nil && (a.lastAlert == nil || a.lastAlert.state != stateAlerting) {
			free = a
		}
	}
	return free, remaining, members
}

// alert offers c to an agent.
func (o *Org) alert(c *Conversation, a *Agent, from *Queue) *participant {
	p := o.join(c, purposeAgent, a.name, stateAlerting)
	p.agent, p.queue, a.lastAlert = a, from, p
	a.offers = append(a.offers, &Offer{o: o, c: c, leg: p, agent: a})
	if o.opt.alertTimeout > 0 {
		o.after(o.opt.alertTimeout, func() { o.unanswered(c, p, disconnectNoAnswer) })
	}
	o.touch(c)
	return p
}

// unanswered ends an alerting leg, so that the next agent can be alerted.
func (o *Org) unanswered(c *Conversation, p *participant, how string) {
	if p.state != stateAlerting {
		return
	}
	p.disconnect(how)
	c.declined[p.agent] = true
	if p.direct && c.leg(purposeACD) == nil {
		o.enqueue(c, p.queue)
		c.declined[p.agent] = true
	}
	o.touch(c)
	o.offerWaiting()
}

// answered connects an alerting leg and ends the acd leg.
func (o *Org) answered(c *Conversation, p *participant) {
	if p.state != stateAlerting {
		return
	}
	p.state, p.connected = stateConnected, o.now()
	if acd := c.leg(purposeACD); acd != nil {
		acd.disconnect(disconnectTransfer)
	}
	clear(c.declined)
	o.touch(c)
	o.offerWaiting()
}
