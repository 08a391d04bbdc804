package engine

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

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
