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

// goodDesk is a Manager of one valid channel, with nothing behind it.
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

// Every mistake names its field and the fix.
func TestChannelValidate(t *testing.T) {
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
		"no webhook secret":    {func(c *handover.Channel) { c.WebhookSecrets = nil }, []string{"Channel.WebhookSecrets", "give"}},
		"empty webhook secret": {
			func(c *handover.Channel) { c.WebhookSecrets = append(c.WebhookSecrets, handover.Secret{}) },
			[]string{"Channel.WebhookSecrets"},
		},
		"no agent queue": {func(c *handover.Channel) { c.AgentQueue = "" }, []string{"Channel.AgentQueue", "give"}},
		"same queues":    {func(c *handover.Channel) { c.BotQueue = c.AgentQueue }, []string{"BotQueue", "AgentQueue", "own"}},
		"routing":        {func(c *handover.Channel) { c.Routing = "magic" }, []string{"Channel.Routing", "magic", "flow"}},
		"identity":       {func(c *handover.Channel) { c.Identity = "magic" }, []string{"Channel.Identity", "session"}},
		"receipts":       {func(c *handover.Channel) { c.Receipts = "magic" }, []string{"Channel.Receipts", "failures"}},
		"timers": {
			func(c *handover.Channel) { c.Timers.CustomerWarn, c.Timers.CustomerIdle = time.Hour, time.Minute },
			[]string{"CustomerWarn", "CustomerIdle", "shorter"},
		},
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

// By flow no agent queue is needed; many secrets, an empty id and timers that are off are fine.
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

// New reports all mistakes at once and starts nothing.
func TestNewReportsEverything(t *testing.T) {
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
	for _, c := range []handover.Config{
		{Channel: goodChannel(), Deliver: nothing, Return: noReturn},
		{Channels: noChannels, Deliver: nothing, Return: noReturn},
	} {
		m, err := handover.New(c)
		require.NoError(t, err)
		require.NotNil(t, m)
	}
}

// All mistakes of a channel are reported together, also those that hide behind another.
func TestChannelValidateJoins(t *testing.T) {
	t.Parallel()
	c := goodChannel()
	c.IntegrationID, c.WebhookSecrets, c.Routing = "", []handover.Secret{{}}, "magic"
	err := c.Validate()
	for _, want := range []string{"IntegrationID", "WebhookSecrets", "Routing"} {
		require.ErrorContains(t, err, want)
	}
}

// A Secret does not show itself, whatever the verb and wherever it is nested.
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

// Writing a Secret is an error that says how it is meant; reading one is not.
func TestSecretJSON(t *testing.T) {
	t.Parallel()
	_, err := json.Marshal(goodChannel()) //nolint:musttag // it must fail
	require.ErrorContains(t, err, "Reveal")
	require.NotContains(t, err.Error(), "s3cr3t")
	var c handover.Channel
	require.NoError(t, json.Unmarshal([]byte(`{
		"ID": "shop", "Region": "eu-west-1", "ClientID": "client", "ClientSecret": "s3cr3t",
		"IntegrationID": "i", "WebhookSecrets": ["`+aSecret+`", "`+aSecret+`2"],
		"AgentQueue": "Support", "Routing": "flow", "Identity": "session", "Receipts": "failures",
		"Timers": {"NoAgent": 60000000000}
	}`), &c)) //nolint:musttag // the names of the fields are the names in the file
	require.NoError(t, c.Validate())
	require.Equal(t, "s3cr3t", c.ClientSecret.Reveal())
	require.Equal(t, aSecret+"2", c.WebhookSecrets[1].Reveal())
	require.Equal(t, region.EUWest1, c.Region)
	require.Equal(t, handover.RouteByFlow, c.Routing)
	require.Equal(t, time.Minute, c.Timers.NoAgent)
	require.Error(t, json.Unmarshal([]byte(`{"ClientSecret": 5}`), &c)) //nolint:musttag // as above
}

// The limits of keys, at the limit and one beyond.
func TestKeyLimits(t *testing.T) {
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

// A weak webhook secret is taken, an impossible one is not.
func TestWebhookSecretOfAChannel(t *testing.T) {
	t.Parallel()
	c := goodChannel()
	c.WebhookSecrets = []handover.Secret{handover.NewSecret(webhook.NewSecret())}
	require.NoError(t, c.Validate())
}
