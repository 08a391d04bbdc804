package genesystest

// openIntegration is an OpenIntegration. Its secret is required by the definition; whether Genesys shows it is UNCERTAIN,
// so this one is masked.
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
	i := o.addressed(c)
	if i == nil {
		return gone("integration")
	}
	return answerOK(i.body())
}
