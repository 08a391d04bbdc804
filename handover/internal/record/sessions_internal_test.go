package record

import (
	"errors"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
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

// A session that begins while another is ending is current at once. The old one ends for the
// requested reason.
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

// Words that wait for a Return while the bot has the turn go to the agents at a HandOver.
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

// The opening of an earlier session is settled late. It changes nothing of the present one.
func TestLateOutcomeOfAnEarlierOpening(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		outcome Outcome
		watched int
	}{
		"accepted":  {Outcome{Conversation: "late"}, 1},
		"refused":   {Outcome{Effect: EffectRefused, Err: &genesys.Error{StatusCode: 400}}, 0},
		"ambiguous": {Outcome{Effect: EffectAmbiguous, Err: errors.New("reset")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := machinetest.HandoverIn(machine.StateRequested)
			c.ConversationID, c.OpeningAcceptedAt = "", 0
			tx := opens(c)
			tx.Notify = false
			say(t, tx, "words")
			j := jobOn(t, tx, ToGenesys)
			tx.Apply(machine.Event{Kind: machine.EvFailed})
			tx.Tidy()
			asks(tx, "bcdefghijkl3", machine.StateRequested)
			settleAs(tx, j, test.outcome)
			require.Equal(t, machine.StateRequested, tx.Handover.State)
			require.Empty(t, tx.Handover.ConversationID, "it is not the new one's")
			require.Zero(t, tx.Handover.OpeningAcceptedAt)
			require.Zero(t, tx.Handover.LastWriteAt)
			require.Len(t, tx.Watched, test.watched)
			require.Equal(t, []string{"words"}, queued(tx.Record))
			require.Len(t, tx.Out.Entries, 1)
			require.Equal(t, "bcdefghijkl3", tx.Out.Entries[0].Handover)
		})
	}
}

func TestForgetDropsWhatWasWritten(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	say(t, tx, "secret")
	tx.Forget = tx.Now
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.ForgetContent()
	tx.Tidy()
	ends(tx, noon())
	r, err := tx.Encode(tx.Key, 2)
	require.NoError(t, err)
	require.NotContains(t, string(r.Data), "secret")
	require.Zero(t, tx.Expires(), "the host still gets the end")
	j, list := atReturn(t, tx)
	require.Empty(t, list)
	settleAs(tx, j, Outcome{})
	require.False(t, tx.Expires().After(tx.Now))
}

// The answer of the opening was lost, an agent accepted the conversation and ended it, and the
// repeat of the opening opened another one without an agent.
func TestRepeatedOpeningThatOpensAnotherEndsIt(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt = "", 0
	tx := opens(c)
	say(t, tx, "waits")
	tx.Out.Entries[0].Unsure = true
	tx.Handover.ConversationID = "first"
	tx.Apply(machine.Event{Kind: machine.EvAgentWrote, Began: noon()})
	require.Equal(t, machine.StateConnected, tx.Handover.State)

	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "second"})
	require.Equal(t, "first", tx.Handover.ConversationID)
	require.Equal(t, "second", tx.Handover.MovedTo)
	require.Equal(t, []string{"waits"}, queued(tx.Record))
	require.True(t, tx.paused(), "it would go to the other one")

	tx.Now = after(6 * time.Second)
	s := machinetest.Standing(genesys.PhaseEnded)
	tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: s, History: machine.History{Came: ago(time.Minute), Left: machine.TimeOf(s.EndedAt)}})
	tx.Tidy()
	require.Equal(t, machine.EndByAgent, tx.Handover.Ending.Reason)
	require.Equal(t, []string{"waits"}, texts(tx.Record, firstReturn(t, tx.Record)))
	require.NotNil(t, tx.watching("second"))
}

// Before an agent was there, the id in the answer of the opening is the better one.
func TestOpeningsAnswerNamesTheConversation(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID = "of a webhook"
	tx := opens(c)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "of the answer"})
	require.Equal(t, "of the answer", tx.Handover.ConversationID)
	require.Empty(t, tx.Handover.MovedTo)
}

// An agent ended the session with a last message, and the customer requested agents again before
// that message arrived. It does not belong to the new session, although its opening has revived the
// conversation.
func TestLastMessageOfTheAgentBeforeIsLate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		resumed bool
		written machine.Time
		want    machine.State
	}{
		"before, in the same conversation": {true, ago(1300 * time.Millisecond), machine.StateRequested},
		"since":                            {true, noon(), machine.StateConnected},
		"in a new one, by a clock behind":  {false, ago(1300 * time.Millisecond), machine.StateConnected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateRequested))
			tx.Handover.OpeningTriedAt, tx.Handover.Resumed = noon(), test.resumed
			tx.Now = after(3 * time.Second)
			tx.AcceptMessage(&openmessaging.Outbound{
				ID: "bye", CustomerID: tx.Handover.From, ConversationID: tx.Handover.ConversationID, Time: test.written.Std(), Origin: openmessaging.OriginHuman,
			}, openmessaging.Message{Text: "Bye!"}, 0)
			require.Equal(t, test.want, tx.Handover.State)
			require.Equal(t, test.want == machine.StateRequested, tx.In.Entries[len(tx.In.Entries)-1].Delivery.Late)
		})
	}
}
