package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
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
	since time.Time // of the first such answer in a row
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
	was := m.channels.refused[id]
	delete(m.channels.refused, id)
	if was != nil && a.err == nil {
		environment.Signal(m.nudge) // Run may have left its records alone
	}
	if no {
		delete(m.channels.known, id)
		since := m.Now()
		if was != nil {
			since = was.since
		}
		m.channels.refuse(id, &refusal{err: a.err, since: since, until: m.Now().Add(refusalTime)}, m.Now())
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

// The following decides which records a Manager works on: those of channels that it serves, with a
// session on the OAuth client and integration of its channel.

// doubtTime is how long a record is worked on although Config.Channels did not answer whether its
// channel exists.
const doubtTime = 10 * time.Second

// knows reports whether this Manager serves a channel. sure is false while Config.Channels runs;
// Run continues when it has answered. If it failed, the channel counts as served, because not every
// effect needs it.
func (m *Manager) knows(ctx context.Context, id string) (yes, sure bool) {
	if m.config.Channels == nil {
		return true, true
	}
	now := m.Now()
	m.channels.mu.Lock()
	defer m.channels.mu.Unlock()
	switch no := m.channels.refused[id]; {
	case m.channels.known[id] != nil || now.Before(m.channels.doubted[id]):
		return true, true
	case no != nil && now.Before(no.until):
		return false, true
	case !m.channels.wanted[id]:
		if m.channels.wanted == nil {
			m.channels.wanted = map[string]bool{}
		}
		m.channels.wanted[id] = true
		m.Go(func() { m.ask(context.WithoutCancel(ctx), id) })
	}
	return false, false
}

// hasChannel reports whether the last answer of Config.Channels for a name was a channel.
func (m *Manager) hasChannel(id string) bool {
	m.channels.mu.Lock()
	defer m.channels.mu.Unlock()
	return m.channels.known[id] != nil
}

// ask calls Config.Channels for a channel of stored records.
func (m *Manager) ask(ctx context.Context, id string) {
	_, err := m.channel(ctx, id)
	m.channels.mu.Lock()
	delete(m.channels.wanted, id)
	if err != nil && !errors.Is(err, record.ErrNoChannel) {
		if len(m.channels.doubted) >= maxRefused || m.channels.doubted == nil {
			m.channels.doubted = map[string]time.Time{}
		}
		m.channels.doubted[id] = m.Now().Add(doubtTime)
	}
	m.channels.mu.Unlock()
	environment.Signal(m.nudge)
}

// ignored returns for how long this Manager has left a record alone that is due. Time in which no
// process ran does not count as time without a channel.
func (m *Manager) ignored(tx *record.Transaction) time.Duration {
	m.channels.mu.Lock()
	no := m.channels.refused[tx.Key.Channel]
	m.channels.mu.Unlock()
	if no == nil {
		return tx.Overdue()
	}
	return min(tx.Overdue(), m.Now().Sub(no.since))
}

// serves returns how long this Manager ignores a record, or 0 if it works on it, and the reason for
// the log. In that time the record belongs to another Manager. If it is ignored for its whole
// retention, its waiting effects are dropped.
func (m *Manager) serves(tx *record.Transaction) (leaves time.Duration, why string) {
	if !tx.Abandoned.IsZero() {
		return 0, "" // no remaining work needs the channel
	}
	m.channels.mu.Lock()
	k, no := m.channels.known[tx.Key.Channel], m.channels.refused[tx.Key.Channel]
	m.channels.mu.Unlock()
	if m.config.Channels == nil {
		k = &channelState{channel: m.config.Channel}
	}
	switch {
	case k == nil && no != nil && m.Now().Before(no.until):
		return asideTime, whyNoChannel
	case k == nil || tx.Handover == nil || integrationOf(tx.Handover, k) == k.channel.IntegrationID:
		return 0, ""
	case tx.Handover.Client != k.client():
		return asideTime, whyForeign
	default:
		return max(0, otherTime-tx.Overdue()), whyMoved
	}
}

// otherTime is how long a record with a session on another integration of the same OAuth client is
// left to the program that serves that integration. After it, the channel's integration counts as
// replaced.
const otherTime = time.Minute

const (
	whyNoChannel = "Config.Channels does not know the channel: they are left alone"
	whyForeign   = "their sessions run on another integration and another OAuth client than the channel has: they are left alone; " +
		"use different channel ids in each program"
	whyMoved = "their sessions run on another integration than the channel has, and stay there until they end; " +
		"if that is another program's, use different channel ids in each program"
)

// client names the OAuth client of a channel, by 16 hexadecimal digits.
func (k *channelState) client() string { return k.clientHash()[:16] }

func (k *channelState) clientHash() string {
	sum := sha256.Sum256([]byte(string(k.channel.Region) + "\x00" + k.channel.ClientID))
	return hex.EncodeToString(sum[:])
}

// integrationOf returns the integration of a session: the one on which it began.
func integrationOf(c *machine.Handover, k *channelState) string {
	return cmp.Or(c.Integration, k.channel.IntegrationID)
}

// reportOnce logs, once for each channel, why its records are not worked on.
func (m *Manager) reportOnce(channel, why string) {
	m.mu.Lock()
	reported := entry(&m.reported, failing{why, channel}, maxRefused)
	first := !*reported
	*reported = true
	m.mu.Unlock()
	if first {
		m.log.Warn("records of a channel are not worked on as usual", slog.String("channel", channel), slog.String("why", why))
	}
}

const (
	// Between two log lines, or two notices, about the webhook of one channel.
	webhookReport = time.Hour
)

// endpoints contains what this process knows about the webhook of each channel. A webhook that does
// not work is reported once an hour: with a log line at once, and with a notice at the next read of
// a conversation of the channel.
type endpoints struct {
	mu   sync.Mutex
	list map[string]*endpoint // by channel, of those that the host has
}

// An endpoint is the webhook URL of one channel.
type endpoint struct {
	path      string // of the last request, verified or not
	refusal   string // why the last refused post was refused
	refusedAt time.Time
	loggedAt  time.Time
	noticedAt time.Time
}

// of returns the endpoint of a channel. The caller holds the mutex.
func (s *endpoints) of(channel string) *endpoint { return entry(&s.list, channel, math.MaxInt) }

// called notes the path of a request.
func (s *endpoints) called(channel, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(channel).path = path
}

func pathOf(r *http.Request) string {
	if r.URL == nil {
		return ""
	}
	return record.OneLine(r.URL.Path, maxErrorText)
}

// due reports whether the next report is due, and notes that it is made now.
func due(last *time.Time, now time.Time) bool {
	if !last.IsZero() && now.Sub(*last) < webhookReport {
		return false
	}
	*last = now
	return true
}

// Refused is called by webhook.NewHandler for each post that it refuses because of a wrong
// signature or integration, or because the post cannot be read.
func (m *Manager) Refused(r *http.Request, err error) {
	channel, now := m.channelID(r.PathValue("channel")), m.Now()
	m.endpoints.mu.Lock()
	p := m.endpoints.of(channel)
	p.path, p.refusal, p.refusedAt = pathOf(r), record.OneLine(err.Error(), maxErrorText), now
	log, state := due(&p.loggedAt, now), *p
	m.endpoints.mu.Unlock()
	if log {
		m.logEndpoint(r.Context(), channel, &state, 0)
	}
}

// webhookAlarm returns the text for the host about the webhook of a channel, or an empty string. It
// logs problems that have not been logged.
func (m *Manager) webhookAlarm(ctx context.Context, j *record.Job, kind record.TaskKind, r *record.Reading) string {
	if kind != record.TaskLook && kind != record.TaskWatch {
		return ""
	}
	undelivered, now := j.Record.Undelivered(kind, r), m.Now()
	m.endpoints.mu.Lock()
	p := m.endpoints.of(j.Key.Channel)
	refused := !p.refusedAt.IsZero() && p.refusedAt.After(p.noticedAt) && now.Sub(p.refusedAt) < webhookReport
	if undelivered == 0 && !refused || !due(&p.noticedAt, now) {
		m.endpoints.mu.Unlock()
		return ""
	}
	log, state := due(&p.loggedAt, now), *p
	m.endpoints.mu.Unlock()
	if log {
		m.logEndpoint(ctx, j.Key.Channel, &state, undelivered)
	}
	return state.report(undelivered, now)
}

// endpointFix is the advice for a webhook that does not work.
const endpointFix = "compare the URL, the signature secret and the id of the integration in Genesys with the host's webhook URL, " +
	"Channel.WebhookSecrets and Channel.IntegrationID (docs/setup.md#step-4)"

func (m *Manager) logEndpoint(ctx context.Context, channel string, p *endpoint, undelivered int) {
	attrs := []slog.Attr{slog.String("channel", channel), slog.String("path", p.path)}
	if p.refusal != "" {
		attrs = append(attrs, slog.String("refused", p.refusal), slog.Time("refusedAt", p.refusedAt))
	}
	text := "webhook posts are refused: if they are from Genesys, messages of agents are late or lost"
	if undelivered > 0 {
		text = "the webhook does not deliver: messages of agents are late or lost"
		attrs = append(attrs, slog.Int("undelivered", undelivered))
	}
	m.log.LogAttrs(ctx, slog.LevelWarn, text, append(attrs, slog.String("fix", endpointFix))...)
}

// report returns the text of a notice.
func (p *endpoint) report(undelivered int, now time.Time) string {
	where := "no request has reached it in this process"
	if p.path != "" {
		where = fmt.Sprintf("its path is %q", p.path)
	}
	last := "none of its posts was refused"
	if p.refusal != "" {
		last = fmt.Sprintf("the last post was refused %s ago: %s", now.Sub(p.refusedAt).Round(time.Second), p.refusal)
	}
	text := "posts to the channel's webhook are refused; if they are from Genesys, messages of agents are late or lost"
	if undelivered > 0 {
		text = fmt.Sprintf("the channel's webhook does not deliver: Genesys lists %d messages that have not arrived for 2 minutes", undelivered)
	}
	return text + "; " + where + "; " + last + "; " + endpointFix
}
