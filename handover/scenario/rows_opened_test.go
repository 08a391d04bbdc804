package scenario_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestHandOverOfAnOpenedConversationThatEnded checks a HandOver after the conversation of an Open
// has ended without a signal. A read shows the end before Genesys accepts the context. The context
// opens a conversation again, and the session continues there: the customer is not returned to the
// bot.
func TestHandOverOfAnOpenedConversationThatEnded(t *testing.T) {
	t.Parallel()
	for name, window := range map[string]time.Duration{"revived": 72 * time.Hour, "in another conversation": 0} {
		for fault, send := range map[string]genesystest.Fault{
			"slow":      {Op: "openmessaging.send", Delay: 4 * time.Second},
			"limited":   {Op: "openmessaging.send", Status: http.StatusTooManyRequests, RetryAfter: 20 * time.Second},
			"failing":   {Op: "openmessaging.send", Status: http.StatusServiceUnavailable, Times: 3},
			"ambiguous": {Op: "openmessaging.send", Status: http.StatusBadGateway, After: true},
		} {
			t.Run(name+", "+fault, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					org, ann := staffed(t, genesystest.WithThreadWindow(window), genesystest.WithDeduplication())
					h := newHost(t, org)
					opens(t, h, org)
					opened := h.session(t, "c1")
					pass(time.Hour)
					org.Conversation("c1").Disconnect("inactivity")
					pass(time.Minute)
					org.Inject(send)
					asksWithContext(t, h)
					h.says(t, "c1", "m1", "hurry", handover.TurnAgent)
					chat := ann.Wait(t).Accept()
					h.reaches(t, "c1", handover.StateConnected)
					pass(time.Minute)
					require.Equal(t, opened.ID, h.session(t, "c1").ID)
					require.Equal(t, chat.Conversation().ID(), h.session(t, "c1").ConversationID)
					require.Equal(t, window == 0, opened.ConversationID != chat.Conversation().ID())
					texts := chat.Texts()
					require.Equal(t, []string{"About a bill.", "customer: my bill", "hurry"}, texts[len(texts)-3:])
					require.Empty(t, h.lines())
					chat.End()
					h.until(t, 1)
					require.Equal(t, []string{"back: agent []"}, h.lines())
				})
			})
		}
	}
}

// TestOpenedConversationIsOpenedAgainOnce checks that the session ends and its words are returned,
// if the conversation that the context opened again is also over before an agent could join.
func TestOpenedConversationIsOpenedAgainOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithThreadWindow(0))
		h := newHost(t, org)
		opens(t, h, org)
		org.Conversation("c1").Disconnect("inactivity")
		pass(time.Minute)
		asksWithContext(t, h)
		genesystest.Until(t, func() bool { return len(org.Conversations()) == 2 })
		org.Inject(genesystest.Fault{Op: "conversations.transferToQueue", Status: http.StatusServiceUnavailable, Times: -1})
		h.says(t, "c1", "m1", "hurry", handover.TurnAgent)
		pass(10 * time.Second)
		org.Conversation("c1").Disconnect("inactivity")
		h.until(t, 1)
		require.Equal(t, []string{"back: genesys [hurry(sent)]"}, h.lines())
		require.Len(t, org.Conversations(), 2)
	})
}
