package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// key sets an empty Channel to the one channel, and checks the key.
func (m *Manager) key(k machine.Key) (machine.Key, error) {
	k.Channel = m.channelID(k.Channel)
	if m.config.Channels == nil && k.Channel != m.config.Channel.ID {
		return k, machine.Invalid(fmt.Errorf("handover: Key.Channel is not Config.Channel.ID: leave it empty or use that id: %w", record.ErrNoChannel))
	}
	return k, k.Check()
}

// HandOver requests an agent.
func (m *Manager) HandOver(ctx context.Context, k machine.Key, r record.Request) (machine.Session, error) {
	return m.begin(ctx, OpHandOver, k, r, machine.StateRequested)
}

// Open puts the conversation into the bot queue while the bot still answers.
func (m *Manager) Open(ctx context.Context, k machine.Key, r record.Request) (machine.Session, error) {
	return m.begin(ctx, OpOpen, k, r, machine.StateBot)
}

func (m *Manager) begin(ctx context.Context, op string, k machine.Key, r record.Request, s machine.State) (session machine.Session, err error) {
	defer m.observing(ctx, op, k.Channel)(&err)
	if k, err = m.key(k); err != nil {
		return machine.Session{}, err
	}
	ch, err := m.channel(ctx, k.Channel)
	if err != nil {
		return machine.Session{}, err
	}
	if err := r.Check(cmp.Or(ch.channel.AttributesLimit, record.DefaultAttributesLimit)); err != nil {
		return machine.Session{}, err
	}
	f, err := m.stored(ctx, k)
	if err == nil && f.Began(r.ID) != "" { // a repeat: compose and look up nothing
		return (&record.Transaction{Record: f, Key: k}).SessionOf(f.Began(r.ID)), nil
	}
	c := m.newHandover(ch, k, r, s)
	texts, err := m.compose(ctx, Opening{Key: k, Channel: ch.channel, Request: r})
	if err != nil {
		return machine.Session{}, err
	}
	o, err := r.Opening(texts, c.From)
	if err != nil {
		return machine.Session{}, err
	}
	if err := m.lookupQueues(ctx, ch, f, &c); err != nil {
		return machine.Session{}, err
	}
	err = m.edit(ctx, k, func(tx *record.Transaction) (err error) {
		session, err = tx.HandOver(c, o, r.Timers)
		return err
	})
	return session, err
}

// newHandover returns a session that has not begun, with its settings from the request and the
// channel.
func (m *Manager) newHandover(ch *channelState, k machine.Key, r record.Request, s machine.State) machine.Handover {
	id := m.NewID()
	c := machine.Handover{
		Session: machine.Session{ID: id, Key: k, State: s, Queue: r.Queue},
		Request: r.ID,
		From:    record.FromID(ch.channel.Identity, k.Customer, id),
		Routing: ch.channel.Routing,
		Timers:  r.Timers.Or(ch.channel.Timers).Or(machine.DefaultTimers()),
	}
	c.Integration, c.Client = ch.channel.IntegrationID, ch.client()
	if c.Queue == "" {
		c.Queue = ch.channel.AgentQueue
	}
	return c
}

// lookupQueues sets the ids of the queues in c. It does nothing if f, which may be nil, shows
// that no new session is needed. A wrong name or a missing permission is an error. If Genesys
// cannot be reached, the ids stay empty.
func (m *Manager) lookupQueues(ctx context.Context, ch *channelState, f *record.Record, c *machine.Handover) error {
	if f != nil && f.Sending() != nil || c.Routing == machine.RouteByFlow { // the flow selects the queue
		return nil
	}
	ctx, cancel := m.Within(ctx, account.LookupTime)
	defer cancel()
	o := m.resolveQueues(ctx, ch, c)
	switch {
	case o.Err == nil:
		return nil
	case o.Code == machine.CodeQueue, errors.Is(o.Err, genesys.ErrForbidden), errors.Is(o.Err, genesys.ErrUnauthorized):
		return o.Err
	default:
		c.QueueID, c.BotQueue = "", ""
		return nil
	}
}

// End requests the end of the session and returns when that is stored.
func (m *Manager) End(ctx context.Context, k machine.Key, reason machine.EndReason) (err error) {
	if k, err = m.key(k); err != nil {
		return err
	}
	if !reason.Valid() {
		return machine.Invalidf("handover: EndReason %q is unknown: use one of the End constants", reason)
	}
	defer m.observing(ctx, OpEnd, k.Channel)(&err)
	return m.edit(ctx, k, func(tx *record.Transaction) error {
		if c := tx.Open(); c == nil || c.State == machine.StateEnding {
			return record.ErrUnchanged
		}
		tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: reason})
		return nil
	})
}

// An Opening is the argument of Config.Compose: a request with its key and its channel.
type Opening struct {
	Key     machine.Key
	Channel Channel
	Request record.Request
}

// compose returns the texts for the agent, in order.
func (m *Manager) compose(ctx context.Context, o Opening) ([]string, error) {
	if m.config.Compose == nil {
		return record.ComposeOpening(o.Request), nil
	}
	var texts []string
	err := m.guard(ctx, callCompose, o.Key, func() error {
		composed, err := m.config.Compose(ctx, o)
		if err != nil {
			return fmt.Errorf("handover: Config.Compose: %w", err)
		}
		texts = composed
		return nil
	})
	return texts, err
}
