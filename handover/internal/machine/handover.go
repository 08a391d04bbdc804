package machine

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// Handover is the complete state of one handover. It is a value: Apply returns a changed copy.
type Handover struct {
	Session

	// The host's id of the request that began it.
	Request string `json:"request"`
	// channel.from.id: the customer, or a new person for this handover.
	From    string  `json:"from"`
	Routing Routing `json:"routing,omitempty"` // when the session began
	// The id of the agent queue; empty until resolved.
	QueueID string `json:"queueId,omitempty"`
	// The id of the bot queue. It is empty if none is configured and no read has shown yet into
	// which queue the flow puts conversations.
	BotQueue string `json:"botQueue,omitempty"`
	Timers   Timers `json:"timers,omitzero"`
	// The last change of state. A read that began before it changes no state.
	ChangedAt        time.Time `json:"changed"`
	AgentRequestedAt time.Time `json:"asked,omitzero"` // when the agent was requested
	// The first attempt of the opening that may have taken effect, by Genesys' clock.
	OpeningTriedAt time.Time `json:"tried,omitzero"`
	// OpeningTriedAt is still by the clock of a process that did not know Genesys' clock.
	TriedByHost       bool      `json:"triedByHost,omitempty"`
	OpeningAcceptedAt time.Time `json:"accepted,omitzero"` // when Genesys accepted the opening

	LastQueueID string    `json:"stoodIn,omitempty"` // the last queue of the conversation
	LastWriteAt time.Time `json:"wrote,omitzero"`    // our last write to the conversation
	// The last transfer that was or may have been performed.
	Transferred time.Time `json:"transferred,omitzero"`
	Refusals    int       `json:"refusals,omitempty"` // refused transfers
	Blind       bool      `json:"blind,omitempty"`    // the read is forbidden
	// When the first of the forbidden reads began. The second one makes the session Blind.
	Denied    time.Time `json:"denied,omitzero"`
	GoneSince time.Time `json:"gone,omitzero"` // since when reads find no conversation
	// Since when reads show the customer without an agent. The agent was reported as left.
	AloneSince time.Time `json:"aloneSince,omitzero"`
	Misrouted  bool      `json:"misrouted,omitempty"` // NoticeMisrouted was sent
	// A change of state that a second read must confirm.
	Unconfirmed Unconfirmed `json:"doubt,omitzero"`
	Listing
	Legs
	GapAt time.Time `json:"gap,omitzero"` // of the last read that showed missing messages
	// Since when reads show the end, which waits for missing messages.
	EndSeen time.Time `json:"endSeen,omitzero"`
	// The conversation that our message opened instead.
	MovedTo        string    `json:"movedTo,omitempty"`
	MovedAt        time.Time `json:"moved,omitzero"`
	EndRequestedAt time.Time `json:"endAsked,omitzero"`
	Disconnects    int       `json:"disconnects,omitempty"` // attempts
	DisconnectedAt time.Time `json:"disconnected,omitzero"` // the last one that Genesys accepted
	// Since when no agent is there, for NoAgent.
	WaitingSince time.Time `json:"waiting,omitzero"`
	CustomerAt   time.Time `json:"customerAt,omitzero"` // the last message of the customer
	// When the last message of an agent arrived.
	AgentAt time.Time `json:"agentAt,omitzero"`
	// When it was written, by Genesys' clock.
	AgentWrote time.Time `json:"agentWrote,omitzero"`
	WarnedAt   time.Time `json:"warned,omitzero"` // NoticeIdle was sent
	// The last proof that agents have the conversation, by Genesys' clock.
	ConfirmedAt time.Time     `json:"vouched,omitzero"`
	ReadAt      time.Time     `json:"readAt,omitzero"`     // when the last read began
	PollAt      time.Time     `json:"pollAt,omitzero"`     // when the next one begins
	PollEvery   time.Duration `json:"pollEvery,omitempty"` // the pause before it
	Poll        bool          `json:"poll,omitempty"`      // it is a poll: no signal requested it
	// Of the budget, reserved for the next poll.
	Slot time.Time `json:"slot,omitzero"`
	// When the session ended, by Genesys' clock, as a signal reported. Neither a read nor an agent
	// has contradicted it.
	EndSignalledAt time.Time `json:"told,omitzero"`
	SignalledAt    time.Time `json:"signalled,omitzero"` // last signal, or proof of a live source
	// Steps in a row that only a poll showed, although signals had arrived before.
	Unsignalled int `json:"unsignalled,omitempty"`
	// A notification socket was alive at the last look.
	Socket   bool      `json:"socket,omitempty"`
	LeftSent bool      `json:"leftSent,omitempty"`
	Came     time.Time `json:"came,omitzero"` // when the first agent joined, by Genesys' clock
	// When the last agent left, by Genesys' clock; zero while an agent is there.
	AgentsLeftAt time.Time `json:"agentsLeft,omitzero"`
	// An agent answers for messages sent up to then, by Genesys' clock.
	AnsweredUntil time.Time `json:"answeredTo,omitzero"`
	// The work that remains in Genesys after the end.
	Leftover   Leftover `json:"leaves,omitempty"`
	HandedBack bool     `json:"handedBack,omitempty"` // its Return was put into the lane
	// Its Return was attempted: later messages are late.
	Returned bool `json:"returned,omitempty"`

	Integration string `json:"integration,omitempty"` // on which it runs
	Client      string `json:"client,omitempty"`      // the OAuth client with which it began
}

