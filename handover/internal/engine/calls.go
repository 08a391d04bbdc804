package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// stored reads and decodes the record of a key that the host names. It returns ErrNotFound if there
// is none.
func (m *Manager) stored(ctx context.Context, k machine.Key) (*record.Record, error) {
	k, err := m.key(k)
	if err != nil {
		return nil, err
	}
	r, err := m.config.Store.Get(ctx, k)
	if err != nil {
		return nil, err
	}
	m.copies.saw(r)
	return record.Decode(r)
}

// Session returns the open session of a customer or, if none is open, the last one.
func (m *Manager) Session(ctx context.Context, k machine.Key) (machine.Session, error) {
	f, err := m.stored(ctx, k)
	switch {
	case err != nil:
		return machine.Session{}, err
	case f.Handover == nil:
		return machine.Session{}, record.ErrNotFound
	default:
		return f.Handover.Session, nil
	}
}

// Sessions returns an iterator over the customers of a channel: the open session of each, or the
// last one.
func (m *Manager) Sessions(ctx context.Context, channel string) iter.Seq2[machine.Session, error] {
	return func(yield func(machine.Session, error) bool) {
		for r, err := range m.config.Store.All(ctx, m.channelID(channel)) {
			if err != nil {
				yield(machine.Session{}, fmt.Errorf("handover: read records: %w", err))
				return
			}
			if record.IsReserved(r.Key) {
				continue
			}
			f, err := record.Decode(r)
			if err != nil {
				m.setAside(r.Key, err)
				continue
			}
			if f.Handover != nil && !yield(f.Handover.Session, nil) {
				return
			}
		}
	}
}

// Forget removes everything stored about a customer.
func (m *Manager) Forget(ctx context.Context, k machine.Key) error {
	return m.edit(ctx, k, func(tx *record.Transaction) error {
		if tx.Fresh {
			return record.ErrUnchanged
		}
		if tx.Forget.IsZero() {
			tx.Forget = tx.Now
		}
		tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer, Detail: "the host called Forget"})
		tx.ForgetContent()
		return nil
	})
}

// edit changes the record of a key that the host names, even if ctx ends.
func (m *Manager) edit(ctx context.Context, k machine.Key, fn func(*record.Transaction) error) error {
	k, err := m.key(k)
	if err != nil {
		return err
	}
	_, err = m.accept(context.WithoutCancel(ctx), k, fn)
	return err
}

// typing stores when each customer's typing was last reported by this process.
type typing struct {
	mu   sync.Mutex
	last map[machine.Key]*time.Time
}

const (
	typingPause = 5 * time.Second
	typingTime  = 2 * time.Second
	typingKept  = 10_000
)

// Typing shows the agent that the customer is typing.
func (m *Manager) Typing(ctx context.Context, k machine.Key) error {
	k, err := m.key(k)
	if err != nil {
		return err
	}
	if !m.typing.due(k, m.Now()) {
		return nil
	}
	f, err := m.stored(ctx, k)
	if errors.Is(err, record.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c := f.Sending()
	if c == nil || c.ConversationID == "" || f.Sends() {
		return nil
	}
	ch, err := m.channel(ctx, k.Channel)
	if err != nil {
		return err
	}
	ctx, cancel := m.Within(ctx, typingTime)
	defer cancel()
	_ = m.request(ctx, ch, OpTyping, account.ShareCourtesy, func(ctx context.Context, to *genesys.Client) error {
		return to.OpenMessaging.SendTyping(ctx, integrationOf(c, ch), openmessaging.InboundTyping{From: c.Sender(), Time: m.Now()})
	})
	return nil
}

func (t *typing) due(k machine.Key, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := entry(&t.last, k, typingKept)
	if now.Sub(*last) < typingPause {
		return false
	}
	*last = now
	return true
}

// Explain describes a customer's open or last session as text for troubleshooting: its state, what
// happened and why, what waits and how often it was tried, and what follows and when.
func (m *Manager) Explain(ctx context.Context, k machine.Key) (string, error) {
	f, err := m.stored(ctx, k)
	if err != nil {
		return "", err
	}
	return f.Explain(m.channelID(k.Channel), m.now()), nil
}

// Forward passes a customer's message to the side that has the turn.
func (m *Manager) Forward(ctx context.Context, k machine.Key, msg record.Message) (machine.Turn, error) {
	return m.decide(ctx, OpForward, k, func(tx *record.Transaction) (machine.Turn, error) { return tx.Forward(msg) })
}

// Reply sends the bot's answer to a message, if the bot still has the turn.
func (m *Manager) Reply(ctx context.Context, k machine.Key, to record.Message, say func(ctx context.Context) error) (machine.Turn, error) {
	if say == nil {
		return "", machine.Invalidf("handover: Reply: say is nil: pass the function that sends the bot's answer")
	}
	turn, err := m.decide(ctx, OpReply, k, func(tx *record.Transaction) (machine.Turn, error) { return tx.Reply(to) })
	if err != nil || turn != machine.TurnBot {
		return turn, err
	}
	if err := say(ctx); err != nil {
		return machine.TurnBot, fmt.Errorf("handover: Reply: say: %w", err)
	}
	return machine.TurnBot, nil
}

// decide runs a transaction that decides the turn of a message.
func (m *Manager) decide(
	ctx context.Context, op string, k machine.Key, fn func(*record.Transaction) (machine.Turn, error),
) (turn machine.Turn, err error) {
	defer m.observing(ctx, op, k.Channel)(&err)
	err = m.edit(ctx, k, func(tx *record.Transaction) (err error) {
		turn, err = fn(tx)
		return err
	})
	if err != nil {
		return "", err
	}
	return turn, nil
}

// Turn returns who may speak to the customer now.
func (m *Manager) Turn(ctx context.Context, k machine.Key) (machine.Turn, error) {
	f, err := m.stored(ctx, k)
	if errors.Is(err, record.ErrNotFound) {
		return machine.TurnBot, nil
	}
	if err != nil {
		return "", err
	}
	return f.Turn(m.now()), nil
}

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
