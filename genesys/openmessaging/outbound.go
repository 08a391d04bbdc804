package openmessaging

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// An Outbound is one webhook body that Genesys posts for a customer
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/outboundMessages).
//
// Genesys posts a body again if it gets no answer in time. To find duplicates, compare ID and
// the kind of the body: a [Receipt] has the ID of the message it is about. Order is not
// promised (UNCERTAIN); only Time orders messages.
type Outbound struct {
	ID             string          // the platform's id; channel.messageId if that is missing
	IntegrationID  string          // channel.id; channel.from.id if that is missing
	CustomerID     string          // channel.to.id: From.ID of the customer's messages
	ConversationID string          // may be empty
	Time           time.Time       // in UTC; zero if missing or unreadable
	Origin         Origin          // unchanged from the body
	Body           Body            // never nil after parsing
	Raw            json.RawMessage // the whole body; only set with an UnknownBody or UnknownContent
}

// An Origin is the kind of author: a person or a bot. It is empty if Genesys sends none.
type Origin string

// These are the origins of the Genesys schema.
const (
	OriginHuman Origin = "Human"
	OriginBot   Origin = "Bot" // Architect or a Genesys bot
)

// These are the values of type. Text and Structured both have text and content. Message is in
// the general model of Genesys.
const (
	typeText       = "Text"
	typeStructured = "Structured"
	typeMessage    = "Message"
	typeEvent      = "Event"
	typeReceipt    = "Receipt"
)

// wireOutbound has no UnmarshalJSON method, so that encoding/json decodes a known body in one
// pass over the bytes.
type wireOutbound struct {
	ID             string              `json:"id,omitempty"`
	Channel        wireOutboundChannel `json:"channel"`
	Type           string              `json:"type,omitempty"`
	Text           string              `json:"text,omitempty"`
	Content        []wireContent       `json:"content,omitempty"`
	Events         []wireEvent         `json:"events,omitempty"`
	Status         Status              `json:"status,omitempty"`
	Reasons        []Reason            `json:"reasons,omitempty"`
	Final          bool                `json:"isFinalReceipt,omitempty"`
	Origin         Origin              `json:"originatingEntity,omitempty"`
	ConversationID string              `json:"conversationId,omitempty"`
}

type wireOutboundChannel struct {
	ID        string    `json:"id,omitempty"`
	MessageID string    `json:"messageId,omitempty"`
	To        wireParty `json:"to"`
	From      wireParty `json:"from"`
	Time      string    `json:"time,omitempty"`
}

// wireParty is one end of the channel. The other fields that Genesys sends describe the
// integration, not the agent.
type wireParty struct {
	ID string `json:"id,omitempty"`
}

// ParseOutbound reads one webhook body. Use it in a webhook: json.Unmarshal into an [Outbound]
// has the same result but scans the bytes one more time.
//
// It returns [ErrMalformed] if b is not one JSON object, and no other error. Everything else is
// read as far as possible, as the package documentation states. The result shares no memory
// with b.
func ParseOutbound(b []byte) (Outbound, error) {
	if !isObject(b) {
		return Outbound{}, decodeError("outbound", nil)
	}
	var w wireOutbound
	if err := json.Unmarshal(b, &w); err != nil {
		if isTypeError(err) {
			return parseLoose(b)
		}
		return Outbound{}, decodeError("outbound", err)
	}
	list, ok := readContents(w.Content)
	if !ok {
		return parseLoose(b)
	}
	return w.read(list, b), nil
}

// UnmarshalJSON calls [ParseOutbound].
func (o *Outbound) UnmarshalJSON(b []byte) error {
	parsed, err := ParseOutbound(b)
	if err != nil {
		return err
	}
	*o = parsed
	return nil
}

func (w *wireOutbound) read(list Contents, b []byte) Outbound {
	o := Outbound{
		ID:             w.ID,
		IntegrationID:  w.Channel.ID,
		CustomerID:     w.Channel.To.ID,
		ConversationID: w.ConversationID,
		Time:           parseTime(w.Channel.Time),
		Origin:         w.Origin,
	}
	if o.ID == "" {
		o.ID = w.Channel.MessageID
	}
	if o.IntegrationID == "" {
		o.IntegrationID = w.Channel.From.ID
	}
	// In a body about a message from the customer, to and from may be swapped (UNCERTAIN).
	if from := w.Channel.From.ID; from != "" && from != o.IntegrationID && (o.CustomerID == "" || o.CustomerID == o.IntegrationID) {
		o.CustomerID = from
	}
	o.Body = w.body(o.ID, list)
	if keepsRaw(o.Body) {
		o.Raw = bytes.Clone(b)
	}
	return o
}

func (w *wireOutbound) body(id string, list Contents) Body {
	switch w.Type {
	case typeText, typeStructured, typeMessage:
		return Message{Text: w.Text, Content: list}
	case typeReceipt:
		return Receipt{MessageID: id, Status: w.Status, Reasons: orNil(w.Reasons), Final: w.Final}
	case typeEvent:
		for _, e := range w.Events {
			if e.EventType != eventTyping {
				continue
			}
			if e.Typing == nil {
				return Typing{}
			}
			return Typing{Duration: duration(e.Typing.Duration, time.Millisecond)}
		}
	case "": // a text without a type is still a message
		if w.Text != "" || len(list) > 0 {
			return Message{Text: w.Text, Content: list}
		}
	}
	return UnknownBody{Kind: w.Type}
}

