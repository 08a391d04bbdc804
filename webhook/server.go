package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// maxPrealloc limits the memory allocated for an unverified Content-Length.
const maxPrealloc = 64 << 10

// answer writes a status without a body.
func answer(w http.ResponseWriter, status int) {
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(status)
}

// read returns the whole raw body. It returns ErrTooLarge or errRead.
func (o *options) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if r.ContentLength > o.maxBytes {
		// The body is not read, so the connection cannot be used again.
		w.Header().Set("Connection", "close")
		return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, r.ContentLength, o.maxBytes)
	}
	hint := min(max(r.ContentLength, 0), maxPrealloc) + bytes.MinRead
	buf := bytes.NewBuffer(make([]byte, 0, hint))
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, o.maxBytes))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fmt.Errorf("%w: limit %d", ErrTooLarge, o.maxBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("%w after %d bytes: %w", errRead, buf.Len(), err)
	}
	return buf.Bytes(), nil
}

// readStatus returns the status for an error of read.
func readStatus(err error) int {
	if errors.Is(err, ErrTooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// within runs f until the budget, counted from start, is used. Then it returns ErrBudget and f
// continues with an ended context, because a goroutine cannot be stopped from outside. The
// context of f does not end when Genesys disconnects, so that a write can finish.
func (o *options) within(ctx context.Context, start time.Time, f func(context.Context) error) error {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), start.Add(o.budget))
	defer cancel()
	if ctx.Err() != nil { // reading the body took all of it
		return fmt.Errorf("%w of %v", ErrBudget, o.budget)
	}
	done := make(chan error, 1)
	go func() {
		err := errExited // if f calls runtime.Goexit, as FailNow of a test does
		defer func() { done <- err }()
		err = o.guard(ctx, func() error { return f(ctx) })
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done: // f returned at the deadline: its result counts
		return err
	default:
		return fmt.Errorf("%w of %v", ErrBudget, o.budget)
	}
}

// guard runs f and converts a panic to an error. It does not log the value of the panic, which
// may have content.
func (o *options) guard(ctx context.Context, f func() error) (err error) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		err = fmt.Errorf("%w of type %T", errPanicked, value)
		o.log.LogAttrs(ctx, slog.LevelWarn, "webhook: panic in a callback",
			slog.String("type", fmt.Sprintf("%T", value)), slog.String("stack", string(debug.Stack())))
	}()
	return f()
}

// report logs one answered request and calls the observer.
func (o *options) report(ctx context.Context, q Request) {
	level := slog.LevelDebug
	if q.Err != nil && q.Status != http.StatusMethodNotAllowed {
		level = slog.LevelWarn
	}
	if o.log.Enabled(ctx, level) {
		attrs := []slog.Attr{
			slog.Int("status", q.Status), slog.String("channel", q.Channel), slog.String("integration", q.IntegrationID),
			slog.Int("secret", q.Secret), slog.Duration("duration", q.Duration),
		}
		text := "webhook: accepted"
		if q.Err != nil {
			text = "webhook: refused"
			attrs = append(attrs, slog.String("error", q.Err.Error()))
		}
		o.log.LogAttrs(ctx, level, text, attrs...)
	}
	if o.observe != nil {
		o.observe(q)
	}
}

// withoutBody returns the request for a Keyring.
func withoutBody(r *http.Request) *http.Request {
	bare := r.WithContext(r.Context())
	bare.Body, bare.GetBody, bare.ContentLength = io.NopCloser(http.NoBody), nil, 0
	return bare
}
