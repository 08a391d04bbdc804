package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// errNoRecord reports that the customer has no record, so another key may be meant.
var errNoRecord = errors.New("handover: no record of this customer")

// acceptFor runs a transaction on the record that a webhook is for. It tries the customer id, both
// as received and as record.FromID made it, then the conversation, because Genesys may return a
// changed id. If no record matches and create is set, it creates one.
func (m *Manager) acceptFor(ctx context.Context, channel string, o *openmessaging.Outbound, create bool, fn func(*record.Transaction) error) error {
	known := func(tx *record.Transaction) error {
		if tx.Fresh {
			return errNoRecord
		}
		return fn(tx)
	}
	keys := m.keysOf(ctx, channel, o)
	for _, k := range keys {
		if err := k.Check(); err != nil {
			return err
		}
		if _, err := m.accept(ctx, k, known); !errors.Is(err, errNoRecord) {
			return err
		}
	}
	if o.ConversationID != "" {
		r, err := m.config.Store.Find(ctx, keys[0].Channel, o.ConversationID)
		if err == nil && r.Key.Channel == keys[0].Channel {
			m.copies.saw(r)
			_, err = m.accept(ctx, r.Key, known)
		}
		if !errors.Is(err, errNoRecord) && !errors.Is(err, record.ErrNotFound) && (err != nil || r.Key.Channel == keys[0].Channel) {
			return err
		}
	}
	if !create {
		return nil
	}
	if _, _, ours := record.SplitFrom(o.CustomerID); ours {
		return m.receiveUnstored(ctx, keys[0], fn, "webhook for a handover that is unknown: its message is delivered, and no record is made")
	}
	if !m.creations.take(keys[0].Channel, m.Now()) {
		return m.receiveUnstored(ctx, keys[0], fn, "webhooks for too many customers without a record: their messages are delivered, and no records are made")
	}
	created := false
	_, err := m.accept(ctx, keys[0], func(tx *record.Transaction) error {
		err := fn(tx)
		created = tx.Fresh && err == nil
		return err
	})
	if !created {
		m.creations.giveBack(keys[0].Channel)
	}
	return err
}

const (
	maxCreations   = 1000 // records that webhooks create for a channel in one hour
	creationPeriod = time.Hour
	unstoredTime   = 6 * time.Second // for Deliver while Genesys waits for an answer
)

// creations limits, in this process, for how many customers without a record webhooks create one.
type creations struct {
	mu   sync.Mutex
	list map[string]*creationCount // by channel, of those that the host has
}

type creationCount struct {
	since    time.Time
	n        int
	loggedAt map[string]time.Time // by text
}

// of returns the count of a channel. The caller holds the mutex.
func (s *creations) of(channel string) *creationCount {
	c := s.list[channel]
	if c == nil {
		if s.list == nil {
			s.list = map[string]*creationCount{}
		}
		c = &creationCount{loggedAt: map[string]time.Time{}}
		s.list[channel] = c
	}
	return c
}

// take reports whether one more record may be created for a channel.
func (s *creations) take(channel string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.of(channel)
	if now.Sub(c.since) >= creationPeriod {
		c.since, c.n = now, 0
	}
	if c.n >= maxCreations {
		return false
	}
	c.n++
	return true
}

func (s *creations) giveBack(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.of(channel); c.n > 0 {
		c.n--
	}
}

// log reports whether a text is to be logged for a channel: once an hour.
func (s *creations) log(channel, text string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.of(channel)
	last := c.loggedAt[text]
	if !due(&last, now) {
		return false
	}
	c.loggedAt[text] = last
	return true
}

// receiveUnstored runs fn for a customer without a record and stores nothing. The host gets the
// message at once; after an error of the host, Genesys posts it again. While this process delivers
// another message of the customer, it returns ErrBusy, with the same effect. why is logged once
// per channel and hour.
func (m *Manager) receiveUnstored(ctx context.Context, k machine.Key, fn func(*record.Transaction) error, why string) error {
	tx, _, err := m.load(ctx, k)
	if err != nil {
		return err
	}
	if !tx.Fresh { // created in between
		_, err := m.accept(ctx, k, fn)
		return err
	}
	tx.Created = record.NextRevision(0, tx.Now)
	switch err := m.change(ctx, tx, fn); {
	case errors.Is(err, record.ErrUnchanged):
		return nil
	case errors.Is(err, errPanic):
		m.setAside(k, err)
		return err
	case err != nil:
		return err
	}
	if m.creations.log(k.Channel, why, m.Now()) {
		m.log.Warn(why, slog.String("channel", k.Channel))
	}
	free, ok := m.occupy(busyLane{k, record.ToHost})
	if !ok {
		return fmt.Errorf("%w: another message of the customer is being delivered", record.ErrBusy)
	}
	err = m.deliverUnstored(ctx, tx, free)
	if !errors.Is(err, record.ErrStuck) {
		free()
		return err
	}
	m.Go(func() { // like the lane of a record
		_ = m.Sleep(context.WithoutCancel(ctx), record.StuckTime)
		free()
	})
	return err
}

// deliverUnstored delivers the messages of a transaction that is not stored. returned is called
// when a callback returns that ignored its context.
func (m *Manager) deliverUnstored(ctx context.Context, tx *record.Transaction, returned func()) error {
	ctx, cancel := m.Within(ctx, unstoredTime)
	defer cancel()
	for i := range tx.In.Entries {
		d := tx.In.Entries[i].Delivery
		if d == nil {
			continue
		}
		err := m.call(ctx, callDeliver, &record.Job{Key: tx.Key, Began: m.Now()}, 1, func(ctx context.Context) error {
			return m.config.Deliver(ctx, record.Delivery{
				ID: d.ID, Session: d.Session, Message: d.Message, Origin: d.Origin, Time: d.Time, Attempt: 1, Late: d.Late,
			})
		}, func(error) { returned() })
		if hostOutcome(err).Effect == record.EffectAmbiguous && !errors.Is(err, record.Pending) {
			return err
		}
	}
	return nil
}

// keysOf returns the keys that a customer id may mean, the likeliest first. An id in the form of
// record.FromID may also be one of the host.
func (m *Manager) keysOf(ctx context.Context, channel string, o *openmessaging.Outbound) []machine.Key {
	as := machine.Key{Channel: m.channelID(channel), Customer: o.CustomerID}
	customer, _, ours := record.SplitFrom(o.CustomerID)
	if !ours {
		return []machine.Key{as}
	}
	split := machine.Key{Channel: as.Channel, Customer: customer}
	if k, err := m.channel(ctx, as.Channel); err == nil && k.channel.Identity == machine.IdentitySession {
		return []machine.Key{split, as}
	}
	return []machine.Key{as, split}
}
