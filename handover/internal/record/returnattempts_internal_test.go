package record

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

func TestFailedReturnKeepsItsContent(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	ends(tx, noon())
	say(t, tx, "first")
	j, _ := atReturn(t, tx)
	settleAs(tx, j, Outcome{Err: ErrUnsure})
	require.Equal(t, machine.TurnBot, tx.Turn(tx.Now), "the bot may answer what it contains")
	require.Equal(t, machine.TurnAgent, say(t, tx, "second"))
	again, list := atReturn(t, tx)
	require.Equal(t, j.Head.Seq, again.Head.Seq)
	require.Equal(t, []string{"first"}, textsOf(list))
	settleAs(tx, again, Outcome{})
	_, list = atReturn(t, tx)
	require.Equal(t, []string{"second"}, textsOf(list))
}

// TestReturnThatCannotBeginWaits checks a Return that is claimed by a process that does not run
// until it is too late to begin. The host has not received it, so it is pending again, and the
// agents have the turn.
func TestReturnThatCannotBeginWaits(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	message := Message{ID: "m1", Text: "hello"}
	tx := &Transaction{Record: &Record{
		Handover: &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateEnded}, HandedBack: true},
		Words:    []Word{{Seq: 1, ID: "m1", Message: &message, At: now}},
	}, Now: now, Jitter: func(d time.Duration) time.Duration { return d }}
	tx.pushReturn(false)
	head := tx.ClaimHead(ToHost)
	j := &Job{Lane: ToHost, Head: head, Lease: Lease{Owner: "me", N: 1, Seq: head.Seq, Until: now.Add(LeaseTime)}, Record: tx.Record}

	tx.In.Lease = j.Lease
	tx.Release(j)
	tx.SettleIn(j, Outcome{Effect: EffectNotPerformed, Err: errors.New("too late")})
	require.Equal(t, machine.TurnAgent, tx.Turn(now))
	require.False(t, tx.Handover.Returned)
	require.Zero(t, tx.Words[0].Return)

	tx.ClaimHead(ToHost)
	tx.In.Lease = Lease{Owner: "other", N: 2, Seq: head.Seq, Until: now.Add(LeaseTime)}
	tx.Release(j)
	tx.SettleIn(j, Outcome{Effect: EffectNotPerformed, Err: errors.New("too late")})
	require.Equal(t, head.Seq, tx.Words[0].Return, "it runs in another process")
}

// TestReturnThatCouldNotBeginContainsLaterMessages checks a Return that begins, and could not begin
// in time after a message got another one. It is pending again and contains both messages, so the
// session has no second one.
func TestReturnThatCouldNotBeginContainsLaterMessages(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	tx.pushReturn(false)
	tx.Now = tx.Now.Add(returnHold)
	tx.Words = []Word{wordOf(20, "first")}
	j := jobOn(t, tx, ToHost)
	tx.Words = append(tx.Words, wordOf(21, "second"))
	tx.Tidy()
	require.Equal(t, []EntryKind{KindReturn, KindReturn}, kinds(tx.In.Entries))

	settleAs(tx, j, Outcome{Effect: EffectNotPerformed, Err: context.DeadlineExceeded})
	require.Equal(t, []EntryKind{KindReturn}, kinds(tx.In.Entries))
	tx.Now = tx.Now.Add(time.Minute)
	j = jobOn(t, tx, ToHost)
	require.Len(t, tx.Unanswered(j.Head.Seq), 2)
}

// TestReturnThatADeadReplicaAttemptedStaysFrozen checks a Return that the first replica could not
// begin before it stood still. The second replica passes it to the host and dies. The third one
// cannot begin it either. When the first continues, the words of the Return stay in it, because the
// host has them.
func TestReturnThatADeadReplicaAttemptedStaysFrozen(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.AgentRequestedAt = noon()
	tx.Words = []Word{wordOf(tx.NextSeq(), "m1")}
	tx.Tidy()
	tx.Now = tx.Now.Add(returnHold)
	late := Outcome{Effect: EffectNotPerformed, Err: context.DeadlineExceeded, ChannelFault: true}

	first := jobOn(t, tx, ToHost)
	require.Equal(t, KindReturn, first.Head.Kind)
	tx.Now = tx.Now.Add(LeaseTime + LeaseGrace)
	second := jobOn(t, tx, ToHost)
	require.Len(t, second.Record.Unanswered(second.Head.Seq), 1)
	tx.Now = tx.Now.Add(LeaseTime + LeaseGrace)
	settleAs(tx, jobOn(t, tx, ToHost), late)
	settleAs(tx, first, late)
	require.Len(t, tx.Unanswered(first.Head.Seq), 1)
	require.Equal(t, machine.TurnBot, tx.Turn(tx.Now))
}

