package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/genesyshandover/genesyshandover/webhook"
)

const aSecret = "correct-horse-battery-staple-0123"

func goodChannel() handover.Channel {
	return handover.Channel{
		ID: "shop", Region: region.EUWest1, ClientID: "client", ClientSecret: handover.NewSecret("s3cr3t-of-the-client"),
		IntegrationID:  "11111111-2222-3333-4444-555555555555",
		WebhookSecrets: []handover.Secret{handover.NewSecret(aSecret)}, BotQueue: "Bot", AgentQueue: "Support",
	}
}

// goodDesk returns a Manager of one valid channel.
func goodDesk(t *testing.T) *handover.Manager {
	t.Helper()
	desk, err := handover.New(handover.Config{
		Channel: goodChannel(),
		Deliver: func(context.Context, handover.Delivery) error { return nil },
		Return:  func(context.Context, handover.Return) error { return nil },
	})
	require.NoError(t, err)
	return desk
}

// TestChannelValidateNamesFieldAndFix checks that every error names its field and the fix.
func TestChannelValidateNamesFieldAndFix(t *testing.T) {
	t.Parallel()
	require.NoError(t, goodChannel().Validate())
	cases := map[string]struct {
		change func(*handover.Channel)
		want   []string
	}{
		"long id":          {func(c *handover.Channel) { c.ID = strings.Repeat("x", 129) }, []string{"Channel.ID", "128", "shorter"}},
		"control in id":    {func(c *handover.Channel) { c.ID = "a\nb" }, []string{"Channel.ID", "remove"}},
		"id not UTF-8":     {func(c *handover.Channel) { c.ID = "\xff" }, []string{"Channel.ID", "UTF-8", "encode"}},
		"no region":        {func(c *handover.Channel) { c.Region = "" }, []string{"Channel.Region", "region.Parse"}},
		"unknown region":   {func(c *handover.Channel) { c.Region = "eu-west-9" }, []string{"Channel.Region"}},
		"no client":        {func(c *handover.Channel) { c.ClientID = "" }, []string{"Channel.ClientID", "copy"}},
		"space in client":  {func(c *handover.Channel) { c.ClientID = "client " }, []string{"Channel.ClientID", "white space"}},
		"no client secret": {func(c *handover.Channel) { c.ClientSecret = handover.Secret{} }, []string{"Channel.ClientSecret", "copy"}},
		"newline in secret": {
			func(c *handover.Channel) { c.ClientSecret = handover.NewSecret("hidden\n") },
			[]string{"Channel.ClientSecret", "white space"},
		},
		"no integration":       {func(c *handover.Channel) { c.IntegrationID = "" }, []string{"Channel.IntegrationID", "copy"}},
		"space integration":    {func(c *handover.Channel) { c.IntegrationID = " x" }, []string{"Channel.IntegrationID", "white space"}},
		"space in integration": {func(c *handover.Channel) { c.IntegrationID = "x y" }, []string{"Channel.IntegrationID", "space"}},
		"no webhook secret":    {func(c *handover.Channel) { c.WebhookSecrets = nil }, []string{"Channel.WebhookSecrets", "add"}},
		"empty webhook secret": {
			func(c *handover.Channel) { c.WebhookSecrets = append(c.WebhookSecrets, handover.Secret{}) },
			[]string{"Channel.WebhookSecrets"},
		},
		"no agent queue": {func(c *handover.Channel) { c.AgentQueue = "" }, []string{"Channel.AgentQueue", "set it"}},
		"same queues":    {func(c *handover.Channel) { c.BotQueue = c.AgentQueue }, []string{"BotQueue", "AgentQueue", "another queue"}},
		"routing":        {func(c *handover.Channel) { c.Routing = "magic" }, []string{"Channel.Routing", "magic", "flow"}},
		"identity":       {func(c *handover.Channel) { c.Identity = "magic" }, []string{"Channel.Identity", "session"}},
		"receipts":       {func(c *handover.Channel) { c.Receipts = "magic" }, []string{"Channel.Receipts", "failures"}},
		"timers": {
			func(c *handover.Channel) { c.Timers.CustomerWarn, c.Timers.CustomerIdle = time.Hour, time.Minute },
			[]string{"CustomerWarn", "CustomerIdle", "shorter"},
		},
		"timer without unit": {
			func(c *handover.Channel) { c.Timers.NoAgent = 300 },
			[]string{"Channel.Timers.NoAgent", "1s", "unit"},
		},
		"attributes limit": {func(c *handover.Channel) { c.AttributesLimit = -1 }, []string{"Channel.AttributesLimit", "positive"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := goodChannel()
			c.change(&ch)
			err := ch.Validate()
			require.Error(t, err)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			require.Equal(t, 1, strings.Count(err.Error(), "handover: "), "one mistake, one line: %v", err)
			require.NotContains(t, err.Error(), "hidden")
		})
	}
}

