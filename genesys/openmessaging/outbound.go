package openmessaging

import (
	"bytes"
	"encoding/json"
	"time"
)

// An Outbound is one webhook body: something Genesys posts for a customer
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/outboundMessages).
//
// Genesys repeats a post that was not answered in time, so deduplicate on ID together with the kind of the body: a
// [Receipt] has the ID of the message it speaks of. Order is not promised either (UNCERTAIN); Time is the only key.
type Outbound struct {
	ID             string          // the platform's; where missing, channel.messageId
	IntegrationID  string          // channel.id, where missing channel.from.id
	CustomerID     string          // channel.to.id: the From.ID of the customer's messages
	ConversationID string          // may be empty
	Time           time.Time       // in UTC; zero if missing or unreadable
	Origin         Origin          // as it came
	Body           Body            // never nil after parsing
	Raw            json.RawMessage // the body as it came, only with an UnknownBody or an UnknownContent: a known message is decoded in one pass
}

// An Origin is who wrote it. Empty: not said.
type Origin string

// The origins of the wire's schema.
const (
	OriginHuman Origin = "Human"
	OriginBot   Origin = "Bot" // Architect, a Genesys bot
)

// The wire's types. Text and Structured both hold text and content; Message belongs to the general model.
const (
	typeText       = "Text"
	typeStructured = "Structured"
	typeMessage    = "Message"
	typeEvent      = "Event"
	typeReceipt    = "Receipt"
)

// wireOutbound is plain on purpose: no method of ours runs while encoding/json fills it, so a known body costs one
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

// wireParty is one end of the channel. The rest of what Genesys says there describes the integration, not the agent.
type wireParty struct {
	ID string `json:"id,omitempty"`
}

// ParseOutbound reads one webhook body. It is what a webhook should call: json.Unmarshal into an Outbound does the
// same but scans the bytes once more.
//
// The only error is [ErrMalformed], when b is not one JSON object. Everything else is read as far as it can be; see
// the package documentation. ParseOutbound keeps no reference to b.
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

// UnmarshalJSON is [ParseOutbound].
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
	// What Genesys says of a message that went the other way may have its ends swapped (UNCERTAIN).
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
	case "": // words for a customer are not dropped for want of a label
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
