package scenario_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestSecondHandOverInEveryState checks HandOver with a new request id.
func TestSecondHandOverInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		s := d.handOver(t, "r2")
		again := d.handOver(t, "r2")
		require.Equal(t, s.ID, again.ID, "the same request is the same handover")
		switch {
		case d.agents():
			require.Equal(t, d.before.ID, s.ID, "the open session")
			require.Equal(t, d.before.State, s.State, "unchanged")
		case d.in == "bot":
			require.Equal(t, d.before.ID, s.ID)
			require.Equal(t, handover.StateRequested, s.State, "the transfer to the agents")
		default:
			require.NotEqual(t, d.before.ID, s.ID, "a new session")
			require.Equal(t, s.ID, d.session(t).ID, "at once, also while one is ending")
		}
		d.settle(t)
		if d.in == "ending" { // its conversation cannot be closed, so the opening waits
			genesystest.Until(t, func() bool { return d.written("summary r2") == 1 })
		}
		require.Equal(t, s.ID, d.session(t).ID)
		require.Equal(t, s.ID, d.handOver(t, "r2").ID, "also later")
		switch d.in {
		case "requested": // no flow takes it
		case "bot", "queued", "none":
			require.Equal(t, handover.StateQueued, d.session(t).State)
		default:
			require.True(t, d.session(t).Open())
		}
		openings := 1
		if d.in == "bot" {
			openings = 2 // the second one is the context for the agent
		}
		if !d.agents() && d.in != "bot" && d.in != "none" {
			openings = 2
		}
		returns := 0
		if d.in == "returning" || d.in == "ended" {
			returns = 1
		}
		require.Len(t, d.returned(), returns, "an agent session takes over what no running Return holds")
		require.Equal(t, openings, d.written("summary r1")+d.written("summary r2")+d.written("summary o1"))
	})
}

// TestSameRequestInEveryState checks that a repeat of the request that began the session does
// nothing.
func TestSameRequestInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		if d.in == "none" || d.in == "bot" {
			return
		}
		s := d.handOver(t, "r1")
		require.Equal(t, d.before, s)
		d.settle(t)
		require.Equal(t, 1, d.written("summary r1"))
		require.Equal(t, d.before.ID, d.handOver(t, "r1").ID)
	})
}

// TestOpenInEveryState checks the result and the effect of Open.
func TestOpenInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		s, err := d.Open(t.Context(), d.key, handover.Request{ID: "r2", Summary: "summary r2"})
		require.NoError(t, err)
		if d.agents() || d.in == "bot" {
			require.Equal(t, d.before, s)
			return
		}
		require.Equal(t, handover.StateBot, s.State)
		require.NotEqual(t, d.before.ID, s.ID)
		d.settle(t)
		require.Equal(t, s.ID, d.session(t).ID)
		require.Equal(t, handover.StateBot, d.session(t).State)
		require.Equal(t, 1, d.written("summary r2"))
		require.Equal(t, handover.TurnBot, d.forward(t, "m1"))
	})
}

// TestOpenDoesNotOvertakeTheReturn checks that an Open while a Return waits does not send the
// messages of that Return to the bot queue, and that the bot does not answer before the Return.
func TestOpenDoesNotOvertakeTheReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := reach(t, "waiting")
		require.Equal(t, handover.TurnAgent, d.forward(t, "m1"))
		_, err := d.Open(t.Context(), d.key, handover.Request{ID: "r2", Summary: "summary r2"})
		require.NoError(t, err)
		turn, err := d.Turn(t.Context(), d.key)
		require.NoError(t, err)
		require.Equal(t, handover.TurnAgent, turn)
		require.Equal(t, turn, d.forward(t, "m2"))
		d.settle(t)
		require.Equal(t, []string{"m1", "m2"}, d.unanswered())
		require.Zero(t, d.written("m1"))
		require.Equal(t, handover.StateBot, d.session(t).State)
	})
}

// TestHandOverAfterOpenWhileEnding checks that an agent joins the conversation that the Open
// began.
func TestHandOverAfterOpenWhileEnding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := reach(t, "ending")
		s, err := d.Open(t.Context(), d.key, handover.Request{ID: "r2", Summary: "summary r2"})
		require.NoError(t, err)
		require.Equal(t, s.ID, d.handOver(t, "r3").ID)
		require.Equal(t, s.ID, d.handOver(t, "r3").ID)
		d.settle(t)
		require.Equal(t, s.ID, d.session(t).ID)
		require.NotEqual(t, handover.StateBot, d.session(t).State)
		genesystest.Until(t, func() bool { return d.written("summary r2") == 1 })
		require.Empty(t, d.returned(), "the agents of the new session answer for the old one's words")
	})
}

