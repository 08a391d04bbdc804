package handover

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/webhook"

	"github.com/genesyshandover/genesyshandover/region"
)

// The limits of a [Key], in bytes.
const (
	MaxChannelID  = machine.MaxChannelID  // 128
	MaxCustomerID = machine.MaxCustomerID // 256
)

// Validate returns all mistakes in one [ErrInvalid]. For each it names the field and the fix.
// It sends no request.
func (c Channel) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("handover: Channel."+format, args...))
	}

	if err := machine.CheckPart("Channel.ID", c.ID, 0, MaxChannelID); err != nil {
		errs = append(errs, err)
	}
	if !c.Region.Valid() {
		if _, err := region.Parse(string(c.Region)); err != nil && c.Region != "" {
			bad("Region: %w", err)
		} else {
			bad("Region is empty or unknown: use a constant of package region, region.Parse or region.Custom")
		}
	}
	required := func(field, value, fix string) {
		switch {
		case value == "":
			bad("%s is empty: %s", field, fix)
		case strings.TrimSpace(value) != value:
			bad("%s begins or ends with white space: remove it", field)
		case strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
			bad("%s contains a space or a control character: write the value alone", field)
		}
	}
	required("ClientID", c.ClientID, "copy it from the OAuth client (docs/setup.md#step-2)")
	required("ClientSecret", c.ClientSecret.Reveal(), "copy it from the OAuth client (docs/setup.md#step-2)")
	required("IntegrationID", c.IntegrationID, "copy it from the Open Messaging integration (docs/setup.md#step-4)")
	if c.AgentQueue == "" && c.Routing == RouteByTransfer {
		bad("AgentQueue is empty: set it to the exact name or the id of the queue agents work in (docs/setup.md#step-5)")
	}
	if c.BotQueue != "" && c.BotQueue == c.AgentQueue {
		bad("BotQueue and AgentQueue are the same: the flow must put conversations into another queue (docs/setup.md#step-5)")
	}
	errs = append(errs, c.checkSecrets()...)
	errs = append(errs, c.checkChoices()...)
	return machine.Invalid(errors.Join(errs...))
}

func (c Channel) checkSecrets() []error {
	if len(c.WebhookSecrets) == 0 {
		return []error{errors.New("handover: Channel.WebhookSecrets is empty: add the integration's " +
			"Outbound Notification Webhook Signature Secret Token (docs/setup.md#step-4)")}
	}
	e := c.endpoint()
	e.IntegrationID = "checked" // an invalid one must not hide an error in the secrets
	if _, err := webhook.NewVerifier(e); err != nil {
		return []error{fmt.Errorf("handover: Channel.WebhookSecrets: %w", err)}
	}
	return nil
}

func (c Channel) checkChoices() []error {
	var errs []error
	choice := func(field, value string, known ...string) {
		if !slices.Contains(known, value) {
			errs = append(errs, fmt.Errorf("handover: Channel.%s is %q: use one of %q", field, value, known))
		}
	}
	choice("Routing", string(c.Routing), string(RouteByTransfer), string(RouteByFlow))
	choice("Identity", string(c.Identity), string(IdentityCustomer), string(IdentitySession))
	choice("Receipts", string(c.Receipts), string(ReceiptsAll), string(ReceiptsFailures))
	if c.AttributesLimit < 0 {
		errs = append(errs, fmt.Errorf("handover: Channel.AttributesLimit is %d: use 0 for the default of %d bytes, or a positive number",
			c.AttributesLimit, record.DefaultAttributesLimit))
	}
	return append(errs, machine.Timers(c.Timers).CheckEach("Channel.Timers"), machine.Timers(c.Timers).CheckTogether("Channel.Timers"))
}
