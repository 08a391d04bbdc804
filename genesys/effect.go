package genesys

import (
	"context"
	"errors"
	"net/http"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
)

// An Effect says whether a failed operation happened.
type Effect string

// The effects. The zero Effect is that of no error.
const (
	EffectNone    Effect = "none"    // certainly not performed, and may be tried again: never sent, no token, 429
	EffectRefused Effect = "refused" // Genesys answered that it will not: 4xx; look at the status before trying again
	EffectUnknown Effect = "unknown" // perhaps performed: no answer after it was sent, 5xx, 408, an unreadable 2xx
)

// EffectOf tells what became of the operation that returned err, through any wrapping; of joined errors the least certain.
// An error this package did not make is EffectUnknown; nil has no effect to doubt and is "".
//
// A timeout while waiting for a connection or a token is EffectNone, one after the request was written EffectUnknown.
// With an http.RoundTripper that does not report to net/http/httptrace, as fakes do not, only a failed dial, lookup or
// TLS handshake is known to come before the request; everything else counts as sent.
func EffectOf(err error) Effect {
	switch e := err.(type) { //nolint:errorlint // the walk is by hand: a joined error has several effects
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

// worst is the least certain; text joined to an error, such as a sentinel, does not count beside one of ours.
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

// A callError is a failure without an answer.
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

// Error says whether the request left.
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

// Unwrap is the cause.
func (e *callError) Unwrap() error { return e.err }

// Is makes a network failure ErrUnavailable, unless the caller's own context ended.
func (e *callError) Is(target error) bool {
	return target == ErrUnavailable && e.sent && !errors.Is(e.err, context.Canceled)
}
