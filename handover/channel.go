package handover

import (
	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/region"
)

// A Channel is the configuration of one Open Messaging integration: the result of
// docs/setup.md, as data. JSON and YAML names are in camelCase; durations are text such as
// "5m", see [Timers]. Writing a Channel as JSON or YAML returns an error, because it holds
// secrets, see [Secret].
type Channel struct {
	// ID is the host's name for the channel, for example a tenant or a brand. It is part of
	// every [Key]. If it is empty, a Manager of one channel uses the id of the integration. Set
	// ID to keep the records when the integration is replaced, because the new integration has
	// another id.
	ID string `json:"id" yaml:"id"`

	Region region.Region `json:"region" yaml:"region"`
	// Of the OAuth client (Client Credentials).
	ClientID      string `json:"clientId" yaml:"clientId"`
	ClientSecret  Secret `json:"clientSecret" yaml:"clientSecret"`
	IntegrationID string `json:"integrationId" yaml:"integrationId"`
	// WebhookSecrets are the Outbound Notification Webhook Signature Secret Tokens, the current
	// one first.
	WebhookSecrets []Secret `json:"webhookSecrets" yaml:"webhookSecrets"`

	// Exact name or id; Request.Queue overrides it.
	AgentQueue string `json:"agentQueue" yaml:"agentQueue"`
	// BotQueue is the queue that the flow transfers a conversation to. If it is empty, the
	// first queue of a conversation counts as the bot queue.
	BotQueue string   `json:"botQueue" yaml:"botQueue"`
	Division string   `json:"division" yaml:"division"` // id of the division of the queues
	Routing  Routing  `json:"routing" yaml:"routing"`
	Identity Identity `json:"identity" yaml:"identity"`
	Receipts Receipts `json:"receipts" yaml:"receipts"`
	// LeftText is sent to the agent when the customer has left and the OAuth client may not
	// disconnect the conversation. If it is empty, nothing is sent.
	LeftText string `json:"leftText" yaml:"leftText"`
	Timers   Timers `json:"timers" yaml:"timers"`

	// AttributesLimit bounds the total size of the keys and values of Request.Attributes, in
	// bytes. 0 means 2,000. The default is conservative, because Genesys documents no limit.
	AttributesLimit int `json:"attributesLimit" yaml:"attributesLimit"`
}

// Client returns a new client with the channel's credentials. In a process with a Manager, use
// [Manager.Client] instead: it shares the Manager's token and rate limit.
func (c Channel) Client(opts ...genesys.Option) (*genesys.Client, error) {
	return c.internal().Client(opts...)
}

// Routing selects how a conversation reaches the agent queue.
type Routing string

// The values of Routing.
const (
	RouteByTransfer Routing = ""     // the flow uses the bot queue, the Manager transfers
	RouteByFlow     Routing = "flow" // the flow transfers to the agent queue
)

// Identity selects the customer id sent to Genesys.
type Identity string

// The values of Identity.
const (
	// IdentityCustomer sends the host's customer id. Genesys continues a thread for up to 72
	// hours and may route it to the last agent:
	// https://help.mypurecloud.com/articles/messaging-threading-timeline/
	IdentityCustomer Identity = ""
	// IdentitySession sends a new id for every session, derived from the customer id.
	IdentitySession Identity = "session"
)

// Receipts selects which delivery receipts are sent to Genesys. Each is a request against the
// rate limit.
type Receipts string

// The values of Receipts.
const (
	ReceiptsAll      Receipts = ""         // delivered and failed
	ReceiptsFailures Receipts = "failures" // failed only
)
