package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
)

// settings has the configuration for a real organization, see docs/setup.md#step-8.
type settings struct {
	channel handover.Channel
	listen  string
}

// settingsFrom reads the environment. live is false if no variable is set. If only some are
// set, it returns an error that names the missing ones.
func settingsFrom(getenv func(string) string) (s settings, live bool, err error) {
	var missing []string
	get := func(name string) string {
		v := getenv(name)
		if v == "" {
			missing = append(missing, name)
		} else {
			live = true
		}
		return v
	}
	code := get("GENESYS_REGION")
	s.channel = handover.Channel{
		ClientID:       get("GENESYS_CLIENT_ID"),
		ClientSecret:   handover.NewSecret(get("GENESYS_CLIENT_SECRET")),
		IntegrationID:  get("GENESYS_INTEGRATION_ID"),
		WebhookSecrets: []handover.Secret{handover.NewSecret(get("GENESYS_WEBHOOK_SECRET"))},
		AgentQueue:     get("GENESYS_AGENT_QUEUE"),
		BotQueue:       getenv("GENESYS_BOT_QUEUE"),
	}
	s.listen = cmp.Or(getenv("GENESYS_LISTEN"), ":8080")
	if !live {
		return s, false, nil
	}
	if len(missing) > 0 {
		return s, true, fmt.Errorf("missing in the environment: %s (set all of them to use a real organisation, none for the fake)",
			strings.Join(missing, ", "))
	}
	if s.channel.Region, err = region.Parse(code); err != nil {
		return s, true, fmt.Errorf("GENESYS_REGION: %w", err)
	}
	return s, true, s.channel.Validate()
}
