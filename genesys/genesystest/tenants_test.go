package genesystest_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/region"
)

func TestCloudOfManyOrganisations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := genesystest.New(t), genesystest.New(t, genesystest.WithSeed(1))
		far := genesystest.New(t, genesystest.WithSeed(2), genesystest.WithRegion(region.EUCentral1))
		client := genesystest.Cloud(a, b, far)
		for _, org := range []*genesystest.Org{b, far, a} {
			api := &raw{t: t, org: org, client: client, api: org.Channel().Region.API(), login: org.Channel().Region.Login()}
			api.authorize()
			id := api.say("c1", "hello")
			require.Equal(t, id, org.Conversation("c1").ID())
			require.Len(t, org.Conversations(), 1)
			status, _ := api.grant("wrong")
			require.Equal(t, http.StatusUnauthorized, status)
			api.token = "nobody's"
			status, _ = api.do(http.MethodGet, queuesPath, "")
			require.Equal(t, http.StatusUnauthorized, status)
		}
		client.CloseIdleConnections()
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
		require.NotEqual(t, first, second, "the same customer id means another customer there")
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
		require.Equal(t, 1, other.forgeries())
	})
}

func TestDownloads(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opt    genesystest.Option
		token  bool
		status int
	}{
		"open":                   {nil, false, 200},
		"protected":              {genesystest.WithProtectedDownloads(), false, 401},
		"protected with a token": {genesystest.WithProtectedDownloads(), true, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := genesystest.New(t, tc.opt, genesystest.AllowErrors(),
				genesystest.WithPace(genesystest.Pace{Flow: -1, Route: -1, Offer: -1, Transfer: -1}))
			api := onSockets(t, org)
			bot := listen(org)
			org.ServeDownloadsAt(api.api + "/")
			api.handOver("c1", "hello")
			org.Agent("Ann", "Support").Wait(t).Accept().Attach("application/pdf", "a.pdf", []byte("pdf"))
			genesystest.Until(t, func() bool { return len(bot.got()) == 1 })
			url := list(bot.got()[0], "content")[0]["attachment"].(map[string]any)["url"].(string)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
			require.NoError(t, err)
			if tc.token {
				req.Header.Set("Authorization", "Bearer "+api.token)
			}
			res, err := api.client.Do(req)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, tc.status, res.StatusCode)
			status, _ := api.do(http.MethodGet, "/api/v2/downloads/other", "")
			require.Equal(t, http.StatusNotFound, status)
		})
	}
}

func TestTypingIsNoSignal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, _ := connected(t, org)
		heard := make(chan string, 64)
		org.Signal(changes(heard))
		status, body := api.do(http.MethodPost, api.inbound("event"), `{`+okChannel+`,"events":[{"eventType":"Typing"}]}`)
		require.Equal(t, http.StatusOK, status, fmt.Sprint(body))
		api.say("c1", "a message neither")
		<-time.After(time.Second)
		require.Empty(t, heard)
	})
}