// TestChannelValidateAccepts checks that routing by flow needs no agent queue, and that several
// secrets, an empty id and disabled timers are valid.
func TestChannelValidateAccepts(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*handover.Channel){
		"flow":  func(c *handover.Channel) { c.Routing, c.AgentQueue, c.BotQueue = handover.RouteByFlow, "", "" },
		"no id": func(c *handover.Channel) { c.ID = "" },
		"rotation": func(c *handover.Channel) {
			c.WebhookSecrets = append(c.WebhookSecrets, handover.NewSecret(aSecret+"2"))
		},
		"timers off": func(c *handover.Channel) {
			c.Timers = handover.Timers{Max: -1, Retention: -1, CustomerIdle: time.Minute}
		},
		"longest id": func(c *handover.Channel) { c.ID = strings.Repeat("x", handover.MaxChannelID) },
		"custom": func(c *handover.Channel) {
			r, err := region.Custom("xyz1.pure.cloud")
			c.Region = r
			if err != nil {
				c.Region = ""
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := goodChannel()
			change(&c)
			require.NoError(t, c.Validate())
		})
	}
}

func nothing(context.Context, handover.Delivery) error { return nil }
func noReturn(context.Context, handover.Return) error  { return nil }
func noChannels(context.Context, string) (handover.Channel, error) {
	return handover.Channel{}, handover.ErrNoChannel
}

// TestNewReturnsAllErrors checks that New returns all errors at once and starts nothing.
func TestNewReturnsAllErrors(t *testing.T) {
	t.Parallel()
	_, err := handover.New(handover.Config{Workers: -1})
	for _, want := range []string{
		"Channel.Region", "Channel.ClientID", "Channel.ClientSecret", "Channel.IntegrationID", "Channel.WebhookSecrets",
		"Channel.AgentQueue", "Config.Deliver", "Config.Return", "Config.Workers",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = handover.New(handover.Config{Channel: goodChannel(), Channels: noChannels, Deliver: nothing, Return: noReturn})
	require.ErrorContains(t, err, "both set")
	for _, c := range []handover.Config{{Channel: goodChannel()}, {Channels: noChannels}} {
		c.Deliver, c.Return, c.ClientOptions = nothing, noReturn, []genesys.Option{nil}
		_, err = handover.New(c)
		require.ErrorIs(t, err, handover.ErrInvalid)
		require.ErrorContains(t, err, "Config.ClientOptions")
	}
	for _, c := range []handover.Config{
		{Channel: goodChannel(), Deliver: nothing, Return: noReturn},
		{Channels: noChannels, Deliver: nothing, Return: noReturn},
	} {
		m, err := handover.New(c)
		require.NoError(t, err)
		require.NotNil(t, m)
	}
}

// TestChannelValidateReturnsAllErrors checks that all errors of a channel are returned
// together, even if one could hide another.
func TestChannelValidateReturnsAllErrors(t *testing.T) {
	t.Parallel()
	c := goodChannel()
	c.IntegrationID, c.WebhookSecrets, c.Routing = "", []handover.Secret{{}}, "magic"
	err := c.Validate()
	for _, want := range []string{"IntegrationID", "WebhookSecrets", "Routing"} {
		require.ErrorContains(t, err, want)
	}
}

// TestSecretIsNotShown checks every verb of fmt, at any depth.
func TestSecretIsNotShown(t *testing.T) {
	t.Parallel()
	c := goodChannel()
	s := c.ClientSecret
	type inner struct{ hidden handover.Secret }
	values := []any{
		s, &s, c, &c,
		inner{s},
		&inner{s},
		[]handover.Secret{s},
		map[string]handover.Secret{"k": s},
		map[string]any{"k": &c},
		struct{ C *handover.Channel }{&c},
		[1]handover.Secret{s},
		fmt.Errorf("with %v", s), //nolint:err113 // a test of formatting
	}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%t", "%b", "%o", "%U", "%e", "%10.3s", "%-20v"} {
			text := fmt.Sprintf(verb, v)
			require.NotContains(t, text, "s3cr3t", verb)
			require.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", "s3cr3t"), verb)
		}
		for _, handler := range []func(*bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).Info("x", slog.Any("v", v))
			require.NotContains(t, b.String(), "s3cr3t")
		}
	}
	require.Equal(t, "[redacted]", fmt.Sprint(s))
	require.Equal(t, "s3cr3t-of-the-client", s.Reveal())
	require.Empty(t, handover.Secret{}.Reveal())
}

