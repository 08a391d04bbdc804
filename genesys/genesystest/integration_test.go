package genesystest_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/stretchr/testify/require"
)

func TestChannelMatchesTheGuide(t *testing.T) {
	t.Parallel()
	org := genesystest.New(t)
	c := org.Channel()
	require.Equal(t, "genesys", c.ID)
	require.Equal(t, region.EUWest1, c.Region)
	require.Equal(t, "Bot", c.BotQueue)
	require.Equal(t, "Support", c.AgentQueue)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`, c.IntegrationID)
	require.Len(t, c.WebhookSecrets, 1)
	require.GreaterOrEqual(t, len(c.WebhookSecrets[0].Reveal()), 32)
	require.Len(t, genesystest.GuidePermissions(), 4)
	require.Equal(t, "genesystest.Org(eu-west-1)", org.String())
}

func TestIntegrations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		listen(org)
		api := dial(t, org)
		const path = "/api/v2/conversations/messaging/integrations/open"
		_, body := api.do(http.MethodGet, path, "")
		all := list(body, "entities")
		require.Len(t, all, 1)
		_, one := api.do(http.MethodGet, path+"/"+org.Channel().IntegrationID, "")
		require.Equal(t, all[0], one)
		require.Equal(t, "https://bot.example/genesys", one["outboundNotificationWebhookUrl"])
		require.NotContains(t, fmt.Sprint(one), org.Channel().WebhookSecrets[0].Reveal())
		require.NotEmpty(t, one["recipient"])

		without := dial(t, genesystest.New(t, genesystest.WithoutFlow(), genesystest.WithSeed(1)))
		_, body = without.do(http.MethodGet, path, "")
		require.NotContains(t, list(body, "entities")[0], "recipient")
	})
}

func TestIntegrationsOfOneOrganisation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		brand := org.AddIntegration("Brand B")
		require.Equal(t, "Brand B", brand.Channel().ID)
		require.Equal(t, org.Channel().ClientID, brand.Channel().ClientID)
		require.NotEqual(t, org.Channel().IntegrationID, brand.ID())
		mine, other := listen(org), &hook{secret: brand.Channel().WebhookSecrets[0].Reveal()}
		brand.DeliverTo(other, "/genesys")
		ann := org.Agent("Ann", "Support")
		api := dial(t, org)
		post := func(integration string) string {
			status, body := api.do(http.MethodPost, "/api/v2/conversations/messages/"+integration+
				"/inbound/open/message?prefetchConversationId=true", api.message("c1", "hello"))
			require.Equal(t, http.StatusOK, status)
			return body["conversationId"].(string)
		}
		first, second := post(org.Channel().IntegrationID), post(brand.ID())
		require.NotEqual(t, first, second, "customer ids belong to an integration")
		<-time.After(time.Second)
		api.transfer(second, "acd", org.Queue("Support").ID())
		chat := ann.Wait(t).Accept()
		chat.Say("Hi")
		<-time.After(time.Second)
		require.Empty(t, mine.got())
		require.Equal(t, []string{"Hi"}, texts(other))
		require.Equal(t, brand.ID(), other.got()[0]["channel"].(map[string]any)["id"])

		_, body := api.do(http.MethodGet, "/api/v2/conversations/messaging/integrations/open?pageSize=1", "")
		require.Len(t, list(body, "entities"), 1)
		require.Equal(t, "/api/v2/conversations/messaging/integrations/open?pageNumber=2&pageSize=1", body["nextUri"])

		require.NotEqual(t, other.secret, brand.RotateSecret())
		chat.Say("again")
		<-time.After(time.Second)
		require.Equal(t, 1, other.forgedCount())
	})
}
