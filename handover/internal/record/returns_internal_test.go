package record

import (
	"context"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// atReturn settles the entries before the next Return, and begins the attempt of that.
func atReturn(tb testing.TB, tx *Transaction) (*Job, []Unanswered) {
	tb.Helper()
	firstReturn(tb, tx.Record)
	for tx.In.Entries[0].Kind != KindReturn {
		settleAs(tx, jobOn(tb, tx, ToHost), Outcome{})
	}
	tx.Now = machine.Later(tx.Now, tx.In.Entries[0].NotBefore)
	j := jobOn(tb, tx, ToHost)
	return j, tx.Unanswered(j.Head.Seq)
}

// textsOf lists the texts of a Return's unanswered messages.
func textsOf(list []Unanswered) []string {
	texts := []string{}
	for _, u := range list {
		texts = append(texts, u.Text)
	}
	return texts
}

// wasSent lists which of a Return's unanswered messages Genesys may have.
func wasSent(list []Unanswered) []bool {
	sent := []bool{}
	for _, u := range list {
		sent = append(sent, u.Sent)
	}
	return sent
}

// returnsIn counts the Returns that wait or run.
func returnsIn(f *Record) int {
	n := 0
	for _, x := range f.In.Entries {
		if x.Kind == KindReturn {
			n++
		}
	}
	return n
}

func TestSessionsThatGetAReturn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state machine.State
		spoke bool
		want  int
	}{
		"only the bot spoke":        {machine.StateBot, false, 0},
		"an agent accepted it":      {machine.StateBot, true, 1},
		"an agent was asked for":    {machine.StateRequested, false, 1},
		"an agent was there":        {machine.StateConnected, false, 1},
		"an end was asked for, too": {machine.StateEnding, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(test.state))
			if test.spoke {
				tx.Apply(machine.Event{Kind: machine.EvAgentWrote})
			}
			ends(tx, after(time.Minute))
			require.Equal(t, machine.StateEnded, tx.Handover.State)
			require.Equal(t, test.want, returnsIn(tx.Record))
		})
	}
}

func TestReturnHoldsWhatNoAgentAnswered(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	for _, text := range []string{"answered", "sent before the end", "sent after the end", "refused", "perhaps sent", "not sent"} {
		require.Equal(t, machine.TurnAgent, say(t, tx, text))
	}
	sentAt(t, tx, noon())
	seenAt(tx, after(machine.SettlePeriod+machine.ReplicaSlack))
	sentAt(t, tx, after(8*time.Second))
	sentAt(t, tx, after(15*time.Second))
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectRefused, Err: &genesys.Error{Op: "send", StatusCode: 400}})
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectAmbiguous, Err: genesys.ErrUnavailable})
	ends(tx, after(20*time.Second))

	r := firstReturn(t, tx.Record)
	require.Equal(t, tx.Now.Add(2*time.Second), r.NotBefore, "held 2 s for what is still on its way")
	require.Equal(t, machine.StateEnded, r.Session.State)
	require.Equal(t, machine.EndByAgent, r.Session.Ending.Reason)
	require.Empty(t, tx.EntriesOut())

	j, list := atReturn(t, tx)
	require.Equal(t, []string{"sent after the end", "refused", "perhaps sent", "not sent"}, textsOf(list))
	require.Equal(t, []bool{true, false, true, false}, wasSent(list))
	require.NotEmpty(t, list[1].Reason)
	require.Empty(t, list[0].Reason+list[2].Reason+list[3].Reason)
	settleAs(tx, j, Outcome{})
	require.Empty(t, tx.Words)
}

func TestReturnWithoutAnAgentHoldsAll(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	say(t, tx, "sent")
	say(t, tx, "waits")
	sentAt(t, tx, noon())
	tx.settleRead(&Reading{Began: after(time.Second), Standing: machinetest.Standing(genesys.PhaseQueued)}, true)
	ends(tx, after(time.Minute))
	require.Equal(t, []string{"sent", "waits"}, texts(tx.Record, firstReturn(t, tx.Record)))
}

