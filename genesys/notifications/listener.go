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

// A Listener listens on one channel of one OAuth client. It is safe for concurrent use.
type Listener struct {
	api       api
	topics    []Topic
	owner     Owner // nil: this process is the only one
	log       *slog.Logger
	observers []func(Event)
	http      *http.Client
	plain     bool // the API itself is spoken to without TLS

	running atomic.Bool

	// Of Run's own goroutine: what outlives a term of ownership.
	channel  channel            // the last one used
	posted   time.Time          // when a channel was last asked for
	rejected map[Topic]struct{} // as told last
}

// New makes a listener for topics, at least one and at most [MaxTopics]; repeats are removed. It starts nothing and sends
// nothing. A nil client, a topic that is not well formed and a bad option are errors here, all of them at once; a topic
// Genesys does not know or permit is one of [Listener.Run]'s events.
//
// The topics share one WebSocket. It is opened through the HTTP client of c, see [WithHTTPClient].
//
// See https://developer.genesys.cloud/notificationsalerts/notifications/
func New(c *genesys.Client, topics []Topic, opts ...Option) (*Listener, error) {
	l := &Listener{api: api{c}, log: slog.New(slog.DiscardHandler), rejected: map[Topic]struct{}{}}
	var errs []error
	if c == nil {
		errs = append(errs, errors.New("notifications: New: the client is nil"))
	} else {
		l.http, l.plain = c.HTTPClient(), c.Endpoint().Scheme == "http"
	}
	var err error
	if l.topics, err = checkTopics(topics); err != nil {
		errs = append(errs, err)
	}
	for _, opt := range opts {
		if opt == nil {
			errs = append(errs, errors.New("notifications: New: an option is nil"))
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
	errRunning = errors.New("notifications: Run is running already")
	errNoFunc  = errors.New("notifications: Run: changed is nil")
)

// Run listens until ctx ends, and returns ctx's error and no other; whatever fails meanwhile is told to the logger and the
// observers and tried again. A second Run of one Listener at once, and a nil changed, are errors at once. Nothing that it
// started outlives it, so it waits for calls of changed: these must end soon after their context. Giving ownership back takes
// five seconds at most.
//
// changed(ctx, id) says that the conversation may have changed: read it again. Ids come from Genesys and have letters,
// digits and dashes only. What has happened is not told, an event may come late or twice, and the conversation may be
// somebody else's. Events of one conversation that arrive before its call begins are one call, and it is never called for
// the same conversation twice at a time; at most 8 calls for conversations run, each with a minute. Reading never waits
// for them. At most 10,000 conversations wait. A call that fails or panics is made again after 1, 5 and 25 seconds.
//
// changed(ctx, "") says that something may have been missed: read all that matters again. It is called after every
// connection, the first one too; once when there has been no connection for a minute; where more conversations wait than
// fit; and instead of a call that failed four times. Between two beginnings lies at least a minute, nothing asked for
// meanwhile is forgotten, one runs at a time, without a time limit; one that fails is made again after that minute. With
// [WithOwner] only the owner calls it.
//
// The changed of a handover is Manager.Recheck.
func (l *Listener) Run(ctx context.Context, changed func(ctx context.Context, conversationID string) error) error {
	if changed == nil {
		return errNoFunc
	}
	if !l.running.CompareAndSwap(false, true) {
		return errRunning
	}
	defer l.running.Store(false)
	h := newHints(changed, l.tell)
	var calls sync.WaitGroup
	calls.Go(func() { h.run(ctx) })
	for ctx.Err() == nil {
		l.whileOwner(ctx, func(ctx context.Context, t *tenure) {
			(&term{l: l, tenure: t, hints: h}).run(ctx)
		})
	}
	calls.Wait()
	return ctx.Err()
}