// TestSecretJSON checks that writing a Secret is an error that names the fix, and that reading
// works.
func TestSecretJSON(t *testing.T) {
	t.Parallel()
	_, err := json.Marshal(goodChannel())
	require.ErrorContains(t, err, "Reveal")
	require.NotContains(t, err.Error(), "s3cr3t")
	var c handover.Channel
	require.NoError(t, json.Unmarshal([]byte(`{
		"id": "shop", "region": "eu-west-1", "clientId": "client", "clientSecret": "s3cr3t",
		"integrationId": "i", "webhookSecrets": ["`+aSecret+`", "`+aSecret+`2"],
		"agentQueue": "Support", "routing": "flow", "identity": "session", "receipts": "failures",
		"timers": {"noAgent": "1m"}, "attributesLimit": 4000, "awaitWrapup": true
	}`), &c))
	require.NoError(t, c.Validate())
	require.Equal(t, "s3cr3t", c.ClientSecret.Reveal())
	require.Equal(t, aSecret+"2", c.WebhookSecrets[1].Reveal())
	require.Equal(t, region.EUWest1, c.Region)
	require.Equal(t, handover.RouteByFlow, c.Routing)
	require.Equal(t, time.Minute, c.Timers.NoAgent)
	require.Equal(t, 4000, c.AttributesLimit)
	require.Error(t, json.Unmarshal([]byte(`{"clientSecret": 5}`), &c))
}

// TestKeyBeyondALimitIsRefused checks keys at their limits and beyond.
func TestKeyBeyondALimitIsRefused(t *testing.T) {
	t.Parallel()
	m, err := handover.New(handover.Config{Channels: noChannels, Deliver: nothing, Return: noReturn})
	require.NoError(t, err)
	cases := map[string]struct {
		key  handover.Key
		want string
	}{
		"longest":         {handover.Key{Channel: strings.Repeat("c", 128), Customer: strings.Repeat("é", 128)}, ""},
		"unicode":         {handover.Key{Channel: "käse", Customer: "🙂 ~ / ?"}, ""},
		"long channel":    {handover.Key{Channel: strings.Repeat("c", 129), Customer: "x"}, "Key.Channel has 129 bytes"},
		"long customer":   {handover.Key{Customer: strings.Repeat("x", 257)}, "Key.Customer has 257 bytes"},
		"no customer":     {handover.Key{Channel: "c"}, "Key.Customer is empty"},
		"zero byte":       {handover.Key{Customer: "private\x00"}, "control character"},
		"reserved prefix": {handover.Key{Customer: "\x01socket/x"}, "control character"},
		"C1 control":      {handover.Key{Customer: "private\u0085"}, "control character"},
		"not UTF-8":       {handover.Key{Customer: "private\xff"}, "UTF-8"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turn, err := m.Turn(t.Context(), c.key)
			if c.want == "" {
				require.NoError(t, err)
				require.Equal(t, handover.TurnBot, turn)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "private", "the customer's id is not in the error")
		})
	}
}

// TestWeakWebhookSecretIsAccepted checks that a weak webhook secret is accepted and an invalid
// one is not.
func TestWeakWebhookSecretIsAccepted(t *testing.T) {
	t.Parallel()
	c := goodChannel()
	c.WebhookSecrets = []handover.Secret{handover.NewSecret(webhook.NewSecret())}
	require.NoError(t, c.Validate())
}
