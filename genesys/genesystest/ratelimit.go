package genesystest

import (
	"net/http"
	"strconv"
	"time"
)

// SetRateLimit changes how many requests a token may make in a minute; 0 is no limit.
func (o *Org) SetRateLimit(perMinute int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opt.rate = max(perMinute, 0)
}

// meter counts a request of t and returns the headers every answer carries, and the refusal if it was one too many.
// The minute begins with a token's first request and again with the first after it has passed.
func (o *Org) meter(t *token) (http.Header, *answer) {
	if o.opt.rate == 0 {
		return nil, nil
	}
	at := time.Now()
	if at.Sub(t.window) >= time.Minute {
		t.window, t.used = at, 0
	}
	left := time.Minute - at.Sub(t.window)
	h := http.Header{}
	over := t.used >= o.opt.rate
	if !over {
		t.used++
	}
	h.Set("Inin-Ratelimit-Count", strconv.Itoa(t.used))
	h.Set("Inin-Ratelimit-Allowed", strconv.Itoa(o.opt.rate))
	h.Set("Inin-Ratelimit-Reset", strconv.Itoa(seconds(left)))
	if !over {
		return h, nil
	}
	a := tooMany(o.opt.rate).retryAfter(left)
	return h, &a
}

func tooMany(limit int) answer {
	a := failure(http.StatusTooManyRequests, "too.many.requests",
		"The rate limit of the token is used up: {limit} requests a minute").with("limit", strconv.Itoa(limit))
	if e, ok := a.body.(errorBody); ok {
		e.Limit = &errorLimit{Key: "client.credentials.token.rate.per.minute", Value: limit}
		a.body = e
	}
	return a
}

// seconds rounds up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
