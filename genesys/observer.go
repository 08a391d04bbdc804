package genesys

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

// A Call describes one finished operation, retries included, without its content.
type Call struct {
	Op               string        // low-cardinality: "openmessaging.send"
	Status, Attempts int           // Status is 0 if no answer arrived
	Duration         time.Duration // waits included
	Err              error         // what the caller gets
	CorrelationID    string        // Genesys' name for the request, for their support

	// The fields below describe the last attempt that the API answered. They are zero for token
	// requests, for downloads and for redirects: those answers can come from other servers, which
	// know neither the token's budget nor Genesys' clock.

	RateLimit RateLimit // zero if the answer has no such headers
	// Genesys' clock in whole seconds, at some time between Sent and Received; zero if not in the
	// answer.
	Date time.Time
	// When the attempt began, on this machine's clock; it includes the time to connect.
	Sent     time.Time
	Received time.Time // when the head of its answer arrived
}

// A RateLimit is the token's budget as the inin-ratelimit headers of an answer state it. Replicas
// that share a token see the same numbers.
type RateLimit struct {
	Allowed, Used int           // requests in the window; Allowed is 0 if not stated
	Reset         time.Duration // until the window ends
}

// answered fills in what every answer states.
func (call *Call) answered(status, attempts int, h http.Header) {
	call.Status = status
	call.Attempts += attempts
	call.CorrelationID = correlationID(h)
}

// answeredByAPI fills in what only an answer of the API itself can state.
func (call *Call) answeredByAPI(r *httpx.Response) {
	call.answered(r.Status, r.Attempts, r.Header)
	if r.Status/100 == 3 {
		return
	}
	call.RateLimit = RateLimit{
		Allowed: httpx.Int(r.Header, "Inin-Ratelimit-Allowed"),
		Used:    httpx.Int(r.Header, "Inin-Ratelimit-Count"),
		Reset:   httpx.Seconds(r.Header, "Inin-Ratelimit-Reset"),
	}
	call.Date, call.Sent, call.Received = time.Time{}, r.Sent, r.Received
	if d, err := http.ParseTime(r.Header.Get("Date")); err == nil {
		call.Date = d.UTC()
	}
}

// failed fills in that no answer arrived.
func (call *Call) failed(err error) {
	call.Status = 0
	if se, ok := errors.AsType[*httpx.SendError](err); ok {
		call.Attempts += se.Attempts
	}
}

// finish reports a finished call to the log and to the observers.
func (c *core) finish(ctx context.Context, call *Call, start time.Time, err error) {
	call.Duration, call.Err = time.Since(start), err
	c.log.LogAttrs(ctx, slog.LevelDebug, "genesys call",
		slog.String("op", call.Op), slog.Int("status", call.Status), slog.Int("attempts", call.Attempts),
		slog.Duration("duration", call.Duration), slog.String("correlation_id", call.CorrelationID))
	for _, f := range c.observers {
		f(ctx, *call)
	}
}

// warnRetry returns a function that logs a retry before its wait.
func (c *core) warnRetry(ctx context.Context, op string) func(int, int, time.Duration) {
	return func(attempt, status int, wait time.Duration) {
		c.log.LogAttrs(ctx, slog.LevelWarn, "genesys call repeated",
			slog.String("op", op), slog.Int("status", status), slog.Int("attempts", attempt), slog.Duration("wait", wait))
	}
}
