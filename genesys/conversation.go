package genesys

import "time"

// A Conversation is what a read of a message conversation shows. [Conversation.Standing] says what that means.
//
// See https://developer.genesys.cloud/commdigital/digital/messaging/
type Conversation struct {
	ID           string
	Participants []Participant
	Inactivity   time.Time // when Genesys will take it for inactive; zero where not said
}

// A Participant is one leg of a conversation: the customer, a queue, a flow, an agent. A conversation that was revived
// within the threading window still lists its old ones.
//
// Purpose, State and DisconnectType are strings with constants, since new values appear.
//
// Watching is an INFERENCE from monitoredParticipantId, coachedParticipantId and mediaRoles, whose meaning in a message
// conversation Genesys documents in half a sentence: who names a participant that they monitor or coach is with that agent
// and not with the customer, unless they have barged in; and so is who has had no other role. A supervisor who looks on must not be
// taken for an agent who has answered.
type Participant struct {
	ID, Name, Purpose, State, DisconnectType string
	QueueID, UserID                          string
	Start, Alerting, Connected, End          time.Time // zero: not yet, or not said
	WrapupRequired                           bool      // after-call work is asked of the agent
	WrapupDone                               bool      // and has been done, skipped, or timed out
	Watching                                 bool      // takes no part: monitors or coaches an agent, see below
	Attributes                               map[string]string
	Messages                                 []MessageRef

	// Peer is the communication at the other end of this leg: on a queue's or an agent's leg the customer's communication.
	Peer string

	// Communications are listed by the generic conversation only, not by a read of a message conversation.
	Communications []Communication
}

// A Communication is one channel of a participant.
type Communication struct {
	ID, State, DisconnectType, Peer string
}

// A MessageRef is a message of the conversation, without its text.
type MessageRef struct {
	ID     string
	Status string // "queued", "sent", "failed", "received", "delivery-success", "delivery-failed", "read", …
	Time   time.Time
}

// Purposes of participants. The specification names agent, user, customer, external, acd and ivr; the others are seen in
// practice (UNCERTAIN: which bots come as botflow).
const (
	PurposeCustomer = "customer"
	PurposeExternal = "external" // a customer too
	PurposeAgent    = "agent"
	PurposeUser     = "user"     // an agent too
	PurposeACD      = "acd"      // a queue
	PurposeWorkflow = "workflow" // a message flow
	PurposeIVR      = "ivr"
	PurposeBotFlow  = "botflow"
	PurposeBot      = "bot"
	PurposeAPI      = "api" // agentless messages
)

// States of participants.
const (
	StateAlerting     = "alerting"
	StateDialing      = "dialing"
	StateContacting   = "contacting"
	StateOffering     = "offering"
	StateConnected    = "connected"
	StateDisconnected = "disconnected"
	StateTerminated   = "terminated"
	StateConverting   = "converting"
	StateUploading    = "uploading"
	StateTransmitting = "transmitting"
	StateParked       = "parked"
	StateNone         = "none"
)

// Disconnect types. Those that begin with "transfer" all mean that the conversation went on elsewhere.
const (
	DisconnectEndpoint         = "endpoint"
	DisconnectClient           = "client" // by the participant
	DisconnectSystem           = "system"
	DisconnectTimeout          = "timeout"
	DisconnectTransfer         = "transfer"
	DisconnectTransferNoAnswer = "transfer.noanswer"
	DisconnectError            = "error"
	DisconnectPeer             = "peer" // by the other side
	DisconnectOther            = "other"
	DisconnectSpam             = "spam"
	DisconnectInactivity       = "inactivity"
	DisconnectSessionExpired   = "session.expired"
	DisconnectTransportFailure = "transport.failure"
)

// IsCustomer reports whether p is the person at the other end.
func (p Participant) IsCustomer() bool {
	return p.Purpose == PurposeCustomer || p.Purpose == PurposeExternal
}

// IsAgent reports whether p is a person of the organisation who takes part. One who is only watching does not.
func (p Participant) IsAgent() bool {
	return (p.Purpose == PurposeAgent || p.Purpose == PurposeUser) && !p.Watching
}

// IsQueue reports whether p is a queue that the conversation waits in.
func (p Participant) IsQueue() bool { return p.Purpose == PurposeACD }

// IsFlow reports whether p is a flow or a bot of Genesys.
func (p Participant) IsFlow() bool {
	switch p.Purpose {
	case PurposeWorkflow, PurposeIVR, PurposeBotFlow, PurposeBot:
		return true
	default:
		return false
	}
}

// Live reports whether p still takes part. The state decides; where there is none that says so, the end time does.
func (p Participant) Live() bool {
	switch p.State {
	case StateAlerting, StateDialing, StateContacting, StateOffering, StateConnected,
		StateConverting, StateUploading, StateTransmitting, StateParked:
		return true
	case StateDisconnected, StateTerminated:
		return false
	default:
		return p.End.IsZero()
	}
}

// ringing: an agent has been found but has not answered.
func (p Participant) ringing() bool {
	switch p.State {
	case StateAlerting, StateDialing, StateContacting, StateOffering:
		return true
	default:
		return false
	}
}
