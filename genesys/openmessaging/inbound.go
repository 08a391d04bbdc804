package openmessaging

import (
	"encoding/json"
	"time"
)

// An InboundMessage is a message from the customer to Genesys. Its JSON is the body of POST
// /api/v2/conversations/messages/{integrationId}/inbound/open/message.
//
// Attributes are sent in channel.metadata.customAttributes, the only place that Architect
// reads. There they become participant data
// (https://developer.genesys.cloud/forum/t/set-participant-data-in-open-inbound-message/26014).
// Whether the attributes of a later message replace earlier ones is UNCERTAIN.
//
// To retry a request with an unknown outcome, keep both MessageID and Time: Genesys identifies
// a message by the two together
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/outboundMessages).
type InboundMessage struct {
	From      Customer
	MessageID string    // chosen by the host, unique; Genesys does not require it
	Time      time.Time // when the customer wrote it; sent as UTC, cut to milliseconds
	// At most 2,000 characters, see SplitText; may be empty if there is an Attachment.
	Text       string
	Attachment *Attachment
	Attributes map[string]string // no limit is documented but that of the request
}

// wireInbound is the body of a message, a typing event and a structured reply; all have the
// same channel.
type wireInbound struct {
	Channel              wireChannel   `json:"channel"`
	Text                 string        `json:"text,omitempty"`
	Content              []wireContent `json:"content,omitempty"`
	Events               []wireEvent   `json:"events,omitempty"`
	ButtonResponse       *wireButton   `json:"buttonResponse,omitempty"`
	OriginatingMessageID string        `json:"originatingMessageId,omitempty"`
}

type wireChannel struct {
	From      *Customer     `json:"from,omitempty"`
	To        *wireTo       `json:"to,omitempty"`
	Time      string        `json:"time,omitempty"`
	MessageID string        `json:"messageId,omitempty"`
	Metadata  *wireMetadata `json:"metadata,omitempty"`
}

// wireTo has the fields of a customer that a receipt may set. The others are read-only in the
// schema.
type wireTo struct {
	ID     string `json:"id"`
	IDType IDType `json:"idType,omitempty"`
}

type wireMetadata struct {
	CustomAttributes map[string]string `json:"customAttributes,omitempty"`
}

// MarshalJSON returns the request body. It does not validate. It is deterministic: equal
// messages have equal bytes.
//
// It does not write the attachment's Size, because the inbound schema has no such field. It
// derives an empty MediaType from MIME.
func (m InboundMessage) MarshalJSON() ([]byte, error) {
	w := wireInbound{
		Channel: wireChannel{From: new(m.From.wire()), Time: formatTime(m.Time), MessageID: m.MessageID},
		Text:    m.Text,
	}
	if m.Attachment != nil {
		w.Content = []wireContent{{ContentType: kindAttachment, Attachment: new(m.Attachment.inbound())}}
	}
	if len(m.Attributes) > 0 {
		w.Channel.Metadata = &wireMetadata{CustomAttributes: m.Attributes}
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads the request body. Reading what MarshalJSON wrote returns an equal value,
// except that the time is cut to milliseconds, an empty IDType or MediaType has its default,
// and the attachment's Size is 0. It returns an error if b is not a JSON object or a field has
// the wrong JSON type. Missing and unknown fields are no error.
func (m *InboundMessage) UnmarshalJSON(b []byte) error {
	var w wireInbound
	if err := decode(b, &w, "inbound message"); err != nil {
		return err
	}
	*m = InboundMessage{From: w.Channel.from(), MessageID: w.Channel.MessageID, Time: parseTime(w.Channel.Time), Text: w.Text}
	for _, c := range w.Content {
		if c.Attachment != nil {
			m.Attachment = c.Attachment
			break
		}
	}
	if md := w.Channel.Metadata; md != nil && len(md.CustomAttributes) > 0 {
		m.Attributes = md.CustomAttributes
	}
	return nil
}

func (c wireChannel) from() Customer {
	if c.From == nil {
		return Customer{}
	}
	return c.From.wire()
}

// Validate reports every mistake that Genesys answers with 400 and those it ignores without an
// error: neither text nor attachment, a missing time or customer, a text that is too long, an
// attribute without a name, an attachment without URL or MIME type, and a request over
// [MaxRequestBytes]. Every error it returns wraps a [*FieldError].
func (m InboundMessage) Validate() error {
	p := problems{what: "inbound message"}
	m.From.check(&p, "From.")
	p.time(m.Time)
	p.utf8("MessageID", m.MessageID)
	if m.Text == "" && m.Attachment == nil {
		p.add("Text", "is empty and there is no Attachment; Genesys requires one of them")
	}
	p.text("Text", m.Text)
	if m.Attachment != nil {
		m.Attachment.check(&p, "Attachment.")
	}
	size := m.From.size() + len(m.MessageID) + len(m.Text) + m.Attachment.size()
	size += checkAttributes(&p, m.Attributes)
	p.request(size, m)
	return p.err()
}

// A Reply is the customer's answer to a structured message: a button, a quick reply or a date.
// Its JSON is the body of POST
// /api/v2/conversations/messages/{integrationId}/inbound/open/structured/response. A reply
// always joins an existing conversation. Genesys refuses it at /inbound/open/message.
type Reply struct {
	From      Customer
	MessageID string
	Time      time.Time // sent as UTC, cut to milliseconds
	InReplyTo string    // id of the outbound message that is answered (Outbound.ID)
	Kind      ReplyKind
	Text      string // the text of the button
	Payload   string // the payload of the button, unchanged
}

// A ReplyKind is the kind of button that was pressed. Open Messaging has no kind for list
// pickers and forms.
type ReplyKind string

// These are the kinds of reply that Open Messaging accepts.
const (
	ReplyButton     ReplyKind = "Button"
	ReplyQuickReply ReplyKind = "QuickReply"
	ReplyDatePicker ReplyKind = "DatePicker"
)

// wireButton always writes all fields: Genesys requires them even if they are empty.
type wireButton struct {
	Type    ReplyKind `json:"type"`
	Text    string    `json:"text"`
	Payload string    `json:"payload"`
}

// MarshalJSON returns the request body. It does not validate. It is deterministic.
func (r Reply) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireInbound{
		Channel:              wireChannel{From: new(r.From.wire()), Time: formatTime(r.Time), MessageID: r.MessageID},
		ButtonResponse:       &wireButton{Type: r.Kind, Text: r.Text, Payload: r.Payload},
		OriginatingMessageID: r.InReplyTo,
	})
}

