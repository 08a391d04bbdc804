package handover

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// file reads what is stored of a customer.
func (m *Manager) file(ctx context.Context, k Key) (*file, error) {
	r, err := m.config.Store.Get(ctx, k)
	if errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("handover: read record: %w", err)
	}
	return decode(r)
}

// Session is the open session of a customer, or the last one. ErrNotFound: there is none.
func (m *Manager) Session(ctx context.Context, k Key) (Session, error) {
	k, err := m.key(k)
	if err != nil {
		return Session{}, err
	}
	f, err := m.file(ctx, k)
	switch {
	case err != nil:
		return Session{}, err
	case f.Now == nil:
		return Session{}, ErrNotFound
	default:
		return f.Now.Session, nil
	}
}

// reserved begins the keys of records that are no customer's.
const reserved = "\x01"

// Sessions ranges over the sessions of a channel, open ones and the last of each customer; empty: over those of every
// channel. It reads the store as it goes and ends after the first error.
func (m *Manager) Sessions(ctx context.Context, channel string) iter.Seq2[Session, error] {
	return func(yield func(Session, error) bool) {
		for r, err := range m.config.Store.All(ctx, m.channelID(channel)) {
			if err != nil {
				yield(Session{}, fmt.Errorf("handover: read records: %w", err))
				return
			}
			if strings.HasPrefix(r.Key.Customer, reserved) {
				continue
			}
			f, err := decode(r)
			if err != nil {
				m.setAside(r.Key, err)
				continue
			}
			if f.Now != nil && !yield(f.Now.Session, nil) {
				return
			}
		}
	}
}

// Forget removes all that is stored of a customer. An open session is ended first; what was written is dropped at once, the
// rest when Genesys confirmed the end and the host took the Return.
// The record stays until agents' messages that were accepted are delivered, what is on its way to Genesys is settled, and a
// callback that runs has returned; notices are dropped.
func (m *Manager) Forget(ctx context.Context, k Key) error {
	k, err := m.key(k)
	if err != nil {
		return err
	}
	_, err = m.accept(context.WithoutCancel(ctx), k, func(e *edit) error {
		if e.fresh {
			return errUnchanged
		}
		e.Next = nil
		if e.Forget.IsZero() {
			e.Forget = e.now
		}
		e.apply(event{Kind: evEnd, Reason: EndByCustomer, Detail: "the customer is to be forgotten"})
		e.forgetContent()
		return nil
	})
	return err
}

// typing remembers when a customer was last reported to type, in this process.
type typing struct {
	mu   sync.Mutex
	last map[Key]time.Time
}

const (
	typingPause = 5 * time.Second
	typingTime  = 2 * time.Second
	typingKept  = 10_000
)

// Typing tells the agent that the customer types: at most once in 5 seconds, and not under pressure. It is never stored; what
// goes wrong is dropped, so the error is only that of a bad key or of the Store.
func (m *Manager) Typing(ctx context.Context, k Key) error {
	k, err := m.key(k)
	if err != nil {
		return err
	}
	if !m.typing.due(k, m.now()) {
		return nil
	}
	f, err := m.file(ctx, k)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c := f.open()
	if c == nil || c.Turn() != TurnAgent || c.State == StateEnding || c.ConversationID == "" || len(f.Out.Entries) > 0 {
		return nil
	}
	ch, err := m.channel(ctx, k.Channel)
	if err != nil {
		return err
	}
	ctx, cancel := m.within(ctx, typingTime)
	defer cancel()
	began := m.now()
	err = ch.account.do(ctx, shareCourtesy, func(ctx context.Context) error {
		return ch.account.client.OpenMessaging.SendTyping(ctx, ch.channel.IntegrationID,
			openmessaging.InboundTyping{From: c.from(), Time: m.now()})
	})
	m.observe(ctx, "typing", began, err)
	return nil
}

func (t *typing) due(k Key, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.last[k]) < typingPause {
		return false
	}
	if len(t.last) >= typingKept {
		clear(t.last)
	}
	t.last[k] = now
	return true
}
