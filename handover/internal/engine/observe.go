package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
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
