package record

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// A WaitError reports that nothing was sent, and how long to wait before the next attempt.
type WaitError struct {
	After time.Duration
	Why   string
}

func (e *WaitError) Error() string { return fmt.Sprintf("handover: not sent: %s", e.Why) }

// APIError returns the answer of Genesys that an error contains.
func APIError(err error) (*genesys.Error, bool) { return errors.AsType[*genesys.Error](err) }

// ChannelFault reports whether an error is a fault of the channel (credentials, permissions,
// network, Genesys itself) and not of the single request. Such a fault counts for the breaker,
// never against a message.
func ChannelFault(err error) bool {
	if err == nil {
		return false
	}
	if _, waits := errors.AsType[*WaitError](err); waits {
		return false
	}
	e, answered := APIError(err)
	if !answered { // an error of the client, such as a missing queue, is no fault of the channel
		return genesys.EffectOf(err) != genesys.EffectNone ||
			errors.Is(err, genesys.ErrUnavailable) || errors.Is(err, context.Canceled)
	}
	switch e.StatusCode {
	case http.StatusBadRequest:
		return errors.Is(err, genesys.ErrUnauthorized) // from the token endpoint
	case http.StatusOK, // Genesys did not accept a receipt
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusConflict:
		return false
	case http.StatusForbidden, http.StatusNotFound:
		// Of the integration, unless it is that of one conversation.
		return !strings.HasPrefix(e.Op, "conversations.")
	default:
		return true
	}
}

// Judged returns the outcome of a POST that failed with err.
func Judged(err error) Outcome {
	o := Outcome{Err: err}
	if w, ok := errors.AsType[*WaitError](err); ok {
		o.Effect, o.ChannelFault, o.RetryAfter = EffectNotPerformed, true, w.After
		return o
	}
	o.ChannelFault = ChannelFault(err)
	e, answered := APIError(err)
	if answered {
		if o.RetryAfter = min(e.RetryAfter, backoffLast); e.StatusCode == http.StatusTooManyRequests {
			o.RetryAfter = LimitedWait(e)
		}
	}
	switch effect := genesys.EffectOf(err); {
	case effect != genesys.EffectNone && effect != genesys.EffectRefused:
		o.Effect = EffectAmbiguous
	case o.ChannelFault || answered && effect == genesys.EffectNone:
		o.Effect = EffectNotPerformed
	default:
		o.Effect = EffectRefused
	}
	return o
}

// postponed reports whether err is not an attempt: nothing was sent, or Genesys answered 429.
func postponed(err error) bool {
	_, waits := errors.AsType[*WaitError](err)
	e, answered := APIError(err)
	return waits || answered && e.StatusCode == http.StatusTooManyRequests
}

// Forbidden reports whether a permission, or the integration itself, is missing.
func Forbidden(err error) bool {
	return errors.Is(err, genesys.ErrForbidden) || errors.Is(err, genesys.ErrNotFound)
}

// noIntegration reports whether Genesys answered that the integration does not exist.
func noIntegration(err error) bool {
	e, answered := APIError(err)
	return answered && e.StatusCode == http.StatusNotFound && strings.HasPrefix(e.Op, "openmessaging.")
}

// missing returns the permissions that an error names as missing.
func missing(err error) string {
	if e, ok := APIError(err); ok {
		return strings.Join(e.MissingPermissions, ", ")
	}
	return ""
}

// Explain returns a text about err for people. It contains no content of a message.
func Explain(err error) string {
	e, answered := APIError(err)
	switch p := missing(err); {
	case p != "":
		return "missing permission: " + p
	case answered:
		return e.Error()
	case errors.Is(err, ErrNoChannel):
		return "Config.Channels does not know the channel"
	case errors.Is(err, ErrNoQueue):
		return err.Error() // with the nearest names
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	default:
		return "not reachable"
	}
}

// LimitedMost is the longest wait after a 429. Then one request tests whether it is over.
const LimitedMost = 2 * time.Minute

// LimitedWait returns how long to wait after a 429: the time that Genesys requests plus a second,
// and at most LimitedMost, because one wrong answer must not block an account for days.
func LimitedWait(e *genesys.Error) time.Duration {
	return min(max(e.RetryAfter, 0)+LimitedPause, LimitedMost)
}
