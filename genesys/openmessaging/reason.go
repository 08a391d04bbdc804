package openmessaging

// A Status is what became of a message. Only [StatusDelivered] and [StatusFailed] may be sent; Genesys may say any of
// them, and a value not in this list is kept as it came.
type Status string

// The statuses of the wire's schema. Genesys says Published of a message it accepted from the customer and Delivered
// of one of its own, as public clients observed; Read exists only in the older model.
const (
	StatusSent      Status = "Sent"
	StatusDelivered Status = "Delivered"
	StatusFailed    Status = "Failed"
	StatusPublished Status = "Published"
	StatusRemoved   Status = "Removed"
	StatusRead      Status = "Read"
)

// A Reason says why a message failed. Its JSON is the wire's. Genesys sends reasons with an empty message, and even
// with Delivered; ours need a message and go with Failed only.
type Reason struct {
	Code    ReasonCode `json:"code,omitempty"`
	Message string     `json:"message"` // for people; agents do not see it, it lands in the conversation's errorInfo
}

// A ReasonCode is Genesys' name for a reason. One not in the list is kept as it came.
type ReasonCode string

// The reason codes of the wire's schema.
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

// known is asked before sending only: Genesys answers an unknown code with 400.
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
