package handover

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// core is all the state machine knows of one handover. It is a value: apply takes one and gives the next.
type core struct {
	Session

	Request  string    `json:"request"`            // the host's id of the request that began it
	From     string    `json:"from"`               // channel.from.id: the customer, or a new person for this handover
	Routing  Routing   `json:"routing,omitempty"`  // as it was when the session began
	QueueID  string    `json:"queueId,omitempty"`  // of the agent queue; empty until resolved
	BotQueue string    `json:"botQueue,omitempty"` // id; empty: not configured, and no read has shown yet where the flow puts conversations
	Timers   Timers    `json:"timers,omitzero"`
	Changed  time.Time `json:"changed"`           // last move: a read begun before it moves nothing
	Asked    time.Time `json:"asked,omitzero"`    // when the agent was asked for
	Tried    time.Time `json:"tried,omitzero"`    // first attempt of the opening
	Accepted time.Time `json:"accepted,omitzero"` // when Genesys took the opening

	StoodIn     string    `json:"stoodIn,omitempty"`    // queue the conversation stood in last
	Wrote       time.Time `json:"wrote,omitzero"`       // our last write to the conversation
	Transferred time.Time `json:"transferred,omitzero"` // last transfer that was or may have been performed
	Refusals    int       `json:"refusals,omitempty"`   // transfers refused
	Blind       bool      `json:"blind,omitempty"`      // the read is forbidden
	Gone        time.Time `json:"gone,omitzero"`        // since when reads find nothing
	Doubt       doubt     `json:"doubt,omitzero"`       // a move that a second read must confirm
	listing
	Gap          time.Time     `json:"gap,omitzero"`          // of the last read that showed something missing
	MovedTo      string        `json:"movedTo,omitempty"`     // conversation that a message of ours opened instead
	Moved        time.Time     `json:"moved,omitzero"`        //
	EndAsked     time.Time     `json:"endAsked,omitzero"`     //
	Disconnects  int           `json:"disconnects,omitempty"` // attempts
	Disconnected time.Time     `json:"disconnected,omitzero"` // the last that Genesys took
	Waiting      time.Time     `json:"waiting,omitzero"`      // since when nobody is there: the clock of NoAgent
	CustomerAt   time.Time     `json:"customerAt,omitzero"`   // last word of the customer
	AgentAt      time.Time     `json:"agentAt,omitzero"`      // last word of an agent
	Warned       time.Time     `json:"warned,omitzero"`       // NoticeIdle was given
	Vouched      time.Time     `json:"vouched,omitzero"`      // last proof that agents have the conversation
	ReadAt       time.Time     `json:"readAt,omitzero"`       // when the last read began
	PollAt       time.Time     `json:"pollAt,omitzero"`       // when the next begins
	PollEvery    time.Duration `json:"pollEvery,omitempty"`   // pause before it
	Poll         bool          `json:"poll,omitempty"`        // it is a mere poll: nobody said that something changed
	Slot         time.Time     `json:"slot,omitzero"`         // of the budget, taken for the next poll
	Told         time.Time     `json:"told,omitzero"`         // a signal said that it is over, and no read has said otherwise
	Signalled    time.Time     `json:"signalled,omitzero"`    // last signal, or proof that the source it came from is alive
	Unsignalled  int           `json:"unsignalled,omitempty"` // steps in a row that only a poll saw, although signals had come
	Socket       bool          `json:"socket,omitempty"`      // a notification socket was alive at the last look
	AwaitWrapup  bool          `json:"awaitWrapup,omitempty"` // the end waits for the agent's after-call work
	Wrapup       time.Time     `json:"wrapup,omitzero"`       // since when it does
	Over         ended         `json:"over,omitzero"`         // the end that waits for it
	LeftSent     bool          `json:"leftSent,omitempty"`    //
	AgentsLeft   time.Time     `json:"agentsLeft,omitzero"`   // when the last of them left, as a read shows it; zero while one is there
	AnsweredTo   time.Time     `json:"answeredTo,omitzero"`   // of what was sent until then an agent answers for
	HandedBack   bool          `json:"handedBack,omitempty"`  // its Return was put into the lane
	Returned     bool          `json:"returned,omitempty"`    // its Return was attempted: what comes now is late
}

