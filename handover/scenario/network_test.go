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

// TestExpiredTokenIsReplaced checks that repeated expiry of the token has no effect on a
// conversation.
func TestExpiredTokenIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithTokenLifetime(90*time.Second))
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		want := []string{"summary r-c1"}
		for i := range 10 {
			text := fmt.Sprint("m", i)
			h.says(t, "c1", text, text, handover.TurnAgent)
			want = append(want, text)
			pass(time.Minute)
		}
		chat.Say("done")
		h.until(t, 1)
		require.Equal(t, want, agentReads(chat.Conversation()))
		require.Greater(t, len(requests(org, "oauth.token")), 5)
	})
}

// TestRejectedTokenIsReplaced checks that a 401 replaces the token, and that the message is
// sent again with the same id.
func TestRejectedTokenIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: http.StatusUnauthorized})
		h.says(t, "c1", "m1", "hello", handover.TurnAgent)
		pass(time.Minute)
		require.Equal(t, []string{"summary r-c1", "hello"}, agentReads(chat.Conversation()))
		tries := postsOf(t, org, "hello")
		require.Len(t, tries, 2)
		require.Equal(t, tries[0].Channel, tries[1].Channel)
		require.Len(t, requests(org, "oauth.token"), 2)
	})
}

// TestRateLimitKeepsTheOrder checks that a 429 in a burst keeps the order, loses and repeats
// nothing, and that no request is sent before Retry-After + 1 s.
func TestRateLimitKeepsTheOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		want := []string{"summary r-c1"}
		for i := range 8 {
			if i == 3 {
				org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: http.StatusTooManyRequests, RetryAfter: 20 * time.Second})
			}
			text := fmt.Sprint("m", i)
			h.says(t, "c1", text, text, handover.TurnAgent)
			want = append(want, text)
			if i < 3 {
				genesystest.Until(t, func() bool { return len(postsOf(t, org, text)) == 1 })
			}
		}
		pass(2 * time.Minute)
		require.Equal(t, want, agentReads(chat.Conversation()))
		limited := postsOf(t, org, "m3")
		require.Len(t, limited, 2)
		require.Equal(t, http.StatusTooManyRequests, limited[0].Status)
		require.Equal(t, limited[0].Channel, limited[1].Channel)
		for _, r := range org.Requests() {
			if r.Time.After(limited[0].At) {
				require.GreaterOrEqual(t, r.Time.Sub(limited[0].At), 21*time.Second, "%s before Retry-After", r.Op)
			}
		}
	})
}

// TestServerErrorRepeatsTheSameID checks that a 5xx after the effect leads to a repeat with the
// same messageId and time. If Genesys does not drop it, the agent reads the message twice.
func TestServerErrorRepeatsTheSameID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault genesystest.Fault
	}{
		{"500", genesystest.Fault{Op: "openmessaging.send", Status: http.StatusInternalServerError, After: true}},
		{"504", genesystest.Fault{Op: "openmessaging.send", Status: http.StatusGatewayTimeout, After: true}},
		{"connection dropped", genesystest.Fault{Op: "openmessaging.send", Drop: true, After: true}},
		{"no answer in time", genesystest.Fault{Op: "openmessaging.send", Delay: time.Minute, After: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t, genesystest.WithDeduplication())
				h := newHost(t, org)
				chat := h.connected(t, "c1", ann)
				org.Inject(c.fault)
				h.says(t, "c1", "m1", "hello", handover.TurnAgent)
				h.says(t, "c1", "m2", "again", handover.TurnAgent)
				pass(2 * time.Minute)
				tries := postsOf(t, org, "hello")
				require.Len(t, tries, 2)
				require.Equal(t, tries[0].Channel, tries[1].Channel)
				require.NotEmpty(t, tries[0].Channel.MessageID)
				require.Equal(t, []string{"summary r-c1", "hello", "again"}, agentReads(chat.Conversation()))
				require.Empty(t, h.lines())
			})
		})
	}
}

// TestRefusedConnectionCausesNoDuplicate checks that a refused connection causes no duplicate
// and keeps the order.
func TestRefusedConnectionCausesNoDuplicate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		org.Inject(genesystest.Fault{Drop: true, Times: -1})
		for _, text := range []string{"one", "two", "three"} {
			h.says(t, "c1", text, text, handover.TurnAgent)
		}
		pass(5 * time.Minute)
		require.Equal(t, []string{"summary r-c1"}, agentReads(chat.Conversation()))
		org.ClearFaults()
		pass(2 * time.Minute)
		require.Equal(t, []string{"summary r-c1", "one", "two", "three"}, agentReads(chat.Conversation()))
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		require.Empty(t, h.lines())
	})
}

// TestOutageFailsTheSession checks that a session fails if no message was accepted for 15
// minutes, and that all messages are returned in order, once.
func TestOutageFailsTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, _ := talking(t)
		org.Inject(genesystest.Fault{Drop: true, Times: -1})
		for _, text := range []string{"one", "two", "three"} {
			h.says(t, "c1", text, text, handover.TurnAgent)
		}
		pass(30 * time.Minute)
		require.Equal(t, []string{"back: failed [one two three]"}, h.lines())
		s := h.session(t, "c1")
		require.Equal(t, handover.EndFailed, s.Ending.Reason)
		require.Equal(t, handover.CodeNoAnswer, s.Ending.Code)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}

// TestRefusedMessageBlocksNoOthers checks that a message that Genesys refuses does not block
// others, is reported by a notice, and is returned with the reason.
func TestRefusedMessageBlocksNoOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: http.StatusBadRequest})
		h.says(t, "c1", "m1", "bad", handover.TurnAgent)
		h.says(t, "c1", "m2", "good", handover.TurnAgent)
		pass(time.Minute)
		require.Equal(t, []string{"summary r-c1", "good"}, agentReads(chat.Conversation()))
		failed := h.noticed(handover.NoticeMessageFailed)
		require.Len(t, failed, 1)
		require.Equal(t, "m1", failed[0].MessageID)
		chat.End()
		h.until(t, 1)
		require.Equal(t, []string{"back: agent [bad(refused)]"}, h.lines())
		require.Len(t, postsOf(t, org, "bad"), 1)
	})
}
