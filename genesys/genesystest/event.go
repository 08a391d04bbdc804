package genesystest

import "slices"

// notify tells notification channels that c changed. Call it with the lock.
func (o *Org) notify(c *Conversation) {
	o.publishDetails(c)
	o.publishSnapshots(c)
}

// emit sends an event to the channels that have subscribed to its topic and are connected: nothing is kept for the others.
func (o *Org) emit(topic string, body func() any) {
	var frame []byte
	for _, ch := range o.channels {
		s := ch.socket
		if s == nil || !ch.subscribed[topic] {
			continue
		}
		if frame == nil {
			frame = encode(event{Topic: topic, Version: "2", Body: body(), Metadata: &eventMetadata{o.uuid("event")}})
		}
		o.carry(func() { s.push(frame) })
	}
}

// publishSnapshots shows c to its queues and agents, and once more to those it has just left.
func (o *Org) publishSnapshots(c *Conversation) {
	queues, agents := c.reach()
	for _, q := range union(c.toldQueues, queues) {
		o.emitSnapshots(c, queuePrefix+q.id)
	}
	for _, a := range union(c.toldAgents, agents) {
		o.emitSnapshots(c, userPrefix+a.id)
	}
	c.toldQueues, c.toldAgents = queues, agents
}

func (o *Org) emitSnapshots(c *Conversation, owner string) {
	o.emit(owner+".conversations.messages", func() any { return o.eventConversation(c) })
	o.emit(owner+".conversations", func() any { return o.eventGeneric(c) })
}

// reach is who has c: the queue it stands in or its agents came from, the agents, and after the end who still does
// after-call work for it.
func (c *Conversation) reach() (queues []*Queue, agents []*Agent) {
	over := c.customerLeg() == nil
	for _, p := range c.participants {
		if p.queue != nil && (p.live() || over && p.wrapping()) && !slices.Contains(queues, p.queue) {
			queues = append(queues, p.queue)
		}
		if p.agent != nil && (p.live() || p.wrapping()) && !slices.Contains(agents, p.agent) {
			agents = append(agents, p.agent)
		}
	}
	return queues, agents
}

func union[T comparable](a, b []T) []T {
	out := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
