package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// channels caches the channels of the host and has one account for each set of credentials.
type channels struct {
	mu      sync.Mutex
	known   map[string]*channelState
	refused map[string]*refusal
	lookups map[string]*lookup
	wanted  map[string]bool // names that Run waits for
	// Names that could not be looked up. They count as served until that time.
	doubted  map[string]time.Time
	unsigned int // lookups by unsigned requests for unknown names
	accounts map[[sha256.Size]byte]*account.Account
	budgets  map[oauthClient]*account.Budget
}

// An oauthClient identifies a budget.
type oauthClient struct {
	region region.Region
	id     string
}

// A channelState is a channel as Config.Channels last returned it, with its account and verifier.
// It never changes, because callers hold it without a lock.
type channelState struct {
	channel  Channel
	account  *account.Account
	verifier *webhook.Verifier
	until    time.Time
	asked    time.Time
}

const (
	channelTime   = time.Minute
	refreshTime   = 10 * time.Second // between two lookups because a signature did not match
	refusalTime   = 10 * time.Second // how long ErrNoChannel is kept
	lookupTimeout = 8 * time.Second  // for Config.Channels
	// For the callers that wait for its answer; a callback that ignores its context may take
	// longer.
	askPatience = 10 * time.Second
	maxUnsigned = 16 // unknown names that unsigned requests have looked up at once
	maxRefused  = 1024
)

// channel returns a channel, not older than a minute. A refusal is kept for 10 seconds.
func (m *Manager) channel(ctx context.Context, id string) (*channelState, error) {
	return m.lookup(ctx, id, false)
}

// lookup is like channel. unsigned means that the signature of the request has not been checked.
func (m *Manager) lookup(ctx context.Context, id string, unsigned bool) (*channelState, error) {
	m.channels.mu.Lock()
	k, no := m.channels.known[id], m.channels.refused[id]
	m.channels.mu.Unlock()
	switch now := m.Now(); {
	case k != nil && now.Before(k.until):
		return k, nil
	case no != nil && now.Before(no.until):
		return nil, no.err
	}
	return m.lookUpChannel(ctx, id, unsigned)
}

// A lookup is one call of Config.Channels. All callers that request the same channel while it runs
// get its answer.
type lookup struct {
	done     chan struct{}
	began    time.Time
	unsigned bool // it occupies one of the places for unknown names
	known    *channelState
	err      error
}

// A refusal is the answer that there is no such channel.
type refusal struct {
	err   error
	until time.Time
}

var (
	errAskTime = errors.New("handover: Config.Channels has not answered in time")
	errAskMany = errors.New("handover: too many unknown channels are being looked up")
)

// lookUpChannel asks the host, once for all callers that wait. A caller that stops waiting does not
// cancel the call.
func (m *Manager) lookUpChannel(ctx context.Context, id string, unsigned bool) (*channelState, error) {
	if m.config.Channels == nil {
		return m.readChannel(ctx, id)
	}
	m.channels.mu.Lock()
	a := m.channels.lookups[id]
	if a == nil || m.Now().Sub(a.began) >= record.StuckTime { // that one may never return
		unsigned = unsigned && m.channels.known[id] == nil
		if unsigned && m.channels.unsigned >= maxUnsigned {
			m.channels.mu.Unlock()
			return nil, errAskMany
		}
		if unsigned {
			m.channels.unsigned++
		}
		a = &lookup{done: make(chan struct{}), began: m.Now(), unsigned: unsigned, err: errAskTime}
		m.channels.lookups[id] = a
		after := context.WithoutCancel(ctx)
		m.Go(func() { m.answerLookup(after, id, a) })
	}
	m.channels.mu.Unlock()
	switch answered, err := m.Await(ctx, askPatience, a.done); {
	case err != nil:
		return nil, err
	case !answered:
		return nil, errAskTime
	}
	return a.known, a.err
}

