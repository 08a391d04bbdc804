package openmessaging

import (
	"encoding/json"
	"fmt"
	"time"
)

// An InboundReceipt is the delivery status of an outbound message, reported to Genesys. Its
// JSON is the body of POST /api/v2/conversations/messages/{integrationId}/inbound/open/receipt.
//
// Receipts are optional: without them the agent sees the status "sent". The answer to a receipt
// may have a 2xx status and still contain the status Failed
// (https://developer.genesys.cloud/commdigital/digital/openmessaging/inboundReceiptMessages).
type InboundReceipt struct {
	MessageID string    // of the outbound message (Outbound.ID)
	To        Customer  // the customer who got the message; only ID and IDType are sent
	Time      time.Time // sent as UTC, cut to milliseconds
	Status    Status    // StatusDelivered or StatusFailed
	Reasons   []Reason  // only with StatusFailed
	Final     bool      // no other receipt follows for this message
}

type wireReceipt struct {
	ID      string      `json:"id"`
	Channel wireChannel `json:"channel"`
	Status  Status      `json:"status"`
	Reasons []Reason    `json:"reasons,omitempty"`
	Final   bool        `json:"isFinalReceipt"`
}

// MarshalJSON returns the request body. It does not validate. It is deterministic.
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

// UnmarshalJSON reads the request body like [InboundMessage.UnmarshalJSON]. Only ID and IDType
// of To are restored.
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

// Validate reports every mistake: a missing message id, customer or time, a status other than
// Delivered and Failed, reasons without Failed, a reason without a message or with an unknown
// code, and a request over [MaxRequestBytes]. The schema lists more statuses, but the Genesys
// page of [InboundReceipt] limits the endpoint to these two. Every error it returns wraps a
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
		p.required(at+"Message", reason.Message, "write a short text on why the message failed")
		size += len(reason.Code) + len(reason.Message) + 32
	}
	p.request(size, r)
	return p.err()
}

// A Status is the delivery status of a message. A host may send only [StatusDelivered] and
// [StatusFailed]. Genesys may send any of them; unknown values are kept unchanged.
type Status string

// These are the statuses of the Genesys schema. As observed in public clients, Genesys sends
// Published for a message that it accepted from the customer and Delivered for one of an agent.
// Read exists only in the older model.
const (
	StatusSent      Status = "Sent"
	StatusDelivered Status = "Delivered"
	StatusFailed    Status = "Failed"
	StatusPublished Status = "Published"
	StatusRemoved   Status = "Removed"
	StatusRead      Status = "Read"
)

// A Reason is the reason why a message failed. Genesys sends reasons with an empty message, and
// also with Delivered. A host must set the message and may send reasons only with Failed.
type Reason struct {
	Code ReasonCode `json:"code,omitempty"`
	// For operators: agents do not see it, it is stored in errorInfo of the conversation.
	Message string `json:"message"`
}

// A ReasonCode is the code of a reason. Unknown codes are kept unchanged.
type ReasonCode string

// These are the reason codes of the Genesys schema.
const (
	ReasonMessageExpired            ReasonCode = "MessageExpired"
	ReasonRateLimited               ReasonCode = "RateLimited"
	ReasonMessageNotAllowed         ReasonCode = "MessageNotAllowed"
	ReasonGeneralError              ReasonCode = "GeneralError"
	ReasonUnsupportedMessage        ReasonCode = "UnsupportedMessage"
	ReasonUnknownMessage            ReasonCode = "UnknownMessage"
	ReasonInvalidMessageStructure   ReasonCode = "InvalidMessageStructure"
	ReasonInvalidDestination        ReasonCode = "InvalidDestination"
	ReasonServerError               ReasonCode = "ServerError"
	ReasonMediaTypeNotAllowed       ReasonCode = "MediaTypeNotAllowed"
	ReasonInvalidMediaContentLength ReasonCode = "InvalidMediaContentLength"
	ReasonRecipientOptedOut         ReasonCode = "RecipientOptedOut"
	ReasonDataFiltered              ReasonCode = "DataFiltered"
)

// known reports whether c may be sent: Genesys answers an unknown code with 400.
func (c ReasonCode) known() bool {
	switch c {
	case ReasonMessageExpired, ReasonRateLimited, ReasonMessageNotAllowed, ReasonGeneralError,
		ReasonUnsupportedMessage, ReasonUnknownMessage, ReasonInvalidMessageStructure, ReasonInvalidDestination,
		ReasonServerError, ReasonMediaTypeNotAllowed, ReasonInvalidMediaContentLength, ReasonRecipientOptedOut,
		ReasonDataFiltered:
		return true
	default:
		return false
	}
}
