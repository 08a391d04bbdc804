package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// The names of the callbacks in the log.
const (
	callDeliver  = "Deliver"
	callNotify   = "Notify"
	callReturn   = "Return"
	callChannels = "Channels"
	callTyping   = "Typing"
	callCompose  = "Compose"
	callObserver = "Observer"
)

// A panicError is a panic of a callback. It omits the panic's value, which may contain anything.
type panicError struct {
	callback string
	kind     string // the type of the value
	stack    []byte
}

func (e *panicError) Error() string { return "handover: Config." + e.callback + " panicked: " + e.kind }

// guarded runs f and returns a panic as an error.
func guarded(name string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{callback: name, kind: fmt.Sprintf("%T", p), stack: debug.Stack()}
		}
	}()
	return f()
}

// call runs the callback of a job; attempt counts from 1. late is called if it returns after its
// time.
func (m *Manager) call(
	ctx context.Context, name string, j *record.Job, attempt int, f func(context.Context) error, late func(error),
) error {
	// Later, another process may perform it.
	begins := func() bool { return m.Now().Sub(j.Began) <= record.EffectStart+account.WaitTime }
	err := m.bounded(ctx, name, j.Key.Channel, j.Began.Add(callTime), begins, f, late)
	_, permanent := errors.AsType[*record.UndeliverableError](err)
	pending := name == callDeliver && errors.Is(err, record.Pending)
	if err != nil && !permanent && !pending && !errors.Is(err, errLate) {
		m.callFailed(ctx, name, j.Key, attempt, err)
	}
	return err
}

// guard runs a callback without a stored entry. It logs a panic and returns it as an error. It
// returns other errors without logging them.
func (m *Manager) guard(ctx context.Context, name string, k machine.Key, f func() error) error {
	err := guarded(name, f)
	if _, panicked := errors.AsType[*panicError](err); panicked {
		m.callFailed(ctx, name, k, m.failures.count(name, k.Channel, err), err)
	}
	return err
}

// maxErrorText limits the logged text of a host's error.
const maxErrorText = 200

// callFailed logs a callback's failure, at the first attempt and at each doubling of their number.
func (m *Manager) callFailed(ctx context.Context, name string, k machine.Key, attempt int, err error) {
	if attempt&(attempt-1) != 0 {
		return
	}
	attrs := []slog.Attr{slog.String("callback", name), slog.String("channel", k.Channel)}
	if k.Customer != "" {
		attrs = append(attrs, slog.String("customer", m.hash(k)))
	}
	attrs = append(attrs, slog.Int("attempts", attempt), slog.String("error", record.OneLine(err.Error(), maxErrorText)))
	level, text := slog.LevelWarn, "callback failed"
	if p, ok := errors.AsType[*panicError](err); ok {
		level, text = slog.LevelError, "callback panicked"
		attrs = append(attrs, slog.String("type", p.kind), slog.String("stack", string(p.stack)))
	}
	m.log.LogAttrs(ctx, level, text, attrs...)
}

// maxFailing limits the number of channels for which failures are counted.
const maxFailing = 1024

// failures counts, in this process, the consecutive failures of callbacks without a stored entry.
type failures struct {
	mu sync.Mutex
	n  map[failing]int
}

type failing struct{ callback, channel string }

// count returns how often a callback of a channel has failed in a row, including this failure. A
// nil error resets the count.
func (f *failures) count(callback, channel string, err error) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := failing{callback, channel}
	if err == nil {
		delete(f.n, key)
		return 0
	}
	if len(f.n) >= maxFailing || f.n == nil {
		f.n = map[failing]int{}
	}
	f.n[key]++
	return f.n[key]
}