// answerLookup calls Config.Channels and passes the answer to all waiting callers.
func (m *Manager) answerLookup(ctx context.Context, id string, a *lookup) {
	ctx, cancel := m.Within(ctx, lookupTimeout)
	defer cancel()
	a.err = guarded(callChannels, func() (err error) {
		a.known, err = m.readChannel(ctx, id)
		return err
	})
	no := errors.Is(a.err, record.ErrNoChannel)
	failed := a.err
	if no {
		failed = nil
	}
	if n := m.failures.count(failing{callChannels, id}, failed); n > 0 {
		m.callFailed(ctx, callChannels, machine.Key{Channel: id}, n, failed)
	}
	m.channels.mu.Lock()
	defer m.channels.mu.Unlock()
	if m.channels.lookups[id] == a {
		delete(m.channels.lookups, id)
	}
	if a.unsigned {
		m.channels.unsigned--
	}
	delete(m.channels.refused, id)
	if no {
		delete(m.channels.known, id)
		m.channels.refuse(id, &refusal{err: a.err, until: m.Now().Add(refusalTime)}, m.Now())
	}
	close(a.done)
}

// refuse caches a refusal, for a limited number of names. The caller holds the mutex.
func (c *channels) refuse(id string, no *refusal, now time.Time) {
	if len(c.refused) >= maxRefused {
		maps.DeleteFunc(c.refused, func(_ string, r *refusal) bool { return !now.Before(r.until) })
	}
	if len(c.refused) < maxRefused {
		c.refused[id] = no
	}
}

// amend changes a known channel, as a copy. The caller holds the mutex.
func (c *channels) amend(id string, change func(*channelState)) {
	if k := c.known[id]; k != nil {
		amended := *k
		change(&amended)
		c.known[id] = &amended
	}
}

// readChannel calls Config.Channels once.
func (m *Manager) readChannel(ctx context.Context, id string) (*channelState, error) {
	c := m.config.Channel
	if m.config.Channels != nil {
		var err error
		if c, err = m.config.Channels(ctx, id); err != nil {
			if errors.Is(err, record.ErrNoChannel) {
				return nil, err
			}
			return nil, fmt.Errorf("handover: Config.Channels: %w", err)
		}
	} else if id != c.ID {
		return nil, machine.Invalid(record.ErrNoChannel)
	}
	v, err := webhook.NewVerifier(c.Endpoint())
	if err != nil {
		return nil, fmt.Errorf("handover: channel: %w", err)
	}
	m.channels.mu.Lock()
	defer m.channels.mu.Unlock()
	a, err := m.account(c)
	if err != nil {
		return nil, err
	}
	now := m.Now()
	k := &channelState{channel: c, account: a, verifier: v, until: now.Add(channelTime), asked: now}
	m.channels.known[id] = k
	return k, nil
}

// account returns the account of a channel's credentials. The caller holds the mutex.
func (m *Manager) account(c Channel) (*account.Account, error) {
	credentials := sha256.Sum256([]byte(string(c.Region) + "\x00" + c.ClientID + "\x00" + c.ClientSecret))
	if a := m.channels.accounts[credentials]; a != nil {
		return a, nil
	}
	id := oauthClient{c.Region, c.ClientID}
	b := m.channels.budgets[id]
	if b == nil {
		b = account.NewBudget()
	}
	a := account.NewAccount(m.Environment, b)
	observe := func(_ context.Context, call genesys.Call) {
		a.Observe(call)
		m.checkClock(a)
	}
	opts := append([]genesys.Option{}, m.config.ClientOptions...)
	opts = append(opts, genesys.WithClock(m.Now), genesys.WithObserver(observe))
	var err error
	if a.Patient, err = c.Client(opts...); err != nil {
		return nil, err
	}
	// An effect never sleeps.
	if a.Client, err = a.Patient.WithRetry(genesys.RetryPolicy{}); err != nil {
		return nil, err
	}
	if m.channels.budgets == nil {
		m.channels.budgets = map[oauthClient]*account.Budget{}
	}
	m.channels.accounts[credentials], m.channels.budgets[id] = a, b
	return a, nil
}

// doubtChannel makes the next use look the channel up again, because its credentials or permissions
// may have changed.
func (m *Manager) doubtChannel(id string, err error) {
	if !errors.Is(err, genesys.ErrUnauthorized) && !errors.Is(err, genesys.ErrForbidden) {
		return
	}
	m.channels.mu.Lock()
	defer m.channels.mu.Unlock()
	if k := m.channels.known[id]; k != nil && m.Now().Sub(k.asked) >= refreshTime {
		m.channels.amend(id, func(k *channelState) { k.until = time.Time{} })
	}
}

