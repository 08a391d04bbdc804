package handover

import (
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/record"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// A Delivery is one message to deliver to the customer, from an agent or from an Architect
// flow.
type Delivery struct {
	ID         string // idempotency key: the same on every attempt, replica and restart
	Session    Session
	Message    openmessaging.Message
	Origin     openmessaging.Origin // an agent or an Architect flow
	Time       time.Time            // when it was written, by the clock of Genesys
	Attempt    int                  // 1 for the first attempt; may be too low after a crash
	Late       bool                 // its session is over, or it never had one
	OutOfOrder bool                 // an attempt to deliver a newer message began before
}

// Pending is the error that Deliver returns if the customer's channel reports the outcome of
// the message later. The host then calls [Manager.Delivered] or [Manager.Fail]. The message is
// not delivered again. Its receipt waits 10 minutes for that call, and at most 64 receipts wait
// for one customer. Beyond either limit no receipt is sent, and the agent sees "sent".
var Pending = record.Pending //nolint:gochecknoglobals,errname // reads as an outcome: return handover.Pending

// A TypingEvent reports that an agent is typing.
type TypingEvent struct {
	Session  Session       // the open session of the customer
	Duration time.Duration // how long to show it; 0: Genesys sent no duration
}

// Undeliverable returns an error with which Deliver reports a permanent failure. The message is
// not tried again, and the agent sees the reason. err may be nil; the result unwraps to it.
func Undeliverable(code openmessaging.ReasonCode, err error) error {
	return record.Undeliverable(code, err)
}

// A Return hands the conversation back to the bot. It follows the session's last Delivery. It is
// made at least once, always with the same ID. Messages that the customer writes while it waits are
// in another Return of the same session, with another ID. Of the messages that Genesys accepted and
// no agent answered, a Return contains the newest 20, at most 64 KiB. NoticeMessageFailed reports
// each older one.
type Return struct {
	ID         string
	Attempt    int          // 1 for the first attempt; may be too low after a crash
	Session    Session      // Session.Ending has the reason
	Unanswered []Unanswered // messages that no agent answered, for the bot to answer
}

// An Unanswered is a message of the customer that no agent answered.
type Unanswered struct {
	Message
	Sent   bool   // Genesys may have it; an agent may have read it
	Reason string // why Genesys refused it; empty if it did not
}

// A Notice reports one step of a session, to show to the customer or on a dashboard. Ignore
// unknown kinds: later releases may add some.
type Notice struct {
	ID         string
	Kind       NoticeKind
	Session    Session // after the step
	Time       time.Time
	Wait       *time.Duration // NoticeQueued: the estimate of Genesys, or nil
	MessageID  string         // NoticeMessageFailed: the host's id, or Genesys' of an agent's
	Agent      Agent
	From       string // queue ids, NoticeTransferred; To also NoticeQueued, NoticeMisrouted
	To         string
	Detail     string // a sentence to read
	Permission string // add it to the role of the OAuth client
}

// A NoticeKind is the step that a Notice reports.
type NoticeKind string

// The kinds of notices.
const (
	NoticeRequested   NoticeKind = "requested"
	NoticeQueued      NoticeKind = "queued"
	NoticeAlerting    NoticeKind = "alerting"
	NoticeDeclined    NoticeKind = "declined"
	NoticeAgentJoined NoticeKind = "agentJoined"
	NoticeAgentLeft   NoticeKind = "agentLeft"
	NoticeTransferred NoticeKind = "transferred"
	// In queue To, neither bot queue nor agent queue: see Detail.
	NoticeMisrouted     NoticeKind = "misrouted"
	NoticeIdle          NoticeKind = "idle" // the customer is silent, the session ends soon
	NoticeMessageFailed NoticeKind = "messageFailed"
	// Lost messages of agents, once per conversation of a session: see Permission.
	NoticeGap NoticeKind = "gap"
	// Of a signal source, the webhook or the right to read: see Detail.
	NoticeConnectionLost NoticeKind = "connectionLost"
	NoticeEnding         NoticeKind = "ending"
	NoticeEnded          NoticeKind = "ended"
	NoticeReturned       NoticeKind = "returned"
)
