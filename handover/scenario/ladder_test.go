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

const customerLeft = "The customer has left the chat."

// A rung is a way to end a conversation, and the result if Genesys refuses it.
type rung struct {
	refused  []string // operations
	granted  []string // permissions in addition to those of the setup page
	text     string   // LeftText
	code     string
	gone     bool // no agent can open the conversation any more
	patches  int  // of the whole conversation
	withText bool // the agent reads LeftText
	notices  []string
}

func rungs() map[string]rung {
	communication := "conversations.disconnectCommunication"
	whole := []string{"conversation:communication:disconnect"}
	once := []string{"ending", "ended", "returned"}
	return map[string]rung{
		"the customer's communication": {gone: true, text: customerLeft, notices: once},
		"the conversation":             {refused: []string{communication}, granted: whole, gone: true, patches: 1, text: customerLeft, notices: once},
		"a text to the agent":          {refused: []string{communication}, text: customerLeft, code: handover.CodeNotDisconnected, patches: 1, withText: true, notices: once},
		"nothing":                      {refused: []string{communication}, code: handover.CodeNotDisconnected, patches: 2, notices: append(once, "connectionLost")},
	}
}

// climb runs an end by the customer in one state with each rung. enter brings c1 into the state.
// open is an agent who opens the conversation if it still exists.
func climb(t *testing.T, state handover.State, enter func(*testing.T, *host, *genesystest.Agent) *genesystest.Offer) {
	t.Helper()
	for name, r := range rungs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t, genesystest.WithPermissions(append(genesystest.GuidePermissions(), r.granted...)...))
				h := newHost(t, org, func(c *handover.Config) { c.Channel.LeftText = r.text })
				for _, op := range r.refused {
					org.Inject(genesystest.Fault{Op: op, Status: http.StatusForbidden, Times: -1})
				}
				offer := enter(t, h, ann)
				require.Equal(t, state, h.session(t, "c1").State)
				asked := time.Now()
				h.end(t, "c1", handover.EndByCustomer)
				require.Equal(t, handover.TurnAgent, h.turn(t, "c1"), "the bot waits for the Return")
				h.until(t, 1)
				require.Equal(t, []string{"back: customer []"}, h.lines())
				require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
				ending := h.session(t, "c1").Ending
				require.Equal(t, handover.EndByCustomer, ending.Reason)
				require.Equal(t, r.code, ending.Code)
				require.LessOrEqual(t, ending.Time.Sub(asked), 10*time.Second)
				require.Len(t, requests(org, "conversations.disconnect"), r.patches)
				require.Equal(t, r.notices, h.kinds()[slices.Index(h.kinds(), "ending"):])
				r.look(t, org, ann, offer)
				require.Equal(t, []string{"back: customer []"}, h.lines(), "an empty conversation that is closed needs no notice")
			})
		})
	}
}

// look checks the result for an agent who tries to open the conversation.
func (r rung) look(t *testing.T, org *genesystest.Org, ann *genesystest.Agent, offer *genesystest.Offer) {
	t.Helper()
	chat := org.Conversation("c1")
	ann.GoOnQueue()
	pass(time.Minute)
	if r.gone {
		require.Equal(t, "ended", chat.Phase())
		require.Zero(t, org.Queue("Support").Waiting()+org.Queue("Bot").Waiting())
		require.Nil(t, ringing(t, ann))
		require.False(t, offer != nil && offer.Ringing())
		require.NotContains(t, agentReads(chat), customerLeft)
		return
	}
	require.NotEqual(t, "ended", chat.Phase(), "the conversation could not be ended")
	require.Equal(t, r.withText, slices.Contains(agentReads(chat), customerLeft))
	if offer != nil && offer.Ringing() {
		offer.Accept().End()
	} else if o := ringing(t, ann); o != nil {
		o.Accept().End()
	}
	pass(time.Minute)
}

func TestEndLadderConnected(t *testing.T) {
	t.Parallel()
	climb(t, handover.StateConnected, func(t *testing.T, h *host, ann *genesystest.Agent) *genesystest.Offer {
		t.Helper()
		h.connected(t, "c1", ann)
		pass(time.Minute)
		return nil
	})
}

