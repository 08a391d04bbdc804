package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// Receive accepts a post of Genesys; it is a webhook.HandlerFunc.
func (m *Manager) Receive(ctx context.Context, n webhook.Notification) error {
	began := m.Now()
	op, err := m.receive(context.WithoutCancel(ctx), n)
	m.observe(ctx, op, n.Channel, began, err)
	if op == OpReceiveTyping {
		return nil
	}
	return err
}

func (m *Manager) receive(ctx context.Context, n webhook.Notification) (op string, err error) {
	o := &n.Outbound
	if o.CustomerID == "" {
		m.log.Warn("webhook without a customer", slog.String("channel", n.Channel))
		return OpReceiveUnknown, nil
	}
	switch body := o.Body.(type) {
	case openmessaging.Message:
		return OpReceiveMessage, m.receiveMessage(ctx, n.Channel, o, body)
	case openmessaging.Typing:
		return OpReceiveTyping, m.receiveTyping(ctx, n.Channel, o, body)
	case openmessaging.Receipt:
		return OpReceiveReceipt, m.receiveReceipt(ctx, n.Channel, o, body)
	case openmessaging.UnknownBody:
		m.log.Info("webhook of an unknown kind", slog.String("channel", n.Channel), slog.String("kind", body.Kind[:min(len(body.Kind), 32)]))
		return OpReceiveUnknown, nil
	default:
		return OpReceiveUnknown, nil
	}
}

func (m *Manager) receiveMessage(ctx context.Context, channel string, o *openmessaging.Outbound, body openmessaging.Message) error {
	replayed := false
	err := m.acceptFor(ctx, channel, o, true, func(tx *record.Transaction) error {
		replayed = false
		if tx.ReceivedIDs.Recall(o.ID) != record.UnknownID && o.ID != "" {
			return record.ErrUnchanged
		}
		if replayed = tx.Replays(o); replayed {
			return record.ErrUnchanged
		}
		tx.Touched = tx.Now
		if o.ID != "" {
			tx.ReceivedIDs.RememberOf(o.ID, record.ReceivedID, tx.Addressee(o.CustomerID), tx.Now)
		}
		tx.AcceptMessage(o, body, tx.MessageArrived(o))
		tx.Reached(o)
		return nil
	})
	if replayed {
		m.observe(ctx, OpReplay, channel, m.Now(), nil)
		m.log.Warn("webhook is a replay: older than 15 minutes and unknown", slog.String("channel", channel))
	}
	return err
}

// receiveTyping reports to the host that an agent is typing. A typing event is not worth a retry,
// so only the Observer gets the error.
func (m *Manager) receiveTyping(ctx context.Context, channel string, o *openmessaging.Outbound, body openmessaging.Typing) error {
	if m.config.Typing == nil {
		return nil
	}
	for _, k := range m.keysOf(ctx, channel, o) {
		f, err := m.stored(ctx, k)
		if err != nil {
			continue
		}
		if tx := (&record.Transaction{Record: f, Key: k, Now: m.now(), Clock: m.clockOf(k.Channel)}); f.Open() != nil && tx.OfCurrentSession(o) {
			return m.callOnce(ctx, callTyping, k, m.Now().Add(typingTime), func(ctx context.Context) error {
				m.config.Typing(ctx, record.TypingEvent{Session: f.Handover.Session, Duration: body.Duration})
				return nil
			})
		}
		return nil
	}
	return nil
}

// receiveReceipt applies a receipt for a message of ours. Only a failure matters.
func (m *Manager) receiveReceipt(ctx context.Context, channel string, o *openmessaging.Outbound, body openmessaging.Receipt) error {
	if body.Status != openmessaging.StatusFailed {
		return nil
	}
	return m.acceptFor(ctx, channel, o, false, func(tx *record.Transaction) error {
		key := "receipt " + body.MessageID // a receipt has the id of its message
		if tx.ReceivedIDs.Recall(key) != record.UnknownID {
			return record.ErrUnchanged
		}
		tx.ReceivedIDs.Remember(key, record.ReceivedID, tx.Now)
		tx.AddLog("Genesys reports that a message of the customer did not arrive", "")
		tx.MessageFailed(tx.HostIDOf(body.MessageID), "Genesys could not deliver a message to the agent")
		return nil
	})
}

// Delivered reports that a message for which Deliver returned [record.Pending] has reached the
// customer.
func (m *Manager) Delivered(ctx context.Context, k machine.Key, deliveryID string) error {
	k, err := m.key(k)
	if err != nil {
		return err
	}
	ch, err := m.channel(ctx, k.Channel)
	if err != nil {
		return err
	}
	o := record.VerdictOf{Status: openmessaging.StatusDelivered, Silent: ch.channel.Receipts != ReceiptsAll}
	return m.conclude(ctx, k, deliveryID, o)
}

// Fail reports that the customer's channel refused a message: one for which Deliver returned
// [record.Pending], or one that it had accepted.
func (m *Manager) Fail(ctx context.Context, k machine.Key, deliveryID string, code openmessaging.ReasonCode) error {
	return m.conclude(ctx, k, deliveryID, record.VerdictOf{Status: openmessaging.StatusFailed, Code: code})
}

