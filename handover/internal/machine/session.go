package machine

import (
	"cmp"
	"time"
)

// Routing selects how a conversation reaches the agent queue.
type Routing string

// The values of Routing.
const (
	RouteByTransfer Routing = ""     // the flow uses the bot queue, the Manager transfers
	RouteByFlow     Routing = "flow" // the flow transfers to the agent queue
)

// Identity selects the customer id sent to Genesys.
type Identity string

// The values of Identity.
const (
	// IdentityCustomer sends the host's customer id. Genesys continues a thread for up to 72
	// hours and may route it to the last agent:
	// https://help.mypurecloud.com/articles/messaging-threading-timeline/
	IdentityCustomer Identity = ""
	// IdentitySession sends a new id for every session, derived from the customer id.
	IdentitySession Identity = "session"
)

// Known reports whether s is one of the states.
func (s State) Known() bool { return s == StateBot || s == StateEnded || s.Agents() }

// Full returns the name and the id of an agent.
func (a Agent) Full() string {
	if a.Name == "" || a.ID == "" {
		return a.Words()
	}
	return a.Name + " (" + a.ID + ")"
}

// Words returns the reason of an ending as text.
func (e Ending) Words() string { return cmp.Or(endings()[e.Reason], "not ended") }

func endings() map[EndReason]string {
	return map[EndReason]string{
		EndByAgent:      "ended by the agent",
		EndByCustomer:   "ended by the customer",
		EndByBot:        "ended by the bot",
		EndNoAgent:      "ended because no agent joined in time",
		EndCustomerIdle: "ended because the customer was silent",
		EndAgentIdle:    "ended because the agent did not answer",
		EndMaxDuration:  "ended because it reached its maximum duration",
		EndByGenesys:    "ended by Genesys",
		EndRefused:      "ended because it was refused",
		EndFailed:       "ended because it failed",
	}
}

// A Session is a snapshot of one handover. It contains no message text.
type Session struct {
	ID             string `json:"id,omitempty"` // 12 characters of a-z and 2-7
	Key            Key    `json:"key"`
	State          State  `json:"state,omitempty"`
	ConversationID string `json:"conversationId,omitempty"`
	Queue          string `json:"queue,omitempty"` // as requested: a name or an id
	// Zero until known, and after all agents left.
	Agent     Agent     `json:"agent,omitzero"`
	Resumed   bool      `json:"resumed,omitempty"` // Genesys continued an older conversation
	Started   time.Time `json:"started,omitzero"`
	Connected time.Time `json:"connected,omitzero"` // when the first agent joined
	// Zero until the end is requested or detected.
	Ending Ending `json:"ending,omitzero"`
}

// Open reports whether the session has not ended.
func (s Session) Open() bool { return s.State != "" && s.State != StateEnded }

// Agents reports whether the agents have the turn in a session of this state.
func (s State) Agents() bool {
	switch s {
	case StateRequested, StateQueued, StateAlerting, StateConnected, StateEnding:
		return true
	default:
		return false
	}
}

// An Agent is an agent of Genesys Cloud.
type Agent struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
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
	Reason EndReason `json:"reason,omitempty"`
	Time   time.Time `json:"time,omitzero"`    // by the clock of this process
	Code   string    `json:"code,omitempty"`   // one of the Code constants, or a code of Genesys
	Detail string    `json:"detail,omitempty"` // a sentence to read, without message text
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

// Valid reports whether r is one of the reasons.
func (r EndReason) Valid() bool { return endings()[r] != "" }

// The values of Ending.Code that the Manager sets. Genesys' codes may appear as well.
const (
	CodeFlowNotAttached = "flowNotAttached" // no flow accepted the message: docs/setup.md#step-7
	// The queue does not exist, or its name is not unique.
	CodeQueue             = "queue"
	CodePermission        = "permission"        // a permission is missing, Detail names it
	CodeIntegration       = "integration"       // unknown to Genesys, Detail names the fix
	CodeRejected          = "rejected"          // Genesys refused the opening
	CodeNoAnswer          = "noAnswer"          // Genesys sent no definite answer in time
	CodeNotTransferred    = "notTransferred"    // Genesys refused the transfer to the agent queue
	CodeNotDisconnected   = "notDisconnected"   // Genesys did not disconnect, or did not confirm it
	CodeConversationGone  = "conversationGone"  // Genesys no longer knows the conversation
	CodeSignalled         = "signalled"         // a signal reported the end, a read is not allowed
	CodeConversationMoved = "conversationMoved" // a message opened another conversation
	// The agents left, the customer stayed without a queue.
	CodeLeftOpen = "leftOpen"
)

// Words returns the name of the agent or, without a name, the id.
func (a Agent) Words() string { return cmp.Or(a.Name, a.ID) }
