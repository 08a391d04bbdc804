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

// opens puts the conversation into the bot queue and waits until it is there.
func opens(t *testing.T, h *host, org *genesystest.Org) {
	t.Helper()
	_, err := h.desk.Open(t.Context(), handover.Customer("c1"), handover.Request{
		ID: "o1", Summary: "opened", Attributes: map[string]string{"lang": "de", "tier": "silver"},
	})
	require.NoError(t, err)
	genesystest.Until(t, func() bool { return h.session(t, "c1").ConversationID != "" })
	pass(10 * time.Second)
	require.Len(t, org.Conversations(), 1)
}

func asksWithContext(t *testing.T, h *host) {
	t.Helper()
	_, err := h.desk.HandOver(t.Context(), handover.Customer("c1"), handover.Request{
		ID: "r1", Summary: "About a bill.", Attributes: map[string]string{"tier": "gold"},
		Transcript: []handover.Line{{Speaker: handover.SpeakerCustomer, Text: "my bill"}},
	})
	require.NoError(t, err)
}

// TestHandOverAfterOpenSendsTheContext checks that the agent gets the texts and attributes of
// the HandOver in order, before the transfer and before the customer's messages.
func TestHandOverAfterOpenSendsTheContext(t *testing.T) {
	t.Parallel()
	for _, identity := range []handover.Identity{handover.IdentityCustomer, handover.IdentitySession} {
		for name, faults := range map[string][]genesystest.Fault{
			"at once":   nil,
			"slow":      {{Op: "openmessaging.send", Delay: 4 * time.Second}},
			"ambiguous": {{Op: "openmessaging.send", Status: http.StatusBadGateway, After: true}},
			"limited":   {{Op: "openmessaging.send", Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second}},
		} {
			t.Run(fmt.Sprint(identity, " ", name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					org, ann := staffed(t, genesystest.WithDeduplication())
					h := newHost(t, org, func(c *handover.Config) { c.Channel.Identity = identity })
					opens(t, h, org)
					for _, f := range faults {
						org.Inject(f)
					}
					asksWithContext(t, h)
					asksWithContext(t, h)
					h.says(t, "c1", "m1", "hurry", handover.TurnAgent)
					chat := ann.Wait(t).Accept()
					pass(time.Minute)
					require.Equal(t, []string{"opened", "About a bill.", "customer: my bill", "hurry"}, chat.Texts())
					require.Equal(t, map[string]string{"lang": "de", "tier": "gold"}, chat.Attributes())
					require.Len(t, org.Conversations(), 1)
					transfers := requests(org, "conversations.transferToQueue")
					require.Len(t, transfers, 1)
					sent := postsOf(t, org, "customer: my bill")
					require.False(t, sent[len(sent)-1].At.After(transfers[0].Time), "before the transfer")
					require.Equal(t, postsOf(t, org, "opened")[0].Channel.From, sent[0].Channel.From)
				})
			})
		}
	}
}

// TestContextFollowsTheOpening checks that the context follows the opening of Open.
func TestContextFollowsTheOpening(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h := hosted(t)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second})
		h.open(t, "o1")
		asksWithContext(t, h)
		require.Equal(t, []string{"summary o1", "About a bill.", "customer: my bill"}, ann.Wait(t).Accept().Texts())
	})
}

// TestRefusedContextDoesNotStopTheTransfer checks that the host gets a notice and an agent
// joins.
func TestRefusedContextDoesNotStopTheTransfer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h := hosted(t)
		opens(t, h, org)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: http.StatusBadRequest})
		asksWithContext(t, h)
		require.Equal(t, []string{"opened"}, ann.Wait(t).Accept().Texts())
		pass(time.Minute)
		require.Len(t, h.noticed(handover.NoticeMessageFailed), 1)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
	})
}

// TestUnsentContextEndsTheSession checks that the session ends after two minutes, as for an
// opening.
func TestUnsentContextEndsTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h := newHost(t, org)
		opens(t, h, org)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: http.StatusServiceUnavailable, Times: -1})
		asksWithContext(t, h)
		h.says(t, "c1", "m1", "hurry", handover.TurnAgent)
		h.until(t, 1)
		require.Equal(t, []string{"back: failed [hurry]"}, h.lines())
		require.Empty(t, requests(org, "conversations.transferToQueue"))
	})
}

// TestContextOpensAnotherConversation checks that the context opens another conversation if the
// one in the bot queue ended unnoticed, and that the session continues there.
func TestContextOpensAnotherConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithThreadWindow(0))
		h := newHost(t, org)
		opens(t, h, org)
		s := h.session(t, "c1")
		org.Conversation("c1").Disconnect("inactivity")
		org.Inject(genesystest.Fault{Op: "conversations.get", Status: http.StatusServiceUnavailable})
		asksWithContext(t, h)
		h.says(t, "c1", "m1", "hurry", handover.TurnAgent)
		chat := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		require.Equal(t, []string{"About a bill.", "customer: my bill", "hurry"}, chat.Texts())
		require.Equal(t, s.ID, h.session(t, "c1").ID)
		require.NotEqual(t, s.ConversationID, h.session(t, "c1").ConversationID)
	})
}
