package record

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// TestWatchedAgentOpensASession checks that a live agent in a conversation without a session opens
// one, even if the conversation was to be closed.
func TestWatchedAgentOpensASession(t *testing.T) {
	t.Parallel()
	for _, p := range machinetest.Phases() {
		for _, toClose := range []bool{false, true} {
			t.Run(fmt.Sprint(p, " ", toClose), func(t *testing.T) {
				t.Parallel()
				tx := left()
				tx.watch("older", "customer", ago(time.Minute), noon()).Close = toClose
				live := p == genesys.PhaseConnected || p == genesys.PhaseParked
				disconnects := looks(t, tx, seeing(p), nil)
				require.Equal(t, live, tx.Open() != nil)
				if !live {
					return
				}
				require.False(t, disconnects)
				require.Empty(t, tx.Watched)
				require.True(t, tx.Handover.Resumed)
				require.Equal(t, machine.StateConnected, tx.Handover.State)
				require.Equal(t, "older", tx.Handover.ConversationID)
				require.False(t, tx.Handover.PollAt.IsZero())
				require.Equal(t, []string{"agentJoined"}, lineup(tx.Record))
			})
		}
	}
}

// TestWatchedAfterOurOwnEnd checks a session that our side ended: an agent who is still there opens
// none, but one who has written since does.
func TestWatchedAfterOurOwnEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wrote time.Duration // after the end; 0: nothing
		opens bool
	}{
		"the agent is there":     {0, false},
		"the agent wrote before": {-time.Second, false},
		"the agent wrote after":  {time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
			tx.Apply(machine.Event{Kind: machine.EvReleased, Code: machine.CodeNotDisconnected})
			tx.Handover.Leftover = machine.LeftoverRequested
			tx.Tidy()
			tx.In = lane{}
			if tx.Now = noon().Add(machine.SettlePeriod); test.wrote != 0 {
				agentWrites(tx, "hello?", test.wrote)
				tx.In = lane{}
			}
			require.Equal(t, !test.opens, looks(t, tx, seeing(genesys.PhaseConnected), nil), "who is not talked to is disconnected")
			require.Equal(t, test.opens, tx.Open() != nil)
		})
	}
}

// TestWatchedAfterAnEndInBot checks that an end in the state bot is an end by our side, too. An
// agent who has just accepted does not open the session again.
func TestWatchedAfterAnEndInBot(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateBot))
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.Tidy()
	require.Equal(t, machine.StateEnded, tx.Handover.State)
	require.Zero(t, returnsIn(tx.Record))
	require.True(t, looks(t, tx, seeing(genesys.PhaseConnected), nil))
	require.Nil(t, tx.Open())
}

// TestWatchedAgentTakesOverFromTheBot checks that a session in the state bot moves to the
// conversation that has an agent. Its own end was not requested, so an agent there keeps that
// conversation.
func TestWatchedAgentTakesOverFromTheBot(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateBot))
	tx.watch("other", "customer", noon(), noon())
	looks(t, tx, seeing(genesys.PhaseConnected), nil)
	require.Equal(t, machine.StateConnected, tx.Handover.State)
	require.Equal(t, "other", tx.Handover.ConversationID)
	w := tx.watching("conversation")
	require.True(t, w.Close)
	require.False(t, w.Requested)
	require.False(t, looks(t, tx, seeing(genesys.PhaseConnected), nil))
}

// TestWatchedAgentWaitsForTheSession checks an agent who wrote in another conversation while a
// session with agents is open. That conversation is taken when the session ends.
func TestWatchedAgentWaitsForTheSession(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	agentWrites(tx, "hello", 0, elsewhere)
	require.True(t, tx.In.Entries[0].Delivery.Late)
	require.Equal(t, noon().Add(adoptPause), tx.watching("elsewhere").At)
	require.False(t, tx.Handover.PollAt.IsZero(), "both are read")
	require.False(t, looks(t, tx, seeing(genesys.PhaseConnected), nil))
	require.Equal(t, "conversation", tx.Handover.ConversationID)
	ends(tx, tx.Now.Add(20*time.Second))
	looks(t, tx, seeing(genesys.PhaseConnected), nil)
	require.Equal(t, "elsewhere", tx.Open().ConversationID)
}

