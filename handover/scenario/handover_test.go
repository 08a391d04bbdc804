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

// Row HandOver of the table of design.md §3, with another request than the one that began the session.
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
		case d.in == "ending":
			require.NotEqual(t, d.before.ID, s.ID)
			require.Equal(t, d.before.ID, d.session(t).ID, "a new session follows the return")
		default:
			require.NotEqual(t, d.before.ID, s.ID, "a new session")
			require.Equal(t, s.ID, d.session(t).ID)
		}
		d.settle(t)
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
		if !d.agents() && d.in != "bot" && d.in != "none" {
			openings = 2
			require.Len(t, d.returned(), 1, "the first session is given back all the same")
		}
		require.Equal(t, openings, d.written("summary r1")+d.written("summary r2")+d.written("summary o1"))
	})
}

// The request that began the session, once more: nothing happens twice.
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

// Row Open.
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

// An Open while the hand-back waits neither sends the agents' leftovers into the bot queue nor lets the bot overtake them.
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

// An Open and then a HandOver while a session ends: the agent that was asked for comes.
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
		require.Equal(t, 1, d.written("summary r3"))
	})
}

// A HandOver while the hand-back waits: the agents get what was to be handed back, once.
func TestHandOverTakesTheReturnBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := reach(t, "waiting")
		require.Equal(t, handover.TurnAgent, d.forward(t, "m1"))
		d.handOver(t, "r2")
		d.settle(t)
		require.Equal(t, 1, d.written("m1"))
		require.Empty(t, d.unanswered())
		require.Len(t, d.returned(), 1)
	})
}

// An end before the one that was to follow has begun takes that back.
func TestEndTakesThePlannedHandOverBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := reach(t, "ending")
		d.handOver(t, "r2")
		require.NoError(t, d.End(t.Context(), d.key, handover.EndByCustomer))
		d.settle(t)
		require.Equal(t, d.before.ID, d.session(t).ID)
		require.Zero(t, d.written("summary r2"))
	})
}

// A handover asked for after Forget is not forgotten with what was before it.
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

// A HandOver out of the bot queue while the queues cannot be looked up is transferred later.
func TestHandOverFromBotWithoutAQueueID(t *testing.T) {
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

// Row "a person's message from Genesys".
func TestPersonsMessageInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		d.hear(t, "p1", openmessaging.OriginHuman, openmessaging.Message{Text: "person"})
		if d.agents() || d.in == "bot" {
			require.Equal(t, handover.StateConnected, d.session(t).State, "it proves that an agent is there")
		}
		d.hear(t, "p1", openmessaging.OriginHuman, openmessaging.Message{Text: "person"})
		d.settle(t)
		require.Equal(t, []string{"person"}, d.got(), "once")
		late := d.in == "none" || d.in == "ended" || d.in == "returning"
		require.Equal(t, late, d.deliveries[0].Late)
		if d.in != "none" {
			require.Equal(t, d.before.ID, d.deliveries[0].Session.ID)
		}
	}, genesystest.AllowErrors()) // its receipt is of a message that Genesys does not know
}

// Row "Architect's message, receipt": never an agent, never lost.
func TestArchitectsMessageInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		state := d.state(t)
		d.hear(t, "f1", openmessaging.OriginBot, openmessaging.Message{Text: "flow"})
		if d.in != "none" {
			require.Equal(t, state, d.state(t))
		}
		wait(time.Second)
		d.settle(t)
		require.Equal(t, []string{"flow"}, d.got())
		require.Equal(t, openmessaging.OriginBot, d.deliveries[0].Origin)
	}, genesystest.AllowErrors()) // its receipt is of a message that Genesys does not know
}

// A Failed receipt is reported once, where anybody knows the customer.
func TestReceiptInEveryState(t *testing.T) {
	t.Parallel()
	eachState(t, func(t *testing.T, d *apiDesk) {
		t.Helper()
		for _, s := range []openmessaging.Status{openmessaging.StatusDelivered, openmessaging.StatusFailed, openmessaging.StatusFailed} {
			d.hear(t, "x1", openmessaging.OriginHuman, openmessaging.Receipt{MessageID: "x1", Status: s})
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
