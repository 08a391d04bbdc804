package genesystest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

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
				id := api.postText("c1", "hello")
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
				require.Equal(t, http.StatusConflict, status, "the leg has ended: %v", answer)
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

func TestChangesThatAreRefused(t *testing.T) {
	t.Parallel()
	const disconnected = `{"state":"disconnected"}`
	everything := guideAnd("conversation:communication:disconnect", "conversation:communication:view", "conversation:message:view")
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		phase              string
	}{
		"no such conversation":            {http.MethodPatch, "messages/other", disconnected, 404, "connected"},
		"delete no conversation":          {http.MethodDelete, "other", "", 404, "connected"},
		"read no conversation":            {http.MethodGet, "other", "", 404, "connected"},
		"another state":                   {http.MethodPatch, "messages/{c}", `{"state":"connected"}`, 400, "connected"},
		"no state":                        {http.MethodPatch, "messages/{c}", `{}`, 400, "connected"},
		"unknown property":                {http.MethodPatch, "messages/{c}", `{"state":"disconnected","why":"x"}`, 400, "connected"},
		"what the definition requires":    {http.MethodPatch, "messages/{c}", `{"state":"disconnected","startTime":"2026-01-01T00:00:00Z","participants":[]}`, 200, "ended"},
		"no such participant":             {http.MethodPatch, "messages/{c}/participants/other", disconnected, 404, "connected"},
		"a participant's other state":     {http.MethodPatch, "messages/{c}/participants/{p}", `{"state":"parked"}`, 400, "connected"},
		"a participant's notes":           {http.MethodPatch, "messages/{c}/participants/{p}", `{"wrapup":{"code":"x"}}`, 202, "connected"},
		"a participant stays":             {http.MethodPatch, "messages/{c}/participants/{p}", `{"state":"connected"}`, 202, "connected"},
		"a participant, unknown property": {http.MethodPatch, "messages/{c}/participants/{p}", `{"why":"x"}`, 400, "connected"},
		"the generic participant":         {http.MethodPatch, "{c}/participants/{p}", disconnected, 202, "ended"},
		"not its communication":           {http.MethodPatch, "messages/{c}/participants/{p}/communications/other", disconnected, 404, "connected"},
		"communication of nobody":         {http.MethodPatch, "messages/{c}/participants/other/communications/other", disconnected, 404, "connected"},
		"communication, no JSON":          {http.MethodPatch, "messages/{c}/participants/{p}/communications/{m}", `{`, 400, "connected"},
		"its communication":               {http.MethodPatch, "messages/{c}/participants/{p}/communications/{m}", disconnected, 200, "ended"},
		"attributes of nobody":            {http.MethodPatch, "messages/{c}/participants/other/attributes", `{"attributes":{}}`, 404, "connected"},
		"attributes that are no strings":  {http.MethodPatch, "{c}/participants/{p}/attributes", `{"attributes":{"a":1}}`, 400, "connected"},
		"bulk of no list":                 {http.MethodPost, "messages/{c}/messages/bulk", `{}`, 400, "connected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, genesystest.AllowErrors(), everything)
				api, chat := connected(t, org)
				id := chat.Conversation().ID()
				path := strings.NewReplacer("{c}", id, "{p}", api.live(id, "customer")["id"].(string),
					"{m}", api.live(id, "agent")["peer"].(string)).Replace(tc.path)
				status, body := api.do(tc.method, "/api/v2/conversations/"+path, tc.body)
				require.Equal(t, tc.status, status, "%v", body)
				require.Equal(t, tc.phase, chat.Conversation().Phase())
			})
		})
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, chat := connected(t, org)
		id := chat.Conversation().ID()
		body := `{"channel":{"from":{"id":"c1","idType":"Opaque"},"time":"2026-01-02T03:04:05Z","metadata":{"customAttributes":{"topic":"bill","tier":"gold"}}},"text":"a"}`
		status, _ := api.do(http.MethodPost, api.inbound("message"), body)
		require.Equal(t, http.StatusOK, status)
		path := "/participants/" + api.live(id, "customer")["id"].(string) + "/attributes"
		status, answer := api.do(http.MethodPatch, "/api/v2/conversations/messages/"+id+path, `{"attributes":{"topic":"refund"}}`)
		require.Equal(t, http.StatusAccepted, status)
		require.Equal(t, map[string]any{"attributes": map[string]any{"topic": "refund", "tier": "gold"}}, answer)
		status, answer = api.do(http.MethodPatch, "/api/v2/conversations/"+id+path, `{"attributes":{"x":"y"}}`)
		require.Equal(t, http.StatusAccepted, status)
		require.Empty(t, answer)
		require.Equal(t, map[string]string{"topic": "refund", "tier": "gold", "x": "y"}, chat.Attributes())
	})
}
