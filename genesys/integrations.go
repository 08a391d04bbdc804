package genesys

import (
	"context"
	"iter"
)

// An IntegrationsService reads Open Messaging integrations. It needs messaging:integration:view.
//
// See https://developer.genesys.cloud/commdigital/digital/openmessaging/
type IntegrationsService struct{ c *core }

// An Integration connects a flow with a webhook. Its secret is not read, so that it cannot be
// shown.
type Integration struct {
	ID, Name     string
	Status       string // free text, seen as "active"; compare without case. UNCERTAIN beyond that
	WebhookURL   string // where Genesys posts outbound messages
	RecipientID  string // the routing recipient that binds it to a flow
	CreateStatus string // "Initiated", "Completed" or "Error": creation is asynchronous
}

// Get reads an integration. Errors: [ErrNotFound].
func (s *IntegrationsService) Get(ctx context.Context, id string) (*Integration, error) {
	var w wireIntegration
	if err := s.c.do(ctx, Request{Op: "integrations.get", Path: openIntegrations(id)}, &w); err != nil {
		return nil, err
	}
	return new(w.integration()), nil
}

// All lists the Open Messaging integrations. It fetches 100 in each request, when they are needed.
// The sequence ends after the first error. There is no filter by name.
func (s *IntegrationsService) All(ctx context.Context) iter.Seq2[Integration, error] {
	return pages(ctx, s.c, Request{Op: "integrations.list", Path: openIntegrations()}, 100, wireIntegration.integration)
}

func openIntegrations(id ...string) []string {
	return append([]string{"conversations", "messaging", "integrations", "open"}, id...)
}

type wireIntegration struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Status       string `json:"status"`
	WebhookURL   string `json:"outboundNotificationWebhookUrl"`
	Recipient    ref    `json:"recipient"`
	CreateStatus string `json:"createStatus"`
}

func (w wireIntegration) integration() Integration {
	return Integration{
		ID: w.ID, Name: w.Name, Status: w.Status, WebhookURL: w.WebhookURL,
		RecipientID: w.Recipient.ID, CreateStatus: w.CreateStatus,
	}
}

// ref is a reference to another entity.
type ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}
