package genesystest_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

func TestChannels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithPermissions(), genesystest.AllowErrors())
		api := dial(t, org)
		status, body := api.do(http.MethodPost, channelsPath, "")
		require.Equal(t, http.StatusOK, status, "%v", body)
		id := body["id"].(string)
		require.Equal(t, map[string]any{
			"id": id, "connectUri": "wss://streaming.mypurecloud.ie/channels/" + id, "expires": wireTime(time.Now().Add(24 * time.Hour)),
		}, body)
		require.Equal(t, http.StatusOK, api.head(id))
		require.Equal(t, http.StatusNotFound, api.head("other"))
		_, got := api.do(http.MethodGet, channelsPath, "")
		require.Equal(t, []map[string]any{body}, list(got, "entities"))

		api.authorize() // another token of the same client
		_, got = api.do(http.MethodGet, channelsPath, "")
		require.Empty(t, list(got, "entities"))
		_, got = api.do(http.MethodGet, channelsPath+"?includechannels=oauthclient", "")
		require.Equal(t, []map[string]any{{"expires": body["expires"]}}, list(got, "entities"), "only the expiry")
		status, _ = api.do(http.MethodGet, channelsPath+"?includechannels=mine", "")
		require.Equal(t, http.StatusBadRequest, status)
		require.Equal(t, http.StatusOK, api.head(id), "any token of the client may use it")
		var ops []string
		for _, r := range org.Requests() {
			ops = append(ops, r.Op)
		}
		require.Equal(t, []string{"notifications.channels.create", "notifications.channels.head"}, ops[1:3])
	})
}

func TestTheTwentyFirstChannelEvictsOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		id, uri := api.channel()
		first := api.open(uri) // used least recently, but connected
		ids := []string{id}
		for range 19 {
			<-time.After(time.Second)
			id, _ := api.channel()
			ids = append(ids, id)
		}
		<-time.After(time.Second)
		require.Equal(t, http.StatusOK, api.head(ids[1])) // used most recently
		api.channel()
		require.Equal(t, 1, org.Sockets())
		require.Equal(t, []int{200, 404, 200}, []int{api.head(ids[1]), api.head(ids[2]), api.head(ids[3])})

		var open []*stream
		for _, ch := range listChannels(api) {
			if ch["id"] != ids[0] {
				open = append(open, api.open(ch["connectUri"].(string)))
			}
			<-time.After(time.Second)
		}
		require.Len(t, open, 19)
		require.Equal(t, 20, org.Sockets())
		_, body := api.do(http.MethodPost, channelsPath, "")
		require.NotEmpty(t, body["id"])
		require.Equal(t, websocket.StatusGoingAway, first.closed(t), "of connected channels the one used least recently")
		require.Equal(t, 19, org.Sockets())
	})
}

func listChannels(r *raw) []map[string]any {
	r.t.Helper()
	_, body := r.do(http.MethodGet, channelsPath, "")
	return list(body, "entities")
}

func TestChannelExpiresAfterADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithTokenLifetime(48*time.Hour))
		api := dial(t, org)
		topic := "v2.routing.queues." + org.Queue("Support").ID() + ".conversations.messages"
		id, uri := api.channel(topic)
		other, _ := api.channel(topic)
		s := api.open(uri)
		<-time.After(23 * time.Hour)
		status, _ := api.subscribe(http.MethodPost, id, "", topic)
		require.Equal(t, http.StatusOK, status)
		<-time.After(2 * time.Hour)
		require.Equal(t, http.StatusOK, api.head(id), "extended by subscribing again")
		require.Equal(t, http.StatusNotFound, api.head(other))
		began := time.Now()
		require.Equal(t, websocket.StatusGoingAway, s.closed(t))
		require.Equal(t, 22*time.Hour, time.Since(began))
		require.Equal(t, http.StatusNotFound, api.head(id))
		status, _ = api.subscribe(http.MethodPut, id, "", topic)
		require.Equal(t, http.StatusNotFound, status)
		_, status, err := api.tryOpen(uri)
		require.Error(t, err)
		require.Equal(t, http.StatusNotFound, status)
	})
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors(), genesystest.WithTopicPermissions("v2.users.", "directory:user:view"))
		api := dial(t, org)
		id, _ := api.channel()
		subscribed := func() (topics []string) {
			t.Helper()
			status, body := api.do(http.MethodGet, channelsPath+"/"+id+"/subscriptions", "")
			require.Equal(t, http.StatusOK, status)
			for _, topic := range list(body, "entities") {
				require.Equal(t, "Permitted", topic["state"])
				topics = append(topics, topic["id"].(string))
			}
			return topics
		}
		const (
			queue  = "v2.routing.queues.q1.conversations.messages"
			plain  = "v2.routing.queues.q1.conversations"
			detail = "v2.detail.events.conversation.c1.user.end"
			user   = "v2.users.u1.conversations.messages"
		)
		status, body := api.subscribe(http.MethodPost, id, "", queue, detail, user)
		require.Equal(t, http.StatusForbidden, status)
		require.Equal(t, "missing.permissions", body["code"])
		require.Contains(t, body["message"], "[analytics:conversationDetail:view, directory:user:view]")
		require.Empty(t, subscribed(), "one forbidden topic refuses the request")

		status, body = api.subscribe(http.MethodPost, id, "?ignoreErrors=true", queue, detail)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, map[string]any{"id": queue, "state": "Permitted"}, list(body, "entities")[0])
		rejected := list(body, "entities")[1]
		require.Equal(t, "Rejected", rejected["state"])
		require.Equal(t, []any{"analytics:conversationDetail:view"}, rejected["missingPermissions"])
		require.NotEmpty(t, rejected["rejectionReason"])
		require.Equal(t, []string{queue}, subscribed())

		org.SetPermissions("routing:queue:view", "analytics:conversationDetail:view")
		status, _ = api.subscribe(http.MethodPost, id, "", detail, queue)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, []string{queue, detail}, subscribed(), "added, and none twice")
		status, _ = api.subscribe(http.MethodPut, id, "", plain)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, []string{plain}, subscribed(), "replaced")
		status, _ = api.do(http.MethodDelete, channelsPath+"/"+id+"/subscriptions", "")
		require.Equal(t, http.StatusNoContent, status)
		require.Empty(t, subscribed())

		var many []string
		for i := range 1000 {
			many = append(many, fmt.Sprintf("v2.routing.queues.q%d.conversations.messages", i))
		}
		status, _ = api.subscribe(http.MethodPost, id, "", many...)
		require.Equal(t, http.StatusOK, status)
		status, _ = api.subscribe(http.MethodPost, id, "", many[0])
		require.Equal(t, http.StatusOK, status, "is there already")
		status, _ = api.subscribe(http.MethodPost, id, "", detail)
		require.Equal(t, http.StatusBadRequest, status)
		require.Len(t, subscribed(), 1000)
		status, _ = api.subscribe(http.MethodPut, id, "", append(many, detail)...)
		require.Equal(t, http.StatusBadRequest, status)
	})
}

func TestUnknownTopics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		api := dial(t, org)
		id, _ := api.channel()
		for _, topic := range []string{
			"", "v2.conversations.messages", "v2.routing.queues..conversations.messages", "v2.routing.queues.{id}.conversations.messages",
			"v2.routing.queues.q1", "v2.routing.queues.q1.conversations.*", "v2.users.u1?conversations", "channel.metadata",
			"v2.detail.events.conversation.c1.user", "v2.detail.events.conversation.*.user.end",
		} {
			status, body := api.subscribe(http.MethodPost, id, "?ignoreErrors=true", topic)
			require.Equal(t, http.StatusBadRequest, status, "%q: %v", topic, body)
		}
		status, _ := api.subscribe(http.MethodPost, "other", "", "v2.routing.queues.q1.conversations")
		require.Equal(t, http.StatusNotFound, status)
		status, _ = api.subscribe(http.MethodPost, id, "?ignoreErrors=yes", "v2.routing.queues.q1.conversations")
		require.Equal(t, http.StatusBadRequest, status)
		require.Len(t, org.Refusals(), 11)
	})
	_, err := genesystest.Start(genesystest.WithTopicPermissions(""))
	require.ErrorContains(t, err, "WithTopicPermissions")
}
