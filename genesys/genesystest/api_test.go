package genesystest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

func TestQueues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		for i := range 28 {
			org.Queue(fmt.Sprintf("Queue %02d", i))
		}
		other := org.QueueIn("Abroad", "Support")
		api := dial(t, org)
		names := func(query string) (got []string, body map[string]any) {
			status, body := api.do(http.MethodGet, queuesPath+query, "")
			require.Equal(t, http.StatusOK, status, "%v", body)
			for _, e := range list(body, "entities") {
				got = append(got, e["name"].(string))
			}
			return got, body
		}
		got, body := names("")
		require.Len(t, got, 25)
		require.Equal(t, []string{"Bot", "Queue 00"}, got[:2], "sorted by name")
		require.InDelta(t, 31, body["total"], 0)
		require.InDelta(t, 2, body["pageCount"], 0)
		require.Equal(t, queuesPath+"?pageNumber=2", body["nextUri"])
		require.NotContains(t, body, "previousUri")
		got, body = names("?pageNumber=2")
		require.Len(t, got, 6)
		require.NotContains(t, body, "nextUri")
		require.Equal(t, queuesPath+"?pageNumber=1", body["previousUri"])
		got, _ = names("?pageNumber=9")
		require.Empty(t, got)

		for query, want := range map[string][]string{
			"?name=bot":  {"Bot"},
			"?name=Bo":   nil,
			"?name=Bo*":  {"Bot"},
			"?name=*ort": {"Support", "Support"},
			"?name=*up*": {"Support", "Support"},
			"?name=Support&divisionId=" + other.DivisionID(): {"Support"},
			"?id=" + other.ID():                      {"Support"},
			"?name=Queue*&pageSize=2&sortOrder=desc": {"Queue 27", "Queue 26"},
		} {
			got, _ := names(query)
			require.Equal(t, want, got, query)
		}
		status, body := api.do(http.MethodGet, queuesPath+"/"+other.ID(), "")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "Abroad", body["division"].(map[string]any)["name"])
		require.Equal(t, other.Name(), body["name"])
	})
}

func TestMembersAndEstimate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		q := org.Queue("Support")
		path := queuesPath + "/" + q.ID()
		wait := func(suffix string) []map[string]any {
			status, body := api.do(http.MethodGet, path+suffix, "")
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, body, "results")
			return list(body, "results")
		}
		require.Empty(t, wait("/estimatedwaittime"), "nobody works there")

		org.Agent("Bob", "Support").GoOffQueue()
		ann := org.Agent("Ann", "Support")
		require.NotEmpty(t, ann.ID())
		require.Equal(t, "Ann", ann.Name())
		api.handOver("c1", "hello")
		require.InDelta(t, 90, wait("/estimatedwaittime")[0]["estimatedWaitTimeSeconds"], 0)
		require.Equal(t, "ALL", wait("/estimatedwaittime")[0]["intent"])
		ann.Wait(t).Accept()
		q.SetEstimatedWait(7 * time.Minute)
		e := wait("/mediatypes/message/estimatedwaittime")[0]
		require.InDelta(t, 420, e["estimatedWaitTimeSeconds"], 0)
		require.Equal(t, "MESSAGE", e["intent"])
		q.SetEstimatedWait(-1)
		require.Empty(t, wait("/estimatedwaittime"))

		status, body := api.do(http.MethodGet, path+"/members?expand=routingStatus", "")
		require.Equal(t, http.StatusOK, status)
		require.NotContains(t, body, "total", "the definition has none")
		var got []string
		for _, m := range list(body, "entities") {
			got = append(got, fmt.Sprint(m["name"], " ", m["joined"], " ", m["routingStatus"].(map[string]any)["status"]))
		}
		require.Equal(t, []string{"Ann true INTERACTING", "Bob false OFF_QUEUE"}, got)
	})
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

