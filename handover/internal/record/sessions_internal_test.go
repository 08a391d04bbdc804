package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// asks requests another session: of agents, or of the bot.
func asks(tx *Transaction, id string, s machine.State) machine.Session {
	c := machinetest.HandoverIn(s)
	c.ID, c.Request, c.ConversationID = id, "request "+id, ""
	c.OpeningTriedAt, c.OpeningAcceptedAt, c.LastWriteAt, c.LastQueueID, c.AgentRequestedAt, c.WaitingSince = 0, 0, 0, "", 0, 0
	session, _ := tx.HandOver(c, &Opening{Texts: []string{"hello"}}, machine.Timers{})
	tx.Tidy()
	return session
}

// TestSessionBeginsWhileOneEnds checks that a session that begins while another is ending is
// current at once. The old one ends for the requested reason.
func TestSessionBeginsWhileOneEnds(t *testing.T) {
	t.Parallel()
	for state, test := range map[machine.State]struct {
		lineup []string
		queued []string
	}{
		machine.StateRequested: {[]string{"ended", "requested"}, []string{"comes before"}},
		machine.StateBot:       {[]string{"ended", "return"}, []string{}},
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateEnding))
			say(t, tx, "comes before")
			session := asks(tx, "bcdefghijkl3", state)
			require.Equal(t, "bcdefghijkl3", session.ID)
			require.Equal(t, state, tx.Handover.State)
			old := tx.Past[0].Session
			require.Equal(t, machinetest.HandoverIn(machine.StateEnding).ID, old.ID)
			require.Equal(t, machine.StateEnded, old.State)
			require.Equal(t, machine.EndByCustomer, old.Ending.Reason)
			require.Equal(t, test.lineup, lineup(tx.Record))
			require.Equal(t, test.queued, queued(tx.Record))
			require.Equal(t, machine.TurnAgent, tx.Turn(tx.Now))
			require.Equal(t, session.ID, asks(tx, "bcdefghijkl3", state).ID, "a repeat")

			w := tx.Watched[0]
			require.Equal(t, "conversation", w.ID)
			require.True(t, w.Close, "it is still to be closed")
			require.True(t, w.Requested, "in any state")
			at, ok := tx.headReady()
			require.True(t, ok)
			require.Equal(t, tx.Now.Add(30*time.Second), at, "the opening waits for that")
			settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: showing(tx, genesys.PhaseConnected), Tried: true, Disconnected: true})
			at, _ = tx.headReady()
			require.Equal(t, tx.Now, at)
		})
	}
}

func TestOpenDoesNotOvertakeAReturn(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	ends(tx, noon())
	require.Equal(t, "bcdefghijkl3", asks(tx, "bcdefghijkl3", machine.StateBot).ID)
	require.Equal(t, machine.StateBot, tx.Handover.State)
	require.Equal(t, machine.TurnAgent, tx.Turn(tx.Now), "the Return is pending")
	require.Equal(t, machine.TurnAgent, say(t, tx, "for the bot"))
	require.Empty(t, queued(tx.Record), "nothing is sent while the bot answers")
	require.Equal(t, []string{"for the bot"}, texts(tx.Record, firstReturn(t, tx.Record)))
	require.Equal(t, machinetest.HandoverIn(machine.StateEnded).ID, firstReturn(t, tx.Record).Session.ID)

	asked := asks(tx, "cdefghijklm4", machine.StateRequested)
	require.Equal(t, "bcdefghijkl3", asked.ID)
	require.Equal(t, machine.StateRequested, asked.State, "an agent is wanted, too")
	require.Equal(t, asked, asks(tx, "bcdefghijkl3", machine.StateBot), "a repeat")
	require.Equal(t, []string{"for the bot"}, queued(tx.Record))
	require.Zero(t, returnsIn(tx.Record))
	require.False(t, tx.Handover.AgentRequestedAt.IsZero())
}

// TestHandOverInBotTakesUnansweredMessages checks that words that wait for a Return while the bot
// has the turn go to the agents at a HandOver.
func TestHandOverInBotTakesUnansweredMessages(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateBot))
	tx.Handover.QueueID, tx.Handover.BotQueue = "", ""
	tx.Past = []past{{Session: machine.Session{ID: "abcdefghijk1"}}}
	tx.Words = []Word{{Seq: tx.NextSeq(), ID: "1", Message: new(Message{ID: "1", Text: "came back"}), State: WordUnsure}}
	tx.Tidy()
	require.Equal(t, "abcdefghijk1", firstReturn(t, tx.Record).Session.ID)
	c := machinetest.HandoverIn(machine.StateRequested)
	c.Request, c.ID = "another request", "abcdefghijk3"
	_, _ = tx.HandOver(c, &Opening{Texts: []string{"summary"}}, machine.Timers{})
	tx.Tidy()
	require.Equal(t, machine.StateRequested, tx.Handover.State)
	require.Equal(t, []string{"came back"}, queued(tx.Record))
	require.Zero(t, returnsIn(tx.Record))
	require.Equal(t, []string{"agents", "bots"}, []string{tx.Handover.QueueID, tx.Handover.BotQueue})
}

func TestSameRequestIsTheSameSession(t *testing.T) {
	t.Parallel()
	for _, s := range machinetest.States() {
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(s))
			first := asks(tx, "bcdefghijkl3", machine.StateRequested)
			entries := len(tx.Out.Entries)
			require.Equal(t, first.ID, asks(tx, "bcdefghijkl3", machine.StateRequested).ID)
			require.Len(t, tx.Out.Entries, entries, "nothing twice")
			if s != machine.StateEnding && s != machine.StateEnded {
				require.Equal(t, machinetest.HandoverIn(s).ID, first.ID, "the open session")
			}
		})
	}
}

// TestLastConversationIsRemembered checks that sessions without a conversation do not make the
// record forget the last conversation, because their openings may be in it.
func TestLastConversationIsRemembered(t *testing.T) {
	t.Parallel()
	tx := left()
	for i := range 2 * maxPast {
		tx.install(machine.Handover{Session: machine.Session{ID: fmt.Sprint("session ", i), Key: tx.Key, State: machine.StateEnded}, From: "customer"})
		require.Equal(t, "conversation", tx.lastConversation("customer"))
		require.LessOrEqual(t, len(tx.Past), maxPast)
	}
	require.Equal(t, fmt.Sprint("session ", 2*maxPast-2), tx.Past[0].Session.ID)
}
