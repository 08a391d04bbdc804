package handover

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/genesyshandover/genesyshandover/genesys"
)

func apiError(err error) (*genesys.Error, bool) { return errors.AsType[*genesys.Error](err) }

// channelFault reports whether an error speaks of the channel (credentials, permissions, network, Genesys itself) and not of
// the one request. It counts against the breaker, never against a message.
func channelFault(err error) bool {
	if err == nil {
		return false
	}
	if _, waits := errors.AsType[*waitError](err); waits {
		return false
	}
	e, answered := apiError(err)
	if !answered { // what the client refused itself, or looked up in vain, says nothing of the channel
		return genesys.EffectOf(err) != genesys.EffectNone ||
			errors.Is(err, genesys.ErrUnavailable) || errors.Is(err, context.Canceled)
	}
	switch e.StatusCode {
	case http.StatusOK: // a receipt that Genesys does not take
		return false
	case http.StatusBadRequest:
		return errors.Is(err, genesys.ErrUnauthorized) // of the token endpoint
	case http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusConflict:
		return false
	case http.StatusForbidden, http.StatusNotFound: // of the integration, or of one conversation
		return !strings.HasPrefix(e.Op, "conversations.")
	default:
		return true
	}
}

// judged turns an error of a POST into an outcome.
func judged(err error) outcome {
	o := outcome{err: err}
	if w, ok := errors.AsType[*waitError](err); ok {
		o.effect, o.blameless, o.retryAfter = effectNotPerformed, true, w.after
		return o
	}
	o.blameless = channelFault(err)
	e, answered := apiError(err)
	if answered {
		if o.retryAfter = min(e.RetryAfter, backoffLast); e.StatusCode == http.StatusTooManyRequests {
			o.retryAfter = e.RetryAfter + limitedPause
		}
	}
	switch genesys.EffectOf(err) {
	case genesys.EffectNone:
		o.effect = effectNotPerformed
		if !answered && !o.blameless {
			o.effect = effectRefused
		}
	case genesys.EffectRefused:
		o.effect = effectNotPerformed
		if !o.blameless {
			o.effect = effectRefused
		}
	default:
		o.effect = effectAmbiguous
	}
	return o
}

// postponed: nothing was tried, or Genesys only says that it was too much. That is no attempt.
func postponed(err error) bool {
	_, waits := errors.AsType[*waitError](err)
	e, answered := apiError(err)
	return waits || answered && e.StatusCode == http.StatusTooManyRequests
}

// forbidden: the permission, or the integration itself, is missing.
func forbidden(err error) bool {
	return errors.Is(err, genesys.ErrForbidden) || errors.Is(err, genesys.ErrNotFound)
}

// missing names the permissions that an error says are missing.
func missing(err error) string {
	if e, ok := apiError(err); ok {
		return strings.Join(e.MissingPermissions, ", ")
	}
	return ""
}

// explain is an error for people, without content.
func explain(err error) string {
	if p := missing(err); p != "" {
		return "missing permission: " + p
	}
	if e, ok := apiError(err); ok {
		return e.Error()
	}
	if errors.Is(err, ErrNoQueue) {
		return err.Error() // with the nearest names
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return "not reachable"
}