// TestEndWithoutATimeReturnsWhatIsUnproven checks that every message after which no agent was seen
// is returned if it is unknown when the agents left, because a 2xx does not prove that an agent
// reads a message.
func TestEndWithoutATimeReturnsWhatIsUnproven(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Transaction){
		"the bot queue": func(tx *Transaction) {
			s := machinetest.Standing(genesys.PhaseQueued)
			s.QueueID = "bots"
			tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: s})
		},
		"a message opened another conversation": func(tx *Transaction) {
			tx.Apply(machine.Event{Kind: machine.EvMoved, Conversation: "other"})
			tx.Now = after(31 * time.Second)
			tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: machinetest.Standing(genesys.PhaseUnknown)})
		},
		"the conversation is gone": func(tx *Transaction) {
			tx.Apply(machine.Event{Kind: machine.EvGone, Began: tx.Now})
			tx.Now = after(2 * time.Minute)
			tx.Apply(machine.Event{Kind: machine.EvGone, Began: tx.Now})
		},
		"ended at an unknown time": func(tx *Transaction) {
			tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: genesys.Standing{Phase: genesys.PhaseEnded}})
		},
		"failed": func(tx *Transaction) { tx.Apply(machine.Event{Kind: machine.EvFailed}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			say(t, tx, "answered")
			sentAt(t, tx, noon())
			seenAt(tx, after(machine.SettlePeriod+machine.ReplicaSlack))
			say(t, tx, "unproven")
			sentAt(t, tx, after(10*time.Second))
			tx.Now = after(20 * time.Second)
			end(tx)
			tx.Tidy()
			require.Equal(t, machine.StateEnded, tx.Handover.State)
			require.Equal(t, []string{"unproven"}, texts(tx.Record, firstReturn(t, tx.Record)))
		})
	}
}

// TestReturnHoldsWhatWasSentAfterTheAgentLeft checks an agent who left before our side requested
// the end. Messages sent in between are unanswered.
func TestReturnHoldsWhatWasSentAfterTheAgentLeft(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "too late")
	sentAt(t, tx, after(5*time.Second))
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	s := machinetest.Standing(genesys.PhaseEnded)
	s.EndedAt = after(time.Second).Std()
	tx.Now = after(6 * time.Second)
	tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: s})
	tx.Tidy()
	require.Equal(t, machine.EndByCustomer, tx.Handover.Ending.Reason)
	require.Equal(t, []string{"too late"}, texts(tx.Record, firstReturn(t, tx.Record)))
}

// TestReturnHoldsWhatOpenedAnotherConversation checks a message that was sent after the end and
// opened another conversation. Its answer has no Date, and our clock is known within a second.
func TestReturnHoldsWhatOpenedAnotherConversation(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "too late")
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "another"})
	require.Equal(t, "another", tx.Handover.MovedTo)

	tx.Now = after(time.Second)
	s := machinetest.Standing(genesys.PhaseEnded)
	s.EndedAt = after(machine.OffsetKnown - time.Millisecond).Std()
	tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: s, History: machine.History{Came: ago(time.Minute), Left: machine.TimeOf(s.EndedAt)}})
	tx.Tidy()
	require.Equal(t, machine.StateEnded, tx.Handover.State)
	require.Equal(t, []string{"too late"}, texts(tx.Record, firstReturn(t, tx.Record)))
}

// TestUnconfirmedEndReturnsWhatWasSent checks an end that our side requested, while no read showed
// that the agent left and every read failed.
func TestUnconfirmedEndReturnsWhatWasSent(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "unread")
	sentAt(t, tx, noon())
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.Now = after(machine.EndPatience)
	tx.fireTimers()
	tx.Tidy()
	require.Equal(t, machine.CodeNotDisconnected, tx.Handover.Ending.Code)
	_, list := atReturn(t, tx)
	require.Equal(t, []string{"unread"}, textsOf(list))
	require.Equal(t, []bool{true}, wasSent(list))
}

// TestSentInAnEarlierSessionIsReturnedAsSent checks a message that Genesys accepted in one session
// and no agent answered. The next session ended before it was sent again.
func TestSentInAnEarlierSessionIsReturnedAsSent(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	say(t, tx, "sent")
	say(t, tx, "not sent")
	sentAt(t, tx, noon())
	ends(tx, after(20*time.Second))
	asks(tx, "abcdefghijk3", machine.StateRequested)
	head, _ := tx.head()
	require.Equal(t, KindOpen, head.Kind)
	require.Equal(t, []bool{true, false}, []bool{tx.Words[0].Again, tx.Words[1].Again})
	ends(tx, after(40*time.Second))
	require.Equal(t, 1, returnsIn(tx.Record))
	_, list := atReturn(t, tx)
	require.Equal(t, []string{"sent", "not sent"}, textsOf(list))
	require.Equal(t, []bool{true, false}, wasSent(list))
}

// TestRefusedWordsWaitForTheNextReturn checks that a refused message is not sent again in a later
// session, and is returned at the end of that session.
func TestRefusedWordsWaitForTheNextReturn(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	for _, text := range []string{"refused", "1", "2"} {
		say(t, tx, text)
	}
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectRefused, Err: &genesys.Error{StatusCode: 413}})
	require.Equal(t, []string{"refused"}, inState(tx.Record, wordRefused))
	ends(tx, noon())
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	require.Equal(t, []string{"1", "2"}, queued(tx.Record))
	head, _ := tx.head()
	require.Equal(t, KindOpen, head.Kind, "nothing overtakes the opening")
	ends(tx, after(time.Minute))
	_, list := atReturn(t, tx)
	require.Equal(t, []string{"refused", "1", "2"}, textsOf(list))
	require.NotEmpty(t, list[0].Reason)
}

