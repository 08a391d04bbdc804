package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
)

// An assignment is what a replica is told when it starts: one line of JSON on its standard input, so that no secret is among
// the arguments or in the environment, where other users of the machine could see it.
type assignment struct {
	Name      string    `json:"name"` // of this process: a new one after each start
	Store     storeSpec `json:"store"`
	API       string    `json:"api"`       // where the fake Genesys Cloud listens
	Collector string    `json:"collector"` // where the customers' channel listens
	Channel   access    `json:"channel"`
	Verbose   bool      `json:"verbose"`
}

// access is a handover.Channel with readable secrets.
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

// replicaHeader names the process that a request or an answer comes from.
const replicaHeader = "X-Replica"

// A submission is a customer's message on its way to a replica.
type submission struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Try  int    `json:"try"` // from 0; the id stays the same
}

// A standing is what a replica says of a customer.
type standing struct {
	Session string         `json:"session"`
	State   handover.State `json:"state"`
	Turn    handover.Turn  `json:"turn"`
}

// What replicas post to the customers' channel.
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

// A marker is a text that says what it is: the kind, the customer it belongs to and its place among those of its kind.
func marker(kind, customer string, n int) string { return fmt.Sprintf("%s %s %d", kind, customer, n) }

// The kinds of markers.
const (
	byCustomer = "customer"
	byAgent    = "agent"
	opening    = "opening"
)

// isMarker reports whether a text is a marker of a kind.
func isMarker(text, kind string) bool { return strings.HasPrefix(text, kind+" ") }

// milliseconds are how long something took, for people.
func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + " ms" }
