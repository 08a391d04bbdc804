package genesystest

import (
	"encoding/json"
	"maps"
	"time"
)

// outgoing is a message from an agent or a flow to the customer.
type outgoing struct {
	from, name, origin string
	kind, text, url    string
	content            []byte
	properties         map[string]json.RawMessage // of a body that the test wrote
	verbatim           []byte                     // a body to send unchanged
}

// envelope is the body of a webhook. The API definition does not have it. The form is that of the
// samples at https://developer.genesys.cloud/commdigital/digital/openmessaging/outboundMessages.
type envelope struct {
	ID                string           `json:"id"`
	Channel           envelopeChannel  `json:"channel"`
	Type              string           `json:"type"`
	Text              string           `json:"text,omitempty"`
	Content           json.RawMessage  `json:"content,omitempty"`
	Events            []envelopeEvent  `json:"events,omitempty"`
	Status            string           `json:"status,omitempty"`
	Reasons           *[]receiptReason `json:"reasons,omitempty"`
	IsFinalReceipt    *bool            `json:"isFinalReceipt,omitempty"`
	OriginatingEntity string           `json:"originatingEntity,omitempty"`
	Direction         string           `json:"direction"`
	ConversationID    string           `json:"conversationId,omitempty"`
}

type envelopeChannel struct {
	ID        string        `json:"id"`
	Platform  string        `json:"platform"`
	Type      string        `json:"type"`
	To        envelopeParty `json:"to"`
	From      envelopeParty `json:"from"`
	Time      string        `json:"time"`
	MessageID string        `json:"messageId,omitempty"`
}

type envelopeParty struct {
	Nickname string `json:"nickname,omitempty"`
	ID       string `json:"id"`
	IDType   string `json:"idType"`
}

type envelopeEvent struct {
	EventType string         `json:"eventType"`
	Typing    envelopeTyping `json:"typing"`
}

type envelopeTyping struct {
	Type     string `json:"type"`
	Duration int    `json:"duration"` // milliseconds
}

type attachmentContent struct {
	ContentType string             `json:"contentType"`
	Attachment  outboundAttachment `json:"attachment"`
}

type outboundAttachment struct {
	ID        string `json:"id"`
	MediaType string `json:"mediaType"`
	URL       string `json:"url"`
	Mime      string `json:"mime"`
	Filename  string `json:"filename"`
	Size      int    `json:"contentSizeBytes"`
}

type quickReplyContent struct {
	ContentType string     `json:"contentType"`
	QuickReply  quickReply `json:"quickReply"`
}

type quickReply struct {
	Text    string `json:"text"`
	Payload string `json:"payload"`
	Action  string `json:"action"`
}

// send adds a message to c, posts it to the webhook and returns its id. The caller holds the
// lock.
func (o *Org) send(c *Conversation, m outgoing) string {
	id := o.messageID()
	e := o.envelope(c, id)
	e.Type, e.Text, e.Content, e.OriginatingEntity = m.kind, m.text, m.content, m.origin
	if e.Type == "" {
		e.Type = "Text"
	}
	body := m.verbatim
	switch {
	case m.properties != nil:
		body = fillEnvelope(e, m.properties)
		readProperty(m.properties, "id", &e.ID)
		readProperty(m.properties, "text", &e.Text)
		readProperty(m.properties, "type", &e.Type)
		e.Content = m.properties["content"]
	case body == nil:
		body = encode(e)
	}
	o.add(&message{
		id: e.ID, c: c, at: o.lastSent, from: m.from, name: m.name, origin: m.origin, kind: e.Type,
		text: e.Text, url: m.url, content: e.Content, status: "Sent",
	})
	o.broadcast()
	o.publishSnapshots(c)
	o.post(c, e.ID, body)
	return e.ID
}

func (o *Org) sendTyping(c *Conversation) {
	id := o.messageID()
	e := o.envelope(c, id)
	e.Type, e.OriginatingEntity = "Event", "Human"
	e.Events = []envelopeEvent{{"Typing", envelopeTyping{"On", 5000}}}
	o.post(c, id, encode(e))
}

// publish sends Genesys' receipt for a customer's message.
func (o *Org) publish(m *message) {
	e := o.envelope(m.c, m.id)
	e.Type, e.Status, e.Reasons, e.IsFinalReceipt = "Receipt", "Published", &[]receiptReason{}, new(true)
	e.Channel.MessageID = m.providerID
	o.post(m.c, m.id, encode(e))
}

func (o *Org) envelope(c *Conversation, id string) envelope {
	return envelope{
		ID: id, Direction: "Outbound", ConversationID: c.id,
		Channel: envelopeChannel{
			ID: c.integration.id, Platform: "Open", Type: "Private", Time: stamp(o.messageTime()), MessageID: id,
			To:   envelopeParty{ID: c.customer.ID, IDType: c.customer.IDType},
			From: envelopeParty{Nickname: c.integration.name, ID: c.integration.id, IDType: "Opaque"},
		},
	}
}

// messageTime returns the time for a new message: later than all before, as no agent writes two
// in a millisecond.
func (o *Org) messageTime() time.Time {
	at := o.now()
	if !at.After(o.lastSent) {
		at = o.lastSent.Add(time.Millisecond)
	}
	o.lastSent = at
	return at
}

// fillEnvelope adds the properties of e that own lacks. Properties are sorted; readers must not
// depend on their order.
func fillEnvelope(e envelope, own map[string]json.RawMessage) []byte {
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(encode(e), &all); err != nil {
		panic("genesystest: an envelope cannot be decoded: " + err.Error())
	}
	if own["content"] != nil || own["events"] != nil || own["status"] != nil {
		delete(all, "text")
	}
	maps.Copy(all, own)
	return encode(all)
}

// readProperty sets *s to a property of own if that is a string and not empty.
func readProperty(own map[string]json.RawMessage, name string, s *string) {
	var v string
	if raw, ok := own[name]; ok && json.Unmarshal(raw, &v) == nil && v != "" {
		*s = v
	}
}
