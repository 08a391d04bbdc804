package genesys

import (
	"context"
	"errors"
	"net/http"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

// An Effect describes whether a failed operation was performed.
type Effect string

// The effects. The zero Effect is that of no error.
const (
	// Certainly not performed, may be tried again: never sent, no token, 429.
	EffectNone Effect = "none"
	// Refused by Genesys with a 4xx: check the status before trying again.
	EffectRefused Effect = "refused"
	// Perhaps performed: no answer after it was sent, 5xx, 408, an unreadable 2xx.
	EffectUnknown Effect = "unknown"
)

// EffectOf returns the effect of the operation that returned err. It unwraps err; of joined errors
// the least certain counts. An error of another package is EffectUnknown, and nil is "".
//
// A timeout while waiting for a connection or a token is EffectNone, one after the request was
// written is EffectUnknown. If an http.RoundTripper does not report to net/http/httptrace, as fakes
// do not, only a failed dial, lookup or TLS handshake is known to precede the request; every other
// failure counts as sent.
func EffectOf(err error) Effect {
	switch e := err.(type) { //nolint:errorlint // a joined error has several effects, so it is unwrapped here
	case nil:
		return ""
	case *Error:
		return e.effect()
	case *callError:
		return e.effect
	case *QueueNotFoundError, *AmbiguousQueueError:
		return EffectNone
	case interface{ Unwrap() []error }:
		return worst(e.Unwrap())
	}
	if inner := errors.Unwrap(err); inner != nil {
		return EffectOf(inner)
	}
	return EffectUnknown
}

// worst returns the least certain effect. Errors of other packages, such as a joined sentinel, do
// not count.
func worst(errs []error) Effect {
	var found Effect
	for _, err := range errs {
		if !ours(err) {
			continue
		}
		switch e := EffectOf(err); {
		case e == EffectUnknown:
			return e
		case found != EffectRefused:
			found = e
		}
	}
	if found == "" {
		return EffectUnknown
	}
	return found
}

func ours(err error) bool {
	if _, ok := errors.AsType[*Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*callError](err); ok {
		return true
	}
	return errors.Is(err, ErrAmbiguous) || errors.Is(err, ErrNotFound) // of a queue's name
}

func (e *Error) effect() Effect {
	switch {
	case e.ambiguous:
		return EffectUnknown
	case e.Op == opToken, e.StatusCode == http.StatusTooManyRequests:
		return EffectNone
	case e.Code == codeReceiptFailed:
		return EffectRefused
	case httpx.Unsure(e.StatusCode), e.StatusCode < 300:
		return EffectUnknown
	default:
		return EffectRefused
	}
}

// A callError is a failure without an answer of the API.
type callError struct {
	op     string
	effect Effect
	err    error
	sent   bool // a network failure, not a refused argument
}

func invalid(op string, err error) error { return &callError{op: op, effect: EffectNone, err: err} }

func unanswered(op string, err error) error {
	e := &callError{op: op, effect: EffectNone, err: err, sent: true}
	if se, ok := errors.AsType[*httpx.SendError](err); ok {
		e.err = se.Err
		if se.Sent && op != opToken {
			e.effect = EffectUnknown
		}
	}
	return e
}

// Error returns a text that includes whether the request may have been performed.
func (e *callError) Error() string {
	text := "genesys: " + e.op + ": "
	switch {
	case e.effect == EffectUnknown:
		text += "no answer, it may have been performed: "
	case e.sent:
		text += "not sent: "
	}
	return text + e.err.Error()
}

// Unwrap returns the cause.
func (e *callError) Unwrap() error { return e.err }

// Is reports that a network failure is ErrUnavailable, unless the caller canceled it.
func (e *callError) Is(target error) bool {
	return target == ErrUnavailable && e.sent && !errors.Is(e.err, context.Canceled)
}
