package handover

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/genesyshandover/genesyshandover/region"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// The limits of a [Key], in bytes.
const (
	MaxChannelID  = 128
	MaxCustomerID = 256
)

// Validate reports every mistake at once (errors.Join), each with its field and the fix. It calls nobody.
func (c Channel) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("handover: Channel."+format, args...))
	}

	if err := checkPart("Channel.ID", c.ID, 0, MaxChannelID); err != nil {
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
	required("ClientID", c.ClientID, "copy it from the OAuth client (guide, step 2)")
	required("ClientSecret", c.ClientSecret.Reveal(), "copy it from the OAuth client (guide, step 2)")
	required("IntegrationID", c.IntegrationID, "copy it from the Open Messaging integration (guide, step 4)")
	if c.AgentQueue == "" && c.Routing == RouteByTransfer {
		bad("AgentQueue is empty: give the exact name or the id of the queue agents work in (guide, step 5)")
	}
	if c.BotQueue != "" && c.BotQueue == c.AgentQueue {
		bad("BotQueue and AgentQueue are the same: the flow must put conversations into a queue of their own (guide, steps 5 and 6)")
	}
	errs = append(errs, c.checkSecrets()...)
	errs = append(errs, c.checkChoices()...)
	return errors.Join(errs...)
}

func (c Channel) checkSecrets() []error {
	if len(c.WebhookSecrets) == 0 {
		return []error{errors.New("handover: Channel.WebhookSecrets is empty: give the integration's " +
			"Outbound Notification Webhook Signature Secret Token (guide, step 4)")}
	}
	e := c.endpoint()
	e.IntegrationID = "checked" // a mistake there must not hide one here
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
	if t := c.Timers; t.CustomerWarn > 0 && t.CustomerIdle > 0 && t.CustomerWarn >= t.CustomerIdle {
		errs = append(errs, errors.New("handover: Channel.Timers.CustomerWarn is not before CustomerIdle: make it shorter"))
	}
	return errs
}

func (c Channel) endpoint() webhook.Endpoint {
	e := webhook.Endpoint{Channel: c.ID, IntegrationID: c.IntegrationID}
	for _, s := range c.WebhookSecrets {
		e.Secrets = append(e.Secrets, s.Reveal())
	}
	return e
}

// checkPart checks a part of a key: bytes, UTF-8, no control characters.
func checkPart(field, s string, least, most int) error {
	switch {
	case len(s) < least:
		return fmt.Errorf("handover: %s is empty: give the host's own id", field)
	case len(s) > most:
		return fmt.Errorf("handover: %s has %d bytes, the limit is %d: use a shorter id, a hash for example", field, len(s), most)
	case !utf8.ValidString(s):
		return fmt.Errorf("handover: %s is not valid UTF-8: encode it, in base64 for example", field)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("handover: %s contains a control character: remove it", field)
	}
	return nil
}

func (k Key) check() error {
	return errors.Join(
		checkPart("Key.Channel", k.Channel, 0, MaxChannelID),
		checkPart("Key.Customer", k.Customer, 1, MaxCustomerID),
	)
}