// TestWatchedBlindly checks that a message written 5 s or more after the last end opens a session
// in blind mode.
func TestWatchedBlindly(t *testing.T) {
	t.Parallel()
	for wrote, opens := range map[time.Duration]bool{machine.SettlePeriod: true, machine.SettlePeriod - time.Microsecond: false, -time.Hour: false} {
		tx := left()
		tx.Handover.Ending.Time = ago(machine.SettlePeriod)
		agentWrites(tx, "hello", wrote-machine.SettlePeriod, elsewhere)
		looks(t, tx, blindly, nil)
		require.Nil(t, tx.Open(), "one 403 proves nothing")
		require.Equal(t, tx.Now.Add(machine.DeniedPause), tx.Watched[0].At)
		looks(t, tx, blindly, nil)
		require.Equal(t, opens, tx.Open() != nil, wrote)
		require.Equal(t, opens, tx.Open() != nil && tx.Handover.Blind)
		require.Empty(t, tx.Watched, "nothing more can be learned")
	}
}

// TestAgentWhoWritesWhileReadsFailGetsASession checks an agent who writes without a session while
// reads fail. The message proves the agent, so a session begins. Otherwise the bot would speak to
// the customer of that agent until reads work again.
func TestAgentWhoWritesWhileReadsFailGetsASession(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"Genesys fails": &genesys.Error{StatusCode: 500}, "limited": &WaitError{After: time.Minute}} {
		tx := left()
		agentWrites(tx, "hello", 0, elsewhere)
		for tx.Open() == nil {
			_, at := tx.NextTask()
			tx.Now = at
			settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Err: err, Read: &Reading{Began: tx.Now, Err: err}})
			require.LessOrEqual(t, tx.Now.Sub(noon()), 5*time.Second, name)
		}
		require.Equal(t, machine.StateConnected, tx.Handover.State)
		require.Equal(t, "elsewhere", tx.Handover.ConversationID)
		require.Empty(t, tx.Watched)
	}
	tx := left() // a message of an hour ago proves nothing
	agentWrites(tx, "hello", -time.Hour, elsewhere)
	failed := Outcome{Task: TaskWatch, Err: &genesys.Error{StatusCode: 500}, Read: &Reading{Began: tx.Now, Err: &genesys.Error{StatusCode: 500}}}
	settleAs(tx, jobOn(t, tx, Control), failed)
	require.Nil(t, tx.Open())

	tx = left() // no message proves an agent
	tx.watch("elsewhere", "customer", noon(), noon()).Agent = true
	for range 5 {
		_, at := tx.NextTask()
		tx.Now = at
		err := &genesys.Error{StatusCode: 500}
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Err: err, Read: &Reading{Began: tx.Now, Err: err}})
		require.Nil(t, tx.Open())
	}
}

// TestRefusedMessageProvesAnAgent checks a message of an agent without a session, while the lane to
// the host is full. The message is refused, and still proves that the agent is there. Otherwise the
// bot would keep the turn.
func TestRefusedMessageProvesAnAgent(t *testing.T) {
	t.Parallel()
	fill := func(tx *Transaction) {
		for i := range inEntries {
			agentWrites(tx, fmt.Sprint(i), 0, fromFlow)
		}
	}
	tx := left()
	fill(tx)
	agentWrites(tx, "hello", 0, elsewhere)
	require.Len(t, tx.In.Entries, inEntries+1, "and the notice")
	require.NotNil(t, tx.watching("elsewhere"))

	tx = newTransaction(recordIn(machine.StateQueued))
	fill(tx)
	agentWrites(tx, "hello", 0)
	require.Equal(t, machine.StateConnected, tx.Handover.State)
}

// TestEndLooksAtOtherAgents checks that a look finds an agent who is in another conversation when
// the session ends, before the Return gives the turn to the bot.
func TestEndLooksAtOtherAgents(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.watch("with an agent", "customer", noon(), noon().Add(machine.SourcePoll)).Agent = true
	tx.watch("without", "customer", noon(), noon().Add(machine.SourcePoll))
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	require.Equal(t, noon().Add(adoptPause), tx.watching("with an agent").At)
	require.Equal(t, noon().Add(machine.SourcePoll), tx.watching("without").At)
	require.Less(t, adoptPause, returnHold)
}

