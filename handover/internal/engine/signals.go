package engine

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// sweepPause is the least time between two sweeps, because a sweep reads all records.
const sweepPause = time.Minute

// Recheck schedules a read of a conversation that may have changed.
func (m *Manager) Recheck(ctx context.Context, conversationID string) error {
	if conversationID == "" {
		return m.sweepSoon(ctx)
	}
	return m.signal(ctx, "", conversationID, func(*record.Transaction) bool { return false })
}

// Ended reports that the customer's leg of a conversation ended at a time, by the clock of Genesys
// (customer.end, not user.end, which a reject and a transfer also send).
func (m *Manager) Ended(ctx context.Context, channel, conversationID string, at time.Time) error {
	at = asStored(at)
	return m.signal(ctx, channel, conversationID, func(tx *record.Transaction) bool { return tx.Reported(conversationID, at) })
}

// signal applies a signal to the session of a conversation. act applies its content and reports
// whether there is a change to store. A read is also scheduled if the conversation may be read.
func (m *Manager) signal(ctx context.Context, channel, conversationID string, act func(*record.Transaction) bool) error {
	if conversationID == "" {
		return nil
	}
	r, err := m.config.Store.Find(ctx, m.channelID(channel), conversationID)
	if errors.Is(err, record.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m.copies.saw(r)
	_, err = m.accept(ctx, r.Key, func(tx *record.Transaction) error {
		c := tx.Handover
		if c == nil || c.State == machine.StateBot || c.ConversationID != conversationID {
			return record.ErrUnchanged
		}
		blind := c.Blind
		acted := act(tx)
		if acted && blind { // no read is possible
			return nil
		}
		if c.Open() && tx.ReadSoon(c) || acted {
			return nil
		}
		return record.ErrUnchanged
	})
	return err
}

// sweepSoon starts a sweep. If the last one began less than sweepPause ago, Run starts it
// later.
func (m *Manager) sweepSoon(ctx context.Context) error {
	now := m.Now()
	m.mu.Lock()
	at := machine.Later(now, m.swept.Add(sweepPause))
	if m.sweepAt = at; !at.After(now) {
		m.beginSweep(now)
	}
	m.mu.Unlock()
	if at.After(now) {
		m.wakeBy(at)
		return nil
	}
	return m.sweep(ctx)
}

// beginSweep stores when a sweep begins. The caller holds the mutex.
func (m *Manager) beginSweep(now time.Time) { m.swept, m.sweepAt = now, time.Time{} }

// sweepDue starts a sweep that is due in a goroutine, as one of the workers of Run.
func (m *Manager) sweepDue(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.Now()
	at := seat{lane: record.Control}
	if m.sweepAt.IsZero() || now.Before(m.sweepAt) || !m.reserve(at) {
		return
	}
	m.beginSweep(now)
	m.Go(func() {
		defer m.vacate(at)
		if err := m.sweep(ctx); err != nil && ctx.Err() == nil {
			m.log.Warn("sweep failed, retrying", slog.Any("error", err))
			m.mu.Lock()
			defer m.mu.Unlock()
			// Recheck has returned, so its caller does not know that it has to be repeated.
			m.sweepAt = m.swept.Add(sweepPause)
		}
	})
}

// maxSweepFailures is the number of consecutive records that could not be written after which a
// sweep stops, because the store is failing.
const maxSweepFailures = 3

// sweep schedules a poll of every open session, in the slots of polls. It continues after the
// failure of a record and returns the first such error.
func (m *Manager) sweep(ctx context.Context) error {
	var first error
	failures := 0
	for s, err := range m.Sessions(ctx, "") {
		if err != nil {
			return err
		}
		if !s.Open() || s.State == machine.StateBot {
			continue
		}
		k, err := m.channel(ctx, s.Key.Channel)
		if err != nil {
			m.log.Warn("sweep: channel not available", slog.String("customer", m.hash(s.Key)), slog.Any("error", err))
			continue
		}
		err = m.pollSoon(ctx, s.Key, k.account)
		if err == nil {
			failures = 0
			continue
		}
		if first == nil {
			first = err
		}
		if failures++; failures >= maxSweepFailures || ctx.Err() != nil {
			break
		}
	}
	return first
}

// pollSoon moves the next poll of a session to the next free slot, if that is earlier.
func (m *Manager) pollSoon(ctx context.Context, k machine.Key, a *account.Account) error {
	r := record.Reservation{Polls: a}
	_, err := m.accept(ctx, k, func(tx *record.Transaction) error { return tx.PollSooner(&r) })
	return err
}

// freeSlot releases the slot of a poll of a session that is over.
func (m *Manager) freeSlot(channel string, slot time.Time) {
	if slot.IsZero() {
		return
	}
	m.channels.mu.Lock()
	k := m.channels.known[channel]
	m.channels.mu.Unlock()
	if k != nil {
		k.account.FreeSlot(slot)
	}
}