func TestEndLadderAlerting(t *testing.T) {
	t.Parallel()
	climb(t, handover.StateAlerting, func(t *testing.T, h *host, ann *genesystest.Agent) *genesystest.Offer {
		t.Helper()
		h.handOver(t, "c1", "r1")
		offer := ann.Wait(t)
		h.reaches(t, "c1", handover.StateAlerting)
		return offer
	})
}

func TestEndLadderQueued(t *testing.T) {
	t.Parallel()
	climb(t, handover.StateQueued, func(t *testing.T, h *host, ann *genesystest.Agent) *genesystest.Offer {
		t.Helper()
		ann.GoOffQueue()
		h.handOver(t, "c1", "r1")
		h.reaches(t, "c1", handover.StateQueued)
		pass(time.Minute)
		return nil
	})
}

// TestEndLadderRequested ends between the opening and the transfer, in the bot queue.
func TestEndLadderRequested(t *testing.T) {
	t.Parallel()
	climb(t, handover.StateRequested, func(t *testing.T, h *host, _ *genesystest.Agent) *genesystest.Offer {
		t.Helper()
		h.handOver(t, "c1", "r1")
		pass(250 * time.Millisecond)
		return nil
	})
}

// TestEndOfAnOpenLeavesTheBotQueue checks that a conversation of Open leaves the bot queue,
// without a Return.
func TestEndOfAnOpenLeavesTheBotQueue(t *testing.T) {
	t.Parallel()
	for name, r := range rungs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, genesystest.WithPermissions(append(genesystest.GuidePermissions(), r.granted...)...))
				h := newHost(t, org, func(c *handover.Config) { c.Channel.LeftText = r.text })
				for _, op := range r.refused {
					org.Inject(genesystest.Fault{Op: op, Status: http.StatusForbidden, Times: -1})
				}
				h.open(t, "o1")
				pass(time.Minute)
				h.end(t, "c1", handover.EndByCustomer)
				pass(10 * time.Second)
				s := h.session(t, "c1")
				require.Equal(t, handover.StateEnded, s.State)
				require.Empty(t, s.Ending.Code, "it ended at once")
				require.Empty(t, h.lines())
				require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
				require.Equal(t, r.gone, org.Conversation("c1").Phase() == "ended")
				require.Equal(t, r.gone, org.Queue("Bot").Waiting() == 0)
			})
		})
	}
}

// TestEndIsRetriedUntilConfirmed checks that both ways to end are retried while Genesys fails,
// and that a read confirms the end.
func TestEndIsRetriedUntilConfirmed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, _, h, chat := talking(t, func(c *handover.Config) { c.Channel.LeftText = customerLeft })
				pass(time.Minute)
				org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Status: status, Times: 3})
				h.end(t, "c1", handover.EndByCustomer)
				h.until(t, 1)
				require.Equal(t, handover.Ending{Reason: handover.EndByCustomer, Time: h.session(t, "c1").Ending.Time}, h.session(t, "c1").Ending)
				require.False(t, chat.Active())
				require.NotContains(t, chat.Texts(), customerLeft)
			})
		})
	}
}

// TestUnconfirmedEndReturnsToTheBot checks that the bot gets the turn after a limit, and that
// the conversation is closed when Genesys works again.
func TestUnconfirmedEndReturnsToTheBot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		pass(time.Minute)
		org.Inject(genesystest.Fault{Status: http.StatusTooManyRequests, RetryAfter: 2 * time.Minute, Times: -1})
		asked := time.Now()
		h.end(t, "c1", handover.EndByCustomer)
		genesystest.Until(t, func() bool { return len(h.lines()) == 1 })
		require.LessOrEqual(t, time.Since(asked), 45*time.Second)
		require.Equal(t, []string{"back: customer []"}, h.lines())
		require.Equal(t, handover.CodeNotDisconnected, h.session(t, "c1").Ending.Code)
		require.True(t, chat.Active())
		org.ClearFaults()
		genesystest.Until(t, func() bool { return !chat.Active() })
		require.LessOrEqual(t, time.Since(asked), 5*time.Minute)
	})
}
