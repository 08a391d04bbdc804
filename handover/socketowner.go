package handover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A SocketOwner keeps in the Store which replica holds the notification socket of an OAuth client: Genesys allows it 20 channels, and
// one is enough for any number of replicas. It is a notifications.Owner. Safe for concurrent use; each SocketOwner is an owner of
// its own, so a Manager needs one for each OAuth client, not for each channel that shares it.
//
// What it keeps is a record beside those of customers, which Sessions, Forget and retention leave alone. The state in it (the id and
// the address of the notification channel) lets whoever reads the store listen, as a customer's record lets them read.
type SocketOwner struct {
	m       *Manager
	channel string
	owner   string
}

// SocketOwner makes the owner for the OAuth client of a channel; in a Manager of one channel the empty name means it. It asks for
// nothing yet.
func (m *Manager) SocketOwner(channel string) *SocketOwner {
	return &SocketOwner{m: m, channel: m.channelID(channel), owner: m.newID() + m.newID()}
}

// socketFormat is the format of the record. A record of another one is left alone, and whoever wrote it keeps the socket.
const socketFormat = 1

// A socket is what the record of an OAuth client's socket holds.
type socket struct {
	Format int       `json:"format"`
	Owner  string    `json:"owner,omitempty"`
	Until  time.Time `json:"until"`
	State  []byte    `json:"state,omitempty"`
	Alive  bool      `json:"alive,omitempty"`
}

// socketGrace is how long a socket that nobody holds is not missed: another replica may be about to take it.
const socketGrace = time.Minute

func (s *socket) live(now time.Time) bool { return s.Alive && now.Before(s.Until.Add(socketGrace)) }

// errTaken ends a change: another replica owns the socket.
var errTaken = errors.New("handover: the socket is another's")

// Own takes or keeps the socket for d and stores state; nil leaves what is stored. held is false while another replica has it. last is
// what was stored before: the next owner goes on with its notification channel. With d <= 0 it is given back, the state stays.
// Clocks of replicas may differ by 5 s. Errors: ErrNoChannel, what Config.Channels and the Store returned; then held is false.
func (o *SocketOwner) Own(ctx context.Context, state []byte, d time.Duration) (held bool, last []byte, err error) {
	err = o.change(ctx, func(s *socket, now time.Time) error {
		last = s.State
		mine := s.Owner == o.owner
		switch {
		case !mine && s.Owner != "" && now.Before(s.Until.Add(replicaSlack)):
			return errTaken
		case d <= 0 && !mine:
			return errUnchanged
		case d <= 0:
			s.Owner, s.Until = "", now
		default:
			if !mine {
				s.Alive = s.live(now) // not missed while it changes hands
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

// Report says whether the socket works. While it does, sessions whose steps it announces are hardly polled; when it does not, their
// hosts hear NoticeConnectionLost. Of one who does not hold the socket it is ignored.
func (o *SocketOwner) Report(ctx context.Context, alive bool) error {
	changed := false
	err := o.change(ctx, func(s *socket, _ time.Time) error {
		if s.Owner != o.owner || s.Alive == alive {
			return errUnchanged
		}
		s.Alive, changed = alive, true
		return nil
	})
	if err == nil && changed && !alive {
		o.m.log.Warn("the notification socket is gone", slog.String("channel", o.channel))
	}
	return err
}

// maxSocketTries bounds how often a change meets another's.
const maxSocketTries = 5

// change stores what fn makes of the record. After an error of unknown outcome it reads again, and fn finds what was stored.
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
		now := o.m.now().UTC().Round(0)
		switch err := fn(&s, now); {
		case errors.Is(err, errUnchanged):
			return nil
		case err != nil:
			return err
		}
		s.Format = socketFormat
		data, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("handover: encode record: %w", err)
		}
		err = o.m.config.Store.Put(ctx, Record{Key: key, Revision: nextRevision(old, now), Data: data}, old)
		if err == nil || try == maxSocketTries || ctx.Err() != nil {
			return err
		}
		if err := o.m.sleep(ctx, o.m.jitter(conflictLast)); err != nil {
			return err
		}
	}
}

// socket reads the record of a socket.
func (m *Manager) socket(ctx context.Context, k Key) (revision uint64, s socket, err error) {
	r, err := m.config.Store.Get(ctx, k)
	if errors.Is(err, ErrNotFound) {
		return 0, socket{}, nil
	}
	if err != nil {
		return 0, socket{}, fmt.Errorf("handover: read record: %w", err)
	}
	if err := json.Unmarshal(r.Data, &s); err != nil || s.Format != socketFormat {
		return 0, socket{}, fmt.Errorf("%w: of a notification socket", errUnreadable)
	}
	return r.Revision, s, nil
}

// socketKey names the record by region and OAuth client, since the limit of notification channels is theirs.
func (k *known) socketKey() Key {
	sum := sha256.Sum256([]byte(string(k.channel.Region) + "\x00" + k.channel.ClientID))
	return Key{Customer: reserved + "socket/" + hex.EncodeToString(sum[:])}
}

// A socketState is what is known of the socket of an OAuth client.
type socketState int

const (
	socketNone socketState = iota // there is none, or nobody knows
	socketAlive
	socketGone
)

// How long an answer of the store is believed.
const (
	askSocket  = 15 * time.Second
	noSocket   = time.Minute
	socketTime = time.Second
)

// socketOf asks the store, now and then, whether a replica listens. Where it does not answer, what it said last is believed.
func (m *Manager) socketOf(ctx context.Context, k *known) socketState {
	a := k.account
	state, due := a.socketAsk(m.now())
	if !due {
		return state
	}
	ctx, cancel := m.within(ctx, socketTime)
	defer cancel()
	_, s, err := m.socket(ctx, k.socketKey())
	if err != nil {
		return state
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := m.now()
	switch a.socket = socketGone; {
	case s.Format == 0:
		a.socket, a.askSocket = socketNone, now.Add(noSocket)
	case s.live(now):
		a.socket = socketAlive
	}
	return a.socket
}

// socketAsk gives the last answer, and whether it is time for another; then this caller asks.
func (a *account) socketAsk(now time.Time) (socketState, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Before(a.askSocket) {
		return a.socket, false
	}
	a.askSocket = now.Add(askSocket)
	return a.socket, true
}
