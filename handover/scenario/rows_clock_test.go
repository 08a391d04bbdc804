package scenario_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// eachOffset runs f with Genesys' clock ahead of the host's and behind it, each time in a separate
// bubble and organisation.
func eachOffset(t *testing.T, f func(*testing.T, *genesystest.Org, *genesystest.Agent), opts ...genesystest.Option) {
	t.Helper()
	for _, d := range []time.Duration{15 * time.Second, 15 * time.Minute, time.Hour} {
		for name, offset := range map[string]time.Duration{"ahead": d, "behind": -d} {
			t.Run(fmt.Sprintf("%s by %v", name, d), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					org, ann := staffed(t, append(opts, genesystest.WithClockOffset(offset))...)
					f(t, org, ann)
				})
			})
		}
	}
}

// TestClockOffShortChat checks a chat of a few seconds: it is detected from its first message to
// its end, and the customer is not muted.
func TestClockOffShortChat(t *testing.T) {
	t.Parallel()
	eachOffset(t, func(t *testing.T, org *genesystest.Org, ann *genesystest.Agent) {
		t.Helper()
		h := newHost(t, org)
		h.handOver(t, "c1", "r1")
		chat := ann.Wait(t).Accept()
		pass(time.Second)
		chat.Say("Hello!")
		pass(2 * time.Second)
		chat.Say("Bye!")
		pass(time.Second)
		ended := time.Now()
		chat.End()
		h.reaches(t, "c1", handover.StateEnded)
		require.Less(t, time.Since(ended), 2*time.Minute)
		h.until(t, 3)
		require.Equal(t, []string{"agent: Hello!", "agent: Bye!", "back: agent []"}, h.lines())
		require.WithinDuration(t, ended, h.session(t, "c1").Ending.Time, 2*time.Second, "by the host's clock")
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}

// TestClockOffSecondChat checks a conversation that continues after an earlier session: the agent's
// messages are current, and the end is detected.
func TestClockOffSecondChat(t *testing.T) {
	t.Parallel()
	eachOffset(t, func(t *testing.T, org *genesystest.Org, ann *genesystest.Agent) {
		t.Helper()
		h := newHost(t, org)
		for i := range 3 {
			h.handOver(t, "c1", fmt.Sprint("r", i))
			chat := ann.Wait(t).Accept()
			pass(3 * time.Second)
			chat.Say("Hello!")
			pass(3 * time.Second)
			chat.End()
			h.until(t, 2*i+2)
			require.Equal(t, []string{"agent: Hello!", "back: agent []"}, h.lines()[2*i:])
		}
	})
}

// TestClockOffAnsweredAndUnanswered checks that an agent's message answers for earlier messages of
// the customer. Messages sent without an agent, or after the end, are returned.
func TestClockOffAnsweredAndUnanswered(t *testing.T) {
	t.Parallel()
	eachOffset(t, func(t *testing.T, org *genesystest.Org, ann *genesystest.Agent) {
		t.Helper()
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		h.says(t, "c1", "m1", "answered", handover.TurnAgent)
		pass(5 * time.Second)
		chat.Say("Hello!")
		pass(5 * time.Second)
		chat.End()
		h.says(t, "c1", "m2", "after the end", handover.TurnAgent)
		h.until(t, 2)
		require.Equal(t, []string{"agent: Hello!", "back: agent [after the end(sent)]"}, h.lines())
	})
}

// TestClockOffLeftAlone checks an agent who leaves without a successor. Messages sent before the
// agent left are answered for, later ones are returned.
func TestClockOffLeftAlone(t *testing.T) {
	t.Parallel()
	eachOffset(t, func(t *testing.T, org *genesystest.Org, ann *genesystest.Agent) {
		t.Helper()
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		h.says(t, "c1", "m1", "before", handover.TurnAgent)
		pass(10 * time.Second)
		chat.TransferTo("Billing")
		h.reaches(t, "c1", handover.StateQueued)
		pass(10 * time.Second)
		h.says(t, "c1", "m2", "after", handover.TurnAgent)
		pass(10 * time.Second)
		org.Conversation("c1").Disconnect("client")
		h.until(t, 1)
		require.Len(t, h.returned(), 1)
		require.Len(t, h.returned()[0].Unanswered, 1)
		require.Equal(t, "after", h.returned()[0].Unanswered[0].Text)
	})
}

// TestClockOffReplay checks that an agent's message is a replay only if it is older than 15 minutes
// by Genesys' clock.
func TestClockOffReplay(t *testing.T) {
	t.Parallel()
	eachOffset(t, func(t *testing.T, org *genesystest.Org, ann *genesystest.Agent) {
		t.Helper()
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		pass(20 * time.Minute)
		o := outbound{id: "w1", customer: "c1", conversation: "00000000-0000-4000-a000-000000000001", text: "old"}
		o.at = org.Now().Add(-16 * time.Minute)
		require.Equal(t, http.StatusOK, h.receive(t, org, o))
		pass(time.Minute)
		require.Empty(t, h.lines())
		o.id, o.text, o.at = "w2", "young", org.Now().Add(-14*time.Minute)
		require.Equal(t, http.StatusOK, h.receive(t, org, o))
		h.until(t, 1)
		chat.Say("Hello!")
		h.until(t, 2)
		require.Equal(t, []string{"agent: young (late)", "agent: Hello!"}, h.lines())
	}, genesystest.AllowErrors())
}

// TestReplayOfAWatchedConversation checks that a message that Genesys could not post for more than
// 15 minutes is not a replay, if the customer is in its conversation and it was written after the
// opening.
func TestReplayOfAWatchedConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.AllowErrors())
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		opened := org.Now()
		pass(20 * time.Minute)
		o := outbound{id: "w1", customer: "c1", conversation: chat.Conversation().ID(), text: "before", at: opened.Add(-time.Minute)}
		require.Equal(t, http.StatusOK, h.receive(t, org, o))
		o.id, o.text, o.at = "w2", "after", opened.Add(time.Minute)
		require.Equal(t, http.StatusOK, h.receive(t, org, o))
		h.until(t, 1)
		require.Equal(t, []string{"agent: after"}, h.lines())
	})
}