func TestTransferForms(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, body string
		status     int
		to         string
	}{
		"queue by id":        {"/api/v2/conversations/%s/participants/%s/replace/queue", `{"queueId":"%s"}`, 202, "Support"},
		"queue by name":      {"/api/v2/conversations/%s/participants/%s/replace/queue", `{"queueName":"Support","transferType":"Unattended"}`, 202, "Support"},
		"unknown queue":      {"/api/v2/conversations/%s/participants/%s/replace/queue", `{"queueName":"Sales"}`, 404, ""},
		"no queue":           {"/api/v2/conversations/%s/participants/%s/replace/queue", `{}`, 400, ""},
		"a user":             {"/api/v2/conversations/%s/participants/%s/replace/queue", `{"queueName":"Support","userId":"x"}`, 400, ""},
		"a kind of transfer": {"/api/v2/conversations/%s/participants/%s/replace/queue", `{"queueName":"Support","transferType":"Warm"}`, 400, ""},
		"messages form":      {"/api/v2/conversations/messages/%s/participants/%s/replace", `{"queueId":"%s"}`, 202, "Support"},
		"by address":         {"/api/v2/conversations/messages/%s/participants/%s/replace", `{"address":"%s"}`, 202, "Support"},
		"two targets":        {"/api/v2/conversations/messages/%s/participants/%s/replace", `{"queueId":"%s","userId":"x"}`, 400, ""},
		"name in that form":  {"/api/v2/conversations/messages/%s/participants/%s/replace", `{"queueName":"Support"}`, 400, ""},
		"deprecated form":    {"/api/v2/conversations/%s/participants/%s/replace", `{"queueId":"%s"}`, 202, "Support"},
		"agent":              {"/api/v2/conversations/%s/participants/%s/replace/agent", `{"userDisplayName":"Ann"}`, 202, "Bot"},
		"unknown agent":      {"/api/v2/conversations/%s/participants/%s/replace/agent", `{"userId":"x"}`, 404, ""},
		"no agent":           {"/api/v2/conversations/%s/participants/%s/replace/agent", `{"queueId":"%s"}`, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, genesystest.AllowErrors())
				org.Agent("Ann")
				api := dial(t, org)
				id := api.say("c1", "hello")
				c := org.Conversation("c1")
				genesystest.Until(t, func() bool { return c.Phase() == "queued" })
				leg := api.live(id, "acd")["id"].(string)
				body := tc.body
				if tc.to != "" || tc.status == 400 {
					body = fillIn(body, org.Queue("Support").ID())
				}
				status, answer := api.do(http.MethodPost, fmt.Sprintf(tc.path, id, leg), body)
				require.Equal(t, tc.status, status, "%v", answer)
				<-time.After(200 * time.Millisecond)
				if tc.to == "" {
					require.Equal(t, "Bot", c.Queue())
					return
				}
				require.Equal(t, tc.to, c.Queue())
				status, answer = api.do(http.MethodPost, fmt.Sprintf(tc.path, id, leg), body)
				require.Equal(t, http.StatusConflict, status, "that leg has gone: %v", answer)
			})
		})
	}
}

func fillIn(format, id string) string {
	if n := len(format); n > 0 && strings.Contains(format, "%s") {
		return fmt.Sprintf(format, id)
	}
	return format
}

func TestOnlySomeLegsCanBeReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		api, chat := connected(t, org)
		id := chat.Conversation().ID()
		path := "/api/v2/conversations/" + id + "/participants/"
		body := `{"queueName":"Bot"}`
		status, _ := api.do(http.MethodPost, path+api.live(id, "customer")["id"].(string)+"/replace/queue", body)
		require.Equal(t, http.StatusBadRequest, status)
		status, _ = api.do(http.MethodPost, path+"nobody/replace/queue", body)
		require.Equal(t, http.StatusNotFound, status)
		api.transfer(id, "agent", org.Queue("Bot").ID())
		chat.End()
		<-time.After(time.Second)
		require.Equal(t, "ended", chat.Conversation().Phase(), "the end came first")
		require.Equal(t, "Failed", list(api.read(id), "recentTransfers")[1]["state"])
	})
}

func TestReadingMessages(t *testing.T) {
	t.Parallel()
	for name, foreign := range map[string]bool{"same ids": false, "foreign ids": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := []genesystest.Option{genesystest.WithPermissions(append(genesystest.GuidePermissions(),
					"conversation:message:view", "conversation:communication:view")...)}
				if foreign {
					opts = append(opts, genesystest.WithForeignMessageIDs())
				}
				org := genesystest.New(t, opts...)
				api, chat := connected(t, org)
				said := chat.Say("Hi")
				conversation := chat.Conversation().ID()
				id := list(api.live(conversation, "agent"), "messages")[0]["messageId"].(string)
				require.Equal(t, foreign, id != said)

				base := "/api/v2/conversations/messages/"
				status, one := api.do(http.MethodGet, base+conversation+"/messages/"+id, "")
				require.Equal(t, http.StatusOK, status)
				require.Equal(t, "Hi", one["normalizedMessage"].(map[string]any)["text"])
				require.Equal(t, "outbound", one["direction"])
				_, details := api.do(http.MethodGet, base+id+"/details", "")
				require.Equal(t, one, details)
				_, bulk := api.do(http.MethodPost, base+conversation+"/messages/bulk", `["`+id+`","other"]`)
				require.Equal(t, []map[string]any{one}, list(bulk, "entities"))
				status, _ = api.do(http.MethodGet, base+conversation+"/messages/other", "")
				require.Equal(t, http.StatusNotFound, status)

				status, generic := api.do(http.MethodGet, "/api/v2/conversations/"+conversation, "")
				require.Equal(t, http.StatusOK, status)
				customer := list(generic, "participants")[0]
				require.Equal(t, "customer", customer["purpose"])
				require.Equal(t, api.live(conversation, "agent")["peer"], list(customer, "messages")[0]["id"])
			})
		})
	}
}
