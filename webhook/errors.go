package webhook

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

var (
	// ErrNoSignature says that the signature header is missing: the post is not from Genesys, or a proxy took the
	// header away, or the integration has no secret.
	ErrNoSignature = errors.New("webhook: no signature: the header " + SignatureHeader + " is missing")

	// ErrSignature says that no secret of the endpoint made this signature over these bytes: a forgery, a secret that
	// was changed on one side only, or a body that somebody between Genesys and here rewrote.
	ErrSignature = errors.New("webhook: wrong signature")

	// ErrIntegration says that the signature is right but the body is for another integration than the endpoint's, or
	// for none.
	ErrIntegration = errors.New("webhook: signed, but for another integration")

	// ErrTooLarge says that the body is larger than the limit of [WithMaxBytes].
	ErrTooLarge = errors.New("webhook: body too large")

	// ErrNoChannel says that nobody is behind this URL. A [Keyring] returns it.
	ErrNoChannel = errors.New("webhook: no such channel")

	// ErrBudget says that the callback did not return in time; see [WithBudget].
	ErrBudget = errors.New("webhook: the callback did not return within its budget")
)

var (
	errMethod     = errors.New("webhook: not a POST")
	errRead       = errors.New("webhook: the body broke off")
	errNoVerifier = errors.New("webhook: the keyring returned neither a verifier nor an error")
	errPanicked   = errors.New("webhook: panic")
	errExited     = errors.New("webhook: the callback ended its goroutine")
)

// A DecodeError is a body that cannot be read although it was let in: not JSON, or JSON of another shape. Its text says
// where reading stopped and never repeats the body; an error it wraps may, so log the DecodeError itself.
type DecodeError struct{ Err error }

// Error says where reading stopped, never what stood there.
func (e *DecodeError) Error() string {
	const text = "webhook: unreadable body"
	if errors.Is(e.Err, openmessaging.ErrMalformed) { // holds no content
		return text + ": " + e.Err.Error()
	}
	if err, ok := errors.AsType[*json.SyntaxError](e.Err); ok {
		return fmt.Sprintf("%s: not JSON from byte %d on", text, err.Offset)
	}
	if err, ok := errors.AsType[*json.UnmarshalTypeError](e.Err); ok {
		return fmt.Sprintf("%s: wrong JSON type at byte %d", text, err.Offset)
	}
	return text
}

// Unwrap returns the decoder's own error.
func (e *DecodeError) Unwrap() error { return e.Err }
