package genesystest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

func TestChangesThatAreRefused(t *testing.T) {
	t.Parallel()
	const disconnected = `{"state":"disconnected"}`
	everything := genesystest.WithPermissions(append(genesystest.GuidePermissions(),
		"conversation:communication:disconnect", "conversation:communication:view", "conversation:message:view")...)
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

// A flow that is slow must not bring back what has ended meanwhile.
func TestEndDuringTheFlow(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"before it": 0, "in it": 80 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				api := dial(t, org)
				id := api.say("c1", "hello")
				<-time.After(wait)
				c := org.Conversation("c1")
				c.Disconnect("system")
				<-time.After(time.Minute)
				require.Equal(t, "ended", c.Phase())
				require.NotContains(t, strings.Join(api.legs(id), ","), "acd")
				require.Empty(t, c.FlowSays("too late"))
			})
		})
	}
}

// What a retired leg planned does not happen to the conversation it comes back in.
func TestRevivalDoesNotMeetOldPlans(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		org.Agent("Ann", "Support")
		api := dial(t, org)
		id := api.handOver("c1", "hello") // an offer is planned
		org.Conversation("c1").Disconnect("system")
		require.Equal(t, id, api.say("c1", "again"))
		<-time.After(time.Minute)
		c := org.Conversation("c1")
		require.Equal(t, "queued", c.Phase())
		require.Equal(t, "Bot", c.Queue(), "nobody is asked for it")
		require.NotContains(t, strings.Join(api.legs(id), ","), "alerting")
		entries := c.Transcript()
		require.Equal(t, []string{"hello", "again"}, []string{entries[0].Text, entries[1].Text})
		require.Equal(t, "customer", entries[0].From)
		require.Equal(t, "Cleo", entries[0].Name)
		require.Equal(t, "p1", entries[0].ProviderID)
	})
}
