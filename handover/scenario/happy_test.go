package scenario_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestWholeHandover checks the flow of the setup page with exactly its four permissions: bot,
// queue, declined, answered, ended by the agent, returned. Everything happens once and in
// order.
func TestWholeHandover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann, bob := org.Agent("Ann", "Support"), org.Agent("Bob", "Support")
		h := newHost(t, org)

		h.says(t, "c1", "m1", "hello", handover.TurnBot)
		s := h.handOver(t, "c1", "r1")
		require.Equal(t, handover.StateRequested, s.State)
		ann.Wait(t).Decline()
		chat := bob.Wait(t).Accept()
		h.says(t, "c1", "m2", "my bill", handover.TurnAgent)
		genesystest.Until(t, func() bool { return slices.Contains(chat.Texts(), "my bill") })
		first := chat.Say("Hello!")
		second := chat.Say("Let me look.")
		h.until(t, 2)
		chat.End()
		h.until(t, 3)
		h.says(t, "c1", "m3", "thanks", handover.TurnBot)

		require.Equal(t, []string{"agent: Hello!", "agent: Let me look.", "back: agent []"}, h.lines())
		require.Equal(t, []string{"summary r1", "my bill"}, agentReads(chat.Conversation()))
		require.Len(t, requests(org, "conversations.transferToQueue"), 1)
		require.Equal(t, "Delivered", chat.Status(first))
		require.Equal(t, "Delivered", chat.Status(second))
		kinds := h.kinds()
		require.Equal(t, "requested", kinds[0])
		require.Equal(t, []string{"agentLeft", "ended", "returned"}, kinds[len(kinds)-3:])
		require.Less(t, slices.Index(kinds, "queued"), slices.Index(kinds, "agentJoined"))
		ended := h.session(t, "c1")
		require.Equal(t, handover.StateEnded, ended.State)
		require.Equal(t, handover.EndByAgent, ended.Ending.Reason)
		require.Equal(t, "Bob", ended.Agent.Name)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}

// TestJoinedPrecedesTheAgentsMessage checks that the notice that an agent joined precedes the
// agent's first message.
func TestJoinedPrecedesTheAgentsMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h := hosted(t)
		h.handOver(t, "c1", "r1")
		ann.Wait(t).Accept().Say("Hello!")
		h.until(t, 1)
		story := h.only(func(s string) bool { return s == "notice: agentJoined" || s == "agent: Hello!" })
		require.Equal(t, []string{"notice: agentJoined", "agent: Hello!"}, story)
		require.Equal(t, "Ann", h.session(t, "c1").Agent.Name, "a read after the first message shows the agent")
	})
}

// TestNoticesOfDeclineAlertAndAnswer checks the notices when one agent declines, one does not
// answer, and a third one accepts.
func TestNoticesOfDeclineAlertAndAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann, bob, cleo := org.Agent("Ann", "Support"), org.Agent("Bob", "Support"), org.Agent("Cleo", "Support")
		h := newHost(t, org)
		org.Signal(h.desk.Recheck)
		h.handOver(t, "c1", "r1")
		offer := ann.Wait(t)
		h.reaches(t, "c1", handover.StateAlerting)
		h.says(t, "c1", "m1", "anybody?", handover.TurnAgent)
		offer.Decline()
		bob.Wait(t).LetRing(30 * time.Second)
		chat := cleo.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		chat.Say("Hi")
		h.until(t, 1)
		require.Equal(t, []string{"summary r1", "anybody?"}, agentReads(chat.Conversation()))
		require.Equal(t, "Cleo", h.session(t, "c1").Agent.Name)
		require.NotEmpty(t, h.noticed(handover.NoticeDeclined))
		require.Len(t, h.noticed(handover.NoticeAgentJoined), 1)
	})
}

// TestTransferLosesNoMessage checks that every message arrives once and in order when the agent
// transfers the conversation while the customer writes.
func TestTransferLosesNoMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann, bob := org.Agent("Ann", "Support"), org.Agent("Bob", "Billing")
		h := newHost(t, org)
		org.Signal(h.desk.Recheck)
		chat := h.connected(t, "c1", ann)
		chat.Say("I give you to Bob.")
		want := []string{"summary r-c1"}
		for i, text := range []string{"one", "two", "three", "four", "five"} {
			if i == 2 {
				chat.TransferTo("Billing")
			}
			h.says(t, "c1", text, text, handover.TurnAgent)
			want = append(want, text)
			pass(100 * time.Millisecond)
		}
		next := bob.Wait(t).Accept()
		h.says(t, "c1", "six", "six", handover.TurnAgent)
		want = append(want, "six")
		genesystest.Until(t, func() bool { return h.session(t, "c1").Agent.Name == "Bob" })
		next.Say("Here is Bob.")
		h.until(t, 2)
		next.End()
		h.until(t, 3)
		require.Equal(t, want, agentReads(chat.Conversation()))
		require.Equal(t, []string{"agent: I give you to Bob.", "agent: Here is Bob.", "back: agent []"}, h.lines())
		require.Len(t, requests(org, "conversations.transferToQueue"), 1, "ours; the agent's own is none of our business")
		moved := h.noticed(handover.NoticeTransferred)
		require.Len(t, moved, 1)
		require.Equal(t, org.Queue("Billing").ID(), moved[0].To)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}

// TestParkedConversationKeepsItsAgent checks that a parked conversation stays the agent's and
// messages are delivered.
func TestParkedConversationKeepsItsAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, h, chat := talking(t)
		chat.Park()
		pass(3 * time.Hour)
		h.says(t, "c1", "m1", "still there?", handover.TurnAgent)
		genesystest.Until(t, func() bool { return slices.Contains(chat.Texts(), "still there?") })
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		chat.Resume()
		chat.Say("Yes.")
		h.until(t, 1)
		chat.End()
		h.until(t, 2)
		require.Equal(t, []string{"agent: Yes.", "back: agent []"}, h.lines())
	})
}

// TestVanishedAgentLeavesTheCustomerQueued checks that the conversation waits in the queue
// again when only the agent's leg ends, and that the next agent continues it.
func TestVanishedAgentLeavesTheCustomerQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann, bob := org.Agent("Ann", "Support"), org.Agent("Bob", "Support")
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		ann.GoOffQueue()
		chat.Leave()
		h.says(t, "c1", "m1", "hello?", handover.TurnAgent)
		next := bob.Wait(t).Accept()
		genesystest.Until(t, func() bool { return h.session(t, "c1").Agent.Name == "Bob" })
		next.Say("Bob here")
		h.until(t, 1)
		require.Equal(t, []string{"summary r-c1", "hello?"}, agentReads(next.Conversation()))
		require.Equal(t, []string{"agent: Bob here"}, h.lines())
		require.Len(t, h.noticed(handover.NoticeAgentLeft), 1)
	})
}

// TestTurnIsAgentOnceAnAgentJoined checks that Turn returns agent when an agent joins while the
// bot prepares an answer.
func TestTurnIsAgentOnceAnAgentJoined(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h := hosted(t)
		h.says(t, "c1", "m1", "what is 2+2?", handover.TurnBot)
		h.handOver(t, "c1", "r1")
		require.Equal(t, handover.TurnAgent, h.turn(t, "c1"), "from the request on")
		chat := ann.Wait(t).Accept()
		require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
		h.reaches(t, "c1", handover.StateConnected)
		require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
		chat.End()
		h.until(t, 1)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}
