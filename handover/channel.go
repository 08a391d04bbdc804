package handover

import (
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/region"
)

// A Channel is one Open Messaging integration as the host configured it: step 8 of the setup guide, as data. It can be read
// from JSON or YAML; its secrets cannot be written back, see [Secret].
type Channel struct {
	ID string // the host's name for it: a tenant, a brand. Empty in a Manager of one channel

	Region         region.Region
	ClientID       string // of the OAuth client (Client Credentials)
	ClientSecret   Secret
	IntegrationID  string
	WebhookSecrets []Secret // Outbound Notification Webhook Signature Secret Token; the current one first

	AgentQueue string // exact name or id; a Request may name another
	BotQueue   string // where the flow puts a conversation; empty: whichever queue it comes into first
	Division   string // id of the division that narrows queue names
	Routing    Routing
	Identity   Identity
	Receipts   Receipts
	LeftText   string // told to the agent when the customer left and we may not disconnect; empty: nothing
	Timers     Timers

	// AwaitWrapup lets the end of a session, and with it the Return, wait until the agent has done the after-call work, 10 minutes at
	// most. What the customer writes meanwhile is kept for the Return: neither the agent nor the bot answers.
	AwaitWrapup bool
}

// Client makes a client with the channel's credentials. Inside a process with a Manager use [Manager.Client]: it is shared,
// and so are its token and its rate limit.
func (c Channel) Client(opts ...genesys.Option) (*genesys.Client, error) {
	return genesys.New(c.Region, genesys.ClientCredentials(c.ClientID, c.ClientSecret.Reveal()), opts...)
}

// Routing says how a conversation reaches the agent queue.
type Routing string

// The ways of routing.
const (
	RouteByTransfer Routing = ""     // the flow puts it into the bot queue, we transfer it on
	RouteByFlow     Routing = "flow" // the flow routes by attributes; no transfer
)

// Identity says who Genesys believes is writing.
type Identity string

// The identities.
const (
	// IdentityCustomer sends the customer id. Genesys threads for up to 72 hours and may call the last agent:
	// https://help.mypurecloud.com/articles/messaging-threading-timeline/
	IdentityCustomer Identity = ""
	// IdentitySession sends a new id for every handover, made of the customer id.
	IdentitySession Identity = "session"
)

// Receipts says what Genesys hears of our deliveries; each is a call against the rate limit.
type Receipts string

// The receipts that are sent.
const (
	ReceiptsAll      Receipts = ""         // delivered and failed
	ReceiptsFailures Receipts = "failures" // failed only
)

// Timers of a session. Zero is the default named at each field, negative is off.
type Timers struct {
	NoAgent      time.Duration // how long a customer waits for an agent; off
	CustomerWarn time.Duration // silence of the customer before NoticeIdle; off
	CustomerIdle time.Duration // silence of the customer before the end; off
	AgentIdle    time.Duration // how long the customer waits for an agent's answer; off
	Max          time.Duration // of a session; 24 h
	Retention    time.Duration // of a record after its end; 73 h, since Genesys threads for 72
}

// The defaults of Timers.
const (
	DefaultMax       = 24 * time.Hour
	DefaultRetention = 73 * time.Hour
)

func defaultTimers() Timers { return Timers{Max: DefaultMax, Retention: DefaultRetention} }

// or fills what t leaves open from d.
func (t Timers) or(d Timers) Timers {
	pick := func(a, b time.Duration) time.Duration {
		if a != 0 {
			return a
		}
		return b
	}
	return Timers{
		NoAgent:      pick(t.NoAgent, d.NoAgent),
		CustomerWarn: pick(t.CustomerWarn, d.CustomerWarn),
		CustomerIdle: pick(t.CustomerIdle, d.CustomerIdle),
		AgentIdle:    pick(t.AgentIdle, d.AgentIdle),
		Max:          pick(t.Max, d.Max),
		Retention:    pick(t.Retention, d.Retention),
	}
}
