package machine

import (
	"math"
	"time"
)

// A Time is a moment in microseconds since 1970, or zero for no time. Records contain many times
// and are encoded for every write, and a number is encoded several times faster than a
// [time.Time]. Microseconds are what every tool for JSON reads exactly.
type Time int64

// TimeOf returns a time without its fraction of a microsecond. It keeps the zero time.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMicro())
}

// Std returns the time in UTC. It keeps the zero time.
func (t Time) Std() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(t)).UTC()
}

// IsZero reports whether there is no time.
func (t Time) IsZero() bool { return t == 0 }

// Add returns t+d.
func (t Time) Add(d time.Duration) Time { return t + Time(d/time.Microsecond) }

// Sub returns t-u, or the longest duration in that direction: half the range of a Time is longer.
func (t Time) Sub(u Time) time.Duration {
	const longest = math.MaxInt64 / Time(time.Microsecond)
	return time.Duration(min(max(t-u, -longest), longest)) * time.Microsecond
}

// After reports whether t is after u.
func (t Time) After(u Time) bool { return t > u }

// Before reports whether t is before u.
func (t Time) Before(u Time) bool { return t < u }

// Truncate returns t rounded down to a multiple of d since 1970.
func (t Time) Truncate(d time.Duration) Time { return t - t%Time(d/time.Microsecond) }

// Format formats the time in UTC.
func (t Time) Format(layout string) string { return t.Std().Format(layout) }
