package handover

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// channels knows the channels of the host and makes one account for each set of credentials.
type channels struct {
	mu       sync.Mutex
	known    map[string]*known
	asks     map[string]*ask
	accounts map[[sha256.Size]byte]*account
}

// A known channel, as it was last asked for.
type known struct {
	channel  Channel
	account  *account
	verifier *webhook.Verifier
	until    time.Time
	asked    time.Time
}

const (
	channelTime = time.Minute
	refreshTime = 10 * time.Second // between two asks because a signature did not match
	askTime     = time.Minute      // and again: the host answers when it does
)

// channel gives a channel, not older than a minute.
func (m *Manager) channel(ctx context.Context, id string) (*known, error) {
	m.channels.mu.Lock()
	k := m.channels.known[id]
	fresh := k != nil && m.now().Before(k.until)
	m.channels.mu.Unlock()
	if fresh {
		return k, nil
	}
	return m.askChannel(ctx, id)
}

// An ask of the host that is under way: whoever wants the same channel meanwhile gets its answer.
type ask struct {
	done  chan struct{}
	known *known
	err   error
}

var errAsk = errors.New("handover: Config.Channels panicked")

// askChannel asks the host, once for all who want to know, without holding up who wants another channel.
func (m *Manager) askChannel(ctx context.Context, id string) (*known, error) {
	m.channels.mu.Lock()
	a, waits := m.channels.asks[id]
	if !waits {
		a = &ask{done: make(chan struct{}), err: errAsk}
		m.channels.asks[id] = a
	}
	m.channels.mu.Unlock()
	for waits {
		switch answered, err := m.await(ctx, askTime, a.done); {
		case err != nil:
			return nil, err
		case answered:
			return a.known, a.err
		}
	}
	defer func() {
		m.channels.mu.Lock()
		delete(m.channels.asks, id)
		m.channels.mu.Unlock()
		close(a.done)
	}()
	a.known, a.err = m.readChannel(ctx, id)
	return a.known, a.err
}

// readChannel is one ask.
func (m *Manager) readChannel(ctx context.Context, id string) (*known, error) {
	c := m.config.Channel
	if m.config.Channels != nil {
		var err error
		if c, err = m.config.Channels(ctx, id); err != nil {
			if errors.Is(err, ErrNoChannel) {
				return nil, err
			}
			return nil, fmt.Errorf("handover: Config.Channels: %w", err)
		}
		c.ID = id
	} else if id != c.ID {
		return nil, ErrNoChannel
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	v, err := webhook.NewVerifier(c.endpoint())
	if err != nil {
		return nil, fmt.Errorf("handover: channel: %w", err)
	}
	m.channels.mu.Lock()
	defer m.channels.mu.Unlock()
	a, err := m.account(c)
	if err != nil {
		return nil, err
	}
	now := m.now()
	k := &known{channel: c, account: a, verifier: v, until: now.Add(channelTime), asked: now}
	m.channels.known[id] = k
	return k, nil
}

// account gives the account of a channel's credentials. The caller holds the mutex.
func (m *Manager) account(c Channel) (*account, error) {
	credentials := sha256.Sum256([]byte(string(c.Region) + "\x00" + c.ClientID + "\x00" + c.ClientSecret.Reveal()))
	if a := m.channels.accounts[credentials]; a != nil {
		return a, nil
	}
	a := newAccount(m.shell)
	observe := func(_ context.Context, call genesys.Call) {
		a.heed(call.RateLimit)
		m.checkClock(call.Date)
	}
	opts := append([]genesys.Option{}, m.config.ClientOptions...)
	// The engine repeats, in its own time: an effect never sleeps.
	opts = append(opts, genesys.WithRetry(genesys.RetryPolicy{}), genesys.WithObserver(observe))
	var err error
	if a.client, err = c.Client(opts...); err != nil {
		return nil, err
	}
	m.channels.accounts[credentials] = a
	return a, nil
}

// doubtChannel makes the next use ask the host again: the credentials or permissions may have changed.
func (m *Manager) doubtChannel(id string, err error) {
	if !errors.Is(err, genesys.ErrUnauthorized) && !errors.Is(err, genesys.ErrForbidden) {
		return
	}
	m.channels.mu.Lock()
	defer m.channels.mu.Unlock()
	if k := m.channels.known[id]; k != nil && m.now().Sub(k.asked) >= refreshTime {
		k.until = time.Time{}
	}
}

// Client is the shared client of a channel; in a Manager of one channel the empty name means it. Calls through it spend the
// channel's rate limit, so the Manager sees them. Errors: ErrNoChannel, what Config.Channels returned, an invalid Channel.
func (m *Manager) Client(ctx context.Context, channel string) (*genesys.Client, error) {
	k, err := m.channel(ctx, m.channelID(channel))
	if err != nil {
		return nil, err
	}
	return k.account.client, nil
}

// Verifier makes the Manager a webhook.Keyring: the path value "channel", or the one channel.
func (m *Manager) Verifier(r *http.Request) (*webhook.Verifier, error) {
	k, err := m.channel(r.Context(), m.channelID(r.PathValue("channel")))
	if err != nil {
		return nil, err
	}
	return k.verifier, nil
}

// Refresh is asked by webhook.NewHandler after a signature that did not match: the secret may just have been rotated. The
// host is asked again at most once in 10 seconds for a channel.
func (m *Manager) Refresh(r *http.Request) (*webhook.Verifier, error) {
	id := m.channelID(r.PathValue("channel"))
	k, err := m.channel(r.Context(), id)
	if err != nil {
		return nil, err
	}
	m.channels.mu.Lock()
	if now := m.channels.known[id]; now != nil {
		k = now // another request may just have asked
	}
	due := m.now().Sub(k.asked) >= refreshTime
	m.channels.mu.Unlock()
	if due {
		if k, err = m.askChannel(r.Context(), id); err != nil {
			return nil, err
		}
	}
	return k.verifier, nil
}

// channelID reads the empty name as the one channel.
func (m *Manager) channelID(id string) string {
	if id == "" && m.config.Channels == nil {
		return m.config.Channel.ID
	}
	return id
}

// checkClock warns, once, when this machine's clock is off: leases compare the clocks of replicas.
func (m *Manager) checkClock(date time.Time) {
	off := m.now().Sub(date).Abs()
	if date.IsZero() || off < clockWarning || !m.clockWarned.CompareAndSwap(false, true) {
		return
	}
	m.log.Warn("this clock differs from that of Genesys; leases need clocks within 5 s", slog.Duration("off", off))
}

const clockWarning = 3 * time.Second // 2 s, and the header has whole seconds