// Client returns a client for a channel.
func (m *Manager) Client(ctx context.Context, channel string) (*genesys.Client, error) {
	k, err := m.channel(ctx, m.channelID(channel))
	if err != nil {
		return nil, err
	}
	return k.account.Patient, nil
}

// Verifier makes the Manager a webhook.Keyring: the path value "channel", or the one channel.
func (m *Manager) Verifier(r *http.Request) (*webhook.Verifier, error) {
	id := m.channelID(r.PathValue("channel"))
	k, err := m.lookup(r.Context(), id, true)
	if err != nil {
		return nil, err
	}
	m.endpoints.called(id, pathOf(r))
	return k.verifier, nil
}

// Refresh is called by webhook.NewHandler after a signature that did not match, because the secret
// may just have been rotated.
func (m *Manager) Refresh(r *http.Request) (*webhook.Verifier, error) {
	id := m.channelID(r.PathValue("channel"))
	k, err := m.lookup(r.Context(), id, true)
	if err != nil {
		return nil, err
	}
	m.channels.mu.Lock()
	if newest := m.channels.known[id]; newest != nil {
		k = newest // another request may just have looked it up
	}
	due := m.Now().Sub(k.asked) >= refreshTime
	m.channels.mu.Unlock()
	if !due {
		return k.verifier, nil
	}
	fresh, err := m.lookUpChannel(r.Context(), id, true)
	if err != nil { // a failed lookup counts too: signatures cost nothing to forge
		m.channels.mu.Lock()
		m.channels.amend(id, func(k *channelState) { k.asked = m.Now() })
		m.channels.mu.Unlock()
		return nil, err
	}
	return fresh.verifier, nil
}

// channelID maps the empty name to the one channel.
func (m *Manager) channelID(id string) string {
	if id == "" && m.config.Channels == nil {
		return m.config.Channel.ID
	}
	return id
}

// checkClock warns once if this machine's clock differs from Genesys'.
func (m *Manager) checkClock(a *account.Account) {
	a.Mu.Lock()
	offset, _, known := a.Offset.Get()
	a.Mu.Unlock()
	if !known || offset.Abs() <= clockWarning || !m.clockWarned.CompareAndSwap(false, true) {
		return
	}
	m.log.Warn("this machine's clock differs from that of Genesys: "+
		"leases need the clocks of all replicas to agree within 5 s, so synchronise it", slog.Duration("off", offset.Abs()))
}

const clockWarning = 2 * time.Second

// clockOf returns the offset of a channel's account, if this process has used the channel before.
// It makes no lookup, so a transaction may call it.
func (m *Manager) clockOf(channel string) machine.Clock {
	m.channels.mu.Lock()
	k := m.channels.known[channel]
	m.channels.mu.Unlock()
	if k == nil {
		return machine.Clock{Unmeasured: true}
	}
	return k.account.Clock()
}

// A Channel is one Open Messaging integration, as package handover checked it.
type Channel struct {
	ID              string
	Region          region.Region
	ClientID        string
	ClientSecret    string
	IntegrationID   string
	WebhookSecrets  []string // the current one first
	AgentQueue      string
	BotQueue        string // empty: the first queue that a conversation enters
	Division        string
	Routing         machine.Routing
	Identity        machine.Identity
	Receipts        Receipts
	LeftText        string
	Timers          machine.Timers
	AttributesLimit int // 0: the default
}

// String returns the channel's id, so that printing a Channel does not show its secrets.
func (c Channel) String() string { return c.ID }

// GoString returns the channel's id, as String does.
func (c Channel) GoString() string { return c.ID }

// Endpoint returns the secrets and ids to verify the webhooks of the channel with.
func (c Channel) Endpoint() webhook.Endpoint {
	return webhook.Endpoint{Channel: c.ID, IntegrationID: c.IntegrationID, Secrets: slices.Clone(c.WebhookSecrets)}
}

// Client returns a new client with the channel's credentials.
func (c Channel) Client(opts ...genesys.Option) (*genesys.Client, error) {
	return genesys.New(c.Region, genesys.ClientCredentials(c.ClientID, c.ClientSecret), opts...)
}

// Receipts selects which delivery receipts are sent to Genesys.
type Receipts string

// ReceiptsAll sends receipts of delivered and of failed messages; any other value, only of failed
// ones.
const ReceiptsAll Receipts = ""