// A Leftover is the work that the end of a session leaves in Genesys.
type Leftover string

// The leftovers.
const (
	LeftoverNone      Leftover = ""
	LeftoverOpen      Leftover = "open"  // no session needs its conversation, which is still open
	LeftoverRequested Leftover = "asked" // the same, and the host or one of its timers ended it
)

// An Unconfirmed is a move that a read showed so soon after our own write that the read may be
// stale. A read that agrees, and that began at At or later, confirms it.
type Unconfirmed struct {
	Phase genesys.Phase `json:"phase,omitempty"`
	At    time.Time     `json:"at,omitzero"`
}

// Legs are the legs of a conversation that reads showed. The marks are those of
// genesys.Conversation.EndedLegs, joined with spaces, so that a Handover is comparable.
type Legs struct {
	Newest time.Time `json:"newestLeg,omitzero"`    // a read with an older newest time is stale
	Ended  string    `json:"endedLegs,omitempty"`   // of the last read
	Before string    `json:"earlierLegs,omitempty"` // that had ended before the opening
}

// An EventKind is the kind of an Event. Names describe the facts, not the consequences.
type EventKind string

// The events.
const (
	EvHandOver EventKind = "handOver" // the host requests an agent
	EvEnd      EventKind = "end"      // our side or a timer requests the end
	EvAccepted EventKind = "accepted" // Genesys accepted the opening
	// A webhook or a read names the conversation, which no answer has.
	EvNamed       EventKind = "named"
	EvTransferred EventKind = "transferred" // Genesys accepted the transfer
	EvRead        EventKind = "read"        // a confirming read
	EvBlind       EventKind = "blind"       // the read is forbidden
	EvGone        EventKind = "gone"        // the read finds no such conversation
	// A signal reports the end, and the conversation may not be read.
	EvSignalled  EventKind = "signalled"
	EvSocket     EventKind = "socket"     // a notification socket is alive, or gone
	EvAgentWrote EventKind = "agentSpoke" // a person's message in this conversation
	EvMoved      EventKind = "moved"      // a message of ours opened another conversation
	EvRefused    EventKind = "refused"    // the opening or the routing was refused for good
	EvFailed     EventKind = "failed"     // no certainty in time
	EvReleased   EventKind = "released"   // nothing more can be done to confirm the end
)

// An Event has the fields that its kind needs.
type Event struct {
	Clock // Began of EvAgentWrote and EvSignalled, Standing and history are by Genesys' clock

	Kind         EventKind
	Conversation string           // EvAccepted, EvNamed, EvMoved
	Resumed      bool             // EvAccepted, EvNamed
	Reason       EndReason        // EvEnd
	Code, Detail string           // EvEnd, EvRefused, EvFailed, EvReleased
	Permission   string           // EvBlind: the missing permission
	Alive        bool             // EvSocket
	Standing     genesys.Standing // EvRead
	History                       // EvRead
	// EvRead; EvAccepted, EvNamed: legs of the conversation that earlier reads showed.
	Legs Legs
	// EvRead: of the queue it waits in, where that is reported; may be empty.
	QueueName string
	// EvRead: the context of a HandOver, which Genesys has not accepted yet, opens an ended
	// conversation again.
	Reopens bool
	// EvRead, EvGone: when the read began; EvAgentWrote: when it was written; EvSignalled: when it
	// ended.
	Began time.Time
}

