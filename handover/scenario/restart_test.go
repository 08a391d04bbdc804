package scenario_test

import (
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

// A change is what happens to the replicas in the middle of a scenario: which of them goes on.
type change struct {
	during time.Duration // nothing runs for so long
	both   bool          // the first runs on, and the second takes calls and webhooks
}

func changes() map[string]change {
	return map[string]change{"a second replica": {both: true}, "a restart": {during: time.Second}, "a long restart": {during: 3 * time.Minute}}
}

// succession begins with one host and gives the next one on the same store when the scenario asks for it.
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

// both is what two hosts got together.
func both(a, b *host) []string { return append(a.lines(), b.lines()...) }

// TestOpenThenHandOver: parked in the bot queue, nothing is mirrored and no agent is called. The hand-over is a transfer and nothing
// else, whoever asks for it.
func TestOpenThenHandOver(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				ann := org.Agent("Ann", "Support")
				a, next := succession(t, org, c, nil)
				opened, err := a.desk.Open(t.Context(), handover.Customer("c1"), handover.Request{ID: "o1", Summary: "opened"})
				require.NoError(t, err)
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
				require.Equal(t, []string{"opened", "for the agent"}, chat.Texts())
				require.Len(t, org.Conversations(), 1)
				require.Len(t, requests(org, "conversations.transferToQueue"), 1)
				chat.End()
				pass(2 * time.Minute)
				require.Equal(t, []string{"back: agent []"}, both(a, b))
			})
		})
	}
}

// TestRestartDuringTheTransferOfAParkedConversation: asked for, and the process stops before it has transferred.
func TestRestartDuringTheTransferOfAParkedConversation(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				ann := org.Agent("Ann", "Support")
				a, next := succession(t, org, c, nil)
				_, err := a.desk.Open(t.Context(), handover.Customer("c1"), handover.Request{ID: "o1", Summary: "opened"})
				require.NoError(t, err)
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

// TestParkedConversationThatGenesysClosed: nobody looks at what is parked. A word of the customer may revive it, and an agent comes;
// else who asked for one hears that it is over, with what was written, and can ask again.
func TestParkedConversationThatGenesysClosed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "an agent, please"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				ann := org.Agent("Ann", "Support")
				h := newHost(t, org)
				_, err := h.desk.Open(t.Context(), handover.Customer("c1"), handover.Request{ID: "o1", Summary: "opened"})
				require.NoError(t, err)
				pass(time.Hour)
				org.Conversation("c1").Disconnect("inactivity")
				pass(time.Hour)
				require.Equal(t, handover.StateBot, h.session(t, "c1").State)
				h.handOver(t, "c1", "r1")
				if text != "" {
					h.says(t, "c1", "m1", text, handover.TurnAgent)
					pass(time.Minute)
					if o := ringing(t, ann); o != nil { // the word was faster than the read
						require.Contains(t, o.Accept().Texts(), text)
						h.reaches(t, "c1", handover.StateConnected)
						return
					}
					require.Len(t, h.returned(), 1)
					require.Equal(t, text, h.returned()[0].Unanswered[0].Text)
					require.Equal(t, handover.EndByGenesys, h.returned()[0].Session.Ending.Reason)
					return
				}
				h.until(t, 1)
				require.Equal(t, []string{"back: genesys []"}, h.lines())
				h.handOver(t, "c1", "r2")
				require.Contains(t, ann.Wait(t).Accept().Texts(), "summary r2")
			})
		})
	}
}

// TestAdoptedByWhoeverIsThere: a live agent writes although no session is open, and the process that took the webhook is not the one
// that looks. One session opens, and ends as any other.
func TestAdoptedByWhoeverIsThere(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				ann := org.Agent("Ann", "Support")
				a, next := succession(t, org, c, nil)
				chat := a.connected(t, "c1", ann)
				org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Status: http.StatusForbidden, Times: -1})
				a.end(t, "c1", handover.EndByBot)
				a.until(t, 1)
				org.ClearFaults()
				first := a.session(t, "c1").ID
				chat.Say("I am still here.")
				pass(500 * time.Millisecond) // taken, and nobody has looked yet
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

// TestNobodyIsAdoptedWhoHasLeft: the agent wrote and went while nothing ran. The words are delivered, and the bot has the word.
func TestNobodyIsAdoptedWhoHasLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
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

// noticedOf are the notices of a kind about one handover.
func (h *host) noticedOf(kind handover.NoticeKind, id string) []handover.Notice {
	return slices.DeleteFunc(h.noticed(kind), func(n handover.Notice) bool { return n.Session.ID != id })
}
