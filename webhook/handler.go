package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// NewHandler returns a handler for the webhook URL of one or more integrations. It finds the
// verifier in k, verifies and reads the request, and calls h. The package comment lists the
// answers. A nil h only verifies and answers 200. It panics if k is nil. The handler is safe
// for concurrent use.
//
// It accepts every path, so register it for a specific one, for example "POST
// /genesys/{channel}" for a Keyring that uses path values. Set ReadHeaderTimeout and
// ReadTimeout on the server: a request cannot be verified before its body is complete.
func NewHandler(k Keyring, h HandlerFunc, opts ...Option) http.Handler {
	if k == nil {
		panic("webhook: NewHandler: the Keyring is nil")
	}
	return &handler{keyring: k, handle: h, options: newOptions(opts)}
}

type handler struct {
	options

	keyring Keyring
	handle  HandlerFunc
	logged  sync.Map // of warning: those already logged; limited by the number of channels
}

// A warning is a configuration problem of a channel. It is logged once.
type warning struct{ channel, integration, text string }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	q := Request{Secret: -1}
	q.Status, q.Err = h.serve(w, r, start, &q)
	answer(w, q.Status)
	q.Duration = time.Since(start)
	h.report(r.Context(), q)
	h.reportRefusal(r, q)
}

// reportRefusal reports to the keyring that a post for a known channel was refused because of its
// content.
func (h *handler) reportRefusal(r *http.Request, q Request) {
	k, ok := h.keyring.(refusalReporter)
	if !ok {
		return
	}
	switch q.Status {
	case http.StatusUnauthorized, http.StatusRequestEntityTooLarge:
	case http.StatusBadRequest:
		if _, unreadable := errors.AsType[*DecodeError](q.Err); !unreadable {
			return // the connection broke
		}
	default:
		return
	}
	_ = h.guard(r.Context(), func() error {
		k.Refused(withoutBody(r), q.Err)
		return nil
	})
}

// serve returns the status and the error, and sets the other fields of q.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, start time.Time, q *Request) (int, error) {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, errMethod
	}
	v, err := h.findVerifier(r, h.keyring.Verifier)
	if err != nil {
		return keyringStatus(err), err
	}
	q.setEndpoint(v)
	body, err := h.read(w, r)
	if err != nil {
		return readStatus(err), err
	}
	n, err := h.open(r, v, body, q)
	if err != nil {
		return openStatus(err), err
	}
	if h.handle == nil {
		return http.StatusOK, nil
	}
	err = h.within(r.Context(), start, func(ctx context.Context) error { return h.handle(ctx, n) })
	if err != nil {
		return http.StatusServiceUnavailable, fmt.Errorf("webhook: callback: %w", err)
	}
	return http.StatusOK, nil
}

// open opens the body with v. If a newer secret may help, it retries with the verifier that the
// keyring returns now.
func (h *handler) open(r *http.Request, v *Verifier, body []byte, q *Request) (Notification, error) {
	signature := r.Header.Get(SignatureHeader)
	n, secret, err := v.open(signature, body)
	if err != nil && mayRefresh(err) {
		fresh, refreshErr := h.refreshVerifier(r)
		if refreshErr != nil {
			return Notification{}, refreshErr
		}
		if fresh != nil && fresh != v {
			v = fresh
			q.setEndpoint(v)
			n, secret, err = v.open(signature, body)
		}
	}
	q.Secret = secret
	if err != nil {
		return Notification{}, err
	}
	if v.integration == AnyIntegration {
		q.IntegrationID = n.Outbound.IntegrationID
	}
	h.logWarnings(r.Context(), v, secret)
	return n, nil
}

// mayRefresh reports whether a newer verifier may accept the request. It is false for a missing
// or malformed signature: no secret would help, and such requests must not cause lookups.
func mayRefresh(err error) bool {
	return err == ErrSignature || errors.Is(err, ErrIntegration) //nolint:errorlint // errHex and errFormat wrap it and must not match
}

// A keyringError is a failure of the keyring, not of the request.
type keyringError struct{ err error }

func (e *keyringError) Error() string { return "webhook: keyring: " + e.err.Error() }
func (e *keyringError) Unwrap() error { return e.err }

// refreshVerifier asks the keyring for a newer verifier. It returns nil and no error if the
// keyring does not support this.
func (h *handler) refreshVerifier(r *http.Request) (*Verifier, error) {
	again, ok := h.keyring.(refresher)
	if !ok {
		return nil, nil //nolint:nilnil // not supported is no error
	}
	return h.findVerifier(r, again.Refresh)
}