func keepsRaw(b Body) bool {
	switch b := b.(type) {
	case Message:
		for _, c := range b.Content {
			if _, unknown := c.(UnknownContent); unknown {
				return true
			}
		}
	case UnknownBody:
		return true
	case Typing, Receipt:
	}
	return false
}

// A Body is one of [Message], [Typing], [Receipt] and [UnknownBody].
//
//sumtype:decl
type Body interface{ body() }

// A Message has text, content or both. Its JSON has the text and content fields of the webhook
// body.
//
// If the text of a webhook body is neither a string nor a number, it becomes an [UnknownContent]
// before the other content. Genesys is not known to send this.
type Message struct {
	Text    string   `json:"text,omitempty"`
	Content Contents `json:"content,omitempty"`
}

// Typing is a typing indicator that lasts for Duration. There is no event for the end of
// typing. Duration is 0 if Genesys sends none.
type Typing struct{ Duration time.Duration }

// A Receipt is the status that Genesys reports for a message sent to it. Unknown statuses and
// reason codes are kept unchanged.
type Receipt struct {
	MessageID string // the platform's id of the message; Outbound.ID has the same value
	Status    Status
	Reasons   []Reason
	Final     bool // no other receipt follows for this message
}

// An UnknownBody is a body of a kind that this version does not know or cannot decode.
// Outbound.Raw has all its bytes.
//
// Kind is the type field, for example Event for an event other than Typing.
type UnknownBody struct{ Kind string }

func (Message) body()     {}
func (Typing) body()      {}
func (Receipt) body()     {}
func (UnknownBody) body() {}

// wireEnvelope is only written. In addition to wireOutbound it has the constant fields that
// Genesys sends, and content that is already typed.
type wireEnvelope struct {
	ID             string      `json:"id,omitempty"`
	Channel        wireSent    `json:"channel"`
	Type           string      `json:"type,omitempty"`
	Text           string      `json:"text,omitempty"`
	Content        Contents    `json:"content,omitempty"`
	Events         []wireEvent `json:"events,omitempty"`
	Status         Status      `json:"status,omitempty"`
	Reasons        []Reason    `json:"reasons,omitempty"`
	Final          bool        `json:"isFinalReceipt,omitempty"`
	Origin         Origin      `json:"originatingEntity,omitempty"`
	Direction      string      `json:"direction"`
	ConversationID string      `json:"conversationId,omitempty"`
}

type wireSent struct {
	ID        string    `json:"id,omitempty"`
	Platform  string    `json:"platform"`
	Type      string    `json:"type"`
	MessageID string    `json:"messageId,omitempty"`
	To        wireParty `json:"to"`
	From      wireParty `json:"from"`
	Time      string    `json:"time,omitempty"`
}

// MarshalJSON returns a webhook body that [ParseOutbound] reads as the same value, so that a
// host can queue what it received. If Raw is set, it returns Raw and ignores all other fields.
// It cuts Time to milliseconds and omits the id type. It returns an error if Body is nil or a
// pointer, or if its content cannot be written.
func (o Outbound) MarshalJSON() ([]byte, error) {
	if len(o.Raw) > 0 {
		return o.Raw, nil
	}
	w := wireEnvelope{
		ID: o.ID,
		Channel: wireSent{
			ID: o.IntegrationID, Platform: "Open", Type: "Private", MessageID: o.ID,
			To: wireParty{ID: o.CustomerID}, From: wireParty{ID: o.IntegrationID}, Time: formatTime(o.Time),
		},
		Origin:         o.Origin,
		Direction:      "Outbound",
		ConversationID: o.ConversationID,
	}
	switch b := o.Body.(type) {
	case Message:
		w.Type, w.Text, w.Content = messageType(b), b.Text, b.Content
	case Typing:
		w.Type = typeEvent
		w.Events = []wireEvent{{
			EventType: eventTyping,
			Typing:    &wireTyping{Type: "On", Duration: int64(b.Duration / time.Millisecond)},
		}}
	case Receipt:
		w.Type, w.Status, w.Reasons, w.Final = typeReceipt, b.Status, b.Reasons, b.Final
		if b.MessageID != "" {
			w.ID = b.MessageID
		}
	case UnknownBody:
		w.Type = b.Kind
	default:
		return nil, errors.New("openmessaging: outbound: Body is nil or a pointer; use Message, Typing, Receipt or UnknownBody as a value")
	}
	return json.Marshal(w)
}

// messageType returns Text for text and attachments and Structured for all other content, as
// Genesys does.
func messageType(m Message) string {
	for _, c := range m.Content {
		switch c.(type) {
		case Text, Attachment:
		case QuickReply, QuickReplies, Card, Carousel, DatePicker, ListPicker, Template, Location, UnknownContent:
			return typeStructured
		}
	}
	return typeText
}
