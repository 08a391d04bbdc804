package handover

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/engine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// The engine has separate types, so that a new field of a public type changes neither its rules nor
// the stored format. Only this file converts between them.

// internal returns the engine's configuration. The callbacks convert their arguments and results.
func (c Config) internal() engine.Config {
	e := engine.Config{
		Channel:       c.Channel.internal(),
		Deliver:       func(ctx context.Context, d record.Delivery) error { return c.Deliver(ctx, deliveryOf(d)) },
		Return:        func(ctx context.Context, r record.Return) error { return c.Return(ctx, returnOf(r)) },
		Store:         internalStore{c.Store},
		ClientOptions: c.ClientOptions,
		Logger:        c.Logger,
		Workers:       c.Workers,
	}
	if c.Channels != nil {
		e.Channels = func(ctx context.Context, id string) (engine.Channel, error) {
			ch, err := c.Channels(ctx, id)
			if err != nil {
				return engine.Channel{}, err
			}
			ch.ID = id
			return ch.internal(), ch.Validate()
		}
	}
	if c.Notify != nil {
		e.Notify = func(ctx context.Context, n record.Notice) error { return c.Notify(ctx, noticeOf(n)) }
	}
	if c.Typing != nil {
		e.Typing = func(ctx context.Context, t record.TypingEvent) {
			c.Typing(ctx, TypingEvent{Session: sessionOf(t.Session), Duration: t.Duration})
		}
	}
	if c.Compose != nil {
		e.Compose = func(ctx context.Context, o engine.Opening) ([]string, error) {
			ch := channelOf(o.Channel)
			return c.Compose(ctx, Opening{Key: keyOf(o.Key), Channel: ch, Request: requestOf(o.Request)})
		}
	}
	if c.Observer != nil {
		e.Observer = func(ctx context.Context, o engine.Observation) { c.Observer(ctx, Observation(o)) }
	}
	return e
}

func (c Channel) internal() engine.Channel {
	e := engine.Channel{
		ID: c.ID, Region: c.Region, ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), IntegrationID: c.IntegrationID,
		AgentQueue: c.AgentQueue, BotQueue: c.BotQueue, Division: c.Division, Routing: machine.Routing(c.Routing),
		Identity: machine.Identity(c.Identity), Receipts: engine.Receipts(c.Receipts), LeftText: c.LeftText,
		Timers: machine.Timers(c.Timers), AttributesLimit: c.AttributesLimit,
	}
	for _, s := range c.WebhookSecrets {
		e.WebhookSecrets = append(e.WebhookSecrets, s.Reveal())
	}
	return e
}

func channelOf(e engine.Channel) Channel {
	c := Channel{
		ID: e.ID, Region: e.Region, ClientID: e.ClientID, ClientSecret: NewSecret(e.ClientSecret), IntegrationID: e.IntegrationID,
		AgentQueue: e.AgentQueue, BotQueue: e.BotQueue, Division: e.Division, Routing: Routing(e.Routing),
		Identity: Identity(e.Identity), Receipts: Receipts(e.Receipts), LeftText: e.LeftText,
		Timers: Timers(e.Timers), AttributesLimit: e.AttributesLimit,
	}
	for _, s := range e.WebhookSecrets {
		c.WebhookSecrets = append(c.WebhookSecrets, NewSecret(s))
	}
	return c
}

func (c Channel) endpoint() webhook.Endpoint { return c.internal().Endpoint() }

func (k Key) internal() machine.Key { return machine.Key(k) }

func keyOf(k machine.Key) Key { return Key(k) }

// internal returns a copy that shares nothing with m, because the caller may change m after the
// call.
func (m Message) internal() record.Message {
	e := record.Message{ID: m.ID, Time: m.Time.Round(0), Text: m.Text, Attachments: slices.Clone(m.Attachments)}
	if a := m.Answer; a != nil {
		e.Reply = &openmessaging.Reply{InReplyTo: a.InReplyTo, Kind: a.Kind, Text: a.Text, Payload: a.Payload}
	}
	return e
}

func messageOf(e record.Message) Message {
	m := Message{ID: e.ID, Time: e.Time, Text: e.Text, Attachments: e.Attachments}
	if r := e.Reply; r != nil {
		m.Answer = &Answer{InReplyTo: r.InReplyTo, Kind: r.Kind, Text: r.Text, Payload: r.Payload}
	}
	return m
}

