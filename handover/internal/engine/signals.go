package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	return m.signal(ctx, channel, conversationID, func(tx *record.Transaction) bool { return tx.Reported(conversationID, machine.TimeOf(at)) })
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
func (m *Manager) freeSlot(channel string, slot machine.Time) {
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

// A SocketOwner stores which replica holds the notification socket of an OAuth client.
type SocketOwner struct {
	m       *Manager
	channel string
	owner   string
}

// SocketOwner returns an owner for the OAuth client of a channel.
func (m *Manager) SocketOwner(channel string) *SocketOwner {
	return &SocketOwner{m: m, channel: m.channelID(channel), owner: m.NewID() + m.NewID()}
}

// socketFormat is the format of the record. A record of another format is not changed, so its
// writer keeps the socket.
const socketFormat = 1

// A socket is the content of the record.
type socket struct {
	Format int       `json:"format"`
	Owner  string    `json:"owner,omitempty"`
	Until  time.Time `json:"until"`
	State  []byte    `json:"state,omitempty"`
	Alive  bool      `json:"alive,omitempty"`
}

// socketGrace is how long a socket without an owner still counts as alive, because another
// replica may be about to take it.
const socketGrace = time.Minute

func (s *socket) live(now time.Time) bool { return s.Alive && now.Before(s.Until.Add(socketGrace)) }

// errTaken ends a change because another replica owns the socket.
var errTaken = errors.New("handover: the notification socket belongs to another replica")

// Own takes or keeps the socket for d and stores state; a nil state keeps what is stored.
func (o *SocketOwner) Own(ctx context.Context, state []byte, d time.Duration) (held bool, last []byte, err error) {
	err = o.change(ctx, func(s *socket, now time.Time) error {
		last = s.State
		mine := s.Owner == o.owner
		switch {
		case !mine && s.Owner != "" && now.Before(s.Until.Add(machine.ReplicaSlack)):
			return errTaken
		case d <= 0 && !mine:
			return record.ErrUnchanged
		case d <= 0:
			s.Owner, s.Until = "", now
		default:
			if !mine {
				s.Alive = s.live(now) // does not count as lost during a change of owner
			}
			s.Owner, s.Until = o.owner, now.Add(d)
		}
		if state != nil {
			s.State = state
		}
		return nil
	})
	if errors.Is(err, errTaken) {
		return false, last, nil
	}
	return err == nil && d > 0, last, err
}

// Report stores whether the socket works.
func (o *SocketOwner) Report(ctx context.Context, alive bool) error {
	changed := false
	err := o.change(ctx, func(s *socket, _ time.Time) error {
		if s.Owner != o.owner || s.Alive == alive {
			return record.ErrUnchanged
		}
		s.Alive, changed = alive, true
		return nil
	})
	if err == nil && changed && !alive {
		o.m.log.Warn("the notification socket is gone", slog.String("channel", o.channel))
	}
	return err
}

// maxSocketTries limits the attempts of a change, which may conflict with those of other
// replicas.
const maxSocketTries = 5

// change applies fn to the record and stores the result. After an error it reads the record
// again, so fn sees whether the change was stored.
func (o *SocketOwner) change(ctx context.Context, fn func(*socket, time.Time) error) error {
	k, err := o.m.channel(ctx, o.channel)
	if err != nil {
		return err
	}
	key := k.socketKey()
	for try := 1; ; try++ {
		old, s, err := o.m.socket(ctx, key)
		if err != nil {
			return err
		}
		now := o.m.now().Std()
		switch err := fn(&s, now); {
		case errors.Is(err, record.ErrUnchanged):
			return nil
		case err != nil:
			return err
		}
		s.Format = socketFormat
		data, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("handover: encode record: %w", err)
		}
		err = o.m.config.Store.Put(ctx, record.Stored{Key: key, Revision: record.NextRevision(old, machine.TimeOf(now)), Data: data}, old)
		if err == nil || try == maxSocketTries || ctx.Err() != nil {
			return err
		}
		if err := o.m.Sleep(ctx, o.m.Jitter(conflictLast)); err != nil {
			return err
		}
	}
}

// socket reads the record of a socket. The revision is 0 if there is none.
func (m *Manager) socket(ctx context.Context, k machine.Key) (revision uint64, s socket, err error) {
	r, err := m.config.Store.Get(ctx, k)
	if errors.Is(err, record.ErrNotFound) {
		return 0, socket{}, nil
	}
	if err != nil {
		return 0, socket{}, err
	}
	if err := json.Unmarshal(r.Data, &s); err != nil || s.Format != socketFormat {
		return 0, socket{}, fmt.Errorf("%w: the state of a notification socket", record.ErrUnreadable)
	}
	return r.Revision, s, nil
}

// socketKey returns the key of the record: one per region and OAuth client, as is the limit of
// notification channels.
func (k *channelState) socketKey() machine.Key {
	return machine.Key{Customer: record.Reserved + "socket/" + k.clientHash()}
}

// socketOf returns the state of the socket. It reads the store at most once per askSocket; if the
// store fails, the state is unknown.
func (m *Manager) socketOf(ctx context.Context, k *channelState) record.SocketState {
	a := k.account
	state, due := a.SocketAsk(m.Now())
	if !due {
		return state
	}
	ctx, cancel := m.Within(ctx, account.SocketTime)
	defer cancel()
	_, s, err := m.socket(ctx, k.socketKey())
	a.Mu.Lock()
	defer a.Mu.Unlock()
	now := m.Now()
	switch a.Socket = record.SocketGone; {
	case err != nil:
		a.Socket = record.SocketNone
	case s.Format == 0:
		a.Socket, a.AskSocket = record.SocketNone, now.Add(account.NoSocket)
	case s.live(now):
		a.Socket = record.SocketAlive
	}
	return a.Socket
}
