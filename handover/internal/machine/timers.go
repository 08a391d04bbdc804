package machine

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The defaults of Timers.
const (
	DefaultMax       = 24 * time.Hour
	DefaultRetention = 73 * time.Hour
)

// leastTimer is the shortest timer. A shorter one is usually a number without its unit, read as
// nanoseconds.
const leastTimer = time.Second

// DefaultTimers returns the timers of a session that sets none.
func DefaultTimers() Timers { return Timers{Max: DefaultMax, Retention: DefaultRetention} }

// Timers are stored in records. They are a type apart from handover.Timers, so that a change of
// that type does not change the stored format.
type Timers struct {
	NoAgent      time.Duration
	CustomerWarn time.Duration
	CustomerIdle time.Duration
	AgentIdle    time.Duration
	Max          time.Duration
	Retention    time.Duration
}

// A timerField is a field of Timers with its Go name.
type timerField struct {
	Name  string
	Value *time.Duration
}

// Fields lists the timers by name.
func (t *Timers) Fields() []timerField {
	return []timerField{
		{"NoAgent", &t.NoAgent},
		{"CustomerWarn", &t.CustomerWarn},
		{"CustomerIdle", &t.CustomerIdle},
		{"AgentIdle", &t.AgentIdle},
		{"Max", &t.Max},
		{"Retention", &t.Retention},
	}
}

// Key returns the field's name in JSON and YAML.
func (f timerField) Key() string { return strings.ToLower(f.Name[:1]) + f.Name[1:] }

// Or returns t with its zero fields set from d.
func (t Timers) Or(d Timers) Timers {
	from := d.Fields()
	for i, f := range t.Fields() {
		if *f.Value == 0 {
			*f.Value = *from[i].Value
		}
	}
	return t
}

// CheckEach returns an error for each timer that is too short. path names t in the errors.
func (t Timers) CheckEach(path string) error {
	var errs []error
	for _, f := range t.Fields() {
		if d := *f.Value; d > 0 && d < leastTimer {
			errs = append(errs, fmt.Errorf("handover: %s.%s is %v, the minimum is %v: write the unit (5 * time.Minute), "+
				"0 for the default, or a negative duration for off", path, f.Name, d, leastTimer))
		}
	}
	return errors.Join(errs...)
}

// CheckTogether returns an error if two timers contradict each other. Call it with the timers
// that the session will have.
func (t Timers) CheckTogether(path string) error {
	if t.CustomerWarn > 0 && t.CustomerIdle > 0 && t.CustomerWarn >= t.CustomerIdle {
		return fmt.Errorf("handover: %s.CustomerWarn is %v and not before CustomerIdle, which is %v: make it shorter",
			path, t.CustomerWarn, t.CustomerIdle)
	}
	return nil
}

// Complete returns the timers of a request, with zero fields set from those of the session. It
// returns an [ErrInvalid] if the result contradicts itself.
func (t Timers) Complete(from Timers) (Timers, error) {
	all := t.Or(from)
	if err := all.CheckTogether("Request.Timers"); err != nil {
		return Timers{}, Invalid(err)
	}
	return all, nil
}

// MustDisconnect reports whether to disconnect again: at most MaxDisconnects times, and not
// within SettlePeriod, while a read may be stale.
func (c *Handover) MustDisconnect(now Time) bool {
	return c.Disconnects < MaxDisconnects && now.Sub(c.DisconnectedAt) >= SettlePeriod
}

// Patience returns how long the deadline waits for a read, if that fails. A read that would show
// how a conversation ended has had its time.
func (k TimerKind) Patience() time.Duration {
	if k == TimerMoved {
		return 0
	}
	return TimerPatience
}

// A TimerKind names the next deadline of a session.
type TimerKind string

