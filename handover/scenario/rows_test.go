package scenario_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestHandOverWhileEndingKeepsTheTurn checks that messages of the customer after a HandOver during
// the end are only for the next agent: the host gets no Return, and the agents have the turn all
// the time.
func TestHandOverWhileEndingKeepsTheTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h, _ := talking(t)
		pass(time.Minute)
		org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Delay: 5 * time.Second})
		h.end(t, "c1", handover.EndByCustomer)
		h.says(t, "c1", "m1", "before it", handover.TurnAgent)
		s := h.handOver(t, "c1", "r2")
		require.Equal(t, handover.StateRequested, s.State)
		require.Equal(t, s.ID, h.session(t, "c1").ID)
		h.says(t, "c1", "m2", "after it", handover.TurnAgent)
		for h.session(t, "c1").State != handover.StateAlerting {
			require.Equal(t, handover.TurnAgent, h.turn(t, "c1"))
			require.Equal(t, s.ID, h.session(t, "c1").ID)
			pass(100 * time.Millisecond)
		}
		chat := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		pass(time.Minute)
		require.Equal(t, []string{"summary r2", "before it", "after it"}, chat.Texts())
		require.Len(t, postsOf(t, org, "before it"), 1)
		require.Len(t, postsOf(t, org, "after it"), 1)
		require.Empty(t, h.lines())
		require.Equal(t, handover.EndByCustomer, h.noticed(handover.NoticeEnded)[0].Session.Ending.Reason)
		chat.End()
		h.until(t, 1)
		require.Equal(t, []string{"back: agent []"}, h.lines())
	})
}

// TestOpeningDoesNotWaitForAReturn checks that the opening is posted at once while the host refuses
// a Return, the customer continues to write and requests an agent. The agent gets every message in
// order.
func TestOpeningDoesNotWaitForAReturn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		returns func(context.Context, handover.Return) error
		words   time.Duration // until the agent has the messages
	}{
		"that is to be repeated": {func(context.Context, handover.Return) error { return errors.New("bot is down") }, time.Second},
		"that hangs": {func(ctx context.Context, _ handover.Return) error {
			<-ctx.Done()
			return ctx.Err()
		}, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann, h := hosted(t)
				h.returning(test.returns)
				chat := h.connected(t, "c1", ann)
				pass(time.Minute)
				chat.End()
				h.reaches(t, "c1", handover.StateEnded)
				h.says(t, "c1", "m1", "one", handover.TurnAgent)
				genesystest.Until(t, func() bool { return h.tries("back:") == 1 })
				pass(10 * time.Minute)
				tries := h.tries("back:")
				genesystest.Until(t, func() bool { return h.tries("back:") > tries })
				pass(time.Second)
				h.says(t, "c1", "m2", "two", handover.TurnAgent)
				h.says(t, "c1", "m3", "three", handover.TurnAgent)
				asked := time.Now()
				h.handOver(t, "c1", "r2")
				h.says(t, "c1", "m4", "four", handover.TurnAgent)
				genesystest.Until(t, func() bool { return len(postsOf(t, org, "summary r2")) > 0 })
				require.Less(t, time.Since(asked), time.Second)
				genesystest.Until(t, func() bool { return len(postsOf(t, org, "four")) > 0 })
				require.Less(t, time.Since(asked), test.words)
				next := ann.Wait(t).Accept()
				pass(time.Minute)
				texts := next.Texts()
				require.Equal(t, []string{"one", "two", "three", "four"}, texts[slices.Index(texts, "one"):])
				require.Empty(t, h.lines())
			})
		})
	}
}

// TestPostThatFailsAfterOpenIsReturnedAtOnce checks a POST that hangs at the end: the Return is
// performed without its message, and the host calls Open. When the POST fails, another Return
// contains the message at once, because the bot answers for it.
func TestPostThatFailsAfterOpenIsReturnedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		pass(time.Minute)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: 8 * time.Second, Status: http.StatusServiceUnavailable})
		began := time.Now()
		h.says(t, "c1", "m1", "hangs", handover.TurnAgent)
		pass(time.Second)
		chat.End()
		genesystest.Until(t, func() bool { return len(h.lines()) == 1 })
		require.Less(t, time.Since(began), 8*time.Second, "or the test looks at nothing")
		h.open(t, "o2")
		genesystest.Until(t, func() bool { return len(h.lines()) == 2 })
		require.Less(t, time.Since(began), 10*time.Second)
		pass(time.Minute)
		lines := h.lines()
		require.Len(t, lines, 2)
		require.Equal(t, "back: agent []", lines[0])
		require.Contains(t, []string{"back: agent [hangs]", "back: agent [hangs(sent)]"}, lines[1])
		require.Equal(t, handover.StateBot, h.session(t, "c1").State)
		require.Len(t, postsOf(t, org, "hangs"), 1, "nothing is sent while the bot answers")
		require.Len(t, postsOf(t, org, "summary o2"), 1)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}

// TestOpeningWaitsForTheDisconnect checks the opening of a session that began while another one was
// ending. It would join the conversation that is being closed, so it waits until that is closed or
// Genesys refuses to close it, 30 s at most.
func TestOpeningWaitsForTheDisconnect(t *testing.T) {
	t.Parallel()
	const one, other = "conversations.disconnectCommunication", "conversations.disconnect"
	for name, test := range map[string]struct {
		faults      []genesystest.Fault
		least, most time.Duration
		closed      bool
	}{
		"that succeeds":   {nil, 0, 2 * time.Second, true},
		"that is slow":    {[]genesystest.Fault{{Op: one, Delay: 5 * time.Second}}, 5 * time.Second, 7 * time.Second, true},
		"that is refused": {[]genesystest.Fault{{Op: one, Status: 403, Times: -1}, {Op: other, Status: 403, Times: -1}}, 0, 30 * time.Second, false},
		"that fails": {
			[]genesystest.Fault{{Op: one, Status: 503, Times: -1}, {Op: other, Status: 503, Times: -1}},
			29 * time.Second, 31 * time.Second, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann, h, chat := talking(t)
				pass(time.Minute)
				for _, f := range test.faults {
					org.Inject(f)
				}
				asked := time.Now()
				h.end(t, "c1", handover.EndByCustomer)
				s := h.handOver(t, "c1", "r2")
				genesystest.Until(t, func() bool { return len(postsOf(t, org, "summary r2")) > 0 })
				waited := postsOf(t, org, "summary r2")[0].At.Sub(asked)
				require.GreaterOrEqual(t, waited, test.least)
				require.LessOrEqual(t, waited, test.most)
				require.Equal(t, test.closed, !chat.Active())
				require.Equal(t, s.ID, h.session(t, "c1").ID)
				if test.closed {
					next := ann.Wait(t).Accept()
					h.reaches(t, "c1", handover.StateConnected)
					pass(2 * time.Minute)
					require.True(t, next.Active(), "what was to be closed is another conversation")
				}
			})
		})
	}
}
