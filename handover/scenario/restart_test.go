package scenario_test

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// A change is an event for the replicas in the middle of a scenario.
type change struct {
	during time.Duration // how long no replica runs
	both   bool          // the first keeps running, and the second takes calls and webhooks
}

func changes() map[string]change {
	return map[string]change{"a second replica": {both: true}, "a restart": {during: time.Second}, "a long restart": {during: 3 * time.Minute}}
}

// succession begins with one host and replaces it on the same store at a change.
func succession(t *testing.T, org *genesystest.Org, c change, configure func(*handover.Config)) (first *host, next func() *host) {
	t.Helper()
	store := handover.NewMemoryStore()
	build := func() *host {
		return buildHost(t, org, func(c *handover.Config) {
			c.Store = store
			if configure != nil {
				configure(c)
			}
		})
	}
	first = build()
	ctx, stop := context.WithCancel(t.Context())
	done := first.run(ctx)
	first.serve(org)
	return first, func() *host {
		h := build()
		if c.both {
			h.serve(org)
			h.run(t.Context())
			return h
		}
		stop()
		<-done
		org.WebhooksDown(true)
		pass(c.during)
		org.WebhooksDown(false)
		h.serve(org)
		h.run(t.Context())
		return h
	}
}

// both merges the lines of two hosts.
func both(a, b *host) []string { return append(a.lines(), b.lines()...) }

// TestHandOverOnlyTransfersAnOpen checks that messages during an Open are not sent and no agent
// is offered the conversation. The HandOver only transfers it, from any replica.
func TestHandOverOnlyTransfersAnOpen(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t)
				a, next := succession(t, org, c, nil)
				opened := a.open(t, "o1")
				a.says(t, "c1", "m1", "for the bot", handover.TurnBot)
				pass(time.Hour)
				require.Equal(t, 1, org.Queue("Bot").Waiting())
				require.Nil(t, ringing(t, ann))
				b := next()
				b.says(t, "c1", "m2", "for the bot, too", handover.TurnBot)
				s := b.handOver(t, "c1", "r1")
				require.Equal(t, opened.ID, s.ID)
				b.says(t, "c1", "m3", "for the agent", handover.TurnAgent)
				chat := ann.Wait(t).Accept()
				b.reaches(t, "c1", handover.StateConnected)
				require.Equal(t, []string{"summary o1", "summary r1", "for the agent"}, chat.Texts())
				require.Len(t, org.Conversations(), 1)
				require.Len(t, requests(org, "conversations.transferToQueue"), 1)
				chat.End()
				pass(2 * time.Minute)
				require.Equal(t, []string{"back: agent []"}, both(a, b))
			})
		})
	}
}

// TestRestartBeforeTheTransferOfAnOpen checks a process that stops before the transfer.
func TestRestartBeforeTheTransferOfAnOpen(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t)
				a, next := succession(t, org, c, nil)
				a.open(t, "o1")
				pass(time.Minute)
				org.Inject(genesystest.Fault{Op: "conversations.transferToQueue", Drop: true})
				a.handOver(t, "c1", "r1")
				synctest.Wait()
				b := next()
				ann.Wait(t).Accept().Say("Hello")
				b.reaches(t, "c1", handover.StateConnected)
				pass(time.Minute)
				require.Equal(t, []string{"agent: Hello"}, both(a, b))
			})
		})
	}
}

// TestOpenThatGenesysClosed checks a HandOver after Genesys closed the conversation of an Open
// without a signal. Its context revives the conversation, and an agent joins, whether a read or the
// context is first.
func TestOpenThatGenesysClosed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "an agent, please"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann, h := hosted(t)
				h.open(t, "o1")
				pass(time.Hour)
				org.Conversation("c1").Disconnect("inactivity")
				pass(time.Hour)
				require.Equal(t, handover.StateBot, h.session(t, "c1").State)
				h.handOver(t, "c1", "r1")
				if text != "" {
					h.says(t, "c1", "m1", text, handover.TurnAgent)
				}
				require.Contains(t, ann.Wait(t).Accept().Texts(), cmp.Or(text, "summary r1"))
				h.reaches(t, "c1", handover.StateConnected)
				pass(time.Minute)
				require.Empty(t, h.lines())
			})
		})
	}
}

