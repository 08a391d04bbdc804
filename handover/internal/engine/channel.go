package engine

import (
	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/genesyshandover/genesyshandover/webhook"
)

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
	e := webhook.Endpoint{Channel: c.ID, IntegrationID: c.IntegrationID}
	e.Secrets = append(e.Secrets, c.WebhookSecrets...)
	return e
}

func (c *Channel) attributesLimit() int {
	if c.AttributesLimit == 0 {
		return record.DefaultAttributesLimit
	}
	return c.AttributesLimit
}

// Client returns a new client with the channel's credentials.
func (c Channel) Client(opts ...genesys.Option) (*genesys.Client, error) {
	return genesys.New(c.Region, genesys.ClientCredentials(c.ClientID, c.ClientSecret), opts...)
}

// Receipts selects which delivery receipts are sent to Genesys.
type Receipts string

// The values of Receipts.
const (
	ReceiptsAll      Receipts = ""         // delivered and failed
	ReceiptsFailures Receipts = "failures" // failed only
)