// findVerifier calls find with a request that has no body.
func (h *handler) findVerifier(r *http.Request, find func(*http.Request) (*Verifier, error)) (v *Verifier, err error) {
	err = h.guard(r.Context(), func() error {
		v, err = find(withoutBody(r))
		return err
	})
	if err == nil && v == nil {
		err = errNoVerifier
	}
	if err != nil {
		return nil, &keyringError{err}
	}
	return v, nil
}

func keyringStatus(err error) int {
	if errors.Is(err, ErrNoChannel) {
		return http.StatusNotFound
	}
	return http.StatusServiceUnavailable
}

// openStatus returns the status for an error of open.
func openStatus(err error) int {
	if _, ok := errors.AsType[*keyringError](err); ok {
		return keyringStatus(err)
	}
	if _, ok := errors.AsType[*DecodeError](err); ok {
		return http.StatusBadRequest
	}
	return http.StatusUnauthorized
}

// setEndpoint sets the channel and the integration of v.
func (q *Request) setEndpoint(v *Verifier) {
	q.Channel, q.IntegrationID = v.channel, v.integration
	if v.integration == AnyIntegration {
		q.IntegrationID = ""
	}
}

// logWarnings logs once what the operator should correct. It is called only after the signature
// is verified.
func (h *handler) logWarnings(ctx context.Context, v *Verifier, secret int) {
	if len(v.warnings) == 0 && secret == 0 {
		return
	}
	for _, text := range v.warnings {
		h.logOnce(ctx, slog.LevelWarn, warning{v.channel, v.integration, text})
	}
	if secret > 0 {
		h.logOnce(ctx, slog.LevelInfo, warning{v.channel, v.integration, fmt.Sprintf(
			"old secret %d still signs; the rotation is not finished", secret)})
	}
}

func (h *handler) logOnce(ctx context.Context, level slog.Level, n warning) {
	if _, logged := h.logged.LoadOrStore(n, struct{}{}); logged {
		return
	}
	h.log.LogAttrs(ctx, level, "webhook: "+n.text, slog.String("channel", n.channel), slog.String("integration", n.integration))
}

// A Notification is one verified request of an Open Messaging integration.
type Notification struct {
	Channel  string                 // Endpoint.Channel of the verifier
	Outbound openmessaging.Outbound // may arrive more than once and in any order
	// Index of the secret that matched: if not 0, a rotation is not finished.
	Secret int
}

// A Keyring returns the verifier for a request. It may use everything except the body, such as
// path and host; the request that it gets has no body. If it returns [ErrNoChannel], the answer
// is 404, for any other error 503. *Verifier and *handover.Manager are Keyrings. It is called
// for every request before anything is verified, and must be safe for concurrent use.
//
// A Keyring may also have the method
//
//	Refresh(*http.Request) (*Verifier, error)
//
// It is called once after a wrong signature or integration, because the secret may have been
// rotated. Anyone can send a wrong signature, so Refresh must limit how often it reads the
// secrets again and otherwise return what it has.
//
// A Keyring may also have the method
//
//	Refused(r *http.Request, err error)
//
// It is called after the answer to each request that Verifier returned a verifier for and that
// was answered 400, 401 or 413 because of what it contains. err is a [*DecodeError] or wraps
// [ErrNoSignature], [ErrSignature], [ErrIntegration] or [ErrTooLarge]; its text has no content,
// no secret and no id. Anyone can cause such requests, so Refused must limit what it does and
// logs.
type Keyring interface {
	Verifier(r *http.Request) (*Verifier, error)
}

// A refresher is a [Keyring] that can read newer secrets.
type refresher interface {
	Refresh(r *http.Request) (*Verifier, error)
}

// A refusalReporter is a [Keyring] that receives refused requests.
type refusalReporter interface {
	Refused(r *http.Request, err error)
}

// A HandlerFunc processes a [Notification]. If it returns nil, the answer is 200 and Genesys
// does not send the notification again, so store it first. If it returns an error, panics, or
// exceeds its budget ([WithBudget]), the answer is 503 and Genesys retries. So it must accept
// duplicates.
//
// ctx ends with the budget, not with the connection: a write continues if Genesys disconnects.
// It must be safe for concurrent use. Its errors are logged unchanged: keep customer text and
// ids out of them.
type HandlerFunc func(ctx context.Context, n Notification) error
