package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Timers of a session. Zero selects the default named at each field; a negative duration turns
// the timer off. A positive duration is at least one second, and CustomerWarn is shorter than
// CustomerIdle.
//
// In JSON and YAML the names are in camelCase and a duration is text with its unit, such as "5m"
// or "1h30m". "0" selects the default, "-1" turns the timer off. An unknown name is an error.
type Timers struct {
	NoAgent      time.Duration // how long a customer waits for an agent; off
	CustomerWarn time.Duration // silence of the customer before NoticeIdle; off
	CustomerIdle time.Duration // silence of the customer before the end; off
	AgentIdle    time.Duration // how long the customer waits for an agent's answer; off
	Max          time.Duration // of a session; 24 h
	Retention    time.Duration // of a record after its end; 73 h, since Genesys threads for 72
}

// MarshalJSON returns the form that UnmarshalJSON accepts. Zero fields are omitted.
func (t Timers) MarshalJSON() ([]byte, error) { return json.Marshal(t.texts()) }

// MarshalYAML returns the form that UnmarshalYAML accepts, for gopkg.in/yaml and
// github.com/goccy/go-yaml.
func (t Timers) MarshalYAML() (any, error) { return t.texts(), nil }

// UnmarshalJSON reads an object of durations. It returns an error, which names the field, the
// limit and the fix, if a duration is not readable or below one second, or if a name is unknown.
// Fields that the object does not have keep their value.
func (t *Timers) UnmarshalJSON(b []byte) error {
	var values map[string]any
	if err := json.Unmarshal(b, &values); err != nil {
		return errors.New(`handover: Timers are not a JSON object: write one such as {"noAgent": "5m"}`)
	}
	return t.set(values)
}

// UnmarshalYAML reads a mapping as UnmarshalJSON reads an object. gopkg.in/yaml and
// github.com/goccy/go-yaml call it.
func (t *Timers) UnmarshalYAML(unmarshal func(any) error) error {
	var values map[string]any
	if err := unmarshal(&values); err != nil {
		return fmt.Errorf("handover: Timers are not a mapping: write one such as noAgent: 5m: %w", err)
	}
	return t.set(values)
}

func (t Timers) texts() map[string]string {
	texts := map[string]string{}
	all := machine.Timers(t)
	for _, f := range all.Fields() {
		if *f.Value != 0 {
			texts[f.Key()] = f.Value.String()
		}
	}
	return texts
}

func (t *Timers) set(values map[string]any) error {
	var read, old machine.Timers
	var names []string
	var errs []error
	old = machine.Timers(*t)
	into, kept := read.Fields(), old.Fields()
	for i, f := range into {
		names = append(names, f.Key())
		*f.Value = *kept[i].Value
		v, given := values[f.Key()]
		if !given || v == nil {
			continue
		}
		d, err := parseTimer(v)
		if err != nil {
			errs = append(errs, fmt.Errorf("handover: Timers.%s is %v: %w", f.Key(), v, err))
			continue
		}
		*f.Value = d
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(names, name) {
			errs = append(errs, fmt.Errorf("handover: Timers.%.64s is unknown: use one of %s", name, strings.Join(names, ", ")))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := read.CheckEach("Timers"); err != nil {
		return err
	}
	*t = Timers(read)
	return nil
}

var errTimer = errors.New(`write a duration with its unit, such as "5m", 0 for the default, or -1 for off`)

// The defaults of Timers.
const (
	DefaultMax       = machine.DefaultMax
	DefaultRetention = machine.DefaultRetention
)

// parseTimer reads a duration with its unit. Of numbers without a unit only 0 and negative ones
// have a meaning.
func parseTimer(v any) (time.Duration, error) {
	text := strings.TrimSpace(fmt.Sprint(v))
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && n <= 0 {
		return time.Duration(max(n, -1)), nil
	}
	return 0, errTimer
}
