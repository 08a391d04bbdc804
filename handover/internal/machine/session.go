package machine

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
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
	Agent     Agent `json:"agent,omitzero"`
	Resumed   bool  `json:"resumed,omitempty"` // Genesys continued an older conversation
	Started   Time  `json:"started,omitempty"`
	Connected Time  `json:"connected,omitempty"` // when the first agent joined
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
	Time   Time      `json:"time,omitempty"`   // by the clock of this process
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
	ChangedAt        Time `json:"changed"`
	AgentRequestedAt Time `json:"asked,omitempty"` // when the agent was requested
	// The first attempt of the opening that may have taken effect, by Genesys' clock.
	OpeningTriedAt Time `json:"tried,omitempty"`
	// OpeningTriedAt is still by the clock of a process that did not know Genesys' clock.
	TriedByHost       bool `json:"triedByHost,omitempty"`
	OpeningAcceptedAt Time `json:"accepted,omitempty"` // when Genesys accepted the opening

	LastQueueID string `json:"stoodIn,omitempty"` // the last queue of the conversation
	LastWriteAt Time   `json:"wrote,omitempty"`   // our last write to the conversation
	// The last transfer that was or may have been performed.
	Transferred Time `json:"transferred,omitempty"`
	// The answer to the last transfer was lost, and no read has shown its effect.
	TransferDoubt bool `json:"transferDoubt,omitempty"`
	Refusals      int  `json:"refusals,omitempty"` // refused transfers
	Blind         bool `json:"blind,omitempty"`    // the read is forbidden
	// When the first of the forbidden reads began. The second one makes the session Blind.
	Denied    Time `json:"denied,omitempty"`
	GoneSince Time `json:"gone,omitempty"` // since when reads find no conversation
	// Since when reads show the customer without an agent. The agent was reported as left.
	AloneSince Time `json:"aloneSince,omitempty"`
	Misrouted  bool `json:"misrouted,omitempty"` // NoticeMisrouted was sent
	// A change of state that a second read must confirm.
	Unconfirmed Unconfirmed `json:"doubt,omitzero"`
	Listing
	Legs
	GapAt Time `json:"gap,omitempty"` // of the last read that showed missing messages
	// Since when reads show the end, which waits for missing messages.
	EndSeen Time `json:"endSeen,omitempty"`
	// The conversation that our message opened instead.
	MovedTo        string `json:"movedTo,omitempty"`
	MovedAt        Time   `json:"moved,omitempty"`
	EndRequestedAt Time   `json:"endAsked,omitempty"`
	Disconnects    int    `json:"disconnects,omitempty"`  // attempts
	DisconnectedAt Time   `json:"disconnected,omitempty"` // the last one that Genesys accepted
	// Since when no agent is there, for NoAgent.
	WaitingSince Time `json:"waiting,omitempty"`
	CustomerAt   Time `json:"customerAt,omitempty"` // the last message of the customer
	// When the last message of an agent arrived.
	AgentAt Time `json:"agentAt,omitempty"`
	// When it was written, by Genesys' clock.
	AgentWrote Time `json:"agentWrote,omitempty"`
	WarnedAt   Time `json:"warned,omitempty"` // NoticeIdle was sent
	// The last proof that agents have the conversation, by Genesys' clock.
	ConfirmedAt Time          `json:"vouched,omitempty"`
	ReadAt      Time          `json:"readAt,omitempty"`    // when the last read began
	PollAt      Time          `json:"pollAt,omitempty"`    // when the next one begins
	PollEvery   time.Duration `json:"pollEvery,omitempty"` // the pause before it
	Poll        bool          `json:"poll,omitempty"`      // it is a poll: no signal requested it
	Requests    uint64        `json:"requests,omitempty"`  // of reads, by signals and webhooks
	// Of the budget, reserved for the next poll.
	Slot Time `json:"slot,omitempty"`
	// When the session ended, by Genesys' clock, as a signal reported. Neither a read nor an agent
	// has contradicted it.
	EndSignalledAt Time `json:"told,omitempty"`
	// When the host, one of its timers or a failure ended the session, by Genesys' clock. Only an
	// agent who writes later opens another one.
	OwnEnd      Time `json:"ownEnd,omitempty"`
	SignalledAt Time `json:"signalled,omitempty"` // last signal, or proof of a live source
	// Steps in a row that only a poll showed, although signals had arrived before.
	Unsignalled int `json:"unsignalled,omitempty"`
	// A notification socket was alive at the last look.
	Socket   bool `json:"socket,omitempty"`
	LeftSent bool `json:"leftSent,omitempty"`
	Came     Time `json:"came,omitempty"` // when the first agent joined, by Genesys' clock
	// When the last agent left, by Genesys' clock; zero while an agent is there.
	AgentsLeftAt Time `json:"agentsLeft,omitempty"`
	// An agent answers for messages sent up to then, by Genesys' clock.
	AnsweredUntil Time `json:"answeredTo,omitempty"`
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
	At    Time          `json:"at,omitempty"`
}

