package scenario_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestTimerReadsFirst checks that a timer detects an agent who answered or ended since the last
// poll.
func TestTimerReadsFirst(t *testing.T) {
	t.Parallel()
	once := genesystest.Fault{Op: "conversations.get", Status: http.StatusServiceUnavailable, Times: 2}
	for name, faults := range map[string][]genesystest.Fault{"": nil, "although the first read fails": {once}} {
		t.Run("an agent has just joined "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann, h := hosted(t, timed(handover.Timers{NoAgent: 10 * time.Minute}))
				h.handOver(t, "c1", "r1")
				offer := ann.Wait(t)
				pass(10*time.Minute - time.Second)
				chat := offer.Accept()
				for _, f := range faults {
					org.Inject(f)
				}
				pass(time.Minute)
				require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
				require.True(t, chat.Active())
				require.Empty(t, h.noticed(handover.NoticeEnding))
				chat.Say("Here I am")
				h.until(t, 1)
				require.Equal(t, []string{"agent: Here I am"}, h.lines())
			})
		})
		t.Run("an agent has just ended "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, _, h, chat := talking(t, timed(handover.Timers{AgentIdle: 10 * time.Minute}))
				h.says(t, "c1", "m1", "one", handover.TurnAgent)
				pass(10*time.Minute - time.Second)
				chat.End()
				for _, f := range faults {
					org.Inject(f)
				}
				h.until(t, 1)
				require.Equal(t, []string{"back: agent []"}, h.lines())
			})
		})
	}
}

// TestTimerWaitsForTheSecondRead checks that an end soon after a write from this side, which
// needs a second read, is still reported as the agent's.
func TestTimerWaitsForTheSecondRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, h, chat := talking(t, timed(handover.Timers{Max: 10 * time.Minute}))
		pass(time.Until(h.session(t, "c1").Started.Add(10*time.Minute - 3*time.Second)))
		h.says(t, "c1", "m1", "thanks", handover.TurnAgent)
		pass(2 * time.Second)
		chat.End()
		h.until(t, 1)
		require.Equal(t, "back: agent []", h.lines()[0])
	})
}

// TestTimerWaitsForALateWebhook checks that a timer waits for an agent's message that a read
// lists before its webhook arrives.
func TestTimerWaitsForALateWebhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t, timed(handover.Timers{AgentIdle: 10 * time.Minute}))
		chat.Say("Hello")
		pass(time.Minute)
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		pass(10*time.Minute - 2*time.Second)
		org.WebhooksDown(true)
		chat.Say("I have it")
		pass(6 * time.Second)
		org.WebhooksDown(false)
		reads := len(requests(org, "conversations.get"))
		h.until(t, 2)
		require.Equal(t, []string{"agent: Hello", "agent: I have it"}, h.lines())
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		require.True(t, chat.Active())
		require.Less(t, len(requests(org, "conversations.get"))-reads, 20)
	})
}

// TestTimerWaitsTenSecondsForARead checks that a timer waits at most 10 s for a read that fails
// or is late.
func TestTimerWaitsTenSecondsForARead(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]genesystest.Fault{
		"down":         {Op: "conversations.get", Status: http.StatusServiceUnavailable},
		"no answer":    {Op: "conversations.get", Delay: time.Hour},
		"refused":      {Op: "conversations.get", Drop: true},
		"forbidden":    {Op: "conversations.get", Status: http.StatusForbidden},
		"rate limited": {Op: "conversations.get", Status: http.StatusTooManyRequests, RetryAfter: time.Hour},
		"all is down":  {Status: http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				h := newHost(t, org, timed(handover.Timers{NoAgent: 10 * time.Minute}))
				s := h.handOver(t, "c1", "r1")
				h.reaches(t, "c1", handover.StateQueued)
				pass(time.Minute)
				fault.Times = -1
				org.Inject(fault)
				pass(time.Until(s.Started.Add(10*time.Minute - time.Second)))
				require.Equal(t, handover.StateQueued, h.session(t, "c1").State)
				h.reaches(t, "c1", handover.StateEnded)
				ending := h.noticed(handover.NoticeEnding)
				require.Len(t, ending, 1)
				late := ending[0].Time.Sub(s.Started.Add(10 * time.Minute))
				require.GreaterOrEqual(t, late, time.Duration(0))
				require.LessOrEqual(t, late, 15*time.Second, "10 s, and a read that was under way")
				h.until(t, 1)
				require.Equal(t, []string{"back: noAgent []"}, h.lines())
				require.LessOrEqual(t, time.Since(s.Started), 13*time.Minute)
			})
		})
	}
}

