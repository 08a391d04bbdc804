package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// NewHandler serves the URL of one or many integrations: it finds the verifier in k, verifies and reads the post, and gives
// it to h. The answers are listed in the package comment; a nil h only verifies and answers 200.
//
// It serves any path, so give it one of its own; with a Keyring that goes by path values, "POST /genesys/{channel}". Set
// ReadHeaderTimeout and ReadTimeout on the server: before a body is complete nothing can be verified. It panics if k is nil.
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
	told    sync.Map // of notice: what was logged once; as many as there are channels
}

// A notice is something to finish, told once for each channel.
type notice struct{ channel, integration, text string }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	q := Request{Secret: -1}
	q.Status, q.Err = h.serve(w, r, start, &q)
	answer(w, q.Status)
	q.Duration = time.Since(start)
	h.report(r.Context(), q)
}

// serve returns the answer and why; it fills the rest of q on its way.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, start time.Time, q *Request) (int, error) {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, errMethod
	}
	v, err := h.ask(r, h.keyring.Verifier)
	if err != nil {
		return keyringStatus(err), err
	}
	q.of(v)
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

// open opens the body with v, and once more with what the keyring says now if another key might have helped.
func (h *handler) open(r *http.Request, v *Verifier, body []byte, q *Request) (Notification, error) {
	signature := r.Header.Get(SignatureHeader)
	n, secret, err := v.open(signature, body)
	if err != nil && curable(err) {
		fresh, ask := h.refresh(r)
		if ask != nil {
			return Notification{}, ask
		}
		if fresh != nil && fresh != v {
			v = fresh
			q.of(v)
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
	h.notices(r.Context(), v, secret)
	return n, nil
}

// curable says whether a newer channel may accept what this one refused. A missing or malformed signature stays wrong,
// and must not make the keyring look.
func curable(err error) bool {
	return err == ErrSignature || errors.Is(err, ErrIntegration) //nolint:errorlint // errHex and errForm wrap it and are not meant
}

// A keyringError is a failure of the keyring, not of the post.
type keyringError struct{ err error }

func (e *keyringError) Error() string { return "webhook: keyring: " + e.err.Error() }
func (e *keyringError) Unwrap() error { return e.err }

// refresh asks the keyring again. It returns nil and no error where that cannot be done.
func (h *handler) refresh(r *http.Request) (*Verifier, error) {
	again, ok := h.keyring.(refresher)
	if !ok {
		return nil, nil //nolint:nilnil // "nobody to ask" is no error
	}
	return h.ask(r, again.Refresh)
}

// ask calls the keyring with a request that has no body.
func (h *handler) ask(r *http.Request, find func(*http.Request) (*Verifier, error)) (v *Verifier, err error) {
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

// openStatus is the answer to an error of open.
func openStatus(err error) int {
	if _, ok := errors.AsType[*keyringError](err); ok {
		return keyringStatus(err)
	}
	if _, ok := errors.AsType[*DecodeError](err); ok {
		return http.StatusBadRequest
	}
	return http.StatusUnauthorized
}

// of writes down whose URL it is.
func (q *Request) of(v *Verifier) {
	q.Channel, q.IntegrationID = v.channel, v.integration
	if v.integration == AnyIntegration {
		q.IntegrationID = ""
	}
}

// notices logs once what the operator should finish. Only a verified post gets here.
func (h *handler) notices(ctx context.Context, v *Verifier, secret int) {
	if len(v.warnings) == 0 && secret == 0 {
		return
	}
	for _, text := range v.warnings {
		h.tell(ctx, slog.LevelWarn, notice{v.channel, v.integration, text})
	}
	if secret > 0 {
		h.tell(ctx, slog.LevelInfo, notice{v.channel, v.integration, fmt.Sprintf(
			"secret %d, which is being retired, still signs: the rotation is not finished", secret)})
	}
}

func (h *handler) tell(ctx context.Context, level slog.Level, n notice) {
	if _, told := h.told.LoadOrStore(n, struct{}{}); told {
		return
	}
	h.log.LogAttrs(ctx, level, "webhook: "+n.text, slog.String("channel", n.channel), slog.String("integration", n.integration))
}
