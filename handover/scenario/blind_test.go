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

// blindly routes by flow in an organisation that forbids reads of conversations.
func blindly(t *testing.T) *genesystest.Org {
	t.Helper()
	org := genesystest.New(t, genesystest.WithFlow(func(genesystest.Arrival) string { return "Support" }))
	org.Inject(genesystest.Fault{Op: "conversations.get", Status: http.StatusForbidden, Times: -1})
	return org
}

func byFlow(c *handover.Config) { c.Channel.Routing = handover.RouteByFlow }

// TestEndedEndsABlindSession checks that without reads a signal of the end ends the session, once,
// on any replica. A signal of any other change does not.
func TestEndedEndsABlindSession(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := blindly(t)
				ann := org.Agent("Ann", "Support")
				a, next := succession(t, org, c, byFlow)
				a.handOver(t, "c1", "r1")
				chat := ann.Wait(t).Accept()
				chat.Say("Hello!")
				a.reaches(t, "c1", handover.StateConnected)
				a.says(t, "c1", "m1", "one", handover.TurnAgent)
				pass(time.Minute)
				id := chat.Conversation().ID()
				require.NoError(t, a.desk.Recheck(t.Context(), id))
				pass(10 * time.Minute)
				require.Equal(t, handover.StateConnected, a.session(t, "c1").State)
				b := next()
				chat.End()
				pass(10 * time.Minute)
				require.Equal(t, handover.StateConnected, b.session(t, "c1").State, "the end cannot be detected")
				require.NoError(t, b.desk.Ended(t.Context(), "", id, time.Time{}))
				require.NoError(t, b.desk.Ended(t.Context(), "", id, time.Time{}))
				require.NoError(t, a.desk.Ended(t.Context(), "", id, time.Time{}))
				pass(time.Minute)
				s := b.session(t, "c1")
				require.Equal(t, handover.EndByGenesys, s.Ending.Reason, "it does not name the side")
				require.Equal(t, handover.CodeSignalled, s.Ending.Code)
				require.Equal(t, handover.TurnBot, b.turn(t, "c1"))
				require.Equal(t, []string{"agent: Hello!", "back: genesys [one(sent)]"}, both(a, b), "no read shows whether she read it")
			})
		})
	}
}

// TestStoredEndTakesEffectInTheNextProcess checks that a signal that was stored by a process
// that stops at once takes effect in the next process.
func TestStoredEndTakesEffectInTheNextProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := blindly(t)
		a, next := succession(t, org, change{during: time.Hour}, byFlow)
		a.handOver(t, "c1", "r1")
		a.says(t, "c1", "m1", "one", handover.TurnAgent)
		pass(time.Minute)
		require.NoError(t, a.desk.Ended(t.Context(), "", org.Conversation("c1").ID(), time.Now()))
		b := next()
		pass(time.Minute)
		require.Equal(t, []string{"back: genesys [one(sent)]"}, both(a, b))
		require.NotContains(t, append(a.kinds(), b.kinds()...), string(handover.NoticeAgentJoined))
	})
}

// TestTimersEndABlindSession checks that timers end a session without a read.
func TestTimersEndABlindSession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		timers handover.Timers
		speaks bool
		want   handover.EndReason
	}{
		"no agent":      {handover.Timers{NoAgent: 10 * time.Minute}, false, handover.EndNoAgent},
		"customer idle": {handover.Timers{CustomerIdle: 10 * time.Minute}, true, handover.EndCustomerIdle},
		"maximum":       {handover.Timers{Max: 10 * time.Minute}, true, handover.EndMaxDuration},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := blindly(t)
				ann := org.Agent("Ann", "Support")
				h := newHost(t, org, byFlow, timed(c.timers))
				s := h.handOver(t, "c1", "r1")
				chat := ann.Wait(t).Accept()
				if c.speaks {
					chat.Say("Hello!")
				}
				h.endsAt(t, "c1", c.want, s.Started.Add(10*time.Minute))
				h.until(t, 1)
				lines := h.lines()
				require.Equal(t, "back: "+string(c.want)+" []", lines[len(lines)-1])
			})
		})
	}
}

// TestSessionBecomesBlindAndReadsAgain checks that a session becomes blind when the permission
// to read is removed, and reads again when it is granted.
func TestSessionBecomesBlindAndReadsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t)
		pass(time.Minute)
		org.Inject(genesystest.Fault{Op: "conversations.get", Status: http.StatusForbidden, Times: -1})
		pass(10 * time.Minute)
		require.Len(t, h.noticed(handover.NoticeConnectionLost), 1)
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		chat.Say("two")
		h.until(t, 1)
		require.Contains(t, chat.Texts(), "one")
		chat.End()
		pass(10 * time.Minute)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		org.ClearFaults()
		h.until(t, 2)
		require.Equal(t, handover.EndByAgent, h.session(t, "c1").Ending.Reason)
	})
}
