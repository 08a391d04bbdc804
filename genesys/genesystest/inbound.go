package genesystest

import (
	"slices"
	"time"
)

// postMessage is POST .../inbound/open/message: a customer's message opens, joins or revives a
// conversation.
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
	via := o.integrationOf(c)
	if via == nil {
		return notFound("integration")
	}
	m := o.takeMessage(via, from, at, in)
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

// takeMessage adds a valid message to its conversation.
func (o *Org) takeMessage(via *Integration, from recipient, at time.Time, in inMessage) *message {
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
	o.addInbound(m, via, from, attributes)
	return m
}

func (o *Org) addInbound(m *message, via *Integration, from recipient, attributes map[string]string) {
	c, joined := o.openOrJoin(via, from, attributes)
	m.c = c
	m.id = o.messageID()
	o.add(m)
	m.c.typingUntil = time.Time{}
	o.noteActivity(c, joined)
	if o.opt.published {
		o.publish(m)
	}
}

// noteActivity records what a customer did. In a connected conversation no leg changes, so there
// is no signal.
func (o *Org) noteActivity(c *Conversation, joined bool) {
	if !joined {
		o.touch(c)
		return
	}
	c.addSnapshot()
	o.broadcast()
	o.publishSnapshots(c)
}

// repeated returns an earlier message with the same id and time, which together identify a
// message at Genesys.
func (o *Org) repeated(via *Integration, customer, providerID string, at time.Time) *message {
	if !o.opt.dedupe || providerID == "" {
		return nil
	}
	for _, c := range o.conversations {
		for _, m := range c.messages {
			if c.integration == via && c.customer.ID == customer && m.providerID == providerID && m.at.Equal(at) {
				return m
			}
		}
	}
	return nil
}

// echo returns the channel of an answer.
func (i *Integration) echo(from recipient, at time.Time, messageID string) outChannel {
	return outChannel{
		ID: i.id, Platform: "Open", Type: "Private", MessageID: messageID, Time: stamp(at),
		To: recipient{ID: i.id, IDType: "Opaque"}, From: from,
	}
}

// postEvent is POST .../inbound/open/event: the customer types. Like a message, it opens or
// revives a conversation.
func (o *Org) postEvent(c *call) answer {
	var in inEvent
	if wrong := decodeBody(c, &in); wrong != nil {
		return *wrong
	}
	var k checks
	var from recipient
	var at time.Time
	if k.present(in.Channel != nil, "channel") {
		from, at = k.sender(in.Channel.From, "channel.from"), k.timestamp(in.Channel.Time, "channel.time")
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
	via := o.integrationOf(c)
	if via == nil {
		return notFound("integration")
	}
	conversation, joined := o.openOrJoin(via, from, nil)
	conversation.typingUntil = time.Now().Add(typingDuration)
	o.noteActivity(conversation, joined)
	return answerOK(outMessage{
		ID: o.messageID(), Type: "Event", Channel: via.echo(from, at, ""),
		Events: []envelopeEvent{{"Typing", envelopeTyping{"On", int(typingDuration / time.Millisecond)}}},
	})
}

const typingDuration = 5 * time.Second

// postReply is POST .../inbound/open/structured/response: the customer pressed a button. It must
// name a message that was sent to this customer.
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
	via := o.integrationOf(c)
	if via == nil {
		return notFound("integration")
	}
	original := o.messages[*in.OriginatingMessageID]
	if original == nil || original.inbound() || original.c.integration != via || original.c.customer.ID != from.ID {
		return badRequest("bad.request", "originatingMessageId", "is not the id of a message to this customer")
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
		o.addInbound(m, via, from, attributes)
	}
	return answerOK(outMessage{
		ID: m.id, Type: "Structured", Direction: "Inbound", Channel: via.echo(from, at, m.providerID),
		Content: []outContent{{ContentType: "ButtonResponse", ButtonResponse: in.ButtonResponse}},
	})
}

// postReceipt is POST .../inbound/open/receipt: the delivery state of a message from the
// organisation. The definition has five states, the guide allows two
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/inboundReceiptMessages), and
// so does the fake.
func (o *Org) postReceipt(c *call) answer {
	var in inReceipt
	if wrong := decodeBody(c, &in); wrong != nil {
		return *wrong
	}
	if wrong := checkReceipt(in); wrong != nil {
		return *wrong
	}
	via := o.integrationOf(c)
	if via == nil {
		return notFound("integration")
	}
	to := recipient{ID: in.Channel.To.ID, IDType: in.Channel.To.IDType}
	out := outMessage{
		ID: *in.ID, Type: "Receipt", Status: *in.Status, Reasons: in.Reasons, IsFinalReceipt: in.IsFinalReceipt,
		Direction: "Outbound",
		Channel: outChannel{
			ID: via.id, Platform: "Open", Type: "Private", Time: *in.Channel.Time,
			To: to, From: recipient{ID: via.id, IDType: "Opaque"},
		},
	}
	m := o.messages[*in.ID]
	switch {
	case m == nil || m.inbound() || m.c.integration != via:
		return failedReceipt(out, "UnknownMessage", "No outbound message has this id")
	case m.c.customer.ID != to.ID:
		return failedReceipt(out, "InvalidDestination", "The message went to another recipient")
	}
	o.applyReceipt(m, in)
	return answerOK(out)
}

// failedReceipt refuses a receipt as Genesys does: with 200 and the status Failed.
func failedReceipt(out outMessage, code, why string) answer {
	out.Status, out.Reasons, out.IsFinalReceipt = "Failed", []receiptReason{{code, why}}, new(true)
	a := answerOK(out)
	a.mistake = code + ": " + why
	return a
}

