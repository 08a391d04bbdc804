package notifications

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

const (
	// Between two channels, unless the first was certainly not made.
	createInterval  = time.Minute
	rejectedRetry   = 10 * time.Minute // of rejected topics: a person has to grant a permission
	stableAfter     = 30 * time.Second // a socket of this age worked
	maxClosingPause = 15 * time.Second // the old socket still works for about a minute
)

var (
	errAllRejected = errors.New("notifications: Genesys rejects every topic; " +
		"grant the missing permissions to the role of the OAuth client, see docs/setup.md#step-1")
	errChannelGone = errors.New("notifications: Genesys no longer has the channel")
)

// A connector keeps one channel with one socket during one ownership.
type connector struct {
	l         *Listener
	ownership *ownership
	hints     *hints

	channel       channel // zero: none
	inherited     bool    // made by another process, and not yet used by this one
	connectedOnce bool    // a socket was open on it
	unverified    bool    // verify it before its next use
	subscribed    bool
	renewAt       time.Time
	retry         backoff
}

// run keeps a socket open until ctx ends.
func (c *connector) run(ctx context.Context) {
	c.loadChannel()
	c.markDisconnected()
	defer c.hints.released()
	var old *socket // Genesys is about to close it; read until there is a new one
	defer func() { closeSocket(old) }()
	for ctx.Err() == nil {
		s, err := c.connect(ctx)
		if err != nil {
			c.unverified = true
			c.pauseAfter(ctx, err)
			continue
		}
		closeSocket(old)
		old = nil
		c.l.emit(ctx, Event{Kind: Connected})
		c.hints.connected()
		c.ownership.socket.setConnected(true)
		err = c.watch(ctx, s)
		if ctx.Err() != nil { // the reader may have seen it first
			err = context.Cause(ctx)
		}
		c.markDisconnected()
		lived := time.Since(s.opened)
		c.l.emit(ctx, Event{Kind: Lost, Lived: lived, Err: err})
		if errors.Is(err, errClosing) {
			old = s
		} else {
			s.close()
		}
		wait(ctx, c.reconnectDelay(lived, err))
	}
}

// loadChannel uses the channel of the previous owner, or else the last one of this Listener.
func (c *connector) loadChannel() {
	c.channel, c.inherited = readChannel(c.ownership.last)
	if !c.inherited || checkAddress(c.channel.URI, c.l.plaintext) != nil {
		c.channel, c.inherited = c.l.channel, false
	}
	if c.channel.Created.After(c.l.lastCreate) {
		c.l.lastCreate = c.channel.Created
	}
	c.unverified = true
}

func (c *connector) markDisconnected() {
	c.hints.disconnected()
	c.ownership.socket.setConnected(false)
}

func closeSocket(s *socket) {
	if s != nil {
		s.close()
	}
}

// pauseAfter reports why there is no socket and waits.
func (c *connector) pauseAfter(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	c.l.emit(ctx, Event{Kind: Failed, Err: err})
	if errors.Is(err, errAllRejected) {
		wait(ctx, jitter(rejectedRetry))
		return
	}
	wait(ctx, c.retry.next(err))
}

// reconnectDelay returns the pause before the next socket. A socket that worked is replaced at
// once.
func (c *connector) reconnectDelay(lived time.Duration, err error) time.Duration {
	closing := errors.Is(err, errClosing)
	switch {
	case errors.Is(err, errAllRejected):
		return jitter(rejectedRetry)
	case lived >= stableAfter:
		c.retry.reset()
		if closing {
			return 0
		}
		return randomUpTo(firstPause)
	case closing:
		return min(c.retry.next(err), maxClosingPause)
	default:
		c.unverified = true // the channel may be the cause
		return c.retry.next(err)
	}
}

// connect returns a socket on a channel that has the topics.
func (c *connector) connect(ctx context.Context) (*socket, error) {
	if c.unverified && c.channel.ID != "" {
		// Any other error may still leave a working socket.
		if unusable(c.l.api.verify(ctx, c.channel.ID), c.inherited) {
			c.dropChannel()
		}
	}
	c.unverified = false
	if c.channel.ID == "" {
		if err := c.create(ctx); err != nil {
			return nil, err
		}
	}
	if !c.subscribed || time.Now().After(c.renewAt) {
		statuses, err := c.l.api.subscribe(ctx, c.channel.ID, c.l.topics)
		if err := c.applyStatuses(ctx, statuses, err); err != nil && !c.subscribed {
			return nil, err
		}
	}
	s, err := c.l.dial(ctx, c.channel.URI, c.hints)
	if err != nil {
		// A new channel does not help if this one never worked: a proxy may block WebSockets.
		if e, ok := errors.AsType[*handshakeError](err); ok && e.permanent() && (c.inherited || c.connectedOnce) {
			c.dropChannel()
		}
		return nil, err
	}
	c.inherited, c.connectedOnce, c.l.channel = false, true, c.channel
	return s, nil
}

