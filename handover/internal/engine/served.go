package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// This file decides which records a Manager works on: those of channels that it serves, with a
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
