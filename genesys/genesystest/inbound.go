package genesystest

import (
	"time"
)

// postMessage is POST .../inbound/open/message: a customer's message opens, joins or revives a conversation.
func (o *Org) postMessage(c *call) answer {
	var in inMessage
	if wrong := decodeBody(c, &in); wrong != nil {
		return *wrong
	}
	var k checks
	from, at := k.channel(in.Channel)
	if (in.Text == nil || *in.Text == "") && len(in.Content) == 0 {
		k.refuse("bad.request", "", "One of text and content is required")
	}
	k.attachments(in.Content)
	prefetch := c.request.URL.Query().Get("prefetchConversationId")
	if prefetch != "" {
		k.oneOf(prefetch, "prefetchConversationId", "true", "false")
	}
	if k.wrong != nil {
		return *k.wrong
	}
	via := o.addressed(c)
	if via == nil {
		return gone("integration")
	}
	m := o.take(via, from, at, in)
	out := outMessage{
		ID: m.id, Type: "Text", Text: m.text, Metadata: in.Metadata, Channel: via.echo(from, at, m.providerID),
	}
	if len(in.Content) > 0 {
		out.Content = []outContent{{ContentType: "Attachment", Attachment: in.Content[0].Attachment}}
	}
	if prefetch == "true" {
		out.ConversationID = m.c.id
	}
	return answerOK(out)
}

// take puts a valid message into its conversation.
func (o *Org) take(via *Integration, from recipient, at time.Time, in inMessage) *message {
	m := &message{at: at, from: "customer", name: from.display(), kind: "Text", status: "Published"}
	if in.Channel.MessageID != nil {
		m.providerID = *in.Channel.MessageID
	}
	if known := o.repeated(via, from.ID, m.providerID, at); known != nil {
		return known
	}
	var attributes map[string]string
	if in.Channel.Metadata != nil {
		attributes = in.Channel.Metadata.CustomAttributes
	}
	if in.Text != nil {
		m.text = *in.Text
	}
	for _, item := range in.Content {
		m.url = item.Attachment.URL
		m.content = encode([]outContent{{ContentType: "Attachment", Attachment: item.Attachment}})
	}
	o.receive(m, via, from, attributes)
	return m
}

func (o *Org) receive(m *message, via *Integration, from recipient, attributes map[string]string) {
	c, joined := o.enter(via, from, attributes)
	m.c = c
	m.id = o.messageID()
	o.add(m)
	m.c.typingUntil = time.Time{}
	o.came(c, joined)
	if o.opt.published {
		o.publish(m)
	}
}

// came notes what a customer did. Who was there already changes no leg: nothing to signal.
func (o *Org) came(c *Conversation, joined bool) {
	if !joined {
		o.touch(c)
		return
	}
	c.remember()
	o.broadcast()
	o.publishSnapshots(c)
}

// repeated finds an earlier message with the same id and time, which Genesys calls a message's identity.
func (o *Org) repeated(via *Integration, customer, providerID string, at time.Time) *message {
	if !o.opt.dedupe || providerID == "" {
		return nil
	}
	for _, c := range o.conversations {
		for _, m := range c.messages {
			if c.via == via && c.customer.ID == customer && m.providerID == providerID && m.at.Equal(at) {
				return m
			}
		}
	}
	return nil
}

// echo is the channel of an answer.
func (i *Integration) echo(from recipient, at time.Time, messageID string) outChannel {
	return outChannel{
		ID: i.id, Platform: "Open", Type: "Private", MessageID: messageID, Time: stamp(at),
		To: recipient{ID: i.id, IDType: "Opaque"}, From: from,
	}
}

// postEvent is POST .../inbound/open/event: the customer types. It opens or revives a conversation just as a message does.
func (o *Org) postEvent(c *call) answer {
	var in inEvent
	if wrong := decodeBody(c, &in); wrong != nil {
		return *wrong
	}
	var k checks
	var from recipient
	var at time.Time
	if k.present(in.Channel != nil, "channel") {
		from, at = k.sender(in.Channel.From, "channel.from"), k.moment(in.Channel.Time, "channel.time")
	}
	k.present(len(in.Events) > 0, "events")
	for _, e := range in.Events {
		if k.present(e.EventType != nil, "events.eventType") {
			k.oneOf(*e.EventType, "events.eventType", "Typing")
		}
	}
	if k.wrong != nil {
		return *k.wrong
	}
	via := o.addressed(c)
	if via == nil {
		return gone("integration")
	}
	conversation, joined := o.enter(via, from, nil)
	conversation.typingUntil = time.Now().Add(typingLasts)
	o.came(conversation, joined)
	return answerOK(outMessage{
		ID: o.messageID(), Type: "Event", Channel: via.echo(from, at, ""),
		Events: []envelopeEvent{{"Typing", envelopeTyping{"On", int(typingLasts / time.Millisecond)}}},
	})
}

const typingLasts = 5 * time.Second
