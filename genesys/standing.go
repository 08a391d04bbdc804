package genesys

import (
	"strings"
	"time"
)

// slack is how far clocks and Genesys' own order of events may be apart.
const slack = 5 * time.Second

// A Standing is what a conversation is in.
type Standing struct {
	Phase   Phase
	QueueID string      // the queue it waits in, or that the agent was called from; may be empty
	Agent   Participant // PhaseAlerting, PhaseConnected, PhaseParked, PhaseWrapup

	// PhaseWrapup and PhaseEnded:
	EndedBy string    // purpose of the participant who ended it; empty: Genesys did, or nobody says
	Why     string    // its disconnect type; where EndedBy is empty, the customer's
	EndedAt time.Time // zero where not said
}

// A Phase is where a conversation stands.
type Phase string

// The phases.
const (
	PhaseUnknown   Phase = "unknown"   // nothing live and nothing ended since, or between two places: never taken for an end
	PhaseNotRouted Phase = "notRouted" // nobody but the customer: is a flow attached?
	PhaseFlow      Phase = "flow"
	PhaseQueued    Phase = "queued" // in QueueID: the bot queue or an agent queue
	PhaseAlerting  Phase = "alerting"
	PhaseConnected Phase = "connected"
	PhaseParked    Phase = "parked" // by the agent, in Genesys' sense
	PhaseWrapup    Phase = "wrapup" // customer gone, agent still at work
	PhaseEnded     Phase = "ended"
)

// Standing is what c really is in, whatever events said. It is pure: no clock, no request.
//
// Participants that ended before since, less five seconds, do not count: a conversation revived within the threading window
// still lists its old ones. With a zero since all count. One that ended without a time counts only then.
//
// Who is only watching (see [Participant]) does not count at all: a supervisor who looks on is no agent who has answered.
//
// The conversation has ended when the customer's leg has; nobody else's end is one. A customer who is alone after an agent
// or a queue left is between two places: PhaseUnknown, since transfers show such a moment.
func (c Conversation) Standing(since time.Time) Standing {
	v := view{since: since}
	for _, p := range c.Participants {
		v.add(p)
	}
	switch {
	case v.customerLive:
		return v.standing()
	case v.customerListed && v.customer.Purpose == "":
		return Standing{Phase: PhaseUnknown} // the customer left before since: this read is older than our opening
	case !v.customerListed:
		if s := v.standing(); s.Phase != PhaseUnknown || v.last.Purpose == "" {
			return s
		}
	}
	return v.ended()
}

// A view sorts the participants that count.
type view struct {
	since                        time.Time
	customerListed, customerLive bool
	customer                     Participant // who ended last, since
	last                         Participant // the other one who ended last, since
	connected, parked, ringing   *Participant
	queue, flow                  *Participant
	agentLeft                    Participant // the agent who ended last, since
	moved                        bool        // an agent or a queue was there
}

func (v *view) add(p Participant) {
	switch {
	case p.IsCustomer():
		v.customerListed = true
		v.customerLive = v.customerLive || p.Live()
		if v.endedSince(p) && !p.End.Before(v.customer.End) {
			v.customer = p
		}
	case p.Watching: // comes and goes without a trace
	case p.Live():
		v.live(p)
	case v.endedSince(p):
		v.moved = v.moved || p.IsAgent() || p.IsQueue()
		if !p.End.Before(v.last.End) {
			v.last = p
		}
		if p.IsAgent() && !p.End.Before(v.agentLeft.End) {
			v.agentLeft = p
		}
	}
}

func (v *view) live(p Participant) {
	switch {
	case p.IsAgent() && p.State == StateParked:
		keep(&v.parked, p, earlier(p, v.parked))
	case p.IsAgent() && p.ringing():
		keep(&v.ringing, p, !earlier(p, v.ringing))
	case p.IsAgent() && (p.State == StateConnected || !p.Connected.IsZero()):
		keep(&v.connected, p, earlier(p, v.connected)) // in a consult the first one keeps the conversation
	case p.IsAgent():
		keep(&v.ringing, p, !earlier(p, v.ringing)) // in a state unknown to us, and not connected yet
	case p.IsQueue():
		keep(&v.queue, p, !earlier(p, v.queue)) // the newest: a requeue may leave the old leg behind for a moment
	case p.IsFlow():
		keep(&v.flow, p, !earlier(p, v.flow))
	}
}

func keep(slot **Participant, p Participant, better bool) {
	if *slot == nil || better {
		*slot = &p
	}
}

// earlier compares when they came in; a missing time is late.
func earlier(p Participant, than *Participant) bool {
	if than == nil {
		return true
	}
	a, b := came(p), came(*than)
	return !a.IsZero() && (b.IsZero() || a.Before(b))
}

func came(p Participant) time.Time {
	if !p.Connected.IsZero() {
		return p.Connected
	}
	return p.Start
}

func (v *view) endedSince(p Participant) bool {
	switch {
	case p.Live():
		return false
	case v.since.IsZero():
		return true
	default:
		return !p.End.IsZero() && !p.End.Before(v.since.Add(-slack))
	}
}

// standing of a conversation whose customer is there.
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

// ended: the customer is gone. An agent may still be at work.
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

// who ended it, by the disconnect types of both ends (INFERENCE: "client" and "endpoint" mark the leg that left by
// itself, "peer" the leg that was left).
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

// other is the one who left the customer: an agent who had been connected, else whoever left last. It must have left about
// when the customer did, unless the customer's leg says that its peer left.
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