// TestReturnThatAnotherReplicaAttempted checks a Return whose first worker stood still before the
// callback. Another replica has called the host since, and the host refused the Return.
func TestReturnThatAnotherReplicaAttempted(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	say(t, tx, "1")
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	tx.Now = tx.Now.Add(returnHold)
	slow := jobOn(t, tx, ToHost)
	tx.Now = slow.Lease.Until.Add(LeaseGrace)
	settleAs(tx, jobOn(t, tx, ToHost), Outcome{Effect: EffectAmbiguous, Err: errors.New("no")})
	settleAs(tx, slow, Outcome{Effect: EffectNotPerformed, Err: errors.New("late"), ChannelFault: true})
	require.Equal(t, machine.TurnBot, tx.Turn(tx.Now), "the host has the Return")
	require.Equal(t, []string{"1"}, texts(tx.Record, firstReturn(t, tx.Record)))
	require.Equal(t, firstReturn(t, tx.Record).Seq, tx.Words[0].Return)
}

// TestLateFailureLeavesARunningAttempt checks a Return that has failed for a minute. The failure of
// a process that stood still is stored while another replica calls the host again.
func TestLateFailureLeavesARunningAttempt(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	say(t, tx, "1")
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	tx.Now = tx.Now.Add(returnHold)
	failed := Outcome{Effect: EffectAmbiguous, Err: errors.New("no")}
	settleAs(tx, jobOn(t, tx, ToHost), failed)
	tx.Now = tx.Now.Add(noticeBlock)
	slow := jobOn(t, tx, ToHost)
	tx.Now = slow.Lease.Until.Add(LeaseGrace)
	running := jobOn(t, tx, ToHost)
	agentWrites(tx, "late", 0, elsewhere)
	settleAs(tx, slow, failed)
	require.True(t, tx.returnRuns(tx.Now))
	settleAs(tx, running, Outcome{})
	require.Empty(t, tx.Words, "the host has taken them")
	require.Equal(t, []string{"late"}, lineup(tx.Record))
}

// TestReturnLeavesTheWordsOfAnEndingSession checks a Return whose attempt began before the next
// session and could not call the host. That session is ending now, and its agents have a message.
func TestReturnLeavesTheWordsOfAnEndingSession(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	say(t, tx, "1")
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	tx.Now = tx.Now.Add(returnHold)
	job := jobOn(t, tx, ToHost)
	next := machinetest.HandoverIn(machine.StateConnected)
	next.ID, next.ConversationID = "next22222222", "another conversation"
	tx.install(next)
	tx.Tidy()
	tx.accept(Message{ID: "2", Text: "two"})
	tx.Words[1].State, tx.Words[1].SentAt, tx.Words[1].Conversation = wordSent, tx.Now, next.ConversationID
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByBot})
	tx.Tidy()
	require.Equal(t, machine.StateEnding, tx.Handover.State)
	settleAs(tx, job, Outcome{Effect: EffectNotPerformed, Err: errors.New("late"), ChannelFault: true})
	tx.Now = tx.Now.Add(backoffLast)
	if len(tx.In.Entries) > 0 && tx.In.Entries[0].Kind == KindReturn {
		jobOn(t, tx, ToHost)
	}
	require.Zero(t, tx.Words[1].Return)
	require.NotContains(t, lineup(tx.Record), string(KindReturn))
}