// TestTimerReadsBeyondThePollShare checks that a timer reads before it ends a session even if
// polls have used up their share.
func TestTimerReadsBeyondThePollShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithRateLimit(60))
		ann, cleo := org.Agent("Ann", "Support"), org.Agent("Cleo", "Billing")
		h := newHost(t, org)
		h.connected(t, "busy", ann)
		s, err := h.desk.HandOver(t.Context(), handover.Customer("c1"), handover.Request{
			ID: "r1", Queue: "Billing", Summary: "s", Timers: handover.Timers{NoAgent: 10 * time.Minute},
		})
		require.NoError(t, err)
		offer := cleo.Wait(t)
		pass(time.Until(s.Started.Add(10*time.Minute - 2*time.Minute)))
		var chat *genesystest.Desk
		for i := range 80 {
			if i == 58 {
				chat = offer.Accept()
			}
			h.says(t, "busy", fmt.Sprint("m", i), fmt.Sprint("m", i), handover.TurnAgent)
			pass(2 * time.Second)
		}
		pass(time.Minute)
		require.True(t, chat.Active())
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
	})
}

// TestTimerEndSendsWaitingMessages checks that the end sends waiting messages for at most 10 s
// and returns the rest.
func TestTimerEndSendsWaitingMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t, timed(handover.Timers{AgentIdle: 5 * time.Minute}))
		h.says(t, "c1", "m0", "heard", handover.TurnAgent)
		genesystest.Until(t, func() bool { return slices.Contains(chat.Texts(), "heard") })
		began := time.Now()
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Drop: true, Times: -1})
		for i := range 3 {
			pass(time.Minute)
			h.says(t, "c1", fmt.Sprint("m", i+1), fmt.Sprint("stuck", i), handover.TurnAgent)
		}
		h.endsAt(t, "c1", handover.EndAgentIdle, began.Add(8*time.Minute+10*time.Second))
		h.until(t, 1)
		require.Equal(t, []string{"back: agentIdle [stuck0 stuck1 stuck2]"}, h.lines())
		require.Equal(t, "ended", chat.Conversation().Phase())
		require.LessOrEqual(t, time.Since(began), 10*time.Minute)
	})
}

// TestTimerSparesACustomerWhoWrites checks that a customer who writes when the warning or the
// end is due keeps the session.
func TestTimerSparesACustomerWhoWrites(t *testing.T) {
	t.Parallel()
	for _, before := range []time.Duration{time.Second, 10 * time.Millisecond, time.Millisecond} {
		t.Run(before.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, _, h, chat := talking(t, timed(handover.Timers{CustomerIdle: 10 * time.Minute}))
				chat.Say("Are you there?")
				genesystest.Until(t, func() bool { return len(h.lines()) == 1 })
				// The timer's read is slow.
				org.Inject(genesystest.Fault{Op: "conversations.get", Delay: 2 * time.Second, Times: 8})
				pass(time.Until(h.delivered()[0].Time.Add(10*time.Minute - before)))
				h.says(t, "c1", "m1", "yes", handover.TurnAgent)
				pass(5 * time.Minute)
				require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
				require.True(t, chat.Active())
				require.Contains(t, chat.Texts(), "yes")
			})
		})
	}
}