func (o *Org) applyReceipt(m *message, in inReceipt) {
	m.status, m.reason = *in.Status, ""
	if len(in.Reasons) > 0 && m.status == "Failed" {
		m.reason = in.Reasons[0].Code
	}
	m.c.addSnapshot()
	o.broadcast()
}

func checkReceipt(in inReceipt) *answer {
	var k checks
	k.present(in.ID != nil && *in.ID != "", "id")
	if k.present(in.Channel != nil, "channel") {
		k.present(in.Channel.To != nil && in.Channel.To.ID != "", "channel.to.id")
		if in.Channel.To != nil && in.Channel.To.IDType != "" {
			k.oneOf(in.Channel.To.IDType, "channel.to.idType", "Email", "Phone", "Opaque")
		}
		k.timestamp(in.Channel.Time, "channel.time")
	}
	if k.present(in.Status != nil, "status") {
		k.oneOf(*in.Status, "status", "Delivered", "Failed")
	}
	for _, r := range in.Reasons {
		k.present(r.Message != "", "reasons.message")
		if r.Code != "" && !slices.Contains(reasonCodes(), r.Code) {
			k.refuse("invalid.value", "reasons.code", "is %q, which is not a code of Genesys", r.Code)
		}
	}
	if len(in.Reasons) > 0 && in.Status != nil && *in.Status != "Failed" {
		k.refuse("bad.request", "reasons", "are allowed only with the status Failed")
	}
	return k.wrong
}

func reasonCodes() []string {
	return []string{
		"MessageExpired", "RateLimited", "MessageNotAllowed", "GeneralError", "UnsupportedMessage", "UnknownMessage",
		"InvalidMessageStructure", "InvalidDestination", "ServerError", "MediaTypeNotAllowed",
		"InvalidMediaContentLength", "RecipientOptedOut", "DataFiltered",
	}
}

// Request bodies. Pointers distinguish a missing property from an empty one.

type inMessage struct {
	Channel  *inChannel        `json:"channel"`
	Text     *string           `json:"text"`
	Content  []inContent       `json:"content"`
	Metadata map[string]string `json:"metadata"`
}

type inChannel struct {
	From      *recipient `json:"from"`
	Time      *string    `json:"time"`
	MessageID *string    `json:"messageId"`
	Metadata  *inMeta    `json:"metadata"`
}

// inMeta has customAttributes, which the API definition lacks and Genesys accepts
// (https://docs.ada.cx/generative/docs/handoffs/genesys/custom-fields).
type inMeta struct {
	SubType          *string           `json:"subType"`
	CustomAttributes map[string]string `json:"customAttributes"`
}

type inContent struct {
	ContentType *string       `json:"contentType"` // not in the definition, but in official samples
	Attachment  *inAttachment `json:"attachment"`
}

type inAttachment struct {
	ID        string `json:"id,omitempty"`
	MediaType string `json:"mediaType"`
	URL       string `json:"url"`
	Mime      string `json:"mime"`
	Text      string `json:"text,omitempty"`
	SHA256    string `json:"sha256,omitempty"`
	Filename  string `json:"filename,omitempty"`
}

type inEvent struct {
	Channel *inEventChannel `json:"channel"`
	Events  []struct {
		EventType *string `json:"eventType"`
	} `json:"events"`
}

type inEventChannel struct {
	From *recipient `json:"from"`
	Time *string    `json:"time"`
}

type inReceipt struct {
	ID             *string           `json:"id"`
	Channel        *inReceiptChannel `json:"channel"`
	Status         *string           `json:"status"`
	Reasons        []receiptReason   `json:"reasons"`
	IsFinalReceipt *bool             `json:"isFinalReceipt"`
}

type inReceiptChannel struct {
	To   *recipient `json:"to"`
	Time *string    `json:"time"`
}

type receiptReason struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
}

type inReply struct {
	Channel              *inChannel      `json:"channel"`
	ButtonResponse       *buttonResponse `json:"buttonResponse"`
	OriginatingMessageID *string         `json:"originatingMessageId"`
}

type buttonResponse struct {
	ID      string  `json:"id,omitempty"`
	Type    string  `json:"type"`
	Text    *string `json:"text"`
	Payload *string `json:"payload"`
}

// Answer bodies.

type outMessage struct {
	ID             string            `json:"id,omitempty"`
	Channel        outChannel        `json:"channel"`
	Type           string            `json:"type"`
	Text           string            `json:"text,omitempty"`
	Content        any               `json:"content,omitempty"`
	Events         []envelopeEvent   `json:"events,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
	ConversationID string            `json:"conversationId,omitempty"`
	Status         string            `json:"status,omitempty"`
	Reasons        []receiptReason   `json:"reasons,omitempty"`
	IsFinalReceipt *bool             `json:"isFinalReceipt,omitempty"`
	Direction      string            `json:"direction,omitempty"`
}

type outChannel struct {
	ID        string    `json:"id"`
	Platform  string    `json:"platform"`
	Type      string    `json:"type"`
	MessageID string    `json:"messageId,omitempty"`
	To        recipient `json:"to"`
	From      recipient `json:"from"`
	Time      string    `json:"time"`
}

type outContent struct {
	ContentType    string          `json:"contentType"`
	Attachment     *inAttachment   `json:"attachment,omitempty"`
	ButtonResponse *buttonResponse `json:"buttonResponse,omitempty"`
}
