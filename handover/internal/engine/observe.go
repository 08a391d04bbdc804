package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// An Observation is one finished operation, for metrics.
type Observation struct {
	Op       string // one of the Op constants
	Channel  string // the host's id of the channel; empty if the Manager does not serve it
	Duration time.Duration
	Err      error // nil, or why the operation failed; a panic of a callback is an error, too
}

// The calls of the host.
const (
	OpForward      = "forward"
	OpReply        = "reply"    // without the time of say
	OpHandOver     = "handover" // Compose and the look-up of queues included
	OpOpen         = "open"     // likewise
	OpEnd          = "end"
	OpTyping       = "typing" // a typing event to Genesys; not observed where it is dropped
	OpAvailability = "availability"
)

// The webhooks of Genesys, by their content.
const (
	OpReceiveMessage = "receive.message"
	OpReceiveTyping  = "receive.typing" // Config.Typing included
	OpReceiveReceipt = "receive.receipt"
	OpReceiveUnknown = "receive.unknown" // a kind that this release does not know, or no customer
	// A message that was dropped because it is too old to be new.
	OpReplay = "replay"
)

// The calls to Genesys, where they are not a part of another operation. The operations of an effect
// are named after the kind of its entry or task.
const (
	OpReceipt    = "receipt"
	OpTransfer   = "transfer"
	OpDisconnect = "disconnect"
	OpFetch      = "fetch" // agents' messages without a webhook
)

// observe reports an operation to the host's observer, in the operation's context.
func (m *Manager) observe(ctx context.Context, op, channel string, began time.Time, err error) {
	if m.config.Observer == nil {
		return
	}
	channel = m.channelID(channel)
	if errors.Is(err, record.ErrNoChannel) || machine.CheckPart("Channel", channel, 0, machine.MaxChannelID) != nil {
		channel = "" // it may be external input, and the number of metrics must not grow with it
	}
	o := Observation{Op: op, Channel: channel, Duration: m.Now().Sub(began), Err: err}
	_ = m.guard(ctx, callObserver, machine.Key{Channel: channel}, func() error {
		m.config.Observer(ctx, o)
		return nil
	})
}

// observing returns a function to be deferred, which reports an operation that begins now.
func (m *Manager) observing(ctx context.Context, op, channel string) func(err *error) {
	began := m.Now()
	return func(err *error) { m.observe(ctx, op, channel, began, *err) }
}

// request performs and observes one request to Genesys, within a share of the budget.
func (m *Manager) request(
	ctx context.Context, k *channelState, op string, s account.Share, send func(context.Context, *genesys.Client) error,
) (err error) {
	defer m.observing(ctx, op, k.channel.ID)(&err)
	return k.account.Do(ctx, s, func(ctx context.Context) error { return send(ctx, k.account.Client) })
}

