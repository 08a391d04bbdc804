package handover

import (
	"time"
)

// A Session is a snapshot of one handover. It contains no message text.
type Session struct {
	ID             string // 12 characters of a-z and 2-7
	Key            Key
	State          State
	ConversationID string
	Queue          string // as requested: a name or an id
	Agent          Agent  // zero until known, and after all agents left
	Resumed        bool   // Genesys continued an older conversation
	Started        time.Time
	Connected      time.Time // when the first agent joined
	Ending         Ending    // zero until the end is requested or detected
}

// Open reports whether the session has not ended. To find who may speak to the customer, call
// [Manager.Turn]: after the end of a session the turn is still the agents' until its Return begins.
func (s Session) Open() bool { return s.State != "" && s.State != StateEnded }

// An Agent is an agent of Genesys Cloud. The name is read from the conversation and may stay
// empty.
type Agent struct {
	ID   string
	Name string
}

// A State is the state of a session. STATES.md shows them as a diagram.
type State string

// The states. No state follows StateEnded; the next handover is another session.
const (
	StateBot       State = "bot"       // the conversation is in the bot queue, the bot answers
	StateRequested State = "requested" // an agent was requested, not routed yet
	StateQueued    State = "queued"    // the conversation waits in an agent queue
	StateAlerting  State = "alerting"  // Genesys offers the conversation to an agent
	StateConnected State = "connected" // an agent is in the conversation
	StateEnding    State = "ending"    // the end was requested, not confirmed yet
	StateEnded     State = "ended"
)

// A Turn is the side that may speak to the customer.
type Turn string

// The values of Turn.
const (
	TurnBot   Turn = "bot"
	TurnAgent Turn = "agent"
)

// An Ending describes when and why a session ended.
type Ending struct {
	Reason EndReason
	Time   time.Time // by the clock of this process
	Code   string    // one of the Code constants, or a code of Genesys
	Detail string    // a sentence to read, without message text
}

// An EndReason is the reason why a session ended. The set is closed.
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
	EndRefused      EndReason = "refused" // by Genesys or its configuration: see Detail
	EndFailed       EndReason = "failed"
)

// The values of Ending.Code that the Manager sets. Genesys' codes may appear as well.
const (
	CodeFlowNotAttached = "flowNotAttached" // no flow accepted the message: docs/setup.md#step-7
	// The queue does not exist, or its name is not unique.
	CodeQueue             = "queue"
	CodePermission        = "permission"        // a permission is missing, Detail names it
	CodeIntegration       = "integration"       // unknown to Genesys, Detail names the fix
	CodeRejected          = "rejected"          // Genesys refused the opening
	CodeNoAnswer          = "noAnswer"          // Genesys gave no definite answer in time
	CodeNotTransferred    = "notTransferred"    // Genesys refused the transfer to the agent queue
	CodeNotDisconnected   = "notDisconnected"   // Genesys did not disconnect, or did not confirm it
	CodeConversationGone  = "conversationGone"  // Genesys no longer knows the conversation
	CodeSignalled         = "signalled"         // a signal reported the end, a read is not allowed
	CodeConversationMoved = "conversationMoved" // a message opened another conversation
	// The agents left, and the customer remained without a queue.
	CodeLeftOpen = "leftOpen"
)
