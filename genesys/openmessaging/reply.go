package openmessaging

import (
	"encoding/json"
	"time"
)

// A Reply answers a structured message: a button, a quick reply, a picked date. Its JSON is the body of
// POST /api/v2/conversations/messages/{integrationId}/inbound/open/structured/response. A reply always joins a
// conversation that exists; posted to /inbound/open/message it is refused.
type Reply struct {
	From      Customer
	MessageID string
	Time      time.Time // written as UTC, cut to milliseconds
	InReplyTo string    // id of the outbound message answered (Outbound.ID)
	Kind      ReplyKind
	Text      string // what the customer saw on the button
	Payload   string // what the button stands for, unchanged
}

// A ReplyKind says what was pressed. The list is closed: list pickers and forms cannot be answered over Open Messaging.
type ReplyKind string

// The kinds of reply Open Messaging accepts.
const (
	ReplyButton     ReplyKind = "Button"
	ReplyQuickReply ReplyKind = "QuickReply"
	ReplyDatePicker ReplyKind = "DatePicker"
)

// wireButton writes all three: Genesys requires them, empty or not.
type wireButton struct {
	Type    ReplyKind `json:"type"`
	Text    string    `json:"text"`
	Payload string    `json:"payload"`
}

// MarshalJSON writes the wire's body. It does not validate, and it is deterministic.
func (r Reply) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireInbound{
		Channel:              wireChannel{From: new(r.From.wire()), Time: formatTime(r.Time), MessageID: r.MessageID},
		ButtonResponse:       &wireButton{Type: r.Kind, Text: r.Text, Payload: r.Payload},
		OriginatingMessageID: r.InReplyTo,
	})
}

// UnmarshalJSON reads the wire's body, as [InboundMessage.UnmarshalJSON] does.
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

// Validate reports every mistake: a missing customer, time, InReplyTo, Text or Payload, a kind that is not in the
// list, too long a text, a request over [MaxRequestBytes]. Every error in it is a [*FieldError].
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
