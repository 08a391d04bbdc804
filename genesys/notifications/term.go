package notifications

import (
	"context"
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

const (
	createPause   = time.Minute      // between two channels, unless it is certain that the first was never made
	rejectedPause = 10 * time.Minute // until topics that were rejected are tried again: people have to grant something
	settled       = 30 * time.Second // a socket that lived so long was a good one
	closingPause  = 15 * time.Second // at most, while the old socket still has a minute to live
)

var (
	errAllRejected = errors.New("notifications: Genesys rejects every topic, so there is nothing to listen to")
	errGone        = errors.New("notifications: the channel is gone")
)

// A term is what one tenure does: it keeps one channel and one socket on it.
type term struct {
	l      *Listener
	tenure *tenure
	hints  *hints

	channel    channel // zero: none
	found      bool    // somebody else made it, and it has not worked yet
	worked     bool    // there was a socket on it
	doubt      bool    // verify it before it is used
	subscribed bool
	renewal    time.Time
	retry      backoff
}

// run ends with ctx.
func (t *term) run(ctx context.Context) {
	t.begin()
	t.lost()
	defer t.hints.idle()
	var old *socket // about to be closed by Genesys, read until there is another
	defer func() { closeSocket(old) }()
	for ctx.Err() == nil {
		s, err := t.open(ctx)
		if err != nil {
			t.doubt = true
			t.pause(ctx, err)
			continue
		}
		closeSocket(old)
		old = nil
		t.l.tell(ctx, Event{Kind: Connected})
		t.hints.back()
		t.tenure.pulse.set(true)
		err = t.watch(ctx, s)
		if ctx.Err() != nil { // the reader may have noticed first
			err = context.Cause(ctx)
		}
		t.lost()
		lived := time.Since(s.opened)
		t.l.tell(ctx, Event{Kind: Lost, Lived: lived, Err: err})
		if errors.Is(err, errClosing) {
			old = s
		} else {
			s.close()
		}
		wait(ctx, t.reconnect(lived, err))
	}
}

// begin takes the channel of the owner before. One of this replica's own will do if nothing is stored.
func (t *term) begin() {
	t.channel, t.found = readChannel(t.tenure.last)
	if !t.found || checkAddress(t.channel.URI, t.l.plain) != nil {
		t.channel, t.found = t.l.channel, false
	}
	if t.channel.Created.After(t.l.posted) {
		t.l.posted = t.channel.Created
	}
	t.doubt = true
}

func (t *term) lost() {
	t.hints.gone()
	t.tenure.pulse.set(false)
}

func closeSocket(s *socket) {
	if s != nil {
		s.close()
	}
}

// pause tells why there is no socket and waits.
func (t *term) pause(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	t.l.tell(ctx, Event{Kind: Failed, Err: err})
	if errors.Is(err, errAllRejected) {
		wait(ctx, around(rejectedPause))
		return
	}
	wait(ctx, t.retry.next(err))
}

// reconnect is how long to wait after a socket that lived so long. A good one is replaced at once.
func (t *term) reconnect(lived time.Duration, err error) time.Duration {
	closing := errors.Is(err, errClosing)
	switch {
	case errors.Is(err, errAllRejected):
		return around(rejectedPause)
	case lived >= settled:
		t.retry.reset()
		if closing {
			return 0
		}
		return chance(firstPause)
	case closing:
		return min(t.retry.next(err), closingPause)
	default:
		t.doubt = true // perhaps it is the channel's fault
		return t.retry.next(err)
	}
}

// open returns a socket on a channel that has the topics.
func (t *term) open(ctx context.Context) (*socket, error) {
	if t.doubt && t.channel.ID != "" {
		// Whatever else goes wrong here, the socket may still work.
		if unusable(t.l.api.verify(ctx, t.channel.ID), t.found) {
			t.forget()
		}
	}
	t.doubt = false
	if t.channel.ID == "" {
		if err := t.create(ctx); err != nil {
			return nil, err
		}
	}
	if !t.subscribed || time.Now().After(t.renewal) {
		verdicts, err := t.l.api.subscribe(ctx, t.channel.ID, t.l.topics)
		if err := t.judge(ctx, verdicts, err); err != nil && !t.subscribed {
			return nil, err
		}
	}
	s, err := t.l.dial(ctx, t.channel.URI, t.hints)
	if err != nil {
		// A channel that never worked would not be mended by another: it may be a proxy that lets no WebSocket through.
		if e, ok := errors.AsType[*handshakeError](err); ok && e.final() && (t.found || t.worked) {
			t.forget()
		}
		return nil, err
	}
	t.found, t.worked, t.l.channel = false, true, t.channel
	return s, nil
}

func (t *term) forget() {
	t.channel, t.found, t.worked, t.subscribed = channel{}, false, false, false
	t.l.channel = channel{}
}

// create makes a channel, at most one a minute: what is made and not used pushes out others.
func (t *term) create(ctx context.Context) error {
	if !t.l.posted.IsZero() {
		pause := min(time.Until(t.l.posted.Add(createPause)), createPause) // another replica's clock may be ahead
		if !wait(ctx, pause) {
			return ctx.Err()
		}
	}
	before := t.l.posted
	t.l.posted = time.Now()
	made, err := t.l.api.create(ctx)
	if err != nil {
		if genesys.EffectOf(err) == genesys.EffectNone {
			t.l.posted = before
		}
		return err
	}
	t.channel, t.l.channel = made, made
	t.l.tell(ctx, Event{Kind: Created})
	t.tenure.store(ctx, made.state()) // before it is used, so that a crash leaves it to the next owner
	return nil
}
