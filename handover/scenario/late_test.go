package scenario_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestMessageWithinTheHoldPrecedesTheReturn checks that an agent's last message that arrives
// within the hold precedes the Return and is not late.
func TestMessageWithinTheHoldPrecedesTheReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := signalled(t)
		pass(time.Minute)
		org.InjectWebhook(genesystest.WebhookFault{Delay: 1500 * time.Millisecond})
		chat.Say("Bye!")
		chat.End()
		h.until(t, 2)
		require.Equal(t, []string{"agent: Bye!", "back: agent []"}, h.lines())
		require.False(t, h.delivered()[0].Late)
	})
}

// TestMessageAfterTheReturnIsLate checks that messages after the hold are late, belong to their
// session, and open no session.
func TestMessageAfterTheReturnIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := signalled(t)
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

// TestLateMessagesBelongToTheFirstSession checks that late messages of the first conversation
// belong to the first session and do not change the second one, which is open.
func TestLateMessagesBelongToTheFirstSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithThreadWindow(0))
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

// TestAgentsMessageOpensASession checks that a message of a live agent without a session opens one:
// it is Resumed, the agent has the turn, and it has an end and a Return like any other. Here the
// first end could not be sent to Genesys.
func TestAgentsMessageOpensASession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
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

// TestUnknownConversationOpensASession checks that the first message of a live conversation
// that this SDK did not open begins a session.
func TestUnknownConversationOpensASession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		old := newHost(t, org)
		chat := old.connected(t, "c1", ann)
		h := newHost(t, org) // another host with an empty store takes over the webhooks
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
		pass(2 * time.Second)
		chat.End()
		h.until(t, 2)
		require.Equal(t, []string{"agent: Anybody? (late)", "back: agent []"}, h.lines())
	})
}

// TestUnknownConversationReturnsToTheBot checks that such a session ends when the conversation
// is in the bot queue again, because no agent would answer.
func TestUnknownConversationReturnsToTheBot(t *testing.T) {
	t.Parallel()
	for name, botQueue := range map[string]string{"configured": "Bot", "the first queue": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t)
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
