package simulation

import (
	"context"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// background is the context of all calls of customers and webhooks.
var background = context.Background() //nolint:gochecknoglobals // a constant

// The retry schedule of Genesys, see
// https://developer.genesys.cloud/commdigital/digital/openmessaging/outboundMessages
const (
	webhookTries   = 6
	webhookTimeout = 10 * time.Second
	webhookPause   = 5 * time.Second
)

// A webhookPost is one webhook with all its attempts.
type webhookPost struct {
	w       *world
	key     string
	n       webhook.Notification
	message *outbound
}

// webhook writes a message to the customer and sends its webhook. If by is nil, the flow wrote it.
func (g *cloud) webhook(c *conversation, id string, by *leg) {
	m := g.newOutbound(c, by, id)
	o := openmessaging.Outbound{
		ID: id, IntegrationID: channelOf(customerOf(c.customer)), CustomerID: c.customer, ConversationID: c.id, Time: epoch.Add(m.at + c.ahead),
		Origin: openmessaging.OriginHuman, Body: openmessaging.Message{Text: id},
	}
	if m.flow {
		o.Origin = openmessaging.OriginBot
	} else {
		c.agentWroteAt = g.w.now
		g.answered(c)
	}
	g.signalSources(c, false)
	g.w.logf(customerOf(c.customer), "%s: %s is written", c.id, id)
	g.w.ledger.wroteOutbound(m)
	l := &webhookPost{w: g.w, key: customerOf(c.customer), n: webhook.Notification{Outbound: o}, message: m}
	if g.w.plan.tenants == tenantsHost {
		l.n.Channel = o.IntegrationID
	}
	g.w.start("webhook "+id, nil, l.post)
	if g.w.happens(faultWebhook) {
		g.w.start("webhook "+id, nil, l.post)
	}
}

// post makes attempts until a replica accepts the webhook.
func (l *webhookPost) post() {
	w := l.w
	w.pause(w.chaos.between(time.Millisecond, 200*time.Millisecond))
	if w.happens(faultWebhook) {
		w.pause(w.chaos.between(0, pick(w.chaos, 3*time.Second, 30*time.Second)))
	}
	for range webhookTries {
		if w.recovered() && !l.message.lost && !w.removedLately(channelOf(l.key)) && !l.once() && !w.finished {
			w.fail("a webhook is accepted when nothing fails", l.key, "%s", l.n.Outbound.ID)
		}
		if w.finished || w.recovered() || l.once() && !w.happens(faultWebhook) {
			return
		}
		w.pause(webhookPause)
	}
	w.logf(l.key, "Genesys stops retrying %s", l.n.Outbound.ID)
}

// once posts to a random replica and waits for the answer, as long as Genesys does.
func (l *webhookPost) once() bool {
	w, sender := l.w, l.w.current
	channel := channelOf(l.key)
	r := w.serving(channel)
	// Then no verifier is found.
	if r == nil || w.cutOff() || l.message.lost || w.removedSince(channel) != never {
		return false
	}
	took, waits := false, true
	w.start("receive "+l.n.Outbound.ID, r, func() {
		err := r.manager.Receive(background, l.n)
		if r.dead || w.finished {
			return
		}
		w.logf(l.key, "%s receives %s: %v", r.name, l.n.Outbound.ID, err)
		if err == nil {
			w.ledger.received(l.key, l.n.Outbound.ID)
		}
		if took = err == nil; waits {
			w.wake(sender, w.now)
		}
	})
	w.pause(webhookTimeout)
	waits = false
	return took
}

// cutOff reports whether no webhook reaches the host now.
func (w *world) cutOff() bool {
	o := w.plan.outage
	return !w.healed && w.plan.has(faultOutage) && w.now >= o.from && w.now < o.to
}