// TestAdoptedWithoutAWebhook checks a watched conversation that becomes that of a session without a
// webhook of its own.
func TestAdoptedWithoutAWebhook(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.close(tx.Handover, "other", false)
	tx.Now = tx.Now.Add(time.Minute)
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: showing(tx, genesys.PhaseConnected)})
	require.NotNil(t, tx.Open())
	require.False(t, tx.Handover.Reached)
}

// TestAdoptedConversationIsNotDropped checks a session of the bot that moves to a conversation with
// an agent. It leaves its own one, which is the ninth. The adopted conversation is not the one that
// is dropped for it.
func TestAdoptedConversationIsNotDropped(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateBot))
	w := tx.watch("adopted", "customer", ago(time.Hour), noon())
	w.Incomplete = true
	for i := range maxWatched - 1 {
		tx.watch(fmt.Sprint("other ", i), "customer", ago(time.Hour), noon().Add(time.Hour))
	}
	r := showing(tx, genesys.PhaseConnected)
	r.Messages = []genesys.MessageRef{refAt("missed", ago(5*time.Minute))}
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: r, Asked: r.Messages, GapErr: errors.New("not reachable")})
	require.Equal(t, "adopted", tx.Handover.ConversationID)
	require.NotNil(t, tx.watching("adopted"), "a message of it is missing")
	require.Nil(t, tx.watching("other 0"))
	for _, x := range tx.In.Entries {
		require.False(t, x.Notice != nil && x.Notice.Kind == machine.NoticeGap)
	}
}

// TestEndOfAnEarlierSessionIsNotInherited checks a conversation whose last session its agent has
// ended, and an earlier one our side. An agent who accepts the customer again gets a session.
func TestEndOfAnEarlierSessionIsNotInherited(t *testing.T) {
	t.Parallel()
	for _, earlier := range []bool{false, true} {
		t.Run(map[bool]string{false: "one session", true: "two sessions"}[earlier], func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			tx.Handover.Proven, tx.Handover.Reached = true, true
			if earlier {
				tx.Past = []past{{From: "customer", Session: machine.Session{
					ID: "abcdefghijk1", Key: tx.Key, State: machine.StateEnded, ConversationID: "conversation", Started: ago(30 * time.Minute),
					Ending: machine.Ending{Reason: machine.EndByCustomer, Time: ago(20 * time.Minute)},
				}}}
			}
			tx.Handover.PollAt = noon()
			j := jobOn(t, tx, Control)
			r := showing(tx, genesys.PhaseEnded) // by the agent, 10 s ago
			r.Messages = []genesys.MessageRef{{ID: "missing", Time: ago(15 * time.Second).Std()}}
			settleAs(tx, j, Outcome{Task: TaskLook, Read: r, End: true})
			require.Equal(t, machine.EndByAgent, tx.Handover.Ending.Reason)
			require.NotNil(t, tx.watching("conversation"), "a message is missing")
			tx.In = lane{}
			// A message of the customer revives the conversation, and an agent accepts it.
			looks(t, tx, seeing(genesys.PhaseConnected), nil)
			require.NotNil(t, tx.Open(), "an agent is there, the bot has the turn")
		})
	}
}

// TestEndOfAnEarlierSessionDoesNotStay checks the same if the conversation was watched because of
// the earlier session.
func TestEndOfAnEarlierSessionDoesNotStay(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	w := tx.watch("conversation", "customer", ago(time.Hour), noon().Add(90*time.Second))
	w.Incomplete, w.EndedAt, w.Handover = true, ago(20*time.Minute), "abcdefghijk1" // our side ended that session
	ends(tx, noon().Add(10*time.Second))                                            // the present one ends by its agent
	require.Equal(t, machine.EndByAgent, tx.Handover.Ending.Reason)
	tx.In = lane{}
	looks(t, tx, seeing(genesys.PhaseConnected), nil)
	require.NotNil(t, tx.Open(), "an agent is there, the bot has the turn")
}
