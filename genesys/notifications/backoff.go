package notifications

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

const (
	firstPause    = time.Second
	maxPause      = time.Minute
	maxRetryAfter = 10 * time.Minute // limit for a Retry-After
)

// wait waits for d. It reports false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// jitter returns d changed by up to a tenth, so that replicas do not act at the same moment.
func jitter(d time.Duration) time.Duration { return d - d/10 + randomUpTo(d/5) }

// randomUpTo returns a random duration from 0 to d.
func randomUpTo(d time.Duration) time.Duration {
	return rand.N(d + 1) //nolint:gosec // nothing secret: when to try again
}

// A backoff returns pauses that double from a second to a minute, half of each random. The zero
// value is ready to use.
type backoff struct{ n int }

func (b *backoff) next(err error) time.Duration {
	d := maxPause
	if b.n < 6 {
		d = firstPause << b.n
		b.n++
	}
	d = d/2 + randomUpTo(d/2)
	if e, ok := errors.AsType[*genesys.Error](err); ok {
		d = max(d, min(e.RetryAfter, maxRetryAfter))
	}
	return d
}

func (b *backoff) reset() { b.n = 0 }
