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

// timed sets the timers of the channel.
func timed(timers handover.Timers) func(*handover.Config) {
	return func(c *handover.Config) { c.Channel.Timers = timers }
}

// endsAt waits for the end and checks its reason and, within 3 s, its time.
func (h *host) endsAt(t *testing.T, customer string, reason handover.EndReason, at time.Time) {
	t.Helper()
	h.reaches(t, customer, handover.StateEnded)
	e := h.session(t, customer).Ending
	require.Equal(t, reason, e.Reason)
	require.WithinDuration(t, at, e.Time, 3*time.Second)
}

// TestNoAgentReturnsToTheBot checks that the conversation leaves the queue and the messages are
// returned if no agent accepts in time, whether it waits in the queue or is offered.
func TestNoAgentReturnsToTheBot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		rings bool
	}{{"queued", false}, {"ringing", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t)
				if !c.rings {
					ann.GoOffQueue()
				}
				h := newHost(t, org, timed(handover.Timers{NoAgent: 10 * time.Minute}))
				s := h.handOver(t, "c1", "r1")
				h.says(t, "c1", "m1", "anybody?", handover.TurnAgent)
				h.endsAt(t, "c1", handover.EndNoAgent, s.Started.Add(10*time.Minute))
				h.until(t, 1)
				require.Equal(t, []string{"back: noAgent [anybody?(sent)]"}, h.lines())
				require.Equal(t, "ended", org.Conversation("c1").Phase())
				require.Zero(t, org.Queue("Support").Waiting())
				require.Empty(t, h.noticed(handover.NoticeAgentJoined))
				require.Zero(t, h.session(t, "c1").Connected)
			})
		})
	}
}

// TestNoAgentRestartsWhenAnAgentVanishes checks that the time restarts when an agent vanishes.
func TestNoAgentRestartsWhenAnAgentVanishes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h, chat := signalled(t, timed(handover.Timers{NoAgent: 10 * time.Minute}))
		pass(time.Hour)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		ann.GoOffQueue()
		chat.Leave()
		h.endsAt(t, "c1", handover.EndNoAgent, time.Now().Add(10*time.Minute))
	})
}

// TestCustomerIdleWarnsOnceAndEnds checks that the warning is given once per silence, and that
// the end follows after the configured difference.
func TestCustomerIdleWarnsOnceAndEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, h, chat := talking(t, timed(handover.Timers{CustomerWarn: 5 * time.Minute, CustomerIdle: 8 * time.Minute}))
		chat.Say("Are you there?")
		pass(6 * time.Minute)
		require.Len(t, h.noticed(handover.NoticeIdle), 1)
		h.says(t, "c1", "m1", "yes", handover.TurnAgent)
		pass(time.Hour)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State, "it is the agent's turn")
		require.Len(t, h.noticed(handover.NoticeIdle), 1)
		chat.Say("Good. And now?")
		said := time.Now()
		pass(8*time.Minute - time.Second)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State)
		require.Len(t, h.noticed(handover.NoticeIdle), 2, "another silence")
		require.WithinDuration(t, said.Add(5*time.Minute), h.noticed(handover.NoticeIdle)[1].Time, time.Second)
		h.endsAt(t, "c1", handover.EndCustomerIdle, said.Add(8*time.Minute))
		require.False(t, chat.Active())
		h.until(t, 3)
		require.Len(t, h.noticed(handover.NoticeIdle), 2)
	})
}

// TestAgentIdleRestartsWithEachMessage checks that a message of the agent restarts the time.
func TestAgentIdleRestartsWithEachMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, h, chat := talking(t, timed(handover.Timers{AgentIdle: 10 * time.Minute}))
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		pass(9 * time.Minute)
		chat.Say("Let me see.")
		pass(time.Hour)
		require.Equal(t, handover.StateConnected, h.session(t, "c1").State, "the customer is not waited for")
		h.says(t, "c1", "m2", "and?", handover.TurnAgent)
		asked := time.Now()
		h.endsAt(t, "c1", handover.EndAgentIdle, asked.Add(10*time.Minute))
		h.until(t, 2)
		require.Equal(t, "back: agentIdle []", h.lines()[1], "she was there and has read it")
		require.False(t, chat.Active())
	})
}

// TestMaxIsNotExtendedByMessages checks that messages do not extend the limit, that it includes
// the bot state, and that it can be turned off.
func TestMaxIsNotExtendedByMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann, h := hosted(t, timed(handover.Timers{Max: time.Hour, NoAgent: time.Minute, CustomerIdle: time.Minute, AgentIdle: time.Minute}))
		s, err := h.desk.Open(t.Context(), handover.Customer("parked"), handover.Request{ID: "o1", Summary: "s"})
		require.NoError(t, err)
		_, err = h.desk.HandOver(t.Context(), handover.Customer("forever"), handover.Request{
			ID: "r1", Summary: "s", Timers: handover.Timers{Max: -1, NoAgent: -1, CustomerIdle: -1, AgentIdle: -1},
		})
		require.NoError(t, err)
		other := ann.Wait(t).Accept()
		other.Say("Hello forever")
		h.handOver(t, "c1", "r1")
		chat, began := ann.Wait(t).Accept(), time.Now()
		for n := 0; chat.Active(); n++ {
			require.Less(t, n, 200)
			chat.Say("and then?")
			pass(15 * time.Second)
			h.says(t, "c1", "m"+time.Now().String(), "and then", h.turn(t, "c1"))
			pass(15 * time.Second)
		}
		h.endsAt(t, "c1", handover.EndMaxDuration, began.Add(time.Hour))
		h.endsAt(t, "parked", handover.EndMaxDuration, s.Started.Add(time.Hour))
		require.Equal(t, "ended", org.Conversation("parked").Phase())
		pass(48 * time.Hour)
		require.True(t, other.Active())
	})
}

// TestTimersPauseInBotAndEnding checks that the other timers run neither in bot nor in ending.
func TestTimersPauseInBotAndEnding(t *testing.T) {
	t.Parallel()
	short := handover.Timers{NoAgent: time.Minute, CustomerWarn: 30 * time.Second, CustomerIdle: time.Minute, AgentIdle: time.Minute}
	t.Run("bot", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, genesystest.New(t), timed(short))
			h.open(t, "o1")
			pass(time.Hour)
			require.Equal(t, handover.StateBot, h.session(t, "c1").State)
			require.Empty(t, h.noticed(handover.NoticeIdle))
		})
	})
	t.Run("ending", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			org := genesystest.New(t)
			h := newHost(t, org, timed(handover.Timers{NoAgent: 20 * time.Second}))
			h.handOver(t, "c1", "r1")
			h.reaches(t, "c1", handover.StateQueued)
			org.Inject(genesystest.Fault{Op: "conversations.get", Status: http.StatusServiceUnavailable, Times: -1})
			h.end(t, "c1", handover.EndByCustomer)
			h.until(t, 1)
			require.Equal(t, handover.EndByCustomer, h.session(t, "c1").Ending.Reason)
		})
	})
}
