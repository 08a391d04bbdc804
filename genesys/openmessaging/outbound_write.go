package openmessaging

import (
	"encoding/json"
	"errors"
	"time"
)

// wireEnvelope is written, never read: it adds to what is read the constants Genesys sends, and content as it is.
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

// MarshalJSON writes a webhook body that [ParseOutbound] reads as the same value, so that a host can queue what it
// received. Raw, where there is one, is written as it is, whatever else changed. Time is cut to milliseconds and an
// id type is not kept.
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

// messageType is Text for text and attachments, as Genesys has it, and Structured for anything to press.
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
