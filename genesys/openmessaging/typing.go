package openmessaging

import (
	"encoding/json"
	"time"
)

// An InboundTyping says that the customer types. Its JSON is the body of
// POST /api/v2/conversations/messages/{integrationId}/inbound/open/event.
//
// There is no "stopped typing". Genesys shows it only where inbound typing is enabled in the integration's messaging
// setting, which it is not by default
// (https://help.mypurecloud.com/articles/platform-configuration-profiles-overview/). An event may open a
// conversation, so send none before the first message.
type InboundTyping struct {
	From Customer
	Time time.Time // written as UTC, cut to milliseconds
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

// MarshalJSON writes the wire's body. It does not validate, and it is deterministic.
func (t InboundTyping) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireInbound{
		Channel: wireChannel{From: new(t.From.wire()), Time: formatTime(t.Time)},
		Events:  []wireEvent{{EventType: eventTyping}},
	})
}

// UnmarshalJSON reads the wire's body, as [InboundMessage.UnmarshalJSON] does. Typing is the only event the endpoint
// accepts, so the events themselves are not looked at.
func (t *InboundTyping) UnmarshalJSON(b []byte) error {
	var w wireInbound
	if err := decode(b, &w, "inbound typing"); err != nil {
		return err
	}
	*t = InboundTyping{From: w.Channel.from(), Time: parseTime(w.Channel.Time)}
	return nil
}

// Validate reports every mistake: a missing customer or time, a request over [MaxRequestBytes]. Every error in it is
// a [*FieldError].
func (t InboundTyping) Validate() error {
	p := problems{what: "inbound typing"}
	t.From.check(&p, "From.")
	p.time(t.Time)
	p.request(t.From.size(), t)
	return p.err()
}