func (c *connector) dropChannel() {
	c.channel, c.inherited, c.connectedOnce, c.subscribed = channel{}, false, false, false
	c.l.channel = channel{}
}

// create makes a channel, at most once a minute, because each new channel may evict another
// one.
func (c *connector) create(ctx context.Context) error {
	if !c.l.lastCreate.IsZero() {
		// The clock of another replica may be ahead.
		pause := min(time.Until(c.l.lastCreate.Add(createInterval)), createInterval)
		if !wait(ctx, pause) {
			return ctx.Err()
		}
	}
	before := c.l.lastCreate
	c.l.lastCreate = time.Now()
	made, err := c.l.api.create(ctx)
	if err != nil {
		if genesys.EffectOf(err) == genesys.EffectNone {
			c.l.lastCreate = before
		}
		return err
	}
	c.channel, c.l.channel = made, made
	c.l.emit(ctx, Event{Kind: Created})
	// Before its use, so that after a crash the next owner has it.
	c.ownership.store(ctx, made.state())
	return nil
}

// applyStatuses applies the answer to a subscription. It returns an error if the subscription
// failed or every topic is rejected.
func (c *connector) applyStatuses(ctx context.Context, statuses []topicStatus, err error) error {
	if err != nil {
		if unusable(err, c.inherited) {
			c.dropChannel()
		}
		return err
	}
	rejected := map[Topic]struct{}{}
	for _, v := range statuses {
		if v.rejected() {
			rejected[v.ID] = struct{}{}
		}
	}
	var all error
	if len(rejected) >= len(c.l.topics) {
		all = errAllRejected
	}
	for _, v := range statuses {
		_, now := rejected[v.ID]
		_, before := c.l.rejected[v.ID]
		switch {
		case now && !before:
			c.l.emit(ctx, Event{Kind: Rejected, Topic: v.ID, Permissions: v.Permissions, Reason: v.Reason})
		case before && !now:
			c.l.emit(ctx, Event{Kind: Permitted, Topic: v.ID})
			c.hints.requestResync()
		}
	}
	c.l.rejected = rejected
	c.subscribed = all == nil
	c.renewAt = time.Now().Add(c.channel.renewAfter())
	if len(rejected) > 0 {
		c.renewAt = time.Now().Add(jitter(rejectedRetry))
	}
	return all
}

// watch renews the channel until the socket is no longer usable, and returns the reason.
func (c *connector) watch(ctx context.Context, s *socket) error {
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	defer renewing.Wait()
	defer cancel()
	type answer struct {
		statuses []topicStatus
		err      error
	}
	answers := make(chan answer, 1)
	renew := time.NewTimer(time.Until(c.renewAt))
	defer renew.Stop()
	quiet := time.NewTimer(pingAfter)
	defer quiet.Stop()
	var retry backoff
	for pinged := false; ; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.done:
			return s.err
		case <-s.closing:
			return errClosing
		case <-s.received:
			pinged = false
			quiet.Reset(pingAfter)
		case <-quiet.C:
			if pinged {
				return errSilent
			}
			pinged = true
			s.ping(ctx)
			quiet.Reset(pongTimeout)
		case <-renew.C:
			id := c.channel.ID
			renewing.Go(func() {
				statuses, err := c.l.api.subscribe(ctx, id, c.l.topics)
				answers <- answer{statuses, err}
			})
		case a := <-answers:
			err := c.applyStatuses(ctx, a.statuses, a.err)
			switch {
			case err == nil:
				retry.reset()
				c.l.emit(ctx, Event{Kind: Renewed})
				renew.Reset(time.Until(c.renewAt))
			case errors.Is(err, errAllRejected):
				return err
			case c.channel.ID == "":
				return errChannelGone
			default:
				c.l.emit(ctx, Event{Kind: Failed, Err: err})
				renew.Reset(retry.next(err))
			}
		}
	}
}