func TestAgentSessionTakesReturnsOver(t *testing.T) {
	t.Parallel()
	begin := func(tx *Transaction) { asks(tx, "bcdefghijkl3", machine.StateRequested) }
	for name, test := range map[string]struct {
		words []string
		run   func(*testing.T, *Transaction)
		left  int // Returns
		sent  []string
	}{
		"a pending one": {[]string{"1", "2"}, func(_ *testing.T, tx *Transaction) { begin(tx) }, 0, []string{"1", "2"}},
		"an empty one":  {nil, func(_ *testing.T, tx *Transaction) { begin(tx) }, 0, []string{}},
		"one that failed": {[]string{"1"}, func(t *testing.T, tx *Transaction) {
			t.Helper()
			j, _ := atReturn(t, tx)
			settleAs(tx, j, Outcome{Err: ErrUnsure})
			begin(tx)
		}, 0, []string{"1"}},
		"one whose lease is over": {[]string{"1"}, func(t *testing.T, tx *Transaction) {
			t.Helper()
			j, _ := atReturn(t, tx)
			tx.Now = j.Lease.Until.Add(LeaseGrace)
			begin(tx)
		}, 0, []string{"1"}},
		"one that runs stays": {[]string{"1"}, func(t *testing.T, tx *Transaction) {
			t.Helper()
			atReturn(t, tx)
			begin(tx)
		}, 1, []string{}},
		"and its words are gone when the host has them": {[]string{"1"}, func(t *testing.T, tx *Transaction) {
			t.Helper()
			j, _ := atReturn(t, tx)
			begin(tx)
			settleAs(tx, j, Outcome{})
		}, 0, []string{}},
		"and they are taken over when it fails": {[]string{"1"}, func(t *testing.T, tx *Transaction) {
			t.Helper()
			j, _ := atReturn(t, tx)
			begin(tx)
			require.Equal(t, machine.TurnAgent, say(t, tx, "2"))
			settleAs(tx, j, Outcome{Err: ErrUnsure})
		}, 0, []string{"1", "2"}},
		"by an agent who writes without a session": {[]string{"1"}, func(t *testing.T, tx *Transaction) {
			t.Helper()
			tx.watch("conversation", "customer", tx.Now, tx.Now)
			look := &Reading{Began: tx.Now, Standing: machinetest.Standing(genesys.PhaseConnected)}
			settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: look})
			require.Equal(t, machine.StateConnected, tx.Handover.State)
		}, 0, []string{"1"}},
		"not by the bot": {[]string{"1"}, func(_ *testing.T, tx *Transaction) { asks(tx, "bcdefghijkl3", machine.StateBot) }, 1, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			tx.Notify = false
			for _, text := range test.words {
				say(t, tx, text)
			}
			ends(tx, noon())
			require.Equal(t, 1, returnsIn(tx.Record))
			test.run(t, tx)
			require.Equal(t, test.left, returnsIn(tx.Record))
			require.Equal(t, test.sent, queued(tx.Record))
		})
	}
}

// TestAgentSessionTakesOverAllReturns checks two Returns that wait, with a late message of the
// first session behind them. An agent session takes over both at once. Otherwise the host would get
// words that the agents have.
func TestAgentSessionTakesOverAllReturns(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	tx.pushReturn(false)
	bot := machinetest.HandoverIn(machine.StateEnded)
	bot.ID, bot.ConversationID, bot.HandedBack = "abcdefghijk3", "another", true
	tx.install(bot)
	tx.pushReturn(false)
	o := &openmessaging.Outbound{ID: "late", ConversationID: "conversation", Time: noon().Std(), Origin: openmessaging.OriginHuman}
	tx.AcceptMessage(o, openmessaging.Message{Text: "late"}, 0)
	require.Equal(t, []EntryKind{KindReturn, KindReturn, KindDelivery}, kinds(tx.In.Entries))

	next := machinetest.HandoverIn(machine.StateConnected)
	next.ID = "abcdefghijk4"
	tx.install(next)
	tx.Tidy()
	require.Equal(t, []EntryKind{KindDelivery}, kinds(tx.In.Entries))
}

// TestWordsWaitForARunningReturn checks that the opening does not wait for a Return that runs. The
// messages of the customer do, so that they keep their order.
func TestWordsWaitForARunningReturn(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	say(t, tx, "1")
	ends(tx, noon())
	running, _ := atReturn(t, tx)
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	say(t, tx, "2")
	require.False(t, tx.paused(), "the opening is posted")
	sentAt(t, tx, tx.Now)
	require.True(t, tx.paused())
	settleAs(tx, running, Outcome{Err: ErrUnsure})
	require.False(t, tx.paused())
	require.Equal(t, []string{"1", "2"}, queued(tx.Record))
}
