package genesys

import (
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// slack is how far clocks, and Genesys' own order of events, may be apart.
const slack = 5 * time.Second

// A Standing is the situation of a conversation.
type Standing struct {
	Phase   Phase
	QueueID string      // the queue it waits in, or that the agent was called from; may be empty
	Agent   Participant // in PhaseAlerting, PhaseConnected, PhaseParked and PhaseWrapup

	// AloneSince is set in PhaseUnknown if the customer is live, an agent was connected, and now no
	// agent is connected, parked or alerted and no queue or flow is live: when the last of them
	// left. A transfer shows such a moment, so only some time after it means that the agents have
	// abandoned the customer.
	AloneSince time.Time

	// In PhaseWrapup and PhaseEnded: the purpose of the participant who ended it; empty if Genesys
	// did, or if the read does not contain it.
	EndedBy string
	Why     string    // that participant's disconnect type; the customer's if EndedBy is empty
	EndedAt time.Time // zero if the read does not contain it
}

// A Phase is a stage of a conversation.
type Phase string

// The phases.
const (
	// Nothing live and nothing ended since, or between two places: never taken for an end.
	PhaseUnknown   Phase = "unknown"
	PhaseNotRouted Phase = "notRouted" // only the customer: is a flow attached?
	PhaseFlow      Phase = "flow"
	PhaseQueued    Phase = "queued" // in QueueID: the bot queue or an agent queue
	PhaseAlerting  Phase = "alerting"
	PhaseConnected Phase = "connected"
	PhaseParked    Phase = "parked" // by the agent, in Genesys' sense
	PhaseWrapup    Phase = "wrapup" // customer gone, agent still at work
	PhaseEnded     Phase = "ended"
)

// Standing evaluates a read. It is pure: it uses no clock and sends no request.
//
// Participants that ended before since, less five seconds, do not count, because a conversation
// that was revived within the threading window still lists them. Neither do the ended legs in
// known, which are those of [Conversation.EndedLegs] of an earlier read. With a zero since all
// other participants count; one that ended without a time counts only then.
//
// Participants that only watch (see [Participant]) do not count at all.
//
// A conversation is over when the customer's leg is. If the customer is alone after an agent or a
// queue left, the phase is PhaseUnknown, because transfers show such a moment; see
// [Standing.AloneSince].
func (c Conversation) Standing(since time.Time, known ...string) Standing {
	v := view{since: since, known: known}
	for _, p := range c.Participants {
		v.add(p)
	}
	switch {
	case v.customerLive:
		return v.standing()
	case v.customerListed && v.customer.Purpose == "":
		// The customer left before since: this read is older than our opening.
		return Standing{Phase: PhaseUnknown}
	case !v.customerListed:
		if s := v.standing(); s.Phase != PhaseUnknown || v.otherLive || v.last.Purpose == "" {
			return s
		}
	}
	return v.ended()
}

// EndedLegs returns a short mark of each ended participant, for a later call of
// [Conversation.Standing]. A participant that is revived, and ends again at another time, has
// another mark. The marks are opaque and may be stored.
func (c Conversation) EndedLegs() []string {
	var marks []string
	for _, p := range c.Participants {
		if !p.Live() {
			marks = append(marks, p.mark())
		}
	}
	return marks
}

func (p Participant) mark() string {
	h := fnv.New64a()
	_, _ = io.WriteString(h, p.ID+"\x00"+strconv.FormatInt(p.End.UnixMilli(), 10))
	return strconv.FormatUint(h.Sum64(), 36)
}

// A view sorts the participants that count.
type view struct {
	since                        time.Time
	known                        []string // marks of ended legs that do not count
	customerListed, customerLive bool
	customer                     Participant // the customer's leg that ended last, since
	last                         Participant // the other leg that ended last, since
	connected, parked, ringing   *Participant
	queue, flow                  *Participant
	otherLive                    bool        // a leg other than the customer's is live
	agentLeft                    Participant // the agent's leg that ended last, since
	moved                        bool        // an agent's or a queue's leg ended since
	attended                     bool        // and one of these agents had been connected
	// When the last leg of an agent, a queue or a flow ended, since.
	placeLeft time.Time
}

func (v *view) add(p Participant) {
	switch {
	case p.IsCustomer():
		v.customerListed = true
		v.customerLive = v.customerLive || p.Live()
		if v.endedSince(p) && !p.End.Before(v.customer.End) {
			v.customer = p
		}
	case p.Watching:
	case p.Live():
		v.otherLive = true
		v.live(p)
	case v.endedSince(p):
		v.left(p)
	}
}

func (v *view) left(p Participant) {
	if !p.End.Before(v.last.End) {
		v.last = p
	}
	if p.IsAgent() && !p.End.Before(v.agentLeft.End) {
		v.agentLeft = p
	}
	v.moved = v.moved || p.IsAgent() || p.IsQueue()
	v.attended = v.attended || p.IsAgent() && !p.Connected.IsZero()
	if (p.IsAgent() || p.IsQueue() || p.IsFlow()) && p.End.After(v.placeLeft) {
		v.placeLeft = p.End
	}
}

func (v *view) live(p Participant) {
	switch {
	case p.IsAgent() && p.State == StateParked:
		keep(&v.parked, p, earlier(p, v.parked))
	case p.IsAgent() && p.ringing():
		keep(&v.ringing, p, !earlier(p, v.ringing))
	case p.IsAgent() && (p.State == StateConnected || !p.Connected.IsZero()):
		// In a consultation the first one keeps the conversation.
		keep(&v.connected, p, earlier(p, v.connected))
	case p.IsAgent():
		// In a state unknown to us, and not connected yet.
		keep(&v.ringing, p, !earlier(p, v.ringing))
	case p.IsQueue():
		// The newest: a requeue may leave the old leg live for a moment.
		keep(&v.queue, p, !earlier(p, v.queue))
	case p.IsFlow():
		keep(&v.flow, p, !earlier(p, v.flow))
	}
}

func keep(slot **Participant, p Participant, better bool) {
	if *slot == nil || better {
		*slot = &p
	}
}

// earlier reports whether p entered before than. A missing time is late.
func earlier(p Participant, than *Participant) bool {
	if than == nil {
		return true
	}
	a, b := entered(p), entered(*than)
	return !a.IsZero() && (b.IsZero() || a.Before(b))
}

func entered(p Participant) time.Time {
	if !p.Connected.IsZero() {
		return p.Connected
	}
	return p.Start
}

func (v *view) endedSince(p Participant) bool {
	switch {
	case p.Live() || slices.Contains(v.known, p.mark()):
		return false
	case v.since.IsZero():
		return true
	default:
		return !p.End.IsZero() && !p.End.Before(v.since.Add(-slack))
	}
}

// standing evaluates a conversation with a customer who is live or not listed.
func (v *view) standing() Standing {
	switch {
	case v.connected != nil:
		return v.with(PhaseConnected, v.connected)
	case v.parked != nil:
		return v.with(PhaseParked, v.parked)
	case v.ringing != nil:
		return v.with(PhaseAlerting, v.ringing)
	case v.queue != nil:
		return Standing{Phase: PhaseQueued, QueueID: v.queue.QueueID}
	case v.flow != nil:
		return Standing{Phase: PhaseFlow}
	case v.customerLive && !v.moved:
		return Standing{Phase: PhaseNotRouted}
	case v.customerLive && v.attended:
		return Standing{Phase: PhaseUnknown, AloneSince: v.placeLeft}
	default:
		return Standing{Phase: PhaseUnknown}
	}
}

func (v *view) with(phase Phase, agent *Participant) Standing {
	s := Standing{Phase: phase, Agent: *agent, QueueID: agent.QueueID}
	if s.QueueID == "" && v.queue != nil {
		s.QueueID = v.queue.QueueID
	}
	return s
}

// ended evaluates a conversation that the customer has left. An agent may still be at work.
func (v *view) ended() Standing {
	s := Standing{Phase: PhaseEnded, EndedAt: v.customer.End}
	if v.customer.Purpose == "" {
		s.EndedAt = v.last.End
	}
	s.EndedBy, s.Why = v.who()
	agent := v.agentLeft
	switch {
	case v.connected != nil:
		agent = *v.connected
	case v.parked != nil:
		agent = *v.parked
	case !agent.WrapupRequired || agent.WrapupDone || agent.Connected.IsZero():
		return s
	}
	s.Phase, s.Agent, s.QueueID = PhaseWrapup, agent, agent.QueueID
	return s
}

// who returns who ended the conversation, by the disconnect types of both ends (INFERENCE: "client"
// and "endpoint" mark the leg that left by itself, "peer" the leg that was left).
func (v *view) who() (purpose, why string) {
	c := v.customer
	if leftByItself(c) {
		return c.Purpose, c.DisconnectType
	}
	switch c.DisconnectType {
	case "", DisconnectPeer, DisconnectOther, DisconnectSystem:
		if by := v.other(); leftByItself(by) {
			return by.Purpose, by.DisconnectType
		}
	}
	if c.Purpose == "" {
		return "", v.last.DisconnectType
	}
	return "", c.DisconnectType
}

// other returns the leg that left the customer: that of an agent who had been connected, else the
// one that ended last. It must have ended about when the customer's did, unless the customer's leg
// says that its peer left.
func (v *view) other() Participant {
	for _, p := range []Participant{v.agentLeft, v.last} {
		if p.Purpose == "" || p.IsAgent() && p.Connected.IsZero() {
			continue
		}
		apart := v.customer.End.Sub(p.End).Abs()
		if v.customer.DisconnectType == DisconnectPeer || v.customer.Purpose == "" || apart <= slack {
			return p
		}
	}
	return Participant{}
}

func leftByItself(p Participant) bool {
	return p.DisconnectType == DisconnectClient || strings.HasPrefix(p.DisconnectType, DisconnectEndpoint)
}