func (r Request) internal() record.Request {
	lines := make([]record.Line, 0, len(r.Transcript))
	for _, l := range r.Transcript {
		lines = append(lines, record.Line{ID: l.ID, Speaker: record.Speaker(l.Speaker), Time: l.Time, Text: l.Text})
	}
	return record.Request{
		ID: r.ID, Queue: r.Queue, Customer: r.Customer, Summary: r.Summary, Transcript: lines, Attributes: maps.Clone(r.Attributes),
		Timers: machine.Timers(r.Timers),
	}
}

func requestOf(r record.Request) Request {
	var lines []Line
	for _, l := range r.Transcript {
		lines = append(lines, Line{ID: l.ID, Speaker: Speaker(l.Speaker), Time: l.Time, Text: l.Text})
	}
	return Request{
		ID: r.ID, Queue: r.Queue, Customer: r.Customer, Summary: r.Summary, Transcript: lines, Attributes: maps.Clone(r.Attributes),
		Timers: Timers(r.Timers),
	}
}

func sessionOf(s machine.Session) Session {
	return Session{
		ID: s.ID, Key: keyOf(s.Key), State: State(s.State), ConversationID: s.ConversationID, Queue: s.Queue, Agent: Agent(s.Agent),
		Resumed: s.Resumed, Started: s.Started.Std(), Connected: s.Connected.Std(),
		Ending: Ending{Reason: EndReason(s.Ending.Reason), Time: s.Ending.Time.Std(), Code: s.Ending.Code, Detail: s.Ending.Detail},
	}
}

func deliveryOf(d record.Delivery) Delivery {
	return Delivery{
		ID: d.ID, Session: sessionOf(d.Session), Message: d.Message, Origin: d.Origin, Time: d.Time.Std(), Attempt: d.Attempt,
		Late: d.Late, OutOfOrder: d.OutOfOrder,
	}
}

func returnOf(r record.Return) Return {
	back := Return{ID: r.ID, Attempt: r.Attempt, Session: sessionOf(r.Session)}
	for _, u := range r.Unanswered {
		back.Unanswered = append(back.Unanswered, Unanswered{Message: messageOf(u.Message), Sent: u.Sent, Reason: u.Reason})
	}
	return back
}

func noticeOf(n record.Notice) Notice {
	return Notice{
		ID: n.ID, Kind: NoticeKind(n.Kind), Session: sessionOf(n.Session), Time: n.Time.Std(), Wait: n.Wait, MessageID: n.MessageID,
		Agent: Agent(n.Agent), From: n.From, To: n.To, Detail: n.Detail, Permission: n.Permission,
	}
}

// An internalStore is a host's Store as the engine uses it.
type internalStore struct{ store Store }

func (s internalStore) Get(ctx context.Context, k machine.Key) (record.Stored, error) {
	r, err := s.store.Get(ctx, keyOf(k))
	return storedOf(r), err
}

func (s internalStore) Find(ctx context.Context, channel, conversationID string) (record.Stored, error) {
	r, err := s.store.Find(ctx, channel, conversationID)
	return storedOf(r), err
}

func (s internalStore) Put(ctx context.Context, r record.Stored, prev uint64) error {
	return s.store.Put(ctx, Record{
		Key: keyOf(r.Key), Revision: r.Revision, ConversationID: r.ConversationID, WakeAt: r.WakeAt, Data: r.Data,
	}, prev)
}

func (s internalStore) Delete(ctx context.Context, k machine.Key, prev uint64) error {
	return s.store.Delete(ctx, keyOf(k), prev)
}

func (s internalStore) Due(ctx context.Context, q engine.DueQuery) ([]record.Stored, error) {
	page, err := s.store.Due(ctx, DueQuery{
		Channel: q.Channel, Now: q.Now, After: DueCursor{WakeAt: q.After.WakeAt, Key: keyOf(q.After.Key)}, Limit: q.Limit,
	})
	list := make([]record.Stored, 0, len(page))
	for _, r := range page {
		list = append(list, storedOf(r))
	}
	return list, err
}

func (s internalStore) All(ctx context.Context, channel string) iter.Seq2[record.Stored, error] {
	return func(yield func(record.Stored, error) bool) {
		for r, err := range s.store.All(ctx, channel) {
			if !yield(storedOf(r), err) {
				return
			}
		}
	}
}

func (c DueCursor) internal() engine.DueCursor {
	return engine.DueCursor{WakeAt: c.WakeAt, Key: c.Key.internal()}
}

func storedOf(r Record) record.Stored {
	return record.Stored{Key: r.Key.internal(), Revision: r.Revision, ConversationID: r.ConversationID, WakeAt: r.WakeAt, Data: r.Data}
}
