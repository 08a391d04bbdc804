package webhook

import (
	"cmp"
	"context"
	"log/slog"
	"time"
)

const (
	// DefaultBudget leaves two seconds for the network of the ten that Genesys waits for an
	// answer (https://developer.genesys.cloud/commdigital/digital/openmessaging/validate.html).
	DefaultBudget = 8 * time.Second

	// DefaultMaxBytes is twice the 512,000 bytes that Genesys accepts in a request. It
	// documents no limit for outbound bodies (UNCERTAIN).
	DefaultMaxBytes = 1 << 20
)

// An Option configures [NewHandler] and [NewSignalHandler].
type Option func(*options)

type options struct {
	log      *slog.Logger
	budget   time.Duration
	maxBytes int64
	observe  func(Request)
	ended    func(ctx context.Context, channel, conversationID string, at time.Time) error
}

// WithLogger logs refused and failed requests at Warn and all others at Debug. It logs
// configuration problems (a weak secret, an unfinished rotation) once for each channel. No log
// line has content, a secret or a customer id. By default, and if l is nil, nothing is logged.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.log = l } }

// WithBudget sets the time from the arrival of the request until the callback must return.
// After it the answer is 503 and the context of the callback ends. Genesys stops waiting after
// ten seconds. By default, and for values of 0 and less, it is [DefaultBudget].
func WithBudget(d time.Duration) Option { return func(o *options) { o.budget = d } }

// WithMaxBytes sets the maximum size of a body. A larger body is answered 413; it is not read
// if its Content-Length shows the size. By default, and for values of 0 and less, it is
// [DefaultMaxBytes].
func WithMaxBytes(n int64) Option { return func(o *options) { o.maxBytes = n } }

// WithObserver calls f once for each request after the answer, for metrics. f runs in the
// goroutine of the request, so it must be quick and safe for concurrent use. A nil f is
// ignored.
func WithObserver(f func(Request)) Option { return func(o *options) { o.observe = f } }

// WithEnded passes the posts to [NewSignalHandler] that contain "ended": true to f, which is a
// Manager's Ended. f gets the channel from the path value "channel" (empty if the pattern has
// none), and the time of the end from the body's member "time": RFC 3339 or milliseconds since
// 1970, zero if it is missing. Send the time wherever the source has it: it distinguishes a late
// report of an old end from the end of the next session in the same conversation.
//
// Send "ended" only when the customer's leg ended (a trigger on
// v2.detail.events.conversation.{id}.customer.end): a reject, a requeue and a transfer send
// user.end too. Without this option such a post is a signal like any other.
func WithEnded(f func(ctx context.Context, channel, conversationID string, at time.Time) error) Option {
	return func(o *options) { o.ended = f }
}

// A Request is one answered request as an observer gets it, without its content.
type Request struct {
	Status  int    // status of the answer
	Channel string // Endpoint.Channel; empty if no verifier was found
	// Of the verifier; for AnyIntegration that of the verified body. Empty if unknown.
	IntegrationID string
	// Index of the secret that matched, -1 for none; a signal handler's token is 0.
	Secret   int
	Duration time.Duration // from arrival to answer
	Err      error         // nil for 200
}

func newOptions(opts []Option) options {
	var o options
	for _, option := range opts {
		if option != nil {
			option(&o)
		}
	}
	o.log = cmp.Or(o.log, slog.New(slog.DiscardHandler))
	if o.budget <= 0 {
		o.budget = DefaultBudget
	}
	if o.maxBytes <= 0 {
		o.maxBytes = DefaultMaxBytes
	}
	return o
}
