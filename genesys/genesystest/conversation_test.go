package genesystest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

func TestConversationLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann, bob := org.Agent("Ann", "Support"), org.Agent("Bob", "Support")
		bot := listen(org)
		api := dial(t, org)

		id := api.postText("c1", "I want a human")
		c := org.Conversation("c1")
		require.Equal(t, id, c.ID())
		require.Equal(t, "notRouted", c.Phase())
		require.Equal(t, []string{"customer connected"}, api.legs(id))

		<-time.After(60 * time.Millisecond)
		require.Equal(t, "flow", c.Phase())
		<-time.After(100 * time.Millisecond)
		require.Equal(t, "queued", c.Phase())
		require.Equal(t, "Bot", c.Queue())
		require.Equal(t, []string{"customer connected", "workflow disconnected transfer", "acd connected"}, api.legs(id))
		<-time.After(time.Hour)
		require.Equal(t, "queued", c.Phase(), "the bot queue has no agents")

		api.transfer(id, "acd", org.Queue("Support").ID())
		require.Equal(t, "Bot", c.Queue(), "a transfer is not immediate")
		first := ann.Wait(t)
		require.Equal(t, "alerting", c.Phase())
		require.True(t, first.Ringing())
		require.Equal(t, c, first.Conversation())
		first.Decline()
		require.False(t, first.Ringing())
		chat := bob.Wait(t).Accept()
		require.Equal(t, "connected", c.Phase())
		require.Equal(t, []string{
			"customer connected", "workflow disconnected transfer", "acd disconnected transfer", "acd disconnected transfer",
			"agent disconnected client", "agent connected",
		}, api.legs(id))

		require.Equal(t, id, api.postText("c1", "about my bill"))
		require.Equal(t, []string{"I want a human", "about my bill"}, chat.Texts())
		said := chat.Say("Let me look.")
		genesystest.Until(t, func() bool { return len(bot.got()) == 1 })
		require.Equal(t, said, bot.got()[0]["id"])
		require.Equal(t, "Sent", c.Status(said))

		chat.End()
		require.Equal(t, "ended", c.Phase())
		legs := api.legs(id)
		require.Equal(t, "customer disconnected peer", legs[0])
		require.Equal(t, "agent disconnected client", legs[5])
		require.Empty(t, chat.Say("Are you there?"), "the conversation has ended")
		require.False(t, chat.Active())
	})
}

func TestRevivalAndThreadWindow(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		window, wait time.Duration
		same         bool
	}{
		"right after the end":   {72 * time.Hour, 0, true},
		"a second before 72 h":  {72 * time.Hour, 72*time.Hour - time.Second, true},
		"after 72 h":            {72 * time.Hour, 72 * time.Hour, false},
		"without a window":      {0, 0, false},
		"a window of a minute":  {time.Minute, 59 * time.Second, true},
		"after the minute ends": {time.Minute, time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, genesystest.WithThreadWindow(tc.window), genesystest.WithTokenLifetime(100*time.Hour))
				ann := org.Agent("Ann", "Support")
				api := dial(t, org)
				old := api.handOver("c1", "one")
				chat := ann.Wait(t).Accept()
				chat.End()
				before := len(api.legs(old))

				<-time.After(tc.wait)
				id := api.postText("c1", "two")
				require.Equal(t, tc.same, id == old)
				c := org.Conversation("c1")
				genesystest.Until(t, func() bool { return c.Phase() == "queued" })
				require.Equal(t, "Bot", c.Queue(), "it starts again at the bot queue")
				if tc.same {
					legs := api.legs(id)
					require.Len(t, legs, before+3, "old legs stay listed")
					require.Equal(t, []string{"customer connected", "workflow disconnected transfer", "acd connected"}, legs[before:])
					require.Len(t, c.Transcript(), 2)
				} else {
					require.Equal(t, "ended", org.Conversations()[0].Phase())
				}
			})
		})
	}
}

func TestMessagesJoinTheLiveConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithThreadWindow(0))
		api := dial(t, org)
		id := api.postText("c1", "one")
		<-time.After(80 * time.Hour)
		api.authorize()
		require.Equal(t, id, api.postText("c1", "two"), "the window applies only after the end")
		require.NotEqual(t, id, api.postText("c2", "three"), "another customer")
		require.Equal(t, org.Conversation("c1").ID(), id)
		require.Nil(t, org.Conversation("c3"))
		api.postText("c3~abcdefghijkl", "four")
		require.Equal(t, "c3~abcdefghijkl", org.Conversation("c3").CustomerID())
	})
}

func TestReadsListFlowAndAgentMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithPace(genesystest.Pace{Route: time.Minute}))
		bot := listen(org)
		ann := org.Agent("Ann", "Support")
		api := dial(t, org)
		id := api.postText("c1", "hello")
		c := org.Conversation("c1")
		genesystest.Until(t, func() bool { return c.Phase() == "flow" })
		welcome := c.FlowSays("Welcome")
		genesystest.Until(t, func() bool { return c.Phase() == "queued" })
		api.transfer(id, "acd", org.Queue("Support").ID())
		hi := ann.Wait(t).Accept().Say("Hi")
		<-time.After(time.Second)

		legs := list(api.read(id), "participants")
		want := map[string]any{"messageId": welcome, "messageStatus": "sent", "messageSegmentCount": 1.0}
		got := list(legs[1], "messages")[0]
		require.NotEmpty(t, got["messageTime"])
		for name, v := range want {
			require.Equal(t, v, got[name], name)
		}
		require.Equal(t, hi, list(legs[4], "messages")[0]["messageId"])
		require.Len(t, list(legs[0], "messages"), 3, "the customer's leg has all")
		require.Equal(t, []any{welcome, hi}, []any{bot.got()[0]["id"], bot.got()[1]["id"]}, "as in the webhook")
	})
}

func TestReadingMessages(t *testing.T) {
	t.Parallel()
	for name, foreign := range map[string]bool{"same ids": false, "foreign ids": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := []genesystest.Option{guideAnd("conversation:message:view", "conversation:communication:view")}
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

// A slow flow must not route a conversation that ended before it returned.
func TestEndDuringTheFlow(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"before it": 0, "in it": 80 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				api := dial(t, org)
				id := api.postText("c1", "hello")
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

// What was planned for a leg that ended must not happen after a revival.
func TestRevivalDropsPlannedOffers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		org.Agent("Ann", "Support")
		api := dial(t, org)
		id := api.handOver("c1", "hello") // an offer is planned
		org.Conversation("c1").Disconnect("system")
		require.Equal(t, id, api.postText("c1", "again"))
		<-time.After(time.Minute)
		c := org.Conversation("c1")
		require.Equal(t, "queued", c.Phase())
		require.Equal(t, "Bot", c.Queue(), "no agent is alerted")
		require.NotContains(t, strings.Join(api.legs(id), ","), "alerting")
		entries := c.Transcript()
		require.Equal(t, []string{"hello", "again"}, []string{entries[0].Text, entries[1].Text})
		require.Equal(t, "customer", entries[0].From)
		require.Equal(t, "Cleo", entries[0].Name)
		require.Equal(t, "p1", entries[0].ProviderID)
	})
}

// An event opens or revives a conversation, as a message does.
func TestTypingRevives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, chat := connected(t, org)
		chat.End()
		status, _ := api.do(http.MethodPost, api.inbound("event"), `{`+okChannel+`,"events":[{"eventType":"Typing"}]}`)
		require.Equal(t, http.StatusOK, status)
		<-time.After(time.Second)
		require.Equal(t, "queued", chat.Conversation().Phase())
	})
}

func TestGenesysEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api, chat := connected(t, org)
		chat.Conversation().Disconnect("inactivity")
		chat.Conversation().Disconnect("error")
		legs := api.legs(chat.Conversation().ID())
		require.Equal(t, "customer disconnected inactivity", legs[0])
		require.Equal(t, "agent disconnected inactivity", legs[4])
	})
}