// TestNoReplayBeforeAnOffsetIsMeasured checks that a process without an answer of Genesys accepts a
// webhook of any age, because it cannot know the age.
func TestNoReplayBeforeAnOffsetIsMeasured(t *testing.T) {
	t.Parallel()
	eachOffset(t, func(t *testing.T, org *genesystest.Org, _ *genesystest.Agent) {
		t.Helper()
		h := buildHost(t, org)
		h.serve(org)
		o := outbound{id: "w1", customer: "c1", conversation: "00000000-0000-4000-a000-000000000001", text: "hi", at: org.Now()}
		require.Equal(t, http.StatusOK, h.receive(t, org, o))
		h.run(t.Context())
		h.until(t, 1)
		require.Equal(t, []string{"agent: hi (late)"}, h.lines())
	}, genesystest.AllowErrors())
}

// TestClockOffRestart checks that, after a restart, a message is delivered as current although the
// new process has no answer of Genesys yet.
func TestClockOffRestart(t *testing.T) {
	t.Parallel()
	eachOffset(t, func(t *testing.T, org *genesystest.Org, ann *genesystest.Agent) {
		t.Helper()
		shared := handover.NewMemoryStore()
		store := func(c *handover.Config) { c.Store = shared }
		first := newHost(t, org, store)
		chat := first.connected(t, "c1", ann)
		second := buildHost(t, org, store)
		second.serve(org)
		chat.Say("Hello!")
		pass(time.Second)
		require.Equal(t, handover.StateConnected, second.session(t, "c1").State)
		pass(time.Minute)
		chat.End()
		first.until(t, 2)
		require.Equal(t, []string{"agent: Hello!", "back: agent []"}, first.lines())
	})
}

