package handover

import "time"

// A Session is one handover, as a copy to read. It holds no text.
type Session struct {
	ID             string    `json:"id,omitempty"` // 12 characters of a-z and 2-7
	Key            Key       `json:"key"`
	State          State     `json:"state,omitempty"`
	ConversationID string    `json:"conversationId,omitempty"`
	Queue          string    `json:"queue,omitempty"`   // as it was asked for
	Agent          Agent     `json:"agent,omitzero"`    // zero until known; may come after the first message
	Resumed        bool      `json:"resumed,omitempty"` // Genesys went on with an older conversation
	Started        time.Time `json:"started,omitzero"`
	Connected      time.Time `json:"connected,omitzero"` // the first time an agent was there
	Ending         Ending    `json:"ending,omitzero"`    // zero while open and nobody asked for the end
}

// Turn says who may speak to the customer, as far as the session knows: while a hand-back waits the bot is held back, too,
// so ask [Manager.Turn].
func (s Session) Turn() Turn {
	switch s.State {
	case StateRequested, StateQueued, StateAlerting, StateConnected, StateEnding:
		return TurnAgent
	default:
		return TurnBot
	}
}

// Open reports whether the session is not over.
func (s Session) Open() bool { return s.State != "" && s.State != StateEnded }

// An Agent of Genesys Cloud. The name is what the conversation tells; it may stay empty.
type Agent struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// A State of a session.
type State string

// The states. StateEnded is never left; a new handover is a new session.
const (
	StateBot       State = "bot"       // the conversation stands in the bot queue, the bot answers
	StateRequested State = "requested" // an agent was asked for, Genesys has not routed yet
	StateQueued    State = "queued"    // waits in an agent queue
	StateAlerting  State = "alerting"  // rings at an agent
	StateConnected State = "connected" // an agent is there
	StateEnding    State = "ending"    // our side asked for the end, Genesys has not confirmed
	StateEnded     State = "ended"
)

// A Turn is who may speak to the customer.
type Turn string

// The turns.
const (
	TurnBot   Turn = "bot"
	TurnAgent Turn = "agent"
)

// An Ending says when and why, and in Detail what a person should know.
type Ending struct {
	Reason EndReason `json:"reason,omitempty"`
	Time   time.Time `json:"time,omitzero"`
	Code   string    `json:"code,omitempty"`   // machine-readable: one of the Code constants, or Genesys' own word
	Detail string    `json:"detail,omitempty"` // a sentence, without content
}

// An EndReason is why a session ended: a closed set.
type EndReason string

// The reasons.
const (
	EndByAgent      EndReason = "agent"
	EndByCustomer   EndReason = "customer"
	EndByBot        EndReason = "bot"
	EndNoAgent      EndReason = "noAgent"
	EndCustomerIdle EndReason = "customerIdle"
	EndAgentIdle    EndReason = "agentIdle"
	EndMaxDuration  EndReason = "maxDuration"
	EndByGenesys    EndReason = "genesys"
	EndRefused      EndReason = "refused" // wrong queue, missing permission, no flow attached: see Detail
	EndFailed       EndReason = "failed"
)

func (r EndReason) valid() bool {
	switch r {
	case EndByAgent, EndByCustomer, EndByBot, EndNoAgent, EndCustomerIdle, EndAgentIdle, EndMaxDuration, EndByGenesys, EndRefused, EndFailed:
		return true
	}
	return false
}

// The values of Ending.Code that the Manager sets itself.
const (
	CodeFlowNotAttached   = "flowNotAttached"   // no flow took the message: guide, step 7
	CodeQueue             = "queue"             // the queue does not exist or its name is not unique
	CodePermission        = "permission"        // a permission is missing, Detail names it
	CodeRejected          = "rejected"          // Genesys refused the opening message
	CodeNoAnswer          = "noAnswer"          // Genesys gave no certain answer in time
	CodeNotTransferred    = "notTransferred"    // the transfer to the agent queue was refused
	CodeNotDisconnected   = "notDisconnected"   // the end could not be told to Genesys
	CodeConversationGone  = "conversationGone"  // Genesys no longer knows the conversation
	CodeSignalled         = "signalled"         // a signal says so, and the conversation may not be read
	CodeConversationMoved = "conversationMoved" // a message of ours opened another conversation
)
