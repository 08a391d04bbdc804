package openmessaging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrMalformed is wrapped by the error for bytes that are not JSON of the expected kind. Its
// text has the position and never the value, because the bytes may hold customer text.
var ErrMalformed = errors.New("malformed JSON")

// decode is json.Unmarshal with errors that contain no input. A decoder's text is not used, and
// neither is the field that it names, because that has the keys of maps.
func decode(b []byte, v any, what string) error {
	if err := json.Unmarshal(b, v); err != nil {
		return decodeError(what, err)
	}
	return nil
}

func decodeError(what string, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("openmessaging: %s: %w at byte %d; pass one whole JSON value", what, ErrMalformed, syntax.Offset)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("openmessaging: %s: %w at byte %d: a value has the wrong JSON type", what, ErrMalformed, wrong.Offset)
	}
	return fmt.Errorf("openmessaging: %s: %w: not a JSON object", what, ErrMalformed)
}

// isTypeError reports whether err is about valid JSON of an unexpected shape.
func isTypeError(err error) bool {
	_, ok := errors.AsType[*json.UnmarshalTypeError](err)
	return ok
}

// isObject reports whether b starts like a JSON object; json.Unmarshal checks the rest. It
// excludes null, which json.Unmarshal accepts as an empty object.
func isObject(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && b[0] == '{'
}

// orNil returns nil for an empty list, so that [], null and a missing field have the same
// result.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// timeLayout is the time format of Genesys, yyyy-MM-ddTHH:mm:ss[.mmm]Z. Genesys answers a wrong
// format with 400 invalid.date. Whether it accepts more than three fraction digits is
// UNCERTAIN, so exactly three are written.
const timeLayout = "2006-01-02T15:04:05.000Z"

// formatTime formats t for Genesys. It returns "" for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// parseTime parses s and returns the zero time on failure, because a message with an unreadable
// time is still a message.
func parseTime(s string) time.Time {
	t, _ := tryTime(s)
	return t
}

// tryTime parses RFC 3339 with any number of fraction digits, and the variants in date pickers
// of other channels: an offset without a colon, no seconds, or no offset (read as UTC). An
// empty string is the zero time.
func tryTime(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, true
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return inUTC(t)
	}
	for _, layout := range []string{
		"2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700", "2006-01-02T15:04:05",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return inUTC(t)
		}
	}
	return time.Time{}, false
}

// inUTC converts t to UTC. It reports false if the year is then outside 0 to 9999.
func inUTC(t time.Time) (time.Time, bool) {
	if t = t.UTC(); writable(t) {
		return t, true
	}
	return time.Time{}, false
}

func writable(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 0 && y <= 9999
}
