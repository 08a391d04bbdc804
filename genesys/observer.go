package genesys

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

// A Call is one finished operation, repeats included; never its content.
type Call struct {
	Op               string        // low-cardinality: "openmessaging.send"
	Status, Attempts int           // Status is 0 where no answer came
	Duration         time.Duration // waits included
	Err              error         // what the caller gets

	CorrelationID string    // Genesys' name for the request, for their support
	RateLimit     RateLimit // zero where the answer does not say
	Date          time.Time // the server's clock, whole seconds; zero where the answer does not say
}

// A RateLimit is what the answer said about the token's budget, in the inin-ratelimit headers. Replicas that share a
// token see the same numbers.
type RateLimit struct {
	Allowed, Used int           // requests in the window; Allowed is 0 where not said
	Reset         time.Duration // until the window ends
}

func rateLimit(h http.Header) RateLimit {
	return RateLimit{
		Allowed: httpx.Int(h, "Inin-Ratelimit-Allowed"),
		Used:    httpx.Int(h, "Inin-Ratelimit-Count"),
		Reset:   httpx.Seconds(h, "Inin-Ratelimit-Reset"),
	}
}

// answered fills in what an answer's head says.
func (call *Call) answered(status, attempts int, h http.Header) {
	call.Status = status
	call.Attempts += attempts
	call.CorrelationID = correlationID(h)
	call.RateLimit = rateLimit(h)
	call.Date = time.Time{}
	if d, err := http.ParseTime(h.Get("Date")); err == nil {
		call.Date = d.UTC()
	}
}

// finish tells the log and the observers.
func (c *core) finish(ctx context.Context, call *Call, start time.Time, err error) {
	call.Duration, call.Err = time.Since(start), err
	c.log.LogAttrs(ctx, slog.LevelDebug, "genesys call",
		slog.String("op", call.Op), slog.Int("status", call.Status), slog.Int("attempts", call.Attempts),
		slog.Duration("duration", call.Duration), slog.String("correlation_id", call.CorrelationID))
	for _, f := range c.observers {
		f(ctx, *call)
	}
}

// warnRetry logs a repeat before its wait.
func (c *core) warnRetry(ctx context.Context, op string) func(int, int, time.Duration) {
	return func(attempt, status int, wait time.Duration) {
		c.log.LogAttrs(ctx, slog.LevelWarn, "genesys call repeated",
			slog.String("op", op), slog.Int("status", status), slog.Int("attempts", attempt), slog.Duration("wait", wait))
	}
}

// failed fills in that no answer came.
func (call *Call) failed(err error) {
	call.Status = 0
	if se, ok := errors.AsType[*httpx.SendError](err); ok {
		call.Attempts += se.Attempts
	}
}
