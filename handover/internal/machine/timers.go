package machine

import (
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
