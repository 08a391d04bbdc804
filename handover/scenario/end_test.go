package scenario_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestFourPermissionsSufficeForAnEnd checks a whole handover and its end with exactly the four
// permissions of the setup page.
func TestFourPermissionsSufficeForAnEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithPermissions(genesystest.GuidePermissions()...))
		h := newHost(t, org)
		chat := h.connected(t, "c1", ann)
		h.says(t, "c1", "m1", "bye", handover.TurnAgent)
		h.end(t, "c1", handover.EndByCustomer)
		h.until(t, 1)
		require.Equal(t, []string{"summary r-c1", "bye"}, agentReads(chat.Conversation()), "sent before the end")
		require.Equal(t, []string{"back: customer []"}, h.lines())
		require.Equal(t, "ended", chat.Conversation().Phase())
		require.False(t, chat.Active())
		s := h.session(t, "c1")
		require.Equal(t, handover.Ending{Reason: handover.EndByCustomer, Time: s.Ending.Time}, s.Ending)
		for _, r := range org.Requests() {
			require.NotEqual(t, http.StatusForbidden, r.Status, r.Op)
		}
	})
}

// TestEndWithoutPermissionSendsLeftText checks the end if no way to disconnect is permitted. The
// agent gets LeftText if it is set. The session ends for the host and reports that the conversation
// remains open.
func TestEndWithoutPermissionSendsLeftText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "The customer has left the chat."} {
		t.Run("LeftText "+text, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, _, h, chat := talking(t, func(c *handover.Config) { c.Channel.LeftText = text })
				org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Status: http.StatusForbidden, Times: -1})
				h.end(t, "c1", handover.EndByCustomer)
				h.until(t, 1)
				require.Equal(t, []string{"back: customer []"}, h.lines())
				s := h.session(t, "c1")
				require.Equal(t, handover.EndByCustomer, s.Ending.Reason)
				require.Equal(t, handover.CodeNotDisconnected, s.Ending.Code)
				require.True(t, chat.Active())
				require.Equal(t, text != "", slices.Contains(chat.Texts(), text))
				// The agent writes on. The message is delivered, and the bot must not answer.
				chat.Say("Are you there?")
				h.until(t, 2)
				require.Equal(t, "agent: Are you there? (late)", h.lines()[1])
				require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
			})
		})
	}
}

// TestEndInTheQueueReachesNoAgent checks that no agent gets an empty conversation.
func TestEndInTheQueueReachesNoAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h := newHost(t, org)
		h.handOver(t, "c1", "r1")
		h.reaches(t, "c1", handover.StateQueued)
		h.end(t, "c1", handover.EndByCustomer)
		h.until(t, 1)
		require.Equal(t, []string{"back: customer []"}, h.lines())
		require.Zero(t, org.Queue("Support").Waiting())
		require.Equal(t, "ended", org.Conversation("c1").Phase())
	})
}

// TestEndWithdrawsTheOffer checks that the offer to the agent is withdrawn.
func TestEndWithdrawsTheOffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h := hosted(t)
		h.handOver(t, "kim", "r1")
		offer := ann.Wait(t)
		h.end(t, "kim", handover.EndByBot)
		h.until(t, 1)
		require.Equal(t, []string{"back: bot []"}, h.lines())
		require.False(t, offer.Ringing())
	})
}

// TestEndPreventsTheTransfer checks that an end between the opening and the transfer prevents
// the transfer.
func TestEndPreventsTheTransfer(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann, h := hosted(t)
				h.handOver(t, "c1", "r1")
				pass(after)
				h.end(t, "c1", handover.EndByCustomer)
				h.until(t, 1)
				require.Equal(t, []string{"back: customer []"}, h.lines())
				pass(5 * time.Second) // until a leg names the customer's communication, a disconnect is refused
				require.Equal(t, "ended", org.Conversation("c1").Phase())
				ann.GoOffQueue()
				require.Zero(t, org.Queue("Support").Waiting()+org.Queue("Bot").Waiting())
			})
		})
	}
}

