package machine

import (
	"time"
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
func (c Clock) Genesys(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(c.Ahead)
}

// host converts a time that Genesys wrote. It keeps the zero time.
func (c Clock) host(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-c.Ahead)
}

// genesysNow returns the time of a move by Genesys' clock.
func (t *Transition) genesysNow() time.Time { return t.clock.Genesys(t.Now) }

// OffsetKnown is how exact the offset of a clock has to be to count as measured.
const OffsetKnown = time.Second

// Later returns the latest of some times.
func Later(latest time.Time, others ...time.Time) time.Time {
	for _, t := range others {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}

// Soonest returns the earlier of two times. The zero time means never.
func Soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Earlier returns the earlier of two times.
func Earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