// TestClockOffAdoption checks a session that our side ends while the agent stays. Messages that the
// agent wrote before the end open nothing; later ones open a session.
func TestClockOffAdoption(t *testing.T) {
	t.Parallel()
	eachOffset(t, func(t *testing.T, org *genesystest.Org, ann *genesystest.Agent) {
		t.Helper()
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		pass(10 * time.Second)
		org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Status: 403, Times: -1})
		org.InjectWebhook(genesystest.WebhookFault{Delay: 20 * time.Second})
		chat.Say("before")
		pass(3 * time.Second)
		h.end(t, "c1", handover.EndByBot)
		h.until(t, 2)
		require.Equal(t, []string{"back: bot []", "agent: before (late)"}, h.lines())
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
		org.ClearFaults()
		chat.Say("I am still here.")
		h.reaches(t, "c1", handover.StateConnected)
		pass(time.Minute)
		require.True(t, h.session(t, "c1").Resumed)
		h.says(t, "c1", "m1", "hello", handover.TurnAgent)
		pass(3 * time.Second)
		chat.Say("Hello!")
		pass(3 * time.Second)
		chat.End()
		h.until(t, 5)
		require.Equal(t, []string{"agent: I am still here. (late)", "agent: Hello!", "back: agent []"}, h.lines()[2:])
	})
}

// TestClockOffByFlowFirst checks routing by flow: the opening is the first request of the process,
// so its answer is the first to measure the offset.
func TestClockOffByFlowFirst(t *testing.T) {
	t.Parallel()
	eachOffset(t, func(t *testing.T, org *genesystest.Org, ann *genesystest.Agent) {
		t.Helper()
		h := newHost(t, org, byFlow)
		h.handOver(t, "c1", "r1")
		chat := ann.Wait(t).Accept()
		pass(time.Second)
		chat.Say("Hello!")
		pass(3 * time.Second)
		chat.End()
		h.until(t, 2)
		require.Equal(t, []string{"agent: Hello!", "back: agent []"}, h.lines())
	}, genesystest.WithFlow(func(genesystest.Arrival) string { return "Support" }))
}

// TestClockOffBlind checks blind mode: a reported end counts for the session that was open then,
// and a later message of an agent opens a session.
func TestClockOffBlind(t *testing.T) {
	t.Parallel()
	eachOffset(t, func(t *testing.T, org *genesystest.Org, ann *genesystest.Agent) {
		t.Helper()
		org.Inject(genesystest.Fault{Op: "conversations.get", Status: http.StatusForbidden, Times: -1})
		h := newHost(t, org, byFlow)
		first := blindSession(t, h, ann, "r1")
		id := first.Conversation().ID()
		first.End()
		at := org.Now()
		require.NoError(t, h.desk.Ended(t.Context(), "", id, at))
		h.reaches(t, "c1", handover.StateEnded)
		second := blindSession(t, h, ann, "r2")
		require.NoError(t, h.desk.Ended(t.Context(), "", id, at))
		pass(time.Minute)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		second.End()
		require.NoError(t, h.desk.Ended(t.Context(), "", id, org.Now()))
		h.reaches(t, "c1", handover.StateEnded)
	}, genesystest.WithFlow(func(genesystest.Arrival) string { return "Support" }))
}

// TestClockOffGap checks that messages without a webhook are fetched before the end, each once, and
// others are not.
func TestClockOffGap(t *testing.T) {
	t.Parallel()
	granted := append(genesystest.GuidePermissions(), viewMessages)
	eachOffset(t, func(t *testing.T, org *genesystest.Org, ann *genesystest.Agent) {
		t.Helper()
		h, d := behind(t, org)
		chat := h.connected(t, "c1", ann)
		wrote := during(d, chat, 3, 12)
		chat.End()
		h.until(t, len(wrote)+1)
		require.Equal(t, append(wrote, "back: agent []"), h.lines())
	}, genesystest.WithPermissions(granted...))
}
