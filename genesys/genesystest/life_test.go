package genesystest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

func TestConversationLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann, bob := org.Agent("Ann", "Support"), org.Agent("Bob", "Support")
		bot := listen(org)
		api := dial(t, org)

		id := api.say("c1", "I want a human")
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
		require.Equal(t, "queued", c.Phase(), "nobody works in the bot queue")

		api.transfer(id, "acd", org.Queue("Support").ID())
		require.Equal(t, "Bot", c.Queue(), "a transfer takes a moment")
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

		require.Equal(t, id, api.say("c1", "about my bill"))
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
		require.Empty(t, chat.Say("Are you there?"), "the desk is empty")
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
				id := api.say("c1", "two")
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
		id := api.say("c1", "one")
		<-time.After(80 * time.Hour)
		api.authorize()
		require.Equal(t, id, api.say("c1", "two"), "while it lives the window plays no role")
		require.NotEqual(t, id, api.say("c2", "three"), "another customer")
		require.Equal(t, org.Conversation("c1").ID(), id)
		require.Nil(t, org.Conversation("c3"))
		api.say("c3~abcdefghijkl", "four")
		require.Equal(t, "c3~abcdefghijkl", org.Conversation("c3").CustomerID())
	})
}

func TestSignals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		heard := make(chan string, 64)
		org.Signal(changes(heard))
		api := dial(t, org)
		id := api.handOver("c1", "hello")
		ann.Wait(t).Accept().End()
		synctest.Wait()
		close(heard)
		all := slices.Collect(func(yield func(string) bool) {
			for s := range heard {
				if !yield(s) {
					return
				}
			}
		})
		require.GreaterOrEqual(t, len(all), 6, "opened, flow, queue, queue, ringing, connected, ended")
		require.Equal(t, []string{id}, slices.Compact(all))
	})
}
