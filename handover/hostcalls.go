package handover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// key fills in the one channel and checks.
func (m *Manager) key(k Key) (Key, error) {
	k.Channel = m.channelID(k.Channel)
	if m.config.Channels == nil && k.Channel != m.config.Channel.ID {
		return k, fmt.Errorf("handover: Key.Channel is not Config.Channel.ID: %w", ErrNoChannel)
	}
	return k, k.check()
}

// HandOver asks for an agent. It returns when that is stored; the opening is then under way. In a session that waits for an
// agent or has one, it changes nothing and returns the session. While one is ending, the new one begins after its Return.
//
// Errors: ErrNoQueue with the nearest names, a request Genesys would refuse (the error names field, limit and fix), ErrBusy,
// ErrNoChannel, a missing permission to look the queue up (*genesys.Error), and what the Store returned. If Genesys cannot be
// reached the request is stored and the queue is looked up later.
func (m *Manager) HandOver(ctx context.Context, k Key, r Request) (Session, error) {
	return m.begin(ctx, "handover", k, r, StateRequested)
}

// Open puts the conversation into the bot queue while the bot still answers: a later HandOver is then only the transfer. In an
// open session it changes nothing and returns the session.
func (m *Manager) Open(ctx context.Context, k Key, r Request) (Session, error) {
	return m.begin(ctx, "open", k, r, StateBot)
}

func (m *Manager) begin(ctx context.Context, op string, k Key, r Request, s State) (Session, error) {
	began := m.now()
	session, err := m.beginSession(ctx, k, r, s)
	m.observe(ctx, op, began, err)
	return session, err
}

func (m *Manager) beginSession(ctx context.Context, k Key, r Request, s State) (Session, error) {
	k, err := m.key(k)
	if err != nil {
		return Session{}, err
	}
	ch, err := m.channel(ctx, k.Channel)
	if err != nil {
		return Session{}, err
	}
	c := m.newCore(ch, k, r, s)
	o, err := r.opening(m.compose(), c.From)
	if err != nil {
		return Session{}, err
	}
	if err := m.lookupQueues(ctx, ch, k, &c); err != nil {
		return Session{}, err
	}
	var session Session
	_, err = m.accept(context.WithoutCancel(ctx), k, func(e *edit) error {
		session = e.handOver(c, o, r.Timers)
		return nil
	})
	return session, err
}

// newCore is a session that has not begun.
func (m *Manager) newCore(ch *known, k Key, r Request, s State) core {
	id := m.newID()
	c := core{
		Session: Session{ID: id, Key: k, State: s, Queue: r.Queue},
		Request: r.ID,
		From:    fromID(ch.channel.Identity, k.Customer, id),
		Routing: ch.channel.Routing,
		Timers:  r.Timers.or(ch.channel.Timers).or(defaultTimers()),

		AwaitWrapup: ch.channel.AwaitWrapup,
	}
	if c.Queue == "" {
		c.Queue = ch.channel.AgentQueue
	}
	return c
}

// lookupTime bounds what a caller of HandOver waits for Genesys.
const lookupTime = 4 * time.Second

// lookupQueues finds the ids of the queues, unless no new session is needed. A wrong name fails here; an unreachable Genesys does not.
func (m *Manager) lookupQueues(ctx context.Context, ch *known, k Key, c *core) error {
	if f, err := m.file(ctx, k); err == nil && (f.began(c.Request) != "" || f.open() != nil && f.open().State != StateBot && f.open().State != StateEnding) {
		return nil
	}
	if c.Routing == RouteByFlow {
		return nil // the flow decides
	}
	ctx, cancel := m.within(ctx, lookupTime)
	defer cancel()
	o := m.resolveQueues(ctx, ch, c)
	switch {
	case o.err == nil:
		return nil
	case o.code == CodeQueue, errors.Is(o.err, genesys.ErrForbidden), errors.Is(o.err, genesys.ErrUnauthorized):
		return o.err
	default:
		c.QueueID, c.BotQueue = "", ""
		return nil
	}
}