// TestRefusedWordsAreNotReturnedAsSent checks that a refused message was not sent, even if it was
// released from its session.
func TestRefusedWordsAreNotReturnedAsSent(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "refused")
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectRefused, Err: &genesys.Error{StatusCode: 400}})
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.Now = after(machine.DrainPatience)
	tx.Tidy()
	ends(tx, tx.Now)
	_, list := atReturn(t, tx)
	require.Equal(t, []bool{false}, wasSent(list))
}

// TestRunningPostAtTheEnd checks a POST that runs when its session ends. Its outcome decides which
// side gets the message.
func TestRunningPostAtTheEnd(t *testing.T) {
	t.Parallel()
	failed := Outcome{Effect: EffectNotPerformed, Err: genesys.ErrUnavailable}
	start := func() (*Transaction, *Job) {
		tx := newTransaction(recordIn(machine.StateConnected))
		tx.Notify = false
		for _, text := range []string{"1", "2", "3"} {
			say(t, tx, text)
		}
		j := jobOn(t, tx, ToGenesys)
		ends(tx, after(time.Second))
		return tx, j
	}
	t.Run("it fails before the Return", func(t *testing.T) {
		t.Parallel()
		tx, j := start()
		settleAs(tx, j, failed)
		_, list := atReturn(t, tx)
		require.Equal(t, []string{"1", "2", "3"}, textsOf(list))
		require.Equal(t, []bool{false, false, false}, wasSent(list))
	})
	t.Run("it fails after the Return began", func(t *testing.T) {
		t.Parallel()
		tx, j := start()
		running, list := atReturn(t, tx)
		require.Equal(t, []string{"2", "3"}, textsOf(list))
		settleAs(tx, j, failed)
		require.Equal(t, 2, returnsIn(tx.Record))
		settleAs(tx, running, Outcome{})
		require.False(t, tx.In.Entries[0].NotBefore.After(tx.Now), "the next one is not held")
		_, list = atReturn(t, tx)
		require.Equal(t, []string{"1"}, textsOf(list))
	})
	t.Run("its process dies", func(t *testing.T) {
		t.Parallel()
		tx, j := start()
		tx.Now = j.Lease.Until.Add(LeaseGrace - time.Microsecond)
		tx.Tidy()
		require.Equal(t, WordWaiting, tx.Words[0].State, "its outcome may still be stored")
		tx.Now = j.Lease.Until.Add(LeaseGrace)
		tx.Tidy()
		_, list := atReturn(t, tx)
		require.Equal(t, []string{"1", "2", "3"}, textsOf(list))
		require.Equal(t, []bool{true, false, false}, wasSent(list), "an agent may have read it")
	})
	t.Run("its process dies and the bot has a session", func(t *testing.T) {
		t.Parallel()
		tx, j := start()
		running, _ := atReturn(t, tx)
		settleAs(tx, running, Outcome{})
		next := machinetest.HandoverIn(machine.StateBot)
		next.ID = "abcdefghijk3"
		tx.install(next)
		tx.Now = j.Lease.Until.Add(LeaseGrace)
		tx.Tidy()
		require.Equal(t, "abcdefghijk2", firstReturn(t, tx.Record).Session.ID, "it was written in the earlier session")
		_, list := atReturn(t, tx)
		require.Equal(t, []string{"1"}, textsOf(list))
		require.Equal(t, []bool{true}, wasSent(list))
	})
}

func TestTurnAroundTheEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		with func(*testing.T, *Transaction)
		want machine.Turn
	}{
		"ending":           {func(*testing.T, *Transaction) {}, machine.TurnAgent},
		"pending":          {func(_ *testing.T, tx *Transaction) { ends(tx, noon()) }, machine.TurnAgent},
		"pending, and bot": {func(_ *testing.T, tx *Transaction) { ends(tx, noon()); asks(tx, "bcdefghijkl3", machine.StateBot) }, machine.TurnAgent},
		"it runs":          {func(t *testing.T, tx *Transaction) { t.Helper(); ends(tx, noon()); atReturn(t, tx) }, machine.TurnBot},
		"it runs, and an agent session is open": {func(t *testing.T, tx *Transaction) {
			t.Helper()
			ends(tx, noon())
			atReturn(t, tx)
			asks(tx, "bcdefghijkl3", machine.StateRequested)
		}, machine.TurnAgent},
		"it failed": {func(t *testing.T, tx *Transaction) {
			t.Helper()
			ends(tx, noon())
			j, _ := atReturn(t, tx)
			settleAs(tx, j, Outcome{Err: ErrUnsure})
		}, machine.TurnBot},
		"its process died": {func(t *testing.T, tx *Transaction) {
			t.Helper()
			ends(tx, noon())
			j, _ := atReturn(t, tx)
			tx.Now = j.Lease.Until.Add(LeaseGrace)
			tx.Tidy()
		}, machine.TurnBot},
		"it is over": {func(t *testing.T, tx *Transaction) {
			t.Helper()
			ends(tx, noon())
			j, _ := atReturn(t, tx)
			settleAs(tx, j, Outcome{})
		}, machine.TurnBot},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateEnding))
			test.with(t, tx)
			require.Equal(t, test.want, tx.Turn(tx.Now))
		})
	}
}

