package notifications

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// A Listener listens to one channel of one OAuth client. It is safe for concurrent use. Only
// one [Listener.Run] may run at a time.
type Listener struct {
	api       api
	topics    []Topic
	owner     Owner // nil: this process is the only one
	log       *slog.Logger
	observers []func(Event)
	http      *http.Client
	plaintext bool // the API itself is used without TLS

	running atomic.Bool

	// These belong to the goroutine of Run. They outlive one ownership.
	channel    channel            // the last one used
	lastCreate time.Time          // when the last channel was requested
	rejected   map[Topic]struct{} // by the last subscription
}

// New returns a listener for topics: at least one and at most [MaxTopics], duplicates are
// removed. It starts nothing and sends nothing. It returns an error, with all mistakes at once,
// for a nil client, a malformed topic and an invalid option. A topic that Genesys does not know
// or permit is reported by [Listener.Run] as a [Rejected] event.
//
// All topics share one WebSocket. It is opened with the HTTP client of c, see [WithHTTPClient].
//
// See https://developer.genesys.cloud/notificationsalerts/notifications/
func New(c *genesys.Client, topics []Topic, opts ...Option) (*Listener, error) {
	l := &Listener{api: api{c}, log: slog.New(slog.DiscardHandler), rejected: map[Topic]struct{}{}}
	var errs []error
	if c == nil {
		errs = append(errs, errors.New("notifications: New: the client is nil; pass one from genesys.New"))
	} else {
		l.http, l.plaintext = c.HTTPClient(), c.Endpoint().Scheme == "http"
	}
	var err error
	if l.topics, err = checkTopics(topics); err != nil {
		errs = append(errs, err)
	}
	for _, opt := range opts {
		if opt == nil {
			errs = append(errs, errors.New("notifications: New: an option is nil; remove it"))
			continue
		}
		if err := opt(l); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return l, nil
}

var (
	errRunning = errors.New("notifications: Run: this Listener is already running; use a second Listener for a second Run")
	errNoFunc  = errors.New("notifications: Run: changed is nil; pass a function such as Manager.Recheck")
)

// Run listens until ctx ends and returns the error of ctx. It returns another error only at
// once: if changed is nil, or if Run is already running. All other failures are logged, sent to
// the observers and retried. Run waits for its goroutines, so calls of changed must end soon
// after their context ends. Releasing the ownership takes at most five seconds.
//
// Run calls changed(ctx, id) when a conversation may have changed: read it again. Ids are from
// Genesys and have only letters, digits and dashes. A call has no details: an event may be late
// or a duplicate, and the conversation may not belong to this integration. Events for one
// conversation that arrive before its call begins share one call, and there are never two
// concurrent calls for one conversation. At most 8 calls for conversations run at a time, each
// with a timeout of a minute. Reading the socket never waits for them. At most 10,000
// conversations wait. A call that fails or panics is retried after 1, 5 and 25 seconds.
//
// Run calls changed(ctx, "") when events may have been missed: read all relevant conversations
// again. This happens after every connection, including the first; once when there has been no
// connection for a minute; when too many conversations wait; and after a call that failed four
// times. These calls start at least a minute apart, one runs at a time, they have no timeout,
// and requests in between are combined into the next one. A call that fails is retried after
// that minute. With [WithOwner] only the owner makes calls for new events.
//
// For a handover, pass Manager.Recheck as changed.
func (l *Listener) Run(ctx context.Context, changed func(ctx context.Context, conversationID string) error) error {
	if changed == nil {
		return errNoFunc
	}
	if !l.running.CompareAndSwap(false, true) {
		return errRunning
	}
	defer l.running.Store(false)
	h := newHints(changed, l.emit)
	var calls sync.WaitGroup
	calls.Go(func() { h.run(ctx) })
	for ctx.Err() == nil {
		l.runAsOwner(ctx, func(ctx context.Context, o *ownership) {
			(&connector{l: l, ownership: o, hints: h}).run(ctx)
		})
	}
	calls.Wait()
	return ctx.Err()
}

// An Option configures a [Listener]. [New] checks it.
type Option func(*Listener) error

// WithOwner lets one of several replicas hold the channel of the OAuth client while the others
// wait. Pass an equivalent owner in every replica, such as the SocketOwner of a
// handover.Manager. It returns an error if o is nil.
//
// Without this option every Listener makes a separate channel, which is correct for a single
// process. Genesys allows 20 channels for an OAuth client and replaces the oldest by a new one,
// so more than 20 replicas without an owner evict each other repeatedly.
func WithOwner(o Owner) Option {
	return func(l *Listener) error {
		if o == nil {
			return errors.New("notifications: WithOwner: the owner is nil; omit the option for a single process")
		}
		l.owner = o
		return nil
	}
}

// WithLogger logs what the listener does, with the keys kind, topic, permissions, lived and
// error. Rejected topics and failures have the level Warn, the rest Info or Debug. No log line
// has content, a token, the address of the socket or the id of a conversation. Without this
// option nothing is logged.
func WithLogger(log *slog.Logger) Option {
	return func(l *Listener) error {
		if log == nil {
			return errors.New("notifications: WithLogger: the logger is nil; omit the option to log nothing")
		}
		l.log = log
		return nil
	}
}

// WithObserver calls f for every [Event]. f runs in several goroutines, including the one that
// reads the socket, so it must be quick and safe for concurrent use. The option may be
// repeated; all functions are called in order.
func WithObserver(f func(Event)) Option {
	return func(l *Listener) error {
		if f == nil {
			return errors.New("notifications: WithObserver: the function is nil; omit the option")
		}
		l.observers = append(l.observers, f)
		return nil
	}
}

// WithHTTPClient opens the WebSocket with hc instead of the HTTP client of the genesys.Client,
// for example to use another proxy. The transport must be able to switch protocols, as
// *http.Transport is. The client's Timeout limits only the opening. Redirects are not followed.
func WithHTTPClient(hc *http.Client) Option {
	return func(l *Listener) error {
		if hc == nil {
			return errors.New("notifications: WithHTTPClient: the client is nil; omit the option to use that of the genesys.Client")
		}
		l.http = hc
		return nil
	}
}
