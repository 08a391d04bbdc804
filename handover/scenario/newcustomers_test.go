package scenario_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestWebhookMayPrecedeTheOpeningsAnswer checks an agent's message that arrives before the
// answer to the opening.
func TestWebhookMayPrecedeTheOpeningsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithFlow(func(genesystest.Arrival) string { return "Support" }))
		h := newHost(t, org)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: 5 * time.Second, After: true})
		s := h.handOver(t, "c1", "r1")
		chat := ann.Wait(t).Accept()
		chat.Say("Hello!")
		h.until(t, 1)
		require.Equal(t, []string{"agent: Hello!"}, h.lines())
		require.Equal(t, s.ID, h.delivered()[0].Session.ID)
		now := h.session(t, "c1")
		require.Equal(t, handover.StateConnected, now.State)
		require.Equal(t, chat.Conversation().ID(), now.ConversationID)
		chat.End()
		h.until(t, 2)
		require.Equal(t, []string{"agent: Hello!", "back: agent []"}, h.lines())
		require.Len(t, postsOf(t, org, "summary r1"), 1)
	})
}

// TestMessageOfAnotherConversationIsLate checks that an agent's message in another conversation
// is delivered as late and does not change the session.
func TestMessageOfAnotherConversationIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		h := newHost(t, org)
		h.handOver(t, "c1", "r1")
		h.reaches(t, "c1", handover.StateQueued)
		status := h.receive(t, org, outbound{id: "w1", customer: "c1", conversation: "00000000-0000-4000-a000-000000000001", text: "who?"})
		require.Equal(t, http.StatusOK, status)
		h.until(t, 1)
		require.Equal(t, []string{"agent: who? (late)"}, h.lines())
		require.Equal(t, handover.StateQueued, h.session(t, "c1").State)
	})
}

// TestWebhookWithoutARecordIsDelivered checks that a signed webhook without a record is
// delivered, without a session.
func TestWebhookWithoutARecordIsDelivered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		h := newHost(t, org)
		for range 3 {
			status := h.receive(t, org, outbound{id: "w1", customer: "new", conversation: "00000000-0000-4000-a000-000000000001", text: "hi"})
			require.Equal(t, http.StatusOK, status)
		}
		h.until(t, 1)
		require.Equal(t, []string{"agent: hi (late)"}, h.lines())
		require.Empty(t, h.delivered()[0].Session.ID)
		require.Equal(t, "new", h.delivered()[0].Session.Key.Customer)
		require.Equal(t, handover.TurnBot, h.turn(t, "new"))
	})
}

// TestReplay checks that a signed message with an unknown id that is older than 15 minutes gets
// 200 and is not delivered.
func TestReplay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		var replays atomic.Int64
		h := newHost(t, org, func(c *handover.Config) {
			c.Observer = func(_ context.Context, o handover.Observation) {
				if o.Op == handover.OpReplay {
					replays.Add(1)
				}
			}
		})
		h.handOver(t, "c1", "r1")
		h.reaches(t, "c1", handover.StateQueued)
		old := outbound{
			id: "w1", customer: "c1", conversation: h.session(t, "c1").ConversationID, text: "old",
			at: time.Now().Add(-15*time.Minute - time.Second),
		}
		require.Equal(t, http.StatusOK, h.receive(t, org, old))
		unknown := old
		unknown.customer = "nobody"
		require.Equal(t, http.StatusOK, h.receive(t, org, unknown))
		pass(time.Minute)
		require.Empty(t, h.lines())
		require.EqualValues(t, 2, replays.Load())
		_, err := h.desk.Session(t.Context(), handover.Customer("nobody"))
		require.ErrorIs(t, err, handover.ErrNotFound)
		old.at = time.Now().Add(-14 * time.Minute)
		require.Equal(t, http.StatusOK, h.receive(t, org, old))
		h.until(t, 1)
	})
}

// TestConversationFindsAChangedCustomerID checks that the conversation id finds the record.
func TestConversationFindsAChangedCustomerID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.AllowErrors())
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		status := h.receive(t, org, outbound{id: "w1", customer: "C1-CHANGED", conversation: chat.Conversation().ID(), text: "hi"})
		require.Equal(t, http.StatusOK, status)
		h.until(t, 1)
		require.Equal(t, []string{"agent: hi"}, h.lines())
		require.Equal(t, "c1", h.delivered()[0].Session.Key.Customer)
	})
}