func TestForwardAroundAReturn(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	ends(tx, noon())
	require.Equal(t, machine.TurnAgent, tx.Turn(tx.Now), "it is pending")
	require.Equal(t, machine.TurnAgent, say(t, tx, "while it is pending"))
	require.Equal(t, 1, returnsIn(tx.Record))

	j, list := atReturn(t, tx)
	require.Equal(t, []string{"while it is pending"}, textsOf(list))
	require.Equal(t, machine.TurnBot, tx.Turn(tx.Now), "the host may answer inside it")
	require.Equal(t, machine.TurnAgent, say(t, tx, "while it runs"))
	require.Equal(t, list, tx.Unanswered(j.Head.Seq), "what the host got stays as it is")
	require.Equal(t, 2, returnsIn(tx.Record))
	next := tx.In.Entries[1]
	require.Equal(t, []string{"while it runs"}, texts(tx.Record, next))
	require.False(t, next.NotBefore.After(tx.Now), "only the first of a session is held")
	require.Equal(t, machine.TurnBot, tx.Turn(tx.Now))

	settleAs(tx, j, Outcome{})
	require.Equal(t, machine.TurnBot, tx.Turn(tx.Now), "a later Return does not hold the bot back")
	require.Equal(t, machine.TurnAgent, say(t, tx, "while the next one is pending"), "but the host gets it in order")
	j, list = atReturn(t, tx)
	require.Equal(t, []string{"while it runs", "while the next one is pending"}, textsOf(list))
	settleAs(tx, j, Outcome{})
	require.Zero(t, returnsIn(tx.Record))
	require.Equal(t, machine.TurnBot, say(t, tx, "after it"))
	require.Equal(t, machine.TurnAgent, say(t, tx, "while it runs"), "a repeat gets the first answer")
	require.Empty(t, tx.Words)
}

// TestLaterReturnAfterForget checks a word that the host passes on while the Return of a forgotten
// session runs and the bot has another session. The Return of that word belongs to the session that
// is over.
func TestLaterReturnAfterForget(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	tx := &Transaction{Record: &Record{Handover: &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateEnded}, HandedBack: true}}, Now: now}
	tx.pushReturn(false)
	tx.ClaimHead(ToHost)
	tx.Handover = &machine.Handover{Session: machine.Session{ID: "bbbbbbbbbbbb", State: machine.StateBot}}
	turn, err := tx.Forward(Message{ID: "m1", Text: "hello"})
	require.NoError(t, err)
	require.Equal(t, machine.TurnAgent, turn)
	tx.Tidy()
	require.Len(t, tx.In.Entries, 2)
	require.Equal(t, "aaaaaaaaaaaa", tx.In.Entries[1].Handover)
}

// TestLaterReturnOfAWordThatIsBeingSent checks a word of a forgotten session that is still being
// sent after the Return of that session, while the bot has another session. The Return of later
// words belongs to the session that is over.
func TestLaterReturnOfAWordThatIsBeingSent(t *testing.T) {
	t.Parallel()
	for _, settled := range []bool{false, true} {
		tx := newTransaction(recordIn(machine.StateConnected))
		tx.Words = append(tx.Words, wordOf(tx.NextSeq(), "m1"))
		j := jobOn(t, tx, ToGenesys)
		bot := recordIn(machine.StateBot).Handover
		bot.ID = "bcdefghijkl3"
		tx.Handover = bot
		tx.Tidy()
		require.Empty(t, tx.In.Entries)
		if settled {
			settleAs(tx, j, Outcome{Effect: EffectNotPerformed, Err: context.DeadlineExceeded})
		} else {
			turn, err := tx.Forward(Message{ID: "m2", Text: "hello"})
			require.NoError(t, err)
			require.Equal(t, machine.TurnAgent, turn)
			tx.Tidy()
		}
		require.Len(t, tx.In.Entries, 1)
		require.Equal(t, "abcdefghijk2", tx.In.Entries[0].Handover)
		require.Equal(t, machine.StateEnded, tx.In.Entries[0].Session.State)
	}
}
