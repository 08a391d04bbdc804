package handover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// sweepPause lies between two sweeps: each reads all records.
const sweepPause = time.Minute

// Recheck says that a conversation may have changed; it is read again soon. Signals lie sometimes, so nothing is believed
// but what is read. An unknown conversation is no error. "": any may have; all open sessions are read, within the polls' share of the
// rate limit, and such a sweep begins at most once a minute. Errors: what the Store returned.
func (m *Manager) Recheck(ctx context.Context, conversationID string) error {
	if conversationID == "" {
		return m.sweepSoon(ctx)
	}
	return m.signal(ctx, conversationID, func(*edit) bool { return false })
}

// Ended is Recheck for a signal that says more: the customer's leg of the conversation has ended (customer.end, not user.end, which a
// reject and a transfer send, too). It is believed only where the conversation may not be read, or where the read that follows is
// forbidden: then the session ends by it. Errors: what the Store returned.
func (m *Manager) Ended(ctx context.Context, conversationID string) error {
	return m.signal(ctx, conversationID, func(e *edit) bool {
		blind := e.open().Blind
		e.apply(event{Kind: evSignalled})
		return blind
	})
}

// signal gives a signal to the session it is for. believed says that nothing has to be read.
func (m *Manager) signal(ctx context.Context, conversationID string, believed func(*edit) bool) error {
	if conversationID == "" {
		return nil
	}
	r, err := m.config.Store.Find(ctx, conversationID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("handover: find record: %w", err)
	}
	_, err = m.accept(ctx, r.Key, func(e *edit) error {
		c := e.open()
		if c == nil || c.State == StateBot || c.ConversationID != conversationID {
			return errUnchanged
		}
		before := *c
		if believed(e) || e.readSoon(c) || *c != before {
			return nil
		}
		return errUnchanged
	})
	return err
}

// readSoon schedules a read. A signal writes only when no read has begun since it came and none is due: two seconds lie
// between reads, and the last of many signals is kept.
func (e *edit) readSoon(c *core) bool {
	pause := readPause
	if c.Blind {
		pause = blindPause
	}
	at := later(e.now, c.ReadAt.Add(pause))
	soon := at
	if !c.Poll { // a read with a reason is timed to see the step it waits for: a little earlier costs 2 s for the next
		soon = at.Add(firstRead)
	}
	if !c.PollAt.IsZero() && !c.PollAt.After(soon) && e.Control.Lease.free(e.now) && !c.Poll {
		return false // due anyway; a mere poll may wait for its share of the budget
	}
	c.PollAt, c.Poll, c.Signalled, c.Unsignalled = at, false, e.now, 0
	return true
}

// sweepSoon sweeps, now or, if the last time was just now, from Run.
func (m *Manager) sweepSoon(ctx context.Context) error {
	now := m.now()
	m.mu.Lock()
	at := later(now, m.swept.Add(sweepPause))
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

// beginSweep notes that one begins. The caller holds the mutex.
func (m *Manager) beginSweep(now time.Time) { m.swept, m.sweepAt = now, time.Time{} }

// sweepDue sweeps, beside Run and as one of its workers, if somebody asked for it and could not have it at once.
func (m *Manager) sweepDue(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if m.sweepAt.IsZero() || now.Before(m.sweepAt) || !m.reserve() {
		return
	}
	m.beginSweep(now)
	m.door.Go(func() {
		defer m.vacate()
		if err := m.sweep(ctx); err != nil && ctx.Err() == nil {
			m.log.Warn("sweep: not finished, it is made again", slog.Any("error", err))
			m.mu.Lock()
			defer m.mu.Unlock()
			m.sweepAt = m.swept.Add(sweepPause) // whoever asked for it was told nothing of this
		}
	})
}

// maxSweepFailures ends a sweep when so many records in a row could not be written: it is the store then.
const maxSweepFailures = 3

// sweep polls every open session, in the slots of polls. The first error of a record is its error; the others are polled all the same.
func (m *Manager) sweep(ctx context.Context) error {
	var first error
	failures := 0
	for s, err := range m.Sessions(ctx, "") {
		if err != nil {
			return err
		}
		if !s.Open() || s.State == StateBot {
			continue
		}
		k, err := m.channel(ctx, s.Key.Channel)
		if err != nil {
			m.log.Warn("sweep: channel unknown", slog.String("customer", m.hash(s.Key)), slog.Any("error", err))
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

// pollSoon moves a poll of a session up to the next free slot.
func (m *Manager) pollSoon(ctx context.Context, k Key, a *account) error {
	var slot time.Time
	freed := false
	_, err := m.accept(ctx, k, func(e *edit) error {
		c := e.open()
		if c == nil || c.State == StateBot || !c.PollAt.IsZero() && !c.Poll {
			return errUnchanged
		}
		at := later(e.now, c.ReadAt.Add(readPause))
		if slot.Before(at) { // a conflict must not spend another
			var sooner bool
			if slot, sooner = a.pollSlotBefore(at, c.PollAt); !sooner {
				return errUnchanged
			}
		}
		if !c.PollAt.IsZero() && !c.PollAt.After(slot) {
			return errUnchanged
		}
		if c.Slot.After(e.now) && !freed {
			a.freeSlot(c.Slot)
		}
		freed = true
		c.PollAt, c.Poll, c.Slot = slot, true, slot
		return nil
	})
	return err
}