// TestEndBeforeTheOpeningSendsNothing checks that nothing is sent to Genesys and the messages
// are returned.
func TestEndBeforeTheOpeningSendsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h := buildHost(t, org)
		h.handOver(t, "c1", "r1")
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		h.end(t, "c1", handover.EndByCustomer)
		require.Equal(t, handover.StateEnded, h.session(t, "c1").State)
		require.Equal(t, handover.TurnAgent, h.turn(t, "c1"), "until the Return begins")
		h.run(t.Context())
		h.until(t, 1)
		require.Equal(t, []string{"back: customer [one]"}, h.lines())
		require.Empty(t, posts(t, org))
		require.Empty(t, requests(org, "conversations.get"))
	})
}

// TestEndDuringTheOpeningClosesIt checks that the conversation that a running request opens is
// closed.
func TestEndDuringTheOpeningClosesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h := newHost(t, org)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: 3 * time.Second, After: true})
		h.handOver(t, "c1", "r1")
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		pass(time.Second)
		h.end(t, "c1", handover.EndByCustomer)
		h.until(t, 1)
		pass(time.Minute)
		require.Equal(t, "ended", org.Conversation("c1").Phase())
		require.Len(t, h.returned(), 1)
		require.Zero(t, org.Queue("Support").Waiting()+org.Queue("Bot").Waiting())
		require.Equal(t, "m1", h.returned()[0].Unanswered[0].ID, "no agent ever read it")
	})
}

// TestEndWaitsTenSecondsForMessages checks that the end waits at most 10 s for messages, and
// that the rest is returned in order, once.
func TestEndWaitsTenSecondsForMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Status: http.StatusTooManyRequests, RetryAfter: time.Minute})
		for _, text := range []string{"one", "two", "three"} {
			h.says(t, "c1", text, text, handover.TurnAgent)
		}
		pass(time.Second)
		asked := time.Now()
		h.end(t, "c1", handover.EndByCustomer)
		h.says(t, "c1", "four", "four", handover.TurnAgent)
		genesystest.Until(t, func() bool { return len(h.lines()) >= 1 })
		require.Less(t, time.Since(asked), 90*time.Second)
		pass(2 * time.Minute)
		require.Equal(t, []string{"back: customer [one two three four]"}, h.lines())
		require.Equal(t, []string{"summary r-c1"}, agentReads(chat.Conversation()))
		require.Equal(t, "ended", chat.Conversation().Phase())
	})
}

// TestEndSendsWaitingMessages checks that messages that can be sent within 10 s are sent.
func TestEndSendsWaitingMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: time.Second, Times: 3})
		for _, text := range []string{"one", "two", "three"} {
			h.says(t, "c1", text, text, handover.TurnAgent)
		}
		h.end(t, "c1", handover.EndByCustomer)
		h.until(t, 1)
		require.Equal(t, []string{"summary r-c1", "one", "two", "three"}, agentReads(chat.Conversation()))
		require.Equal(t, []string{"back: customer []"}, h.lines())
	})
}

// TestGenesysEndsTheSession checks ends by an administrator and by inactivity.
func TestGenesysEndsTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, h, chat := talking(t)
		chat.Conversation().Disconnect("inactivity")
		h.until(t, 1)
		require.Equal(t, []string{"back: genesys []"}, h.lines())
		require.Equal(t, "inactivity", h.session(t, "c1").Ending.Code)
	})
}

// TestSessionEndsDuringAfterCallWork checks that the session ends while the agent still does
// after-call work.
func TestSessionEndsDuringAfterCallWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithWrapup(time.Hour))
		h := newHost(t, org)
		org.Signal(h.desk.Recheck)
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		chat.End()
		genesystest.Until(t, func() bool { return len(h.lines()) == 1 })
		require.Equal(t, []string{"back: agent []"}, h.lines())
		require.Equal(t, "wrapup", chat.Conversation().Phase())
	})
}
