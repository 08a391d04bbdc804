package handover

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// A Delivery is one message for the customer.
type Delivery struct {
	ID         string // stable over attempts, replicas and restarts: use it as the idempotency key of your channel
	Session    Session
	Message    openmessaging.Message
	Origin     openmessaging.Origin // a person, or Architect
	Time       time.Time            // when it was written, by Genesys' clock
	Attempt    int                  // 1 for the first, as far as is known
	Late       bool                 // its session is over, or there never was one
	OutOfOrder bool                 // it is older than one that was delivered before it
}

// Undeliverable is an error that, returned by Deliver, makes a failure permanent: no more attempts, and the agent is told why. err may be nil.
func Undeliverable(code openmessaging.ReasonCode, err error) error {
	return &undeliverableError{code: code, err: err}
}

type undeliverableError struct {
	code openmessaging.ReasonCode
	err  error
}

func (e *undeliverableError) Error() string {
	if e.err == nil {
		return "handover: undeliverable: " + string(e.code)
	}
	return "handover: undeliverable: " + string(e.code) + ": " + e.err.Error()
}

func (e *undeliverableError) Unwrap() error { return e.err }

// A Return gives the conversation back to the bot. It comes after the session's last Delivery, at least once and always with the
// same ID; what a customer writes while it waits follows in another Return of the same session with another ID. Of what Genesys
// took and nobody answered the newest 20 come back (64 KiB); the ones before are named by NoticeMessageFailed.
type Return struct {
	ID         string
	Session    Session      // Session.Ending says who and why
	Unanswered []Unanswered // what the customer wrote and no agent answers for: the bot does
}

// An Unanswered message.
type Unanswered struct {
	Message
	Sent   bool   `json:"sent,omitempty"`   // Genesys took it; an agent may have read it
	Reason string `json:"reason,omitempty"` // why it was refused, if it was
}

// A Notice is one step in the life of a session, for the customer's eyes or a dashboard. Hosts ignore kinds they do not know.
type Notice struct {
	ID         string         `json:"-"`
	Kind       NoticeKind     `json:"kind"`
	Session    Session        `json:"session"` // as it is after the step
	Time       time.Time      `json:"time"`
	Wait       *time.Duration `json:"wait,omitempty"`      // NoticeQueued: as Genesys estimates it, if it does
	MessageID  string         `json:"messageId,omitempty"` // NoticeMessageFailed: the host's id, or Genesys' own for an agent's message
	Agent      Agent          `json:"agent,omitzero"`
	From       string         `json:"from,omitempty"` // queue ids, NoticeTransferred
	To         string         `json:"to,omitempty"`
	Detail     string         `json:"detail,omitempty"`     // a sentence for people
	Permission string         `json:"permission,omitempty"` // what is missing, if that is why: give it to the OAuth client's role
}

// A NoticeKind says which step.
type NoticeKind string

// The kinds.
const (
	NoticeRequested      NoticeKind = "requested"
	NoticeQueued         NoticeKind = "queued"
	NoticeAlerting       NoticeKind = "alerting"
	NoticeDeclined       NoticeKind = "declined"
	NoticeAgentJoined    NoticeKind = "agentJoined"
	NoticeAgentLeft      NoticeKind = "agentLeft"
	NoticeTransferred    NoticeKind = "transferred"
	NoticeIdle           NoticeKind = "idle" // the customer will be dropped soon
	NoticeMessageFailed  NoticeKind = "messageFailed"
	NoticeGap            NoticeKind = "gap"            // agents' messages did not arrive and may not be fetched: see Permission
	NoticeConnectionLost NoticeKind = "connectionLost" // a signal source or the read is gone: see Detail and Permission
	NoticeEnding         NoticeKind = "ending"
	NoticeEnded          NoticeKind = "ended"
	NoticeReturned       NoticeKind = "returned"
)
