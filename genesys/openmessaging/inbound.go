package openmessaging

import (
	"encoding/json"
	"time"
)

// An InboundMessage goes from the customer to Genesys. Its JSON is the body of
// POST /api/v2/conversations/messages/{integrationId}/inbound/open/message.
//
// Attributes end up in channel.metadata.customAttributes, the only place Architect reads: there they become
// participant data (https://developer.genesys.cloud/forum/t/set-participant-data-in-open-inbound-message/26014).
// Whether attributes of a later message overwrite earlier ones is UNCERTAIN.
//
// To repeat a send that may or may not have arrived, keep both MessageID and Time: Genesys identifies a message by the
// combination (https://developer.genesys.cloud/commdigital/digital/openmessaging/outboundMessages).
type InboundMessage struct {
	From       Customer
	MessageID  string    // yours, unique; Genesys does not require it
	Time       time.Time // when the customer wrote; written as UTC, cut to milliseconds
	Text       string    // at most MaxText characters, see SplitText; may be empty with an Attachment
	Attachment *Attachment
	Attributes map[string]string // at most MaxAttributes, each value at most MaxAttributeValue characters
}

// wireInbound is the body of a message, a typing event and a structured reply: they share the channel.
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

// wireTo is all of a customer that a receipt may name: the rest is read-only in Genesys' schema.
type wireTo struct {
	ID     string `json:"id"`
	IDType IDType `json:"idType,omitempty"`
}

type wireMetadata struct {
	CustomAttributes map[string]string `json:"customAttributes,omitempty"`
}

// MarshalJSON writes the wire's body. It does not validate, and it is deterministic: equal messages have equal bytes.
//
// The attachment's Size is not written, since the inbound schema has no place for it, and an empty MediaType is
// derived from MIME.
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

// UnmarshalJSON reads the wire's body: what MarshalJSON wrote comes back equal, but for a time cut to milliseconds, an
// IDType and MediaType that were left to their defaults, and the attachment's Size. It is an error if b is not a JSON
// object or a field has the wrong JSON type; missing and unknown fields are not.
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

// Validate reports every mistake Genesys would answer with 400, and those it would pass over in silence: neither
// text nor attachment, a missing time or customer, too long a text, too many or too large attributes, an attachment
// without URL or MIME type, a request over [MaxRequestBytes]. Every error in it is a [*FieldError].
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
