package openmessaging

import "time"

// The wire's time is yyyy-MM-ddTHH:mm:ss[.mmm]Z; a wrong one is answered with 400 invalid.date. Whether Genesys takes
// more than three fraction digits is UNCERTAIN, so exactly three are written.
const timeLayout = "2006-01-02T15:04:05.000Z"

// formatTime writes nothing for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// parseTime returns the zero time for what it cannot read: a message with a bad time is still a message.
func parseTime(s string) time.Time {
	t, _ := tryTime(s)
	return t
}

// tryTime reads RFC 3339 with any number of fraction digits, and the variants that date pickers of other channels
// use: an offset without colon, no seconds, no offset at all (then UTC). Empty is the zero time.
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

// inUTC refuses the few that an offset moves out of the years that can be written.
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
