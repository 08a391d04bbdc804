package record

import (
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A Reading is one confirming read.
type Reading struct {
	Began    time.Time
	Clock    machine.Clock
	Standing genesys.Standing
	History  machine.History
	Legs     machine.Legs
	Queue    string               // name of the queue it waits in, where that is reported
	Messages []genesys.MessageRef // to the customer
	Blind    bool
	Gone     bool
	Err      error
}

// Event returns the read as an event of the state machine.
func (r *Reading) Event() machine.Event {
	switch {
	case r.Blind:
		return machine.Event{Kind: machine.EvBlind, Clock: r.Clock, Began: r.Began, Permission: missing(r.Err)}
	case r.Gone:
		return machine.Event{Kind: machine.EvGone, Clock: r.Clock, Began: r.Began}
	default:
		return machine.Event{Kind: machine.EvRead, Clock: r.Clock, Began: r.Began, Standing: r.Standing, History: r.History, Legs: r.Legs, QueueName: r.Queue}
	}
}

// EventOf returns the event of a reading of the session's conversation.
func (f *Record) EventOf(r *Reading) machine.Event {
	e := r.Event()
	e.Reopens = f.reopens()
	return e
}

// genesysBegan returns when the read began, by Genesys' clock.
func (r *Reading) genesysBegan() time.Time { return r.Clock.Genesys(r.Began) }

// Live reports whether the customer is in the conversation.
func (r *Reading) Live() bool {
	switch r.Standing.Phase {
	case genesys.PhaseUnknown:
		return !r.Standing.AloneSince.IsZero()
	case genesys.PhaseWrapup, genesys.PhaseEnded:
		return false
	default:
		return true
	}
}

// alone reports whether only the customer is in the conversation.
func (r *Reading) alone() bool {
	return r.Err == nil && (r.Standing.Phase == genesys.PhaseNotRouted || !r.Standing.AloneSince.IsZero())
}

// WithAgent reports whether an agent is in the conversation or is being alerted.
func (r *Reading) WithAgent() bool {
	switch r.Standing.Phase {
	case genesys.PhaseAlerting, genesys.PhaseConnected, genesys.PhaseParked:
		return true
	default:
		return false
	}
}

// maxLegs bounds the marks of ended legs that are stored.
const maxLegs = 16

// LegsOf returns the newest time of a leg and the marks of those that have ended, the newest last.
func LegsOf(c *genesys.Conversation) machine.Legs {
	l := machine.Legs{Ended: strings.Join(last(c.EndedLegs(), maxLegs), " ")}
	for _, p := range c.Participants {
		for _, at := range []time.Time{p.Start, p.Alerting, p.Connected, p.End} {
			l.Newest = machine.Later(l.Newest, at)
		}
	}
	return l
}

// Without returns the conversation without the legs that have known marks.
func Without(c *genesys.Conversation, known []string) *genesys.Conversation {
	if len(known) == 0 {
		return c
	}
	w := *c
	w.Participants = slices.DeleteFunc(slices.Clone(c.Participants), func(p genesys.Participant) bool {
		marks := genesys.Conversation{Participants: []genesys.Participant{p}}.EndedLegs()
		return len(marks) > 0 && slices.Contains(known, marks[0])
	})
	return &w
}
