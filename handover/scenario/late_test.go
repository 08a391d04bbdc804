package scenario_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestWordsOnTheirWayAtTheEnd: the agent says good-bye and ends; the word takes a while. Within the hold it comes before the
// Return and is not late.
func TestWordsOnTheirWayAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org)
		org.Signal(h.desk.Recheck)
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		org.InjectWebhook(genesystest.WebhookFault{Delay: 1500 * time.Millisecond})
		chat.Say("Bye!")
		chat.End()
		h.until(t, 2)
		require.Equal(t, []string{"agent: Bye!", "back: agent []"}, h.lines())
		require.False(t, h.delivered()[0].Late)
	})
}

// TestWordsAfterTheReturn: later than the hold they are delivered late, under the handover they belong to, and no session opens.
func TestWordsAfterTheReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org)
		org.Signal(h.desk.Recheck)
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		org.InjectWebhook(genesystest.WebhookFault{Delay: 20 * time.Second})
		chat.Say("Bye!")
		chat.End()
		h.until(t, 2)
		require.Equal(t, []string{"back: agent []", "agent: Bye! (late)"}, h.lines())
		require.Equal(t, h.returned()[0].Session.ID, h.delivered()[0].Session.ID)
		require.Equal(t, handover.StateEnded, h.session(t, "c1").State)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}

// TestLateWordsOfThePastHandover: words of the first handover's conversation while the second is open, in another
// conversation: late, under the first one, and the second is not touched.
func TestLateWordsOfThePastHandover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithThreadWindow(0))
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		org.InjectWebhook(genesystest.WebhookFault{Delay: time.Minute})
		chat.Say("forgotten")
		chat.End()
		genesystest.Until(t, func() bool { return len(h.returned()) == 1 })
		ann.GoOffQueue()
		second := h.handOver(t, "c1", "r2")
		h.reaches(t, "c1", handover.StateQueued)
		h.until(t, 2)
		require.Equal(t, []string{"back: agent []", "agent: forgotten (late)"}, h.lines())
		require.Equal(t, h.returned()[0].Session.ID, h.delivered()[0].Session.ID)
		s := h.session(t, "c1")
		require.Equal(t, second.ID, s.ID)
		require.Equal(t, handover.StateQueued, s.State)
	})
}

// TestAgentWritesWithoutASession: a live agent writes although the bot has the conversation, here since the end could not be
// told to Genesys. A session opens, Resumed; the bot's turn becomes the agent's; it ends and returns as any other.
func TestAgentWritesWithoutASession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		first := h.session(t, "c1").ID
		org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Status: 403, Times: -1})
		h.end(t, "c1", handover.EndByBot)
		h.until(t, 1)
		org.ClearFaults()
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
		h.says(t, "c1", "m1", "bot?", handover.TurnBot)
		chat.Say("I am still here.")
		h.reaches(t, "c1", handover.StateConnected)
		require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
		s := h.session(t, "c1")
		require.NotEqual(t, first, s.ID)
		require.True(t, s.Resumed)
		require.Equal(t, "Ann", s.Agent.Name)
		h.says(t, "c1", "m2", "oh, hello", handover.TurnAgent)
		genesystest.Until(t, func() bool { return len(postsOf(t, org, "oh, hello")) == 1 })
		chat.Say("Hello!")
		h.until(t, 3)
		chat.End()
		h.until(t, 4)
		require.Equal(t, []string{"back: bot []", "agent: I am still here. (late)", "agent: Hello!", "back: agent []"}, h.lines())
		require.Equal(t, s.ID, h.returned()[1].Session.ID)
	})
}

// TestAgentOfBeforeTheSDK: a live conversation this SDK never opened: the first word opens a session all the same.
func TestAgentOfBeforeTheSDK(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		old := newHost(t, org)
		chat := old.connected(t, "c1", ann)
		h := newHost(t, org) // another host, with an empty store, takes the webhooks over
		chat.Say("Anybody?")
		genesystest.Until(t, func() bool {
			_, err := h.desk.Session(t.Context(), handover.Customer("c1"))
			return err == nil
		})
		s := h.session(t, "c1")
		require.True(t, s.Resumed)
		require.Equal(t, chat.Conversation().ID(), s.ConversationID)
		require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
		h.says(t, "c1", "m1", "yes", handover.TurnAgent)
		genesystest.Until(t, func() bool { return len(postsOf(t, org, "yes")) == 1 })
		chat.End()
		h.until(t, 2)
		require.Equal(t, []string{"agent: Anybody? (late)", "back: agent []"}, h.lines())
	})
}

// TestAgentOfBeforeTheSDKGivesItBackToTheBot: as any conversation that stands in the bot queue again: nobody else would answer.
func TestAgentOfBeforeTheSDKGivesItBackToTheBot(t *testing.T) {
	t.Parallel()
	for name, botQueue := range map[string]string{"configured": "Bot", "where it came into first": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				ann := org.Agent("Ann", "Support")
				chat := newHost(t, org).connected(t, "c1", ann)
				h := newHost(t, org, func(c *handover.Config) { c.Channel.BotQueue = botQueue })
				chat.Say("Anybody?")
				genesystest.Until(t, func() bool {
					s, err := h.desk.Session(t.Context(), handover.Customer("c1"))
					return err == nil && s.State == handover.StateConnected
				})
				chat.TransferTo("Bot")
				h.until(t, 2)
				require.Equal(t, []string{"agent: Anybody? (late)", "back: agent []"}, h.lines())
				require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
			})
		})
	}
}
