package notifications

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

const (
	firstPause = time.Second
	maxPause   = time.Minute
	maxAsked   = 10 * time.Minute // of a Retry-After
)

// wait returns false if ctx ended first.
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

// around is d, give or take a tenth, so that replicas do not move in step.
func around(d time.Duration) time.Duration { return d - d/10 + chance(d/5) }

// chance is between 0 and d.
func chance(d time.Duration) time.Duration {
	return rand.N(d + 1) //nolint:gosec // nothing secret: when to try again
}

// A backoff doubles from a second to a minute, with half of it left to chance. The zero one is ready.
type backoff struct{ n int }

func (b *backoff) next(err error) time.Duration {
	d := maxPause
	if b.n < 6 {
		d = firstPause << b.n
		b.n++
	}
	d = d/2 + chance(d/2)
	if e, ok := errors.AsType[*genesys.Error](err); ok {
		d = max(d, min(e.RetryAfter, maxAsked))
	}
	return d
}

func (b *backoff) reset() { b.n = 0 }