// TestAnyReplicaAdoptsAConversation checks that a session opens if a live agent writes without one,
// although one process receives the webhook and another one reads. It ends like any other.
func TestAnyReplicaAdoptsAConversation(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t)
				a, next := succession(t, org, c, nil)
				chat := a.connected(t, "c1", ann)
				org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Status: http.StatusForbidden, Times: -1})
				a.end(t, "c1", handover.EndByBot)
				a.until(t, 1)
				org.ClearFaults()
				first := a.session(t, "c1").ID
				chat.Say("I am still here.")
				pass(500 * time.Millisecond) // stored, but not read yet
				require.Equal(t, first, a.session(t, "c1").ID)
				b := next()
				b.reaches(t, "c1", handover.StateConnected)
				s := b.session(t, "c1")
				require.NotEqual(t, first, s.ID)
				require.True(t, s.Resumed)
				require.Equal(t, handover.TurnAgent, b.turn(t, "c1"))
				require.Equal(t, 1, len(a.noticedOf(handover.NoticeAgentJoined, s.ID))+len(b.noticedOf(handover.NoticeAgentJoined, s.ID)))
				chat.End()
				pass(2 * time.Minute)
				require.Equal(t, []string{"back: bot []", "agent: I am still here. (late)", "back: agent []"}, both(a, b))
			})
		})
	}
}

// TestAgentWhoLeftIsNotAdopted checks that the messages of an agent who left while no process
// ran are delivered, and that the bot has the turn.
func TestAgentWhoLeftIsNotAdopted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		a, next := succession(t, org, change{during: 10 * time.Minute}, nil)
		chat := a.connected(t, "c1", ann)
		org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Status: http.StatusForbidden, Times: -1})
		a.end(t, "c1", handover.EndByBot)
		a.until(t, 1)
		chat.Say("Bye then.")
		pass(500 * time.Millisecond)
		chat.End()
		b := next()
		pass(2 * time.Minute)
		require.Equal(t, handover.StateEnded, b.session(t, "c1").State)
		require.Equal(t, handover.TurnBot, b.turn(t, "c1"))
		require.Equal(t, []string{"back: bot []", "agent: Bye then. (late)"}, both(a, b))
	})
}

// noticedOf returns the notices of a kind for one session.
func (h *host) noticedOf(kind handover.NoticeKind, id string) []handover.Notice {
	return slices.DeleteFunc(h.noticed(kind), func(n handover.Notice) bool { return n.Session.ID != id })
}

// TestAgentWritesAfterOurEndAndARestart checks a host with a clock that is an hour ahead. After
// a restart an agent writes in a conversation that could not be closed: a session begins.
func TestAgentWritesAfterOurEndAndARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		org.SetClockOffset(-time.Hour)
		store := handover.NewMemoryStore()
		h := buildHost(t, org, func(c *handover.Config) { c.Store = store })
		h.serve(org)
		ctx, stop := context.WithCancel(t.Context())
		done := h.run(ctx)
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Status: http.StatusForbidden, Times: -1})
		org.Inject(genesystest.Fault{Op: "conversations.disconnect", Status: http.StatusForbidden, Times: -1})
		require.NoError(t, h.desk.End(t.Context(), handover.Customer("c1"), handover.EndByBot))
		h.reaches(t, "c1", handover.StateEnded)
		pass(10 * time.Minute)
		require.True(t, chat.Active())
		stop()
		<-done
		h = newHost(t, org, func(c *handover.Config) { c.Store = store })
		pass(time.Minute)
		chat.Say("I am still here.")
		pass(10 * time.Second)
		require.Equal(t, handover.TurnAgent, h.turn(t, "c1"), "an agent talks to the customer")
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
	})
}