// TestHandOverRemovesAPendingReturn checks that the agents get the messages of a pending
// Return, once.
func TestHandOverRemovesAPendingReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := reach(t, "waiting")
		require.Equal(t, handover.TurnAgent, d.forward(t, "m1"))
		d.handOver(t, "r2")
		d.settle(t)
		require.Equal(t, 1, d.written("m1"))
		require.Empty(t, d.returned())
	})
}

// TestEndAfterHandOverWhileEnding checks that the new session ends with the only Return.
func TestEndAfterHandOverWhileEnding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := reach(t, "ending")
		s := d.handOver(t, "r2")
		require.NoError(t, d.End(t.Context(), d.key, handover.EndByCustomer))
		d.settle(t)
		d.until(t, handover.StateEnded)
		d.settle(t)
		require.Equal(t, s.ID, d.session(t).ID)
		require.Zero(t, d.written("summary r2"))
		require.Len(t, d.returned(), 1)
		require.Equal(t, s.ID, d.returned()[0].Session.ID)
	})
}

// TestHandOverAfterForget checks that Forget does not remove a session that was requested
// later.
func TestHandOverAfterForget(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"ending", "waiting", "returning"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := reach(t, in)
				require.NoError(t, d.Forget(t.Context(), d.key))
				s := d.handOver(t, "r2")
				require.Equal(t, handover.TurnAgent, d.forward(t, "m1"))
				d.settle(t)
				require.Equal(t, s.ID, d.session(t).ID)
				require.Equal(t, 1, d.written("m1")+len(d.unanswered()), "what was accepted is not lost")
			})
		})
	}
}

// TestHandOverTransfersOnceTheQueueIsKnown checks that the transfer follows later if the queues
// cannot be looked up.
func TestHandOverTransfersOnceTheQueueIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := reach(t, "bot")
		d.org.Queue("Billing")
		d.org.Inject(genesystest.Fault{Op: "routing.queues.list"})
		_, err := d.HandOver(t.Context(), d.key, handover.Request{ID: "r2", Queue: "Billing", Summary: "summary r2"})
		require.NoError(t, err)
		d.until(t, handover.StateQueued)
		genesystest.Until(t, func() bool { return d.org.Conversation(d.key.Customer).Queue() == "Billing" })
	})
}

// TestAgentsMessageInEveryState checks where an agent's message is delivered.
func TestAgentsMessageInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		d.receive(t, "p1", openmessaging.OriginHuman, openmessaging.Message{Text: "person"})
		if d.agents() || d.in == "bot" {
			require.Equal(t, handover.StateConnected, d.session(t).State, "it proves that an agent is there")
		}
		d.receive(t, "p1", openmessaging.OriginHuman, openmessaging.Message{Text: "person"})
		d.settle(t)
		require.Equal(t, []string{"person"}, d.got(), "once")
		late := d.in == "none" || d.in == "ended" || d.in == "returning"
		require.Equal(t, late, d.deliveries[0].Late)
		if d.in != "none" {
			require.Equal(t, d.before.ID, d.deliveries[0].Session.ID)
		}
	}, genesystest.AllowErrors()) // its receipt is for a message that Genesys does not know
}

// TestFlowsMessageInEveryState checks that a message of a flow is delivered and does not count
// as an agent.
func TestFlowsMessageInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		state := d.state(t)
		d.receive(t, "f1", openmessaging.OriginBot, openmessaging.Message{Text: "flow"})
		if d.in != "none" {
			require.Equal(t, state, d.state(t))
		}
		pass(time.Second)
		d.settle(t)
		require.Equal(t, []string{"flow"}, d.got())
		require.Equal(t, openmessaging.OriginBot, d.deliveries[0].Origin)
	}, genesystest.AllowErrors()) // its receipt is for a message that Genesys does not know
}

// TestReceiptInEveryState checks that a Failed receipt is reported once, if the customer has a
// record.
func TestReceiptInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		for _, s := range []openmessaging.Status{openmessaging.StatusDelivered, openmessaging.StatusFailed, openmessaging.StatusFailed} {
			d.receive(t, "x1", openmessaging.OriginHuman, openmessaging.Receipt{MessageID: "x1", Status: s})
		}
		d.settle(t)
		want := 1
		if d.in == "none" {
			want = 0
			require.Zero(t, d.revision(t))
		}
		require.Equal(t, want, d.noticed(handover.NoticeMessageFailed))
		require.Empty(t, d.got())
	})
}
