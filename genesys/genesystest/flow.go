package genesystest

import (
	"context"
	"maps"
)

// An Arrival is a conversation as the message flow sees it.
type Arrival struct {
	ConversationID string
	CustomerID     string
	Text           string            // of the message that brought it
	Attributes     map[string]string // participant data of the customer: channel.metadata.customAttributes
	Revived        bool              // it has been here before
}

// WithFlow attaches another flow than the guide's, which puts every conversation into the queue "Bot". f names the queue,
// by name or id; an empty or unknown one leaves the conversation in the flow, with nobody else in it. f may call the
// organisation.
func WithFlow(f func(Arrival) (queue string)) Option {
	return func(s *settings) error {
		s.flow = f
		return nil
	}
}

// RouteByAttribute is a flow for WithFlow: it takes the queue from an attribute of the customer, or otherwise if it is
// empty.
func RouteByAttribute(name, otherwise string) func(Arrival) string {
	return func(a Arrival) string {
		if q := a.Attributes[name]; q != "" {
			return q
		}
		return otherwise
	}
}

// WithoutFlow leaves the integration without a flow, as before the guide's step 7: messages are taken, and nobody comes.
func WithoutFlow() Option {
	return func(s *settings) error {
		s.noFlow = true
		return nil
	}
}

// startFlow lets the flow take the conversation. customer is the leg it comes for.
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
		ConversationID: c.id, CustomerID: c.customer.ID, Attributes: maps.Clone(c.attributes()), Revived: c.episode > 0,
	}
	if len(c.messages) > c.episode {
		a.Text = c.messages[c.episode].text
	}
	o.spawn(func(context.Context) {
		queue := o.opt.flow(a)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.flowDone(c, flow, queue)
	})
}

func (o *Org) flowDone(c *Conversation, flow *participant, queue string) {
	q := o.queueNamed(queue)
	if q == nil || !flow.live() {
		return
	}
	flow.disconnect(byTransfer)
	o.enqueue(c, q)
}