// handOver begins c, or goes on with what Open began; asked are the timers of this very request.
func (e *edit) handOver(c core, o *opening, asked Timers) Session {
	if id := e.began(c.Request); id != "" {
		return e.sessionOf(id)
	}
	e.remember(c.Request, c.ID)
	open := e.open()
	switch {
	case e.Next != nil:
		if c.State == StateRequested && e.Next.Core.State == StateBot { // opened for later; now an agent is wanted, too
			c.ID, c.From, c.Timers = e.Next.Core.ID, e.Next.Core.From, asked.or(e.Next.Core.Timers)
			o.Customer = e.Next.Opening.Customer
			e.Next.Core, e.Next.Opening = c, o
		}
		e.remember(c.Request, e.Next.Core.ID)
		return e.Next.Core.Session
	case open != nil && open.State == StateBot && c.State == StateRequested:
		e.remember(c.Request, open.ID)
		open.Queue, open.QueueID, open.Timers = c.Queue, c.QueueID, asked.or(open.Timers)
		e.Keep = open.Timers.Retention
		if c.BotQueue != "" {
			open.BotQueue = c.BotQueue
		}
		e.apply(event{Kind: evHandOver})
		e.release()
	case open != nil && open.State == StateEnding, open == nil && c.State == StateBot && e.returns():
		// An Open waits for the Return, too: what it hands back is the bot's, and must not be overtaken.
		c.Started = e.now
		e.Next = &plan{Core: c, Opening: o}
		return c.Session
	case open != nil:
		e.remember(c.Request, open.ID)
	default:
		e.begin(c, o)
	}
	return e.Now.Session
}

// began is the handover that a request began, or "".
func (f *file) began(request string) string {
	h := hashID(request)
	for _, r := range f.Requests {
		if r.Hash == h {
			return r.Handover
		}
	}
	return ""
}

// remember notes which handover a request led to.
func (e *edit) remember(request, handover string) {
	h := hashID(request)
	for i := range e.Requests {
		if e.Requests[i].Hash == h {
			e.Requests[i].Handover = handover
			return
		}
	}
	e.Requests = last(append(e.Requests, requestID{Hash: h, Handover: handover}), maxRequests)
}

func (e *edit) sessionOf(handover string) Session {
	if e.Now != nil && e.Now.ID == handover {
		return e.Now.Session
	}
	if e.Next != nil && e.Next.Core.ID == handover {
		return e.Next.Core.Session
	}
	for _, p := range e.Past {
		if p.Session.ID == handover {
			return p.Session
		}
	}
	return Session{ID: handover, Key: e.key, State: StateEnded}
}

// End asks for the end, for a reason. It returns when that is stored. What waits for the agent is still sent, for at most 10
// seconds. Without a session, or in one that ends already, it changes nothing and returns nil.
func (m *Manager) End(ctx context.Context, k Key, reason EndReason) error {
	k, err := m.key(k)
	if err != nil {
		return err
	}
	if !reason.valid() {
		return fmt.Errorf("handover: EndReason %q is unknown: use one of the End constants", reason)
	}
	began := m.now()
	_, err = m.accept(context.WithoutCancel(ctx), k, func(e *edit) error {
		if e.Next != nil { // the one that was to follow is not wanted any more
			e.Next = nil
			return nil
		}
		if c := e.open(); c == nil || c.State == StateEnding {
			return errUnchanged
		}
		e.apply(event{Kind: evEnd, Reason: reason})
		return nil
	})
	m.observe(ctx, "end", began, err)
	return err
}

// Fail reports a delivered message that the customer's channel refused later: the agent is told with a Failed receipt.
func (m *Manager) Fail(ctx context.Context, k Key, deliveryID string, code openmessaging.ReasonCode) error {
	k, err := m.key(k)
	if err != nil {
		return err
	}
	_, err = m.accept(context.WithoutCancel(ctx), k, func(e *edit) error {
		key := "fail " + deliveryID
		if e.fresh || e.Heard.recall(key) != unheard {
			return errUnchanged
		}
		e.Heard.remember(key, heard, e.now)
		to := k.Customer
		if e.Now != nil {
			to = e.Now.From
		}
		e.receipt(receipt{ID: deliveryID, Status: openmessaging.StatusFailed, Code: code, To: to})
		return nil
	})
	return err
}
