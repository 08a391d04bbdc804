package torture

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
)

// An assignment is the configuration of a replica: one line of JSON on its standard input. So no
// secret is in the arguments or the environment, where other users of the machine could see it.
type assignment struct {
	Name    string    `json:"name"` // of this process: a new one after each start
	Store   storeSpec `json:"store"`
	API     string    `json:"api"`     // URL of the fake Genesys Cloud
	Channel string    `json:"channel"` // URL of the customers' channel
	Access  access    `json:"access"`
	Verbose bool      `json:"verbose"`
}

// access is a handover.Channel with secrets that can be encoded.
type access struct {
	Region        region.Region `json:"region"`
	ClientID      string        `json:"clientId"`
	ClientSecret  string        `json:"clientSecret"`
	IntegrationID string        `json:"integrationId"`
	HookSecret    string        `json:"hookSecret"`
	AgentQueue    string        `json:"agentQueue"`
	BotQueue      string        `json:"botQueue"`
}

func accessOf(c handover.Channel) access {
	return access{
		Region: c.Region, ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), IntegrationID: c.IntegrationID,
		HookSecret: c.WebhookSecrets[0].Reveal(), AgentQueue: c.AgentQueue, BotQueue: c.BotQueue,
	}
}

func (a access) channel() handover.Channel {
	return handover.Channel{
		ID: "replicas", Region: a.Region, ClientID: a.ClientID, ClientSecret: handover.NewSecret(a.ClientSecret),
		IntegrationID: a.IntegrationID, WebhookSecrets: []handover.Secret{handover.NewSecret(a.HookSecret)},
		AgentQueue: a.AgentQueue, BotQueue: a.BotQueue,
	}
}

// replicaHeader is the header with the name of the process that sent a request or an answer.
const replicaHeader = "X-Replica"

// A submission is a customer's message to a replica.
type submission struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Try  int    `json:"try"` // from 0; all tries have the same id
}

// A status is the session and the turn of a customer.
type status struct {
	Session string         `json:"session"`
	State   handover.State `json:"state"`
	Turn    handover.Turn  `json:"turn"`
}

// Requests of replicas to the customers' channel.
type (
	delivered struct {
		ID         string `json:"id"`
		Text       string `json:"text"`
		OutOfOrder bool   `json:"outOfOrder"`
	}
	handedBack struct {
		ID      string   `json:"id"`
		Session string   `json:"session"`
		Texts   []string `json:"texts"`
	}
	noticed struct {
		Session string `json:"session"`
	}
)

// marker returns a unique text: the kind, the customer and the number among the texts of this kind
// and customer.
func marker(kind, customer string, n int) string { return fmt.Sprintf("%s %s %d", kind, customer, n) }

// The kinds of markers.
const (
	byCustomer = "customer"
	byAgent    = "agent"
	opening    = "opening"
)

// isMarker reports whether a text is a marker of a kind.
func isMarker(text, kind string) bool { return strings.HasPrefix(text, kind+" ") }

// milliseconds formats a duration for people.
func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + " ms" }
