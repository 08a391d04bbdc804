package webhook

import (
	"cmp"
	"context"
	"log/slog"
	"time"
)

const (
	// DefaultBudget leaves two of the ten seconds that Genesys waits for an answer to the network
	// (https://developer.genesys.cloud/commdigital/digital/openmessaging/validate.html).
	DefaultBudget = 8 * time.Second

	// DefaultMaxBytes is twice the 512,000 bytes that Genesys accepts in the other direction. No limit of outbound bodies
	// is documented (UNCERTAIN).
	DefaultMaxBytes = 1 << 20
)

// An Option of [NewHandler] and [NewSignalHandler].
type Option func(*options)

type options struct {
	log      *slog.Logger
	budget   time.Duration
	maxBytes int64
	observe  func(Request)
	ended    func(ctx context.Context, conversationID string) error
}

// WithLogger logs refused and failed requests at Warn, the others at Debug, what the operator should finish (a weak
// secret, a rotation) once for each channel. No line holds content, a secret or a customer's id. Default and nil: no log.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.log = l } }

// WithBudget sets how long after the request's arrival the callback may take; then the answer is 503 and its context ends.
// Genesys itself gives up after ten seconds. Default, and for values of 0 and less: [DefaultBudget].
func WithBudget(d time.Duration) Option { return func(o *options) { o.budget = d } }

// WithMaxBytes sets how large a body may be; a larger one is answered 413, unread. Default, and for values of 0 and less:
// [DefaultMaxBytes].
func WithMaxBytes(n int64) Option { return func(o *options) { o.maxBytes = n } }

// WithObserver calls f once for each request, after the answer was given; for metrics. f runs in the request's goroutine,
// many at once: it must be safe for concurrent use and quick. Nil: none.
func WithObserver(f func(Request)) Option { return func(o *options) { o.observe = f } }

// WithEnded lets f have the posts to [NewSignalHandler] that say "ended": true, besides the conversation: a Manager's Ended. Send it
// only where the customer's leg has ended (a trigger on v2.detail.events.conversation.{id}.customer.end): user.end is sent by a reject,
// a requeue and a transfer, too. Without it such a post is a signal like any other.
func WithEnded(f func(ctx context.Context, conversationID string) error) Option {
	return func(o *options) { o.ended = f }
}

// A Request is what an observer hears of one request: never its content.
type Request struct {
	Status        int           // as answered
	Channel       string        // Endpoint.Channel; empty if no verifier was found
	IntegrationID string        // whose URL it is; for AnyIntegration that of the verified body. Empty if unknown
	Secret        int           // index of the secret that matched, -1 for none; a signal handler's token is 0
	Duration      time.Duration // from arrival to answer
	Err           error         // nil for 200
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