func (m *Manager) conclude(ctx context.Context, k machine.Key, id string, v record.VerdictOf) error {
	return m.edit(ctx, k, func(tx *record.Transaction) error {
		if tx.Fresh || !tx.Conclude(id, v) {
			return record.ErrUnchanged
		}
		return nil
	})
}

// errNoRecord reports that the customer has no record, so another key may be meant.
var errNoRecord = errors.New("handover: no record of this customer")

// acceptFor runs a transaction on the record that a webhook is for. It tries the customer id, both
// as received and as record.FromID made it, then the conversation, because Genesys may return a
// changed id. If no record matches and create is set, it creates one. A message for which none can
// be created is refused: a retry of Genesys would not help.
func (m *Manager) acceptFor(ctx context.Context, channel string, o *openmessaging.Outbound, create bool, fn func(*record.Transaction) error) error {
	known := func(tx *record.Transaction) error {
		if tx.Fresh {
			return errNoRecord
		}
		return fn(tx)
	}
	channel = m.channelID(channel)
	keys := slices.DeleteFunc(m.keysOf(ctx, channel, o), func(k machine.Key) bool { return k.Check() != nil })
	for _, k := range keys {
		if _, err := m.accept(ctx, k, known); !errors.Is(err, errNoRecord) {
			return err
		}
	}
	if o.ConversationID != "" {
		r, err := m.config.Store.Find(ctx, channel, o.ConversationID)
		ours := err == nil && r.Key.Channel == channel && !record.IsReserved(r.Key)
		if ours {
			m.copies.saw(r)
			_, err = m.accept(ctx, r.Key, known)
		}
		if !errors.Is(err, errNoRecord) && !errors.Is(err, record.ErrNotFound) && (err != nil || ours) {
			return err
		}
	}
	switch {
	case !create:
		return nil
	case len(keys) == 0:
		return m.refuse(ctx, channel, o)
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

// refuse reports a message that can never be stored, because its customer id cannot be part of a
// key: to Genesys by a Failed receipt, and to the host by a notice. If both fail, it
// returns an error, so that Genesys posts the message again.
func (m *Manager) refuse(ctx context.Context, channel string, o *openmessaging.Outbound) error {
	const why = "webhook with a customer id that cannot be stored: its message is refused"
	if m.creations.log(channel, why, m.Now()) {
		m.log.Warn(why, slog.String("channel", channel))
	}
	end := m.Now().Add(unstoredTime)
	ctx, cancel := m.Until(ctx, end)
	defer cancel()
	k, failed := m.channel(ctx, channel)
	if failed == nil && o.ID != "" {
		r := record.Receipt{ID: o.ID, Status: openmessaging.StatusFailed, Code: openmessaging.ReasonGeneralError, To: o.CustomerID, Time: m.now()}
		failed = m.sendReceipt(ctx, k, &r)
	}
	if m.config.Notify == nil {
		return failed
	}
	n := record.Notice{
		ID: "refused/" + cmp.Or(o.ID, m.NewID()), Kind: machine.NoticeMessageFailed, Time: m.now(), MessageID: o.ID,
		Session: machine.Session{Key: machine.Key{Channel: channel, Customer: o.CustomerID}, ConversationID: o.ConversationID},
		Detail:  "a message of an agent is refused: the customer id that Genesys sent cannot be part of a Key",
	}
	err := m.callOnce(ctx, callNotify, machine.Key{Channel: channel}, end, func(ctx context.Context) error { return m.config.Notify(ctx, n) })
	if err != nil && failed == nil && o.ID != "" {
		return nil // Genesys shows the agent that the message failed
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
	loggedAt map[string]*time.Time // by text
}

// of returns the count of a channel. The caller holds the mutex.
func (s *creations) of(channel string) *creationCount { return entry(&s.list, channel, math.MaxInt) }

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
	c := s.of(channel)
	c.n = max(0, c.n-1)
}

// log reports whether a text is to be logged for a channel: once an hour.
func (s *creations) log(channel, text string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return due(entry(&s.of(channel).loggedAt, text, math.MaxInt), now)
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

// deliverUnstored delivers the message of a transaction that is not stored. returned is called
// when a callback returns that ignored its context. After an error the message is still to be
// delivered, or its Failed receipt to be sent: Genesys posts it again.
func (m *Manager) deliverUnstored(ctx context.Context, tx *record.Transaction, returned func()) error {
	if len(tx.In.Entries) == 0 {
		return nil
	}
	ctx, cancel := m.Within(ctx, unstoredTime)
	defer cancel()
	head := tx.In.Entries[0]
	j := &record.Job{Key: tx.Key, Lane: record.ToHost, Record: tx.Record, Head: head, Began: m.Now()}
	o := m.performDelivery(ctx, j, &head, func(record.Outcome) { returned() })
	if o.Err != nil && o.Effect != record.EffectRefused {
		return o.Err
	}
	tx.SettleIn(j, o)
	for i := range tx.Receipts {
		r := &tx.Receipts[i]
		if r.Status != openmessaging.StatusFailed {
			continue
		}
		k, err := m.channel(ctx, tx.Key.Channel)
		if err != nil {
			return err
		}
		if err := m.sendReceipt(ctx, k, r); err != nil && record.Judged(err).Effect != record.EffectRefused {
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
