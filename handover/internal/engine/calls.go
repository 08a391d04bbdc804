package engine

import (
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
	return f.Explain(m.channelID(k.Channel), m.Now()), nil
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
	return f.Turn(m.Now()), nil
}