// The kinds of deadlines. That of a timer that ends the session is its EndReason.
const (
	TimerNone TimerKind = ""
	TimerWarn TimerKind = "warn"
	TimerEnd  TimerKind = "end"  // Genesys has not confirmed the end in time
	TimerLost TimerKind = "lost" // Genesys accepted the opening but did not name the conversation
	// A message opened another conversation, and no read showed how the old one ended.
	TimerMoved TimerKind = "moved"
)

// Timer returns the next deadline of the session. The kind of a timer that ends the session is
// the EndReason.
func (c *Handover) Timer() (TimerKind, Time) {
	kind, at := TimerNone, Time(0)
	consider := func(k TimerKind, from Time, d time.Duration) {
		if from.IsZero() || d <= 0 {
			return
		}
		if t := from.Add(d); kind == TimerNone || t.Before(at) {
			kind, at = k, t
		}
	}
	if c.State == StateEnding {
		consider(TimerEnd, c.EndRequestedAt, EndPatience)
		return kind, at
	}
	if c.MovedTo != "" {
		consider(TimerMoved, c.MovedAt, movedPatience)
	}
	consider(TimerKind(EndMaxDuration), c.Started, c.Timers.Max)
	if c.ConversationID == "" && c.State == StateRequested && !c.OpeningAcceptedAt.IsZero() {
		c.unnamed(consider)
	}
	switch {
	case c.State == StateConnected:
		c.idle(consider)
	case c.State != StateBot:
		consider(TimerKind(EndNoAgent), c.WaitingSince, c.Timers.NoAgent)
	}
	return kind, at
}

// unnamed adds the deadline for Genesys to name the conversation. With RouteByFlow an agent may
// join an unnamed conversation, and the agent's first message names it. Its end would never be
// seen, so the deadline is longer but still needed.
func (c *Handover) unnamed(consider func(TimerKind, Time, time.Duration)) {
	if asked := Later(c.OpeningAcceptedAt, c.AgentRequestedAt); c.Routing == RouteByTransfer {
		consider(TimerLost, asked, OpeningAge)
	} else {
		consider(TimerLost, Later(asked, c.CustomerAt), unnamedFlow)
	}
}

// idle adds the deadlines of a silent agent or customer. Silence counts from when the current
// agent joined, because earlier delays belong to other agents. CustomerIdle counts from when
// the warning was given, not from when it was due.
func (c *Handover) idle(consider func(TimerKind, Time, time.Duration)) {
	// The request for an agent counts as a message of the customer.
	if said := Later(c.CustomerAt, c.AgentRequestedAt); said.After(c.AgentAt) {
		consider(TimerKind(EndAgentIdle), Later(said, c.ChangedAt), c.Timers.AgentIdle)
		return
	}
	warn, idle, from := c.Timers.CustomerWarn, c.Timers.CustomerIdle, Later(c.AgentAt, c.ChangedAt)
	switch {
	case c.AgentAt.IsZero():
	case c.WarnedAt.After(from):
		consider(TimerKind(EndCustomerIdle), c.WarnedAt, idle-warn)
	default:
		consider(TimerWarn, from, warn)
		if warn <= 0 {
			consider(TimerKind(EndCustomerIdle), from, idle)
		}
	}
}

// Words describes the effect of the deadline.
func (k TimerKind) Words() string {
	return cmp.Or(map[TimerKind]string{
		TimerWarn:                  "the host is notified that the customer is silent (Timers.CustomerWarn)",
		TimerEnd:                   "the session ends, whether Genesys confirms it or not",
		TimerMoved:                 "the session ends if no read shows how its conversation ended",
		TimerLost:                  "the session fails if its conversation is still unknown",
		TimerKind(EndNoAgent):      "the session ends if no agent has joined (Timers.NoAgent)",
		TimerKind(EndCustomerIdle): "the session ends if the customer has not written (Timers.CustomerIdle)",
		TimerKind(EndAgentIdle):    "the session ends if the agent has not answered (Timers.AgentIdle)",
		TimerKind(EndMaxDuration):  "the session ends, however it stands (Timers.Max)",
	}[k], string(k))
}