// logPanic logs a recovered panic with the type of its value and the stack. It omits the value,
// which may contain content.
func (m *Manager) logPanic(ctx context.Context, p any, message string, attrs ...slog.Attr) {
	attrs = append(attrs, slog.String("type", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
	m.log.LogAttrs(ctx, slog.LevelError, message, attrs...)
}

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
	latest := j.Began.Add(record.EffectStart + account.WaitTime) // later, another process may perform it
	err := m.bounded(ctx, failing{name, j.Key.Channel}, latest, j.Began.Add(callTime), f, late)
	_, permanent := errors.AsType[*record.UndeliverableError](err)
	pending := name == callDeliver && errors.Is(err, record.Pending)
	if err != nil && !permanent && !pending && !errors.Is(err, errLate) {
		m.callFailed(ctx, name, j.Key, attempt, err)
	}
	return err
}

// callOnce runs a callback without a stored entry until end, and logs its failure.
func (m *Manager) callOnce(ctx context.Context, name string, k machine.Key, end time.Time, f func(context.Context) error) error {
	which := failing{name, k.Channel}
	err := m.bounded(ctx, which, end, end, f, nil)
	if n := m.failures.count(which, err); n > 0 {
		m.callFailed(ctx, name, k, n, err)
	}
	return err
}

// guard runs a callback without a stored entry. It logs a panic and returns it as an error. It
// returns other errors without logging them.
func (m *Manager) guard(ctx context.Context, name string, k machine.Key, f func() error) error {
	err := guarded(name, f)
	if _, panicked := errors.AsType[*panicError](err); panicked {
		m.callFailed(ctx, name, k, m.failures.count(failing{name, k.Channel}, err), err)
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

type failing struct{ callback, channel string }

// A tally counts by callback and channel, in this process.
type tally struct {
	mu sync.Mutex
	n  map[failing]*int
}

// add changes a count and returns it.
func (c *tally) add(which failing, d int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[which] == nil && d < 0 {
		return 0
	}
	n := entry(&c.n, which, maxFailing)
	if *n += d; *n <= 0 {
		delete(c.n, which)
	}
	return max(0, *n)
}

// count returns how often a callback of a channel has failed in a row, including this failure. A
// nil error resets the count.
func (c *tally) count(which failing, err error) int {
	if err == nil {
		return c.add(which, math.MinInt32)
	}
	return c.add(which, 1)
}

const (
	// Of a callback's context, from its lease: the receipt must fit after it.
	callTime  = 8 * time.Second
	callGrace = 500 * time.Millisecond // a callback that obeys its context returns within this time
)

// errLate is the outcome of a callback that was not called, because the process did not run for a
// while.
var errLate = errors.New("handover: the callback could not be called in time")

// bounded runs a callback in a separate task, so that one that ignores its context occupies no
// worker and no webhook. It begins at latest or not at all, and its context ends at end. If it has
// not returned a moment later, bounded returns an error. It calls late, unless that is nil, with
// the later result of the callback.
func (m *Manager) bounded(
	ctx context.Context, which failing, latest, end time.Time, f func(context.Context) error, late func(error),
) error {
	if m.Now().After(latest) {
		return errLate
	}
	inner, cancel := m.Until(ctx, end)
	var result error
	var decided atomic.Bool // the callback has returned, or no worker waits for it any longer
	returned := make(chan struct{})
	m.Go(func() {
		defer cancel()
		result = errLate
		if !m.Now().After(latest) {
			result = guarded(which.callback, func() error { return f(inner) })
		}
		if decided.CompareAndSwap(false, true) {
			close(returned)
			return
		}
		m.stuck.add(which, -1)
		if late != nil {
			late(result)
		}
	})
	_, _ = m.Await(context.WithoutCancel(ctx), end.Add(callGrace).Sub(m.Now()), returned)
	if decided.Load() {
		return result
	}
	n := m.stuck.add(which, 1)
	if !decided.CompareAndSwap(false, true) {
		m.stuck.add(which, -1)
		return result
	}
	if n&(n-1) == 0 {
		m.log.Warn("callbacks have not returned although their contexts have ended: return when the context ends",
			slog.String("callback", which.callback), slog.String("channel", which.channel), slog.Int("running", n))
	}
	return record.ErrStuck
}

// settleLate stores the result of a callback that ignored its context: the lane continues, and a
// message that the host has accepted is not delivered again. A failure was counted before.
func (m *Manager) settleLate(ctx context.Context, j *record.Job, o record.Outcome) {
	j.Returned.Store(true)
	_, err := m.accept(ctx, j.Key, func(tx *record.Transaction) error {
		if tx.Fresh || tx.Created != j.Record.Created {
			return record.ErrUnchanged
		}
		blocked := tx.In.Stuck == j.StuckUntil()
		taken := (o.Err == nil || o.Effect == record.EffectRefused) && tx.In.Heads(j.Head.Seq)
		if !blocked && !taken {
			return record.ErrUnchanged
		}
		if blocked {
			tx.In.Stuck = 0
		}
		if taken {
			tx.SettleIn(j, o)
		}
		return nil
	})
	if err != nil {
		m.log.Warn("late outcome not stored", slog.String("lane", string(j.Lane)), slog.String("customer", m.hash(j.Key)), slog.Any("error", err))
	}
}
