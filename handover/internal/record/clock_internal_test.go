package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// TestMissingMessagesByGenesysClock checks that the age of a listed message does not depend on this
// machine's clock.
func TestMissingMessagesByGenesysClock(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
		r := &Reading{Began: noon(), Clock: machine.Clock{Ahead: ahead}}
		for i, age := range []time.Duration{webhookLife + time.Second, webhookLife - time.Second} {
			r.Messages = append(r.Messages, genesys.MessageRef{ID: fmt.Sprint(i), Time: ago(age).Add(ahead).Std()})
		}
		f := recordIn(machine.StateConnected)
		g := f.GapOf(r, ago(10*time.Minute).Add(ahead), machine.Listing{}, false)
		require.Len(t, g.Missing, 1)
		require.Equal(t, "0", g.Missing[0].ID)
		require.True(t, g.young)
	}
}

// TestUnmeasuredClock checks that a time that Genesys wrote is used unchanged without a measured
// offset, because its age is unknown.
func TestUnmeasuredClock(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Clock.Unmeasured, tx.Handover.TriedByHost = true, true
	agentWrites(tx, "hello", time.Hour)
	require.Equal(t, after(time.Hour), tx.Handover.AgentWrote)
	require.False(t, tx.In.Entries[0].Delivery.Late)
	agentWrites(tx, "early", -time.Hour)
	require.False(t, tx.In.Entries[0].Delivery.Late)
	tx.Clock.Unmeasured, tx.Handover.TriedByHost = false, false
	agentWrites(tx, "earlier", -2*time.Hour)
	require.True(t, tx.In.Entries[0].Delivery.Late)
}

// TestReadSinceAnOpeningByTheHostsClock checks an opening that was tried by a process that did not
// know Genesys' clock. A read that does know it judges by Genesys' time, and by the first queue of
// the customer.
func TestReadSinceAnOpeningByTheHostsClock(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
		clock := machine.Clock{Ahead: ahead}
		at := func(s int) time.Time { return clock.Genesys(noon().Add(time.Duration(s) * time.Second)).Std() }
		agent := genesys.Participant{
			ID: "1", Purpose: genesys.PurposeAgent, State: genesys.StateDisconnected, Start: at(-90), Connected: at(-80), End: at(-60),
		}
		customer := genesys.Participant{ID: "2", Purpose: genesys.PurposeCustomer, State: genesys.StateConnected, Start: at(1)}
		bots := genesys.Participant{ID: "3", Purpose: "acd", State: genesys.StateConnected, Start: at(2), QueueID: "bots"}
		r := &Reading{Began: noon().Add(time.Minute), Clock: clock}
		since := machine.Since{At: noon(), ByHost: true}
		r.Show(&genesys.Conversation{Participants: []genesys.Participant{agent, customer, bots}}, since, "")
		require.Equal(t, "bots", r.History.Entry, ahead)
		require.Zero(t, r.History.Came, "the agent of an earlier session")
		require.Equal(t, genesys.PhaseQueued, r.Standing.Phase)

		customer.State, customer.End = genesys.StateDisconnected, at(30)
		r.Show(&genesys.Conversation{Participants: []genesys.Participant{agent, customer}}, since, "")
		require.Equal(t, genesys.PhaseEnded, r.Standing.Phase, ahead)

		r.Clock = machine.Clock{Unmeasured: true}
		r.Show(&genesys.Conversation{Participants: []genesys.Participant{agent, customer, bots}}, since, "")
		require.Equal(t, "bots", r.History.Entry, "whichever clock is wrong")
	}
}

// TestOpeningOfAProcessWithoutGenesysClock checks an opening that a process sent before it knew
// Genesys' clock, and died. The next process that knows it converts the time. Legs that end later
// would otherwise count as older than the opening, and the session would stay open.
func TestOpeningOfAProcessWithoutGenesysClock(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt, c.OpeningTriedAt = "", 0, 0
	tx := opens(c)
	tx.Clock = machine.Clock{Ahead: -50 * time.Minute, Unmeasured: true} // an estimate
	tx.ClaimHead(ToGenesys)
	require.Equal(t, noon(), tx.Handover.OpeningTriedAt)

	tx.MeasureOpening()
	require.Equal(t, noon(), tx.Handover.OpeningTriedAt)
	tx.Clock = machine.Clock{Ahead: -time.Hour}
	tx.MeasureOpening()
	tx.MeasureOpening()
	require.Equal(t, noon().Add(-time.Hour), tx.Handover.OpeningTriedAt)
}

