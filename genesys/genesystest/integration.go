package genesystest

import (
	"net/http"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// An Integration is one Open Messaging integration: one webhook, one signature secret, and separate
// customers. The organisation begins with one, which the methods of Org use; AddIntegration makes
// more. Safe for concurrent use.
type Integration struct {
	o                           *Org
	id, recipient, name, secret string
	created                     time.Time
	hook                        *hook
}

// AddIntegration makes another integration with the same flow, for a host with several brands and
// one OAuth client.
func (o *Org) AddIntegration(name string) *Integration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.addIntegration(name)
}

func (o *Org) addIntegration(name string) *Integration {
	i := &Integration{
		o: o, id: o.uuid("integration"), recipient: o.uuid("recipient"), name: name,
		secret: o.hexID("webhook-secret", 48), created: o.now(),
	}
	o.integrations = append(o.integrations, i)
	return i
}

// ID returns the integration's id, which is channel.id in webhooks.
func (i *Integration) ID() string { return i.id }

// Channel is Org.Channel for this integration. Its ID is the integration's name.
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

// RotateSecret replaces the webhook secret, as an administrator would, and returns the new one.
// It signs all webhooks from now on; Genesys documents no overlap.
func (i *Integration) RotateSecret() string {
	i.o.mu.Lock()
	defer i.o.mu.Unlock()
	i.secret = i.o.hexID("webhook-secret", 48)
	return i.secret
}

// DeliverTo is Org.DeliverTo for this integration.
func (i *Integration) DeliverTo(h http.Handler, path string) {
	i.setHook(localHook(i.o.recoverPanics(h), path))
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

// RotateSecret is Integration.RotateSecret for the first integration.
func (o *Org) RotateSecret() string { return o.firstIntegration().RotateSecret() }

// DeliverTo sends the webhooks of the first integration to h at path from now on, signed and with
// Genesys' retries. Messages are independent, so a later one may overtake one that is retried. A
// panic of h fails the test. Without DeliverTo or DeliverToURL the organisation sends no
// webhooks.
func (o *Org) DeliverTo(h http.Handler, path string) { o.firstIntegration().DeliverTo(h, path) }

// DeliverToURL sends the webhooks of the first integration to a real address. Genesys accepts
// only https on port 443; the fake accepts any address.
func (o *Org) DeliverToURL(url string) { o.firstIntegration().DeliverToURL(url) }

func (o *Org) firstIntegration() *Integration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.integrations[0]
}

// integrationOf returns the integration in the path of a request, or nil.
func (o *Org) integrationOf(c *call) *Integration {
	n := slices.IndexFunc(o.integrations, func(i *Integration) bool { return i.id == c.vars["integration"] })
	if n < 0 {
		return nil
	}
	return o.integrations[n]
}

// openIntegration is an OpenIntegration. The definition requires the secret. Whether Genesys
// shows it is UNCERTAIN, so the fake masks it.
type openIntegration struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	WebhookURL   string `json:"outboundNotificationWebhookUrl"`
	Secret       string `json:"outboundNotificationWebhookSignatureSecretToken"`
	Status       string `json:"status"`
	Recipient    *ref   `json:"recipient,omitempty"`
	DateCreated  string `json:"dateCreated"`
	DateModified string `json:"dateModified"`
	CreateStatus string `json:"createStatus"`
	SelfURI      string `json:"selfUri"`
}

func (i *Integration) body() openIntegration {
	out := openIntegration{
		ID: i.id, Name: i.name, WebhookURL: "https://bot.example/genesys", Secret: "****************", Status: "active",
		DateCreated: stamp(i.created), DateModified: stamp(i.created), CreateStatus: "Completed",
		SelfURI: "/api/v2/conversations/messaging/integrations/open/" + i.id,
	}
	if i.hook != nil {
		out.WebhookURL = i.hook.url
	}
	if !i.o.opt.noFlow {
		out.Recipient = &ref{ID: i.recipient, SelfURI: "/api/v2/routing/message/recipients/" + i.recipient}
	}
	return out
}

func (o *Org) listIntegrations(c *call) answer {
	all := make([]openIntegration, 0, len(o.integrations))
	for _, i := range o.integrations {
		all = append(all, i.body())
	}
	return page(c, all, 100, true)
}

func (o *Org) getIntegration(c *call) answer {
	i := o.integrationOf(c)
	if i == nil {
		return notFound("integration")
	}
	return answerOK(i.body())
}
