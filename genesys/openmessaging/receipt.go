package openmessaging

import (
	"encoding/json"
	"fmt"
	"time"
)

// An InboundReceipt tells Genesys what became of an outbound message. Its JSON is the body of
// POST /api/v2/conversations/messages/{integrationId}/inbound/open/receipt.
//
// Receipts are optional; without them the agent sees "sent". The answer to a receipt may itself say Failed, with a 2xx
// status (https://developer.genesys.cloud/commdigital/digital/openmessaging/inboundReceiptMessages).
type InboundReceipt struct {
	MessageID string    // of the outbound message (Outbound.ID)
	To        Customer  // whom the message was for; only ID and IDType are sent
	Time      time.Time // written as UTC, cut to milliseconds
	Status    Status    // StatusDelivered or StatusFailed
	Reasons   []Reason  // only with StatusFailed
	Final     bool      // no other receipt for this message will follow
}

type wireReceipt struct {
	ID      string      `json:"id"`
	Channel wireChannel `json:"channel"`
	Status  Status      `json:"status"`
	Reasons []Reason    `json:"reasons,omitempty"`
	Final   bool        `json:"isFinalReceipt"`
}

// MarshalJSON writes the wire's body. It does not validate, and it is deterministic.
func (r InboundReceipt) MarshalJSON() ([]byte, error) {
	to := r.To.wire()
	return json.Marshal(wireReceipt{
		ID:      r.MessageID,
		Channel: wireChannel{To: &wireTo{ID: to.ID, IDType: to.IDType}, Time: formatTime(r.Time)},
		Status:  r.Status,
		Reasons: r.Reasons,
		Final:   r.Final,
	})
}

// UnmarshalJSON reads the wire's body, as [InboundMessage.UnmarshalJSON] does. Of To, only ID and IDType travel.
func (r *InboundReceipt) UnmarshalJSON(b []byte) error {
	var w wireReceipt
	if err := decode(b, &w, "inbound receipt"); err != nil {
		return err
	}
	*r = InboundReceipt{
		MessageID: w.ID, Time: parseTime(w.Channel.Time),
		Status: w.Status, Reasons: orNil(w.Reasons), Final: w.Final,
	}
	if to := w.Channel.To; to != nil {
		r.To = Customer{ID: to.ID, IDType: to.IDType}.wire()
	}
	return nil
}

// Validate reports every mistake: a missing message id, customer or time, a status other than Delivered and Failed
// (the schema lists more, the guide says the endpoint supports only these), reasons without Failed, a reason
// without a message or with a code Genesys does not know, a request over [MaxRequestBytes]. Every error in it is a
// [*FieldError].
func (r InboundReceipt) Validate() error {
	p := problems{what: "inbound receipt"}
	p.required("MessageID", r.MessageID, "set it to the ID of the outbound message")
	r.To.check(&p, "To.")
	p.time(r.Time)
	if r.Status != StatusDelivered && r.Status != StatusFailed {
		p.add("Status", "is not one of Delivered, Failed; the endpoint supports no other")
	}
	if r.Status != StatusFailed && len(r.Reasons) > 0 {
		p.add("Reasons", "are only allowed with StatusFailed; leave them out or set Status to StatusFailed")
	}
	size := len(r.MessageID) + r.To.size()
	for i, reason := range r.Reasons {
		at := fmt.Sprintf("Reasons[%d].", i)
		if reason.Code != "" && !reason.Code.known() {
			p.add(at+"Code", "is not a code Genesys knows; use ReasonGeneralError or leave it empty")
		}
		p.required(at+"Message", reason.Message, "say in a few words why the message failed")
		size += len(reason.Code) + len(reason.Message) + 32
	}
	p.request(size, r)
	return p.err()
}
