package simulation

import (
	"context"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/webhook"
)

var background = context.Background() //nolint:gochecknoglobals // whoever calls has no other

// The schedule on which Genesys posts: see https://developer.genesys.cloud/commdigital/digital/openmessaging/outboundMessages
const (
	webhookTries   = 6
	webhookTimeout = 10 * time.Second
	webhookPause   = 5 * time.Second
)

// A letter is one webhook on its way.
type letter struct {
	w    *world
	key  string
	n    webhook.Notification
	said *said
}

// webhook posts a message to the customer; by: nil, the flow wrote it.
func (g *cloud) webhook(c *conversation, id string, by *leg) {
	m := g.says(c, by, id)
	o := openmessaging.Outbound{
		ID: id, IntegrationID: integration, CustomerID: c.customer, ConversationID: c.id, Time: epoch.Add(m.at),
		Origin: openmessaging.OriginHuman, Body: openmessaging.Message{Text: id},
	}
	if m.flow {
		o.Origin = openmessaging.OriginBot
	} else {
		c.spokenAt = g.w.now
	}
	g.told(c, false)
	g.w.tell(customerOf(c.customer), "%s: %s is written", c.id, id)
	g.w.ledger.said(m)
	l := &letter{w: g.w, key: customerOf(c.customer), n: webhook.Notification{Outbound: o}, said: m}
	g.w.start("webhook "+id, nil, l.post)
	if g.w.happens(faultWebhook) {
		g.w.start("webhook "+id, nil, l.post)
	}
}

// post tries until somebody takes it.
func (l *letter) post() {
	w := l.w
	w.pause(w.chaos.between(time.Millisecond, 200*time.Millisecond))
	if w.happens(faultWebhook) {
		w.pause(w.chaos.between(0, 3*time.Second))
	}
	for range webhookTries {
		if w.recovered() && !l.said.lost && !l.once() && !w.over {
			w.fail("a webhook is taken when nothing fails", l.key, "%s", l.n.Outbound.ID)
		}
		if w.over || w.recovered() || l.once() && !w.happens(faultWebhook) {
			return
		}
		w.pause(webhookPause)
	}
	w.tell(l.key, "Genesys gives %s up", l.n.Outbound.ID)
}

// once posts to some replica and waits for its answer, for as long as Genesys does.
func (l *letter) once() bool {
	w, sender := l.w, l.w.current
	r := w.serving()
	if r == nil || w.cutOff() || l.said.lost {
		return false
	}
	took, waits := false, true
	w.start("receive "+l.n.Outbound.ID, r, func() {
		err := r.manager.Receive(background, l.n)
		if r.dead || w.over {
			return
		}
		w.tell(l.key, "%s receives %s: %v", r.name, l.n.Outbound.ID, err)
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
