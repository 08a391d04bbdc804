package simulation

import (
	"context"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/engine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/region"
)

// How the second channel is served, if there is one. Its customers have names with an x.
const (
	tenantsHost  = "host"  // each Manager serves both channels, which Config.Channels returns
	tenantsSplit = "split" // each Manager serves one of them; all use one store
)

// The ids of the two integrations, which are also those of the channels.
const (
	integration      = "00000000-0000-4000-8000-000000000001"
	otherIntegration = "00000000-0000-4000-8000-000000000002"
)

// channelOf returns the channel of a customer.
func channelOf(customer string) string {
	if strings.HasPrefix(customer, "x") {
		return otherIntegration
	}
	return integration
}

func keyOf(customer string) machine.Key {
	return machine.Key{Channel: channelOf(customer), Customer: customer}
}

// A removal is a time in which Config.Channels does not know the second channel.
type removal struct {
	from, to time.Duration // to is never if it does not return
}

// withTenants adds a second channel to one plan in seven, and removes it in some of them for a
// time. It is removed permanently only if records are kept for minutes, because no record is given
// up before.
func (p plan) withTenants() plan {
	d := newRandom(p.seed, "tenants")
	if !d.chance(0.15) {
		return p
	}
	p.tenants, p.socket = pick(d, tenantsHost, tenantsHost, tenantsSplit), ""
	p.customers = max(p.customers, 2)
	if p.tenants == tenantsSplit {
		p.replicas = 4
		return p
	}
	if d.chance(0.5) {
		p.rates[faultRemoved] = 1
		p.removal.from = d.between(0, p.duration)
		if p.removal.to = never; !p.has(faultExpire) || d.chance(0.6) {
			p.removal.to = p.removal.from + d.between(10*time.Second, 5*time.Minute)
		}
	}
	return p
}

// removedSince returns since when Config.Channels does not know a channel, or never.
func (w *world) removedSince(channel string) time.Duration {
	r := w.plan.removal
	switch {
	case !w.plan.has(faultRemoved) || channel != otherIntegration || w.now < r.from:
		return never
	case r.to != never && (w.now >= r.to || w.healed):
		return never
	default:
		return r.from
	}
}

// lost reports whether a channel is removed permanently.
func (w *world) lost(channel string) bool {
	return w.removedSince(channel) != never && w.plan.removal.to == never
}

// returned returns when Managers have noticed at the latest that a channel is there again that was
// removed, or 0.
func (w *world) returned(channel string) time.Duration {
	r := w.plan.removal
	if !w.plan.has(faultRemoved) || channel != otherIntegration || w.now < r.from {
		return 0
	}
	back := r.to
	if w.healed {
		back = min(back, w.healedAt)
	}
	if back == never {
		return never
	}
	return back + 10*time.Minute + 20*time.Second
}

// removedLately reports whether calls may fail because a channel is removed, or was. Refusals are
// cached for 10 s.
func (w *world) removedLately(channel string) bool {
	r := w.plan.removal
	switch {
	case w.removedSince(channel) != never:
		return true
	case !w.plan.has(faultRemoved) || channel != otherIntegration || w.now < r.from:
		return false
	default:
		back := r.to
		if w.healed {
			back = min(back, w.healedAt)
		}
		return w.now-back < 30*time.Second
	}
}

// servesChannel reports whether the Manager of a replica serves a channel.
func (r *replica) servesChannel(channel string) bool {
	return r.w.plan.tenants != tenantsSplit || channel == "" || channel == r.onlyChannel()
}

// onlyChannel returns the channel of a Manager that serves one.
func (r *replica) onlyChannel() string {
	if r.w.plan.tenants == tenantsSplit && r.index%2 == 1 {
		return otherIntegration
	}
	return integration
}

// channel returns a channel as the host configures it. Each has a separate OAuth client.
func (r *replica) channel(id string) engine.Channel {
	p := &r.w.plan
	ch := engine.Channel{
		Region: region.EUWest1, ClientID: "client of " + id, ClientSecret: "secret", IntegrationID: id,
		WebhookSecrets: []string{"a-secret-of-some-length"}, AgentQueue: agentQueue,
		Routing: p.routing, Identity: p.identity, Timers: p.timers,
	}
	if p.bot {
		ch.BotQueue = botQueue
	}
	if p.has(faultDenied) {
		ch.LeftText = "left"
	}
	return ch
}

// channels is Config.Channels.
func (r *replica) channels(_ context.Context, id string) (engine.Channel, error) {
	if !r.yieldPoint(r.w.host.d.between(time.Millisecond, 20*time.Millisecond)) {
		return engine.Channel{}, errDead
	}
	if r.w.happens(faultHost) {
		r.w.host.mayPanic()
		return engine.Channel{}, errHost
	}
	if id != integration && id != otherIntegration || r.w.removedSince(id) != never {
		return engine.Channel{}, record.ErrNoChannel
	}
	return r.channel(id), nil
}

// removedUse is how long a removed channel may be used: the engine looks it up each minute, and an
// effect ends within 10 s.
const removedUse = time.Minute + 2*effectTime

// checkTenant checks that a replica calls Genesys only for customers of a channel that it serves.
func (l *ledger) checkTenant(r *replica, customer, what string) {
	k := customerOf(customer)
	since := l.w.removedSince(channelOf(k))
	switch {
	case !r.servesChannel(channelOf(k)):
		l.w.fail("a Manager works only on its channels", k, "%s, which serves another channel: %s", r.name, what)
	case since != never && l.w.now-since > removedUse && r.steady():
		l.w.fail("a channel that is removed is not used", k, "%s: %s", r.name, what)
	}
}
