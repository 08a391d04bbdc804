package genesystest

// postReply is POST .../inbound/open/structured/response: the customer pressed a button. It is part of an existing
// conversation; an answer to a message that never was is refused.
func (o *Org) postReply(c *call) answer {
	var in inReply
	if wrong := decodeBody(c, &in); wrong != nil {
		return *wrong
	}
	var k checks
	from, at := k.channel(in.Channel)
	k.present(in.OriginatingMessageID != nil && *in.OriginatingMessageID != "", "originatingMessageId")
	if b := in.ButtonResponse; k.present(b != nil, "buttonResponse") {
		k.oneOf(b.Type, "buttonResponse.type", "Button", "QuickReply", "DatePicker")
		k.present(b.Text != nil, "buttonResponse.text")
		k.present(b.Payload != nil, "buttonResponse.payload")
	}
	if k.wrong != nil {
		return *k.wrong
	}
	via := o.addressed(c)
	if via == nil {
		return gone("integration")
	}
	asked := o.messages[*in.OriginatingMessageID]
	if asked == nil || asked.inbound() || asked.c.via != via || asked.c.customer.ID != from.ID {
		return badRequest("bad.request", "originatingMessageId", "is no message to this customer")
	}
	m := &message{
		at: at, from: "customer", name: from.display(), kind: "Structured", status: "Published",
		text:    *in.ButtonResponse.Text,
		content: encode([]outContent{{ContentType: "ButtonResponse", ButtonResponse: in.ButtonResponse}}),
	}
	if in.Channel.MessageID != nil {
		m.providerID = *in.Channel.MessageID
	}
	if known := o.repeated(via, from.ID, m.providerID, at); known != nil {
		m = known
	} else {
		var attributes map[string]string
		if in.Channel.Metadata != nil {
			attributes = in.Channel.Metadata.CustomAttributes
		}
		o.receive(m, via, from, attributes)
	}
	return answerOK(outMessage{
		ID: m.id, Type: "Structured", Direction: "Inbound", Channel: via.echo(from, at, m.providerID),
		Content: []outContent{{ContentType: "ButtonResponse", ButtonResponse: in.ButtonResponse}},
	})
}
