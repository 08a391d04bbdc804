package genesystest

import (
	"net/http"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// An Integration is one Open Messaging integration: one webhook, one signature secret, its own customers. The organisation
// begins with one, which Org's own methods mean; AddIntegration makes more. Safe for concurrent use.
type Integration struct {
	o                           *Org
	id, recipient, name, secret string
	created                     time.Time
	hook                        *hook
}

// AddIntegration makes another integration with the same flow, for a host whose brands share an OAuth client.
func (o *Org) AddIntegration(name string) *Integration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.addIntegration(name)
}

func (o *Org) addIntegration(name string) *Integration {
	i := &Integration{
		o: o, id: o.uuid("integration"), recipient: o.uuid("recipient"), name: name,
		secret: o.hex("webhook-secret", 48), created: now(),
	}
	o.integrations = append(o.integrations, i)
	return i
}

// ID is the integration's id, channel.id in what it posts.
func (i *Integration) ID() string { return i.id }

// Channel is Org.Channel for this integration; its ID is the integration's name.
func (i *Integration) Channel() handover.Channel {
	i.o.mu.Lock()
	defer i.o.mu.Unlock()
	return i.channel(i.name)
}

func (i *Integration) channel(id string) handover.Channel {
	return handover.Channel{
		ID:             id,
		Region:         i.o.opt.region,
		ClientID:       i.o.clientID(),
		ClientSecret:   handover.NewSecret(i.o.secret),
		IntegrationID:  i.id,
		WebhookSecrets: []handover.Secret{handover.NewSecret(i.secret)},
		BotQueue:       "Bot",
		AgentQueue:     "Support",
	}
}

// RotateSecret gives the integration a new webhook secret, as an administrator would, and returns it. Webhooks are signed
// with it from now on; Genesys documents no overlap.
func (i *Integration) RotateSecret() string {
	i.o.mu.Lock()
	defer i.o.mu.Unlock()
	i.secret = i.o.hex("webhook-secret", 48)
	return i.secret
}

// DeliverTo is Org.DeliverTo for this integration.
func (i *Integration) DeliverTo(h http.Handler, path string) {
	i.setHook(localHook(i.o.guarded(h), path))
}

// DeliverToURL is Org.DeliverToURL for this integration.
func (i *Integration) DeliverToURL(url string) { i.setHook(remoteHook(url)) }

func (i *Integration) setHook(h *hook) {
	i.o.mu.Lock()
	old := i.hook
	i.hook = h
	i.o.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// RotateSecret gives the first integration a new webhook secret; see Integration.RotateSecret.
func (o *Org) RotateSecret() string { return o.first().RotateSecret() }

// DeliverTo sends the integration's webhooks to h at path, signed, with Genesys' retries, from now on. Each message is on
// its own, so a later one may overtake one that is being retried. A panic of h fails the test. Without DeliverTo or
// DeliverToURL nothing is posted.
func (o *Org) DeliverTo(h http.Handler, path string) { o.first().DeliverTo(h, path) }

// DeliverToURL sends the integration's webhooks to a real address. Genesys itself takes https on port 443 only; this takes
// any.
func (o *Org) DeliverToURL(url string) { o.first().DeliverToURL(url) }

func (o *Org) first() *Integration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.integrations[0]
}

// addressed is the integration in the path of a request, nil if there is none.
func (o *Org) addressed(c *call) *Integration {
	n := slices.IndexFunc(o.integrations, func(i *Integration) bool { return i.id == c.vars["integration"] })
	if n < 0 {
		return nil
	}
	return o.integrations[n]
}