// Legs are the legs of a conversation that reads showed. The marks are those of
// genesys.Conversation.EndedLegs, joined with spaces, so that a Handover is comparable.
type Legs struct {
	Newest Time   `json:"newestLeg,omitempty"`   // a read with an older newest time is stale
	Ended  string `json:"endedLegs,omitempty"`   // of the last read
	Before string `json:"earlierLegs,omitempty"` // that had ended before the opening
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
	// EvRead, EvGone: after the claim of the effect that made this read, another one was requested,
	// or the state changed.
	Requested, Outdated bool
	// EvRead, EvGone: when the read began; EvAgentWrote: when it was written; EvSignalled: when it
	// ended.
	Began Time
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
	Checked Time `json:"checked,omitempty"`
	Reached bool `json:"reached,omitempty"` // a webhook of this conversation has arrived
	Proven  bool `json:"proven,omitempty"`  // the ids of reads are those of webhooks
	// Lost messages of its session. The first of them were reported.
	Lost int `json:"lost,omitempty"`
}

// Sender returns the sender of the customer's messages.
func (c *Handover) Sender() openmessaging.Customer {
	return openmessaging.Customer{ID: c.From, IDType: openmessaging.IDOpaque}
}

// A Since is the time from which the legs of a conversation count.
type Since struct {
	At     Time
	ByHost bool // At is by the clock of a process that did not know Genesys' clock
}

// LegsSince returns from when the legs of its conversation belong to this handover.
func (c *Handover) LegsSince() Since { return Since{At: c.OpeningTriedAt, ByHost: c.TriedByHost} }

// MessagesSince returns from when an agent's message may belong to this handover, by Genesys'
// clock. In a conversation that an earlier handover used, its agent may have written the last
// message a moment before the opening. An adopted session contains all messages since the agent's
// first one.
func (c *Handover) MessagesSince() Time {
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

// DateStep is the precision of a Date header: it is cut to the second.
const DateStep = time.Second

// A Clock converts between the clock of this machine, which leases, timers and schedules use, and
// Genesys' clock. Every time that Genesys wrote is compared only with other times of Genesys'
// clock, so a wrong clock of this machine changes nothing. The zero value means that both clocks
// agree.
type Clock struct {
	Ahead      time.Duration // of Genesys' clock, the best estimate
	Unmeasured bool          // it is not known within the accuracy that is needed
}

// Genesys converts a time of this machine's clock. It keeps the zero time.
func (c Clock) Genesys(t Time) Time {
	if t.IsZero() {
		return t
	}
	return t.Add(c.Ahead)
}

// host converts a time that Genesys wrote. It keeps the zero time.
func (c Clock) host(t Time) Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-c.Ahead)
}

// genesysNow returns the time of a move by Genesys' clock.
func (t *Transition) genesysNow() Time { return t.clock.Genesys(t.Now) }

// OffsetKnown is how exact the offset of a clock has to be to count as measured.
const OffsetKnown = time.Second

// Later returns the latest of some times.
func Later[T interface{ After(T) bool }](latest T, others ...T) T {
	for _, t := range others {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}

// Soonest returns the earlier of two times. The zero time means never.
func Soonest(a, b Time) Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Earlier returns the earlier of two times.
func Earlier[T interface{ Before(T) bool }](a, b T) T {
	if b.Before(a) {
		return b
	}
	return a
}

// A Key identifies one customer of one channel.
type Key struct {
	Channel  string `json:"channel,omitempty"`
	Customer string `json:"customer"`
}

// Compare orders keys by channel, then by customer, byte by byte.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Channel, o.Channel), cmp.Compare(k.Customer, o.Customer))
}

// The limits of a [Key], in bytes.
const (
	MaxChannelID  = 128
	MaxCustomerID = 256
)

// CheckPart checks a part of a key: its length in bytes, its UTF-8, and that it has no control
// characters.
func CheckPart(field, s string, least, most int) error {
	switch {
	case len(s) < least:
		return Invalidf("handover: %s is empty: set it to the host's own id", field)
	case len(s) > most:
		return Invalidf("handover: %s has %d bytes, the limit is %d: use a shorter id, a hash for example", field, len(s), most)
	case !utf8.ValidString(s):
		return Invalidf("handover: %s is not valid UTF-8: encode it, in base64 for example", field)
	case strings.ContainsFunc(s, unicode.IsControl):
		return Invalidf("handover: %s contains a control character: remove it", field)
	}
	return nil
}

// Check returns an [ErrInvalid] that names the mistake in a key, or nil.
func (k Key) Check() error {
	return Invalid(errors.Join(
		CheckPart("Key.Channel", k.Channel, 0, MaxChannelID),
		CheckPart("Key.Customer", k.Customer, 1, MaxCustomerID),
	))
}

// ErrInvalid is every mistake of the caller that no retry heals: a bad key, message, request,
// reason or configuration.
var ErrInvalid = errors.New("handover: invalid")

// invalidError makes an error an [ErrInvalid] without changing its text. errors.Is still finds the
// wrapped error.
type invalidError struct{ err error }

func (e *invalidError) Error() string { return e.err.Error() }

func (e *invalidError) Unwrap() error { return e.err }

// Is reports that the error is an [ErrInvalid].
func (e *invalidError) Is(target error) bool { return target == ErrInvalid }

// Invalid marks err as a mistake of the caller. It returns nil for nil.
func Invalid(err error) error {
	if err == nil {
		return nil
	}
	return &invalidError{err}
}

// Invalidf returns an error that is an [ErrInvalid].
func Invalidf(format string, args ...any) error { return Invalid(fmt.Errorf(format, args...)) }
