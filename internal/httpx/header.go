package httpx

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds what a header can ask for, so that no arithmetic on it overflows.
const maxRetryAfter = 30 * 24 * time.Hour

// RetryAfter reads how long the server asks to wait: Retry-After in seconds or as a date, and for a 429 without one
// inin-ratelimit-reset. Zero means not said. It never is negative.
func RetryAfter(h http.Header, status int, now time.Time) time.Duration {
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if d, ok := seconds(v); ok {
			return d
		}
		if t, err := http.ParseTime(v); err == nil {
			return min(max(t.Sub(now), 0), maxRetryAfter)
		}
	}
	if status == http.StatusTooManyRequests {
		d, _ := seconds(h.Get("Inin-Ratelimit-Reset"))
		return d
	}
	return 0
}

// Seconds reads a header that counts seconds; zero where it does not.
func Seconds(h http.Header, key string) time.Duration {
	d, _ := seconds(h.Get(key))
	return d
}

// Int reads a header that counts; zero where it does not.
func Int(h http.Header, key string) int {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get(key)))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func seconds(v string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	if err != nil || math.IsNaN(f) || f < 0 {
		return 0, false
	}
	if f > maxRetryAfter.Seconds() {
		return maxRetryAfter, true
	}
	return time.Duration(math.Ceil(f * float64(time.Second))), true
}