// TestUnmeasuredClockNamesNoConversation checks a message of an agent while the opening has no
// answer yet and Genesys' clock is not measured. It may be of an earlier conversation, also of a
// forgotten one, so a read of its conversation decides.
func TestUnmeasuredClockNamesNoConversation(t *testing.T) {
	t.Parallel()
	message := &openmessaging.Outbound{ID: "w1", CustomerID: "customer", ConversationID: "older", Time: noon().Std(), Origin: openmessaging.OriginHuman}
	unanswered := func() *Transaction {
		tx := newTransaction(recordIn(machine.StateRequested))
		tx.Handover.ConversationID, tx.Handover.OpeningAcceptedAt = "", 0
		tx.Clock.Unmeasured = true
		return tx
	}
	tx := unanswered()
	tx.AcceptMessage(message, openmessaging.Message{Text: "hello"}, 0)
	require.Equal(t, machine.StateRequested, tx.Handover.State)
	require.Empty(t, tx.Handover.ConversationID)
	require.NotNil(t, tx.watching("older"))

	tx = unanswered()
	tx.Handover.OpeningAcceptedAt = noon()
	require.True(t, tx.OfCurrentSession(message))
	tx = unanswered()
	tx.Clock.Unmeasured = false
	require.True(t, tx.OfCurrentSession(message))
	tx = unanswered()
	flow := *message
	flow.Origin = openmessaging.OriginBot
	require.True(t, tx.OfCurrentSession(&flow))
}

// TestAgentWhoWroteBeforeTheClockWasMeasured checks a process that does not know Genesys' clock yet
// and receives the first message of an agent, while its own clock is an hour ahead. What the
// customer writes afterwards is not answered by that message.
func TestAgentWhoWroteBeforeTheClockWasMeasured(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.Clock.Unmeasured = true
	tx.Now = noon().Add(time.Hour)
	agentWrites(tx, "hello", 0)
	say(t, tx, "1")
	tx.Clock = machine.Clock{Ahead: -time.Hour}
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "conversation", Accepted: noon().Add(time.Minute)})
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	require.Equal(t, []string{"1"}, texts(tx.Record, firstReturn(t, tx.Record)))
}

// TestOldMessageReceivedBeforeTheClockWasMeasured checks a process that does not know Genesys'
// clock yet and receives the last message of the earlier agent in the same conversation. Genesys
// wrote its time, and another process measured that of the opening, so the message belongs to the
// earlier session.
func TestOldMessageReceivedBeforeTheClockWasMeasured(t *testing.T) {
	t.Parallel()
	for tried, want := range map[bool]machine.State{false: machine.StateQueued, true: machine.StateConnected} {
		tx := newTransaction(recordIn(machine.StateQueued))
		tx.Clock.Unmeasured, tx.Handover.TriedByHost = true, tried
		agentWrites(tx, "of the earlier agent", -time.Hour)
		require.Equal(t, want, tx.Handover.State)
		require.Equal(t, !tried, tx.In.Entries[len(tx.In.Entries)-1].Delivery.Late)
	}
}

// TestEndBeforeTheClockWasMeasured checks a process that ends a session, with a clock that is an
// hour ahead and without having measured Genesys' clock. An agent who writes afterwards gets
// another session.
func TestEndBeforeTheClockWasMeasured(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.Handover.HandedBack = true
	tx.Clock.Unmeasured, tx.Now = true, noon().Add(time.Hour)
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.leave(tx.Handover)
	require.Equal(t, tx.Handover.OpeningTriedAt, tx.watching("conversation").Since, "another process measured it")

	tx.Now = tx.Now.Add(2 * time.Minute)
	tx.Clock = machine.Clock{Ahead: -time.Hour}
	w := tx.watching("conversation")
	r := showing(tx, genesys.PhaseConnected)
	require.False(t, tx.Adoptable(w, r))
	agentWrites(tx, "hello", time.Minute)
	require.True(t, tx.Adoptable(w, r))
}

// TestReadFromBeforeAChangeByAClockBehind checks a read during which a replica whose clock is
// behind has changed the state.
func TestReadFromBeforeAChangeByAClockBehind(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.Handover.PollAt = noon()
	j := jobOn(t, tx, Control)
	r := showing(tx, genesys.PhaseQueued)
	tx.Now = ago(2 * time.Second)
	agentWrites(tx, "hello", 300*time.Millisecond) // the agent accepted after the read
	require.Equal(t, machine.StateConnected, tx.Handover.State)
	tx.In = lane{}
	tx.Now = noon().Add(500 * time.Millisecond)
	settleAs(tx, j, Outcome{Task: TaskLook, Read: r})
	require.Equal(t, machine.StateConnected, tx.Handover.State, "%v", lineup(tx.Record))
}
