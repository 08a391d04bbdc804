package webhook

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

var (
	// ErrNoSignature is returned if the signature header is missing: the request is not from
	// Genesys, a proxy removed the header, or the integration has no secret.
	ErrNoSignature = errors.New("webhook: no signature: the header " + SignatureHeader +
		" is missing; set a signature secret in the integration, see docs/setup.md#step-4")

	// ErrSignature is returned if no secret of the endpoint made this signature for this body:
	// the request is forged, the secret was changed on one side only, or a proxy changed the
	// body.
	ErrSignature = errors.New("webhook: wrong signature")

	// ErrIntegration is returned if the signature is correct but the body names another
	// integration than the endpoint, or none.
	ErrIntegration = errors.New("webhook: signed, but for another integration")

	// ErrTooLarge is returned if the body is larger than the limit of [WithMaxBytes].
	ErrTooLarge = errors.New("webhook: body too large")

	// ErrNoChannel is returned by a [Keyring] if no channel belongs to the URL.
	ErrNoChannel = errors.New("webhook: no such channel")

	// ErrBudget is returned if the callback did not return in time; see [WithBudget].
	ErrBudget = errors.New("webhook: the callback did not return within its budget")
)

var (
	errMethod     = errors.New("webhook: not a POST")
	errRead       = errors.New("webhook: the body is incomplete")
	errNoVerifier = errors.New("webhook: the keyring returned neither a verifier nor an error")
	errPanicked   = errors.New("webhook: panic")
	errExited     = errors.New("webhook: the callback called runtime.Goexit")
)

// A DecodeError reports a verified body that cannot be read: it is not JSON, or JSON of another
// shape. Its text has the position and never the content. A wrapped error may have content, so
// log the DecodeError itself.
type DecodeError struct{ Err error }

// Error returns the position where reading failed, without content.
func (e *DecodeError) Error() string {
	const text = "webhook: unreadable body"
	if errors.Is(e.Err, openmessaging.ErrMalformed) { // its text has no content
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

// Unwrap returns the error of the decoder.
func (e *DecodeError) Unwrap() error { return e.Err }
