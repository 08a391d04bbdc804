package genesys

import "time"

// A Conversation is one read of a message conversation. [Conversation.Standing] evaluates it.
//
// See https://developer.genesys.cloud/commdigital/digital/messaging/
type Conversation struct {
	ID           string
	Participants []Participant
	// When Genesys will end it as inactive; zero if the read does not contain it.
	Inactivity time.Time
}

// A Participant is one leg of a conversation: the customer, a queue, a flow or an agent. A
// conversation that was revived within the threading window still lists its old participants.
//
// Purpose, State and DisconnectType are strings with constants, because new values appear.
//
// Watching marks a supervisor who monitors or coaches an agent and must not be taken for an agent
// who answered. It is an INFERENCE from monitoredParticipantId, coachedParticipantId and
// mediaRoles, which Genesys hardly documents for message conversations: such a participant watches,
// unless it has had another media role, has barged in, or has taken over. A takeover (the agent it
// watched left with [DisconnectTakeover]) is recognised only in a whole [Conversation].
type Participant struct {
	ID, Name, Purpose, State, DisconnectType string
	QueueID, UserID                          string
	Start, Alerting, Connected, End          time.Time // zero: not yet, or not stated
	WrapupRequired                           bool      // after-call work is asked of the agent
	WrapupDone                               bool      // and has been done, skipped, or timed out
	// Only monitors or coaches an agent, see above.
	Watching   bool
	Attributes map[string]string
	Messages   []MessageRef

	// Peer is the communication at the other end of this leg: on a queue's or an agent's leg the
	// customer's communication.
	Peer string

	// Communications are listed by the generic conversation only, not by a read of a message
	// conversation.
	Communications []Communication
}

// A Communication is one channel of a participant.
type Communication struct {
	ID, State, DisconnectType, Peer string
}

// A MessageRef is a message of the conversation, without its text.
type MessageRef struct {
	ID string
	// "queued", "sent", "failed", "received", "delivery-success", "delivery-failed", "read", …
	Status string
	Time   time.Time
}

// Purposes of participants. The specification names agent, user, customer, external, acd and ivr;
// the others are seen in practice (UNCERTAIN: which bots come as botflow).
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

// Disconnect types. All that begin with "transfer" mean that the conversation continued elsewhere.
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
	DisconnectTakeover         = "takeover" // of an agent whom a supervisor replaced
)

// IsCustomer reports whether p is the customer.
func (p Participant) IsCustomer() bool {
	return p.Purpose == PurposeCustomer || p.Purpose == PurposeExternal
}

// IsAgent reports whether p is a person of the organisation who takes part. A participant that only
// watches does not.
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

// Live reports whether p still takes part. The state decides, or the end time if the state is
// unknown.
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

// ringing reports whether an agent was found but has not answered.
func (p Participant) ringing() bool {
	switch p.State {
	case StateAlerting, StateDialing, StateContacting, StateOffering:
		return true
	default:
		return false
	}
}
