package openmessaging

import (
	"encoding/json"
	"errors"
	"math"
	"time"
)

// A DatePicker offers times. Its JSON is the wire's. Answer with a [Reply] of kind [ReplyDatePicker].
type DatePicker struct {
	Title, Subtitle, ImageURL string
	Min, Max                  time.Time // zero where Genesys does not say
	Times                     []TimeSlot
}

// A TimeSlot is one time on offer.
type TimeSlot struct {
	Start    time.Time
	Duration time.Duration // whole seconds on the wire, as samples have it; the schema names no unit
}

type wireDatePicker struct {
	Title    string         `json:"title,omitempty"`
	Subtitle string         `json:"subtitle,omitempty"`
	ImageURL string         `json:"imageUrl,omitempty"`
	Min      string         `json:"dateMinimum,omitempty"`
	Max      string         `json:"dateMaximum,omitempty"`
	Times    []wireTimeSlot `json:"availableTimes,omitzero"`
}

type wireTimeSlot struct {
	Start    string `json:"dateTime,omitempty"`
	Duration int64  `json:"duration,omitempty"`
}

var errTime = errors.New("openmessaging: date picker: a time is not ISO 8601, yyyy-MM-ddTHH:mm:ss[.mmm]Z")

// MarshalJSON writes the wire's form: times in UTC with milliseconds, durations in whole seconds.
func (d DatePicker) MarshalJSON() ([]byte, error) { return json.Marshal(d.wire()) }

// UnmarshalJSON reads the wire's form. Unlike the time of a message, a time on offer that cannot be read is an error:
// within [Contents] it makes the item an [UnknownContent].
func (d *DatePicker) UnmarshalJSON(b []byte) error {
	var w wireDatePicker
	if err := decode(b, &w, "date picker"); err != nil {
		return err
	}
	read, ok := w.read()
	if !ok {
		return errTime
	}
	*d = read
	return nil
}

func (d DatePicker) wire() *wireDatePicker {
	w := wireDatePicker{
		Title: d.Title, Subtitle: d.Subtitle, ImageURL: d.ImageURL,
		Min: formatTime(d.Min), Max: formatTime(d.Max),
	}
	if d.Times != nil {
		w.Times = make([]wireTimeSlot, len(d.Times))
	}
	for i, t := range d.Times {
		w.Times[i] = wireTimeSlot{Start: formatTime(t.Start), Duration: int64(t.Duration / time.Second)}
	}
	return &w
}

func (w *wireDatePicker) read() (DatePicker, bool) {
	d := DatePicker{Title: w.Title, Subtitle: w.Subtitle, ImageURL: w.ImageURL}
	var ok, all bool
	d.Min, all = tryTime(w.Min)
	d.Max, ok = tryTime(w.Max)
	all = all && ok
	if w.Times != nil {
		d.Times = make([]TimeSlot, len(w.Times))
	}
	for i, t := range w.Times {
		d.Times[i].Start, ok = tryTime(t.Start)
		d.Times[i].Duration = duration(t.Duration, time.Second)
		all = all && ok
	}
	return d, all
}

// duration is n units, bounded instead of overflowing; there are no negative durations on the wire.
func duration(n int64, unit time.Duration) time.Duration {
	return time.Duration(min(max(n, 0), math.MaxInt64/int64(unit))) * unit
}