// UnmarshalJSON reads the request body like [InboundMessage.UnmarshalJSON].
func (r *Reply) UnmarshalJSON(b []byte) error {
	var w wireInbound
	if err := decode(b, &w, "reply"); err != nil {
		return err
	}
	*r = Reply{
		From: w.Channel.from(), MessageID: w.Channel.MessageID, Time: parseTime(w.Channel.Time),
		InReplyTo: w.OriginatingMessageID,
	}
	if w.ButtonResponse != nil {
		r.Kind, r.Text, r.Payload = w.ButtonResponse.Type, w.ButtonResponse.Text, w.ButtonResponse.Payload
	}
	return nil
}

// Validate reports every mistake: a missing customer, time, InReplyTo, Text or Payload, an
// unknown kind, a text that is too long, and a request over [MaxRequestBytes]. Every error it
// returns wraps a [*FieldError].
func (r Reply) Validate() error {
	p := problems{what: "reply"}
	r.From.check(&p, "From.")
	p.time(r.Time)
	p.utf8("MessageID", r.MessageID)
	p.required("InReplyTo", r.InReplyTo, "set it to the ID of the outbound message that is answered")
	switch r.Kind {
	case ReplyButton, ReplyQuickReply, ReplyDatePicker:
	default:
		p.add("Kind", "is not one of Button, QuickReply, DatePicker; send anything else as an InboundMessage")
	}
	p.required("Text", r.Text, "set it to the text of the button that was pressed")
	p.text("Text", r.Text)
	p.required("Payload", r.Payload, "set it to the payload of the button that was pressed")
	size := r.From.size() + len(r.MessageID) + len(r.InReplyTo) + len(r.Text) + len(r.Payload)
	p.request(size, r)
	return p.err()
}

// An InboundTyping reports that the customer is typing. Its JSON is the body of POST
// /api/v2/conversations/messages/{integrationId}/inbound/open/event.
//
// There is no event for the end of typing. Agents see it only if inbound typing is enabled in
// the messaging settings of the integration; it is disabled by default
// (https://help.mypurecloud.com/articles/platform-configuration-profiles-overview/). An event
// may open a conversation, so send none before the first message.
type InboundTyping struct {
	From Customer
	Time time.Time // sent as UTC, cut to milliseconds
}

const eventTyping = "Typing"

type wireEvent struct {
	EventType string      `json:"eventType"`
	Typing    *wireTyping `json:"typing,omitempty"`
}

type wireTyping struct {
	Type     string `json:"type"`
	Duration int64  `json:"duration,omitempty"` // milliseconds
}

// MarshalJSON returns the request body. It does not validate. It is deterministic.
func (t InboundTyping) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireInbound{
		Channel: wireChannel{From: new(t.From.wire()), Time: formatTime(t.Time)},
		Events:  []wireEvent{{EventType: eventTyping}},
	})
}

// UnmarshalJSON reads the request body like [InboundMessage.UnmarshalJSON]. It does not check
// the events, because the endpoint accepts only typing.
func (t *InboundTyping) UnmarshalJSON(b []byte) error {
	var w wireInbound
	if err := decode(b, &w, "inbound typing"); err != nil {
		return err
	}
	*t = InboundTyping{From: w.Channel.from(), Time: parseTime(w.Channel.Time)}
	return nil
}

// Validate reports every mistake: a missing customer or time, and a request over
// [MaxRequestBytes]. Every error it returns wraps a [*FieldError].
func (t InboundTyping) Validate() error {
	p := problems{what: "inbound typing"}
	t.From.check(&p, "From.")
	p.time(t.Time)
	p.request(t.From.size(), t)
	return p.err()
}