// An Effect is a consequence of a change: a notice, or the Return.
type Effect struct {
	Notice NoticeKind
	Agent  Agent
	From   string
	To     string
	Detail string

	Permission string
}

// The patience of the state machine.
const (
	flowPatience  = 30 * time.Second // for a flow to take the opening
	SettlePeriod  = 5 * time.Second  // after our own write a read may be stale
	movedPatience = 10 * time.Second // for a read that shows how the old conversation ended
	// For a conversation that the flow routes and that no answer names.
	unnamedFlow  = time.Hour
	GonePatience = time.Minute // for a conversation that reads do not find
	// Between two reads that are forbidden, which prove that reads are.
	DeniedPause    = 5 * time.Second
	AlonePatience  = 2 * time.Minute  // for an agent to return to a customer without an agent
	DrainPatience  = 10 * time.Second // for waiting messages when the end is requested
	EndPatience    = 30 * time.Second // for Genesys to confirm an end
	TimerPatience  = 10 * time.Second // for a read that must precede a timer
	TransferPause  = 30 * time.Second // between two transfers
	MaxDisconnects = 3
	// Between two times of Genesys' clock, of which one is measured.
	ClockSlack   = 2 * time.Second
	ReplicaSlack = 5 * time.Second // between the clocks of replicas

	FirstRead   = 300 * time.Millisecond // after an opening or an agent's first word
	ReadPause   = 2 * time.Second        // between two reads of a conversation
	FirstPoll   = 5 * time.Second        // then half as long again each time
	LastPoll    = time.Minute
	SourcePoll  = 5 * time.Minute  // while a signal source is alive
	sourceDelay = 10 * time.Second // at most, between a step and its signal
	sourceTrust = 5 * time.Minute  // how long a signal proves that its source is alive
	BlindPoll   = 5 * time.Minute  // a permission may be granted in between
	BlindPause  = time.Minute      // between two reads that may be forbidden

	maxUnsignalled = 2 // steps in a row
)

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
	NoticeIdle          NoticeKind = "idle" // the customer is silent, the end is near
	NoticeMessageFailed NoticeKind = "messageFailed"
	// Lost messages of agents, once per session: see Permission.
	NoticeGap NoticeKind = "gap"
	// Of a signal source, the webhook or the right to read: see Detail.
	NoticeConnectionLost NoticeKind = "connectionLost"
	NoticeEnding         NoticeKind = "ending"
	NoticeEnded          NoticeKind = "ended"
	NoticeReturned       NoticeKind = "returned"
)

// A Listing records up to where the listed messages of a conversation have been compared with
// webhooks.
type Listing struct {
	// Up to there nothing is missing, by Genesys' clock.
	Checked time.Time `json:"checked,omitzero"`
	Reached bool      `json:"reached,omitempty"` // a webhook of this conversation has arrived
	Proven  bool      `json:"proven,omitempty"`  // the ids of reads are those of webhooks
	// Lost messages of its session. The first of them were reported.
	Lost int `json:"lost,omitempty"`
}

// Sender returns the sender of the customer's messages.
func (c *Handover) Sender() openmessaging.Customer {
	return openmessaging.Customer{ID: c.From, IDType: openmessaging.IDOpaque}
}

// MessagesSince returns from when an agent's message may belong to this handover, by Genesys'
// clock. In a conversation that an earlier handover used, its agent may have written the last
// message a moment before the opening. An adopted session contains all messages since the agent's
// first one.
func (c *Handover) MessagesSince() time.Time {
	if c.Resumed && c.Request != "" {
		return c.OpeningTriedAt.Add(-OffsetKnown)
	}
	return c.OpeningTriedAt.Add(-SettlePeriod)
}

// How long an entry to Genesys may wait for certainty.
const (
	OpeningAge = 2 * time.Minute
	MessageAge = 15 * time.Minute
)