// An ended is how a session ends as soon as nothing is waited for any more.
type ended struct {
	Ending     Ending    `json:"ending"`
	AnsweredTo time.Time `json:"answeredTo,omitzero"`
}

// A doubt is a move seen so soon after our own write that it may be stale.
type doubt struct {
	Phase genesys.Phase `json:"phase,omitempty"`
	At    time.Time     `json:"at,omitzero"`
}

// The events of the state machine. Names say what is known, not what should follow.
type eventKind string

const (
	evHandOver    eventKind = "handOver"    // the host asks for an agent
	evEnd         eventKind = "end"         // our side asks for the end, or a timer
	evAccepted    eventKind = "accepted"    // Genesys took the opening
	evNamed       eventKind = "named"       // a webhook or a read names the conversation, which no answer has
	evTransferred eventKind = "transferred" // Genesys took the transfer
	evRead        eventKind = "read"        // a confirming read
	evBlind       eventKind = "blind"       // the read is forbidden
	evGone        eventKind = "gone"        // the read finds no such conversation
	evSignalled   eventKind = "signalled"   // a signal says that it is over, and it may not be read
	evSocket      eventKind = "socket"      // a notification socket is alive, or gone
	evAgentSpoke  eventKind = "agentSpoke"  // a person's message in this conversation
	evMoved       eventKind = "moved"       // a message of ours opened another conversation
	evRefused     eventKind = "refused"     // the opening or the routing was refused for good
	evFailed      eventKind = "failed"      // no certainty in time
	evReleased    eventKind = "released"    // nothing more can be done to confirm the end
)

// An event carries what its kind needs.
type event struct {
	Kind         eventKind
	Conversation string           // evAccepted, evNamed, evMoved
	Resumed      bool             // evAccepted, evNamed
	Reason       EndReason        // evEnd
	Code, Detail string           // evEnd, evRefused, evFailed, evReleased
	Permission   string           // evBlind: what is missing
	Alive        bool             // evSocket
	Standing     genesys.Standing // evRead
	history                       // evRead
	Began        time.Time        // evRead, evGone: when the read began; evAgentSpoke: when it was written
}

// An effect is what follows of a move: a notice, or the hand-back.
type effect struct {
	Notice NoticeKind
	Agent  Agent
	From   string
	To     string
	Detail string

	Permission string
}

// The patience of the state machine.
const (
	flowPatience   = 30 * time.Second // for a flow to take the opening
	settlePeriod   = 5 * time.Second  // after our own write a read may be stale
	secondRead     = 3 * time.Second  // after the first that showed a move within settlePeriod
	movedPatience  = 10 * time.Second // for a read to tell how the old conversation ended
	unnamedFlow    = time.Hour        // for a conversation that the flow routes and nobody names
	gonePatience   = time.Minute      // for a conversation that reads do not find
	drainPatience  = 10 * time.Second // for messages that wait when the end is asked
	endPatience    = 30 * time.Second // for Genesys to confirm an end
	timerPatience  = 10 * time.Second // for a read that must precede a timer
	transferPause  = 30 * time.Second // between two transfers
	maxDisconnects = 3
	clockSlack     = 2 * time.Second // between our clock and Genesys'
	replicaSlack   = 5 * time.Second // between the clocks of replicas

	firstRead   = 300 * time.Millisecond // after an opening or an agent's first word
	readPause   = 2 * time.Second        // between two reads of a conversation
	firstPoll   = 5 * time.Second        // then half as long again each time
	lastPoll    = time.Minute
	sourcePoll  = 5 * time.Minute  // while a signal source is alive
	sourceDelay = 10 * time.Second // at most, between a step and its signal
	sourceTrust = 5 * time.Minute  // how long a signal proves that its source is alive
	blindPoll   = 5 * time.Minute  // a permission may be granted meanwhile
	blindPause  = time.Minute      // between two reads that may be forbidden

	maxUnsignalled = 2                // steps in a row
	wrapupPatience = 10 * time.Minute // for after-call work, where it is waited for
)
