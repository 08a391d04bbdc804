package record

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// say forwards a message of the customer.
func say(tb testing.TB, tx *Transaction, text string) machine.Turn {
	tb.Helper()
	turn, err := tx.Forward(Message{ID: text, Text: text})
	if !errors.Is(err, ErrUnchanged) {
		require.NoError(tb, err)
		tx.Tidy()
	}
	return turn
}

// sentAt settles the head of the lane to Genesys as accepted.
func sentAt(tb testing.TB, tx *Transaction, now machine.Time) {
	tb.Helper()
	tx.Now = now
	settleAs(tx, jobOn(tb, tx, ToGenesys), Outcome{Conversation: "conversation"})
}

// seenAt applies a read that began at a time and shows a connected agent.
func seenAt(tx *Transaction, began machine.Time) {
	tx.Now = began
	tx.settleRead(&Reading{Began: began, Standing: machinetest.Standing(genesys.PhaseConnected)}, true)
}

// ends applies a read that shows that the conversation ended ten seconds before it.
func ends(tx *Transaction, now machine.Time) {
	tx.Now = now
	s := machinetest.Standing(genesys.PhaseEnded)
	s.EndedAt = now.Add(-10 * time.Second).Std()
	tx.Apply(machine.Event{Kind: machine.EvRead, Began: now, Standing: s})
	tx.Tidy()
}

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

func after(d time.Duration) machine.Time { return noon().Add(d) }

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

// A 2xx does not prove that an agent reads a message. If it is unknown when the agents left, every
// message after which no agent was seen is returned.
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

// The agent left, and our side requested the end later. Messages sent in between are unanswered.
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

// A POST runs when its session ends. Its outcome decides which side gets the message.
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

// A message that opened another conversation was sent after the end. Its answer has no Date, and
// our clock is known within a second.
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

// No read showed that the agent left, our side requested the end, and every read failed.
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

// An agent left within a second of the end. A message sent half a second before that, and so
// accepted within the same second, is answered for only if our own disconnect ended the
// conversation for the agent, too.
func TestAgentWhoLeftWithTheCustomer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end  func(*Transaction)
		want []string
	}{
		"the agent moved it into a queue": {func(tx *Transaction) {
			s := machinetest.Standing(genesys.PhaseEnded)
			s.EndedBy, s.EndedAt = "customer", after(time.Second).Std()
			tx.Now = after(6 * time.Second)
			tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: s, History: machine.History{Came: ago(time.Minute), Left: noon()}})
		}, []string{"words"}},
		"the customer ended it": {func(tx *Transaction) {
			s := machinetest.Standing(genesys.PhaseEnded)
			s.EndedBy, s.EndedAt = "customer", after(time.Second).Std()
			tx.Now = after(6 * time.Second)
			tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: s, History: machine.History{Came: ago(time.Minute), Left: noon()}})
		}, []string{"words"}},
		"our disconnect ended it for both": {func(tx *Transaction) {
			s := machinetest.Standing(genesys.PhaseEnded)
			s.EndedBy, s.EndedAt = "customer", after(time.Second).Std()
			tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
			tx.Now = after(6 * time.Second)
			tx.Handover.DisconnectedAt = after(time.Second)
			tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: s, History: machine.History{Came: ago(time.Minute), Left: after(time.Second)}})
		}, []string{}},
		"our disconnect followed": {func(tx *Transaction) {
			s := machinetest.Standing(genesys.PhaseEnded)
			s.EndedBy, s.EndedAt = "customer", after(time.Second).Std()
			tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
			tx.Now = after(6 * time.Second)
			tx.Handover.DisconnectedAt = after(time.Second)
			tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: s, History: machine.History{Came: ago(time.Minute), Left: noon()}})
		}, []string{"words"}},
		"the agent ended it before our disconnect": {func(tx *Transaction) {
			s := machinetest.Standing(genesys.PhaseEnded)
			s.EndedBy, s.EndedAt = "agent", noon().Std()
			tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
			tx.Now = after(6 * time.Second)
			tx.Handover.DisconnectedAt = after(time.Second)
			tx.Apply(machine.Event{Kind: machine.EvRead, Began: tx.Now, Standing: s, History: machine.History{Came: ago(time.Minute), Left: noon()}})
		}, []string{"words"}},
		"no read shows the end": {func(tx *Transaction) {
			tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
			tx.Handover.AgentsLeftAt = noon()
			tx.Now = after(time.Second)
			tx.Apply(machine.Event{Kind: machine.EvReleased, Code: machine.CodeNotDisconnected})
		}, []string{"words"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			say(t, tx, "words")
			sentAt(t, tx, ago(500*time.Millisecond))
			test.end(tx)
			tx.Tidy()
			require.Equal(t, machine.StateEnded, tx.Handover.State)
			require.Equal(t, test.want, texts(tx.Record, firstReturn(t, tx.Record)))
		})
	}
}

// Only a live agent answers for a message: a read that began after the message was accepted shows
// the agent in its conversation.
func TestOnlyALiveAgentAnswers(t *testing.T) {
	t.Parallel()
	for _, moved := range []bool{false, true} {
		for _, p := range machinetest.Phases() {
			t.Run(fmt.Sprint(p, moved), func(t *testing.T) {
				t.Parallel()
				tx := newTransaction(recordIn(machine.StateConnected))
				say(t, tx, "words")
				sentAt(t, tx, noon())
				if moved {
					tx.Apply(machine.Event{Kind: machine.EvMoved, Conversation: "other"})
				}
				tx.Now = after(machine.SettlePeriod + 2*machine.OffsetKnown - time.Microsecond)
				tx.settleRead(&Reading{Began: tx.Now, Standing: machinetest.Standing(p)}, true)
				require.Len(t, tx.Words, 1, "the read may be stale, and both times are known within a second")
				tx.Now = tx.Now.Add(time.Microsecond)
				tx.settleRead(&Reading{Began: tx.Now, Standing: machinetest.Standing(p)}, true)
				live := p == genesys.PhaseConnected || p == genesys.PhaseParked
				require.Equal(t, live && !moved, len(tx.Words) == 0)
			})
		}
	}
}

func TestAgentMessageAnswersOnlyItsConversation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		took         string // the conversation that the answer of the POST names
		spoke, ended time.Duration
		want         []string
	}{
		"the same":                  {"conversation", 20 * time.Second, 25 * time.Second, []string{}},
		"another":                   {"another", 4 * time.Second, 9 * time.Second, []string{"words"}},
		"the answer named none":     {"", 20 * time.Second, 10 * time.Second, []string{"words"}},
		"delivered late, not later": {"conversation", -time.Second, 9 * time.Second, []string{"words"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			tx.Notify = false
			say(t, tx, "words")
			settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: test.took})
			tx.Now = after(max(test.spoke, time.Second))
			agentWrites(tx, "Bye", test.spoke)
			require.Equal(t, test.want, inState(tx.Record, wordSent))
			ends(tx, after(test.ended)) // 10 s after the conversation was over
			require.Equal(t, test.want, texts(tx.Record, firstReturn(t, tx.Record)))
		})
	}
}

// That the agent is seen in the conversation answers for a message that no answer placed: it would
// be there.
func TestSeenAgentAnswersWhatNoAnswerPlaced(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "words")
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{})
	require.Len(t, tx.Words, 1)
	seenAt(tx, after(20*time.Second))
	require.Empty(t, tx.Words)
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

// The opening does not wait for a Return that runs. The messages of the customer do, so that they
// keep their order.
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

// A refused message is not sent again in a later session, and is returned at the end of that
// session.
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

// Genesys accepted a message in one session, no agent answered it, and the next session ended
// before it was sent again.
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

// A message that Genesys accepted in another conversation is sent to the agents of the session; one
// accepted in the session's conversation is not.
func TestSessionSendsWhatAnotherConversationTook(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opened string
		want   bool
	}{
		"another conversation":              {"another", true},
		"the opening revived the same":      {"conversation", false},
		"the opening's answer named no one": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateQueued))
			tx.Notify = false
			say(t, tx, "words")
			sentAt(t, tx, noon())
			ends(tx, after(20*time.Second))
			asks(tx, "abcdefghijk3", machine.StateRequested)
			settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: test.opened})
			head, ok := tx.head()
			require.Equal(t, test.want, ok)
			if ok {
				require.Equal(t, "words", head.Message.Text)
				require.True(t, head.Again, "with another messageId")
				sentAt(t, tx, tx.Now)
				require.Equal(t, []string{"words"}, inState(tx.Record, wordSent))
			}
		})
	}
}

// A message of an earlier session is not answered before it is sent again: the agent of this
// conversation has not read it.
func TestAgentAnswersOnlyMessagesOfTheConversation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		took   string // the conversation that the answer of the earlier POST names
		opened string
		want   bool // answered
	}{
		"it was in another conversation":  {"conversation", "another", false},
		"no answer named a conversation":  {"", "another", false},
		"it is in the one that went on":   {"conversation", "conversation", true},
		"it may be in the one or another": {"", "conversation", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateQueued))
			tx.Notify = false
			say(t, tx, "words")
			settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: test.took})
			ends(tx, after(20*time.Second))
			asks(tx, "abcdefghijk3", machine.StateRequested)
			settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: test.opened})
			tx.Out.NotBefore = after(time.Hour) // Genesys asks to wait
			tx.Now = after(time.Minute)
			tx.Apply(machine.Event{Kind: machine.EvAgentWrote, Began: tx.Now})
			require.Equal(t, machine.StateConnected, tx.Handover.State)
			seenAt(tx, after(2*time.Minute))
			tx.Tidy()
			require.Equal(t, test.want, len(tx.Words) == 0)
			_, waits := tx.head()
			require.Equal(t, !test.want, waits)
		})
	}
}

// A POST ran when its session ended, and it failed in the next one. Its message was written before
// the others, so it is sent first.
func TestWordThatMissedItsSessionGoesFirst(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "first")
	j := jobOn(t, tx, ToGenesys)
	ends(tx, after(2*time.Second))
	asks(tx, "abcdefghijk3", machine.StateRequested)
	say(t, tx, "second")
	say(t, tx, "third")
	settleAs(tx, j, Outcome{Effect: EffectNotPerformed, Err: &genesys.Error{StatusCode: 429}})
	require.Equal(t, []string{"first", "second", "third"}, queued(tx.Record))
	list := tx.EntriesOut()
	require.Equal(t, KindOpen, list[0].Kind)
	for i, x := range list[1:] {
		require.True(t, x.Wire.After(list[i].Wire), "times grow")
	}
	require.Equal(t, tx.WireTime, list[3].Wire)
}

// A process stood still in a POST until its session was over, and the next session has the message.
// Its outcome is true of the conversation that it names, and of no other.
func TestLatePostOfAnEarlierSession(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opened string
		want   []string // still to be sent
	}{
		"into another conversation":          {"another", []string{"words"}},
		"into the conversation that went on": {"conversation", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			tx.Notify = false
			say(t, tx, "words")
			late := jobOn(t, tx, ToGenesys)
			ends(tx, late.Lease.Until.Add(LeaseGrace))
			asks(tx, "abcdefghijk3", machine.StateRequested)
			settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: test.opened})
			settleAs(tx, late, Outcome{Conversation: "conversation"})
			var waits []string
			for h, ok := tx.head(); ok; h, ok = tx.head() {
				require.True(t, h.Again)
				waits = append(waits, h.Message.Text)
				settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: test.opened})
			}
			require.Equal(t, test.want, waits)
			require.Equal(t, []string{"words"}, inState(tx.Record, wordSent))
		})
	}
}

// The same for one part of a message: the agents of the next session get all parts.
func TestLatePartOfAnEarlierSession(t *testing.T) {
	t.Parallel()
	picture := openmessaging.Attachment{URL: "https://example.com/a.png", MIME: "image/png"}
	tx := newTransaction(recordIn(machine.StateConnected))
	_, err := tx.Forward(Message{ID: "1", Text: "look", Attachments: []openmessaging.Attachment{picture, picture}})
	require.NoError(t, err)
	late := jobOn(t, tx, ToGenesys)
	ends(tx, late.Lease.Until.Add(LeaseGrace))
	asks(tx, "abcdefghijk3", machine.StateRequested)
	settleAs(tx, late, Outcome{Conversation: "conversation"})
	require.Zero(t, tx.Words[0].Done)
}

// Genesys accepted a part of a message in one session. The agents of the next one get all parts. If
// that session ends before, the Return reports that an agent may have read some of it.
func TestNextSessionSendsAllParts(t *testing.T) {
	t.Parallel()
	picture := openmessaging.Attachment{URL: "https://example.com/a.png", MIME: "image/png"}
	tx := newTransaction(recordIn(machine.StateConnected))
	_, err := tx.Forward(Message{ID: "1", Text: "look", Attachments: []openmessaging.Attachment{picture, picture}})
	require.NoError(t, err)
	sentAt(t, tx, noon())
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectNotPerformed, Err: genesys.ErrUnavailable})
	require.Equal(t, 1, tx.Words[0].Done)
	ends(tx, after(20*time.Second))
	asks(tx, "abcdefghijk3", machine.StateRequested)
	w := tx.Words[0]
	require.True(t, w.Again)
	require.Zero(t, w.Done)
	require.Zero(t, w.Attempts)
	require.Zero(t, w.First, "its 15 minutes begin again")
	ends(tx, after(time.Minute))
	_, list := atReturn(t, tx)
	require.Equal(t, []bool{true}, wasSent(list))
}

// A refused message was not sent, even if it was released from its session.
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

func TestEndSendsWhatWaitsForTenSeconds(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	for _, text := range []string{"1", "2", "3"} {
		say(t, tx, text)
	}
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.Now = after(10*time.Second - time.Microsecond)
	tx.Tidy()
	require.Equal(t, machine.TurnAgent, say(t, tx, "4"))
	require.Equal(t, []string{"1", "2", "3"}, queued(tx.Record), "what is written now is not for these agents")
	j := jobOn(t, tx, ToGenesys)
	tx.Now = after(10 * time.Second)
	tx.Tidy()
	require.Equal(t, []string{"1"}, queued(tx.Record), "the one that is being sent stays")
	settleAs(tx, j, Outcome{Effect: EffectNotPerformed, Err: genesys.ErrUnavailable})
	require.Empty(t, queued(tx.Record))
	ends(tx, tx.Now)
	_, list := atReturn(t, tx)
	require.Equal(t, []string{"1", "2", "3", "4"}, textsOf(list))
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

// sentMany sends n messages that no agent answers.
func sentMany(t *testing.T, s machine.State, n int) *Transaction {
	t.Helper()
	tx := newTransaction(recordIn(s))
	for i := range n {
		say(t, tx, strconv.Itoa(i))
		sentAt(t, tx, noon())
	}
	return tx
}

// named lists the messages that a notice reports as failed.
func named(tx *Transaction) []string {
	var ids []string
	for _, x := range tx.In.Entries {
		if x.Notice != nil && x.Notice.Kind == machine.NoticeMessageFailed {
			ids = append(ids, x.Notice.MessageID)
		}
	}
	return ids
}

// The text of the 20 newest sent messages is kept. A notice names each of the others that is not
// answered.
func TestTrimmedWordsAreNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state machine.State
		next  func(*Transaction)
		want  []string
	}{
		"an agent may still join":            {machine.StateQueued, func(*Transaction) {}, nil},
		"at the end":                         {machine.StateQueued, func(tx *Transaction) { ends(tx, after(time.Minute)) }, []string{"0", "1", "2"}},
		"when another agent session begins":  {machine.StateEnding, func(tx *Transaction) { asks(tx, "bcdefghijkl3", machine.StateRequested) }, []string{"0", "1", "2"}},
		"not what an agent answered":         {machine.StateConnected, func(tx *Transaction) { seenAt(tx, after(time.Minute)); ends(tx, after(2*time.Minute)) }, nil},
		"not what the end shows as answered": {machine.StateConnected, func(tx *Transaction) { ends(tx, after(2*time.Minute)) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := test.state
			if state == machine.StateEnding {
				state = machine.StateQueued
			}
			tx := sentMany(t, state, maxSentWords+3)
			require.Len(t, inState(tx.Record, wordSent), maxSentWords)
			if test.state == machine.StateEnding {
				tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
			}
			test.next(tx)
			require.Equal(t, test.want, named(tx))
		})
	}
}

func TestTrimmedIDsAreBounded(t *testing.T) {
	t.Parallel()
	tx := sentMany(t, machine.StateQueued, maxSentWords+maxSentIDs+2)
	require.Len(t, tx.Words, maxSentWords+maxSentIDs)
	require.Equal(t, []string{"0", "1"}, named(tx), "the oldest are named at once")
}

// Attachments count too. Else the record would be too large to store.
func TestSentWordsAreBoundedWithAttachments(t *testing.T) {
	t.Parallel()
	picture := openmessaging.Attachment{URL: "https://example.com/" + string(make([]byte, 1900)), MIME: "image/png"}
	tx := newTransaction(recordIn(machine.StateConnected))
	for i := range 10 {
		m := Message{ID: strconv.Itoa(i), Attachments: make([]openmessaging.Attachment, 20)}
		for i := range m.Attachments {
			m.Attachments[i] = picture
		}
		tx.Words = append(tx.Words, Word{Seq: tx.NextSeq(), ID: m.ID, Message: &m, Size: SizeOf(m), State: wordSent, Handover: tx.Handover.ID, SentAt: noon()})
		tx.trim()
	}
	size, without := 0, 0
	for i := range tx.Words {
		if w := &tx.Words[i]; w.Message != nil {
			size += SizeOf(*w.Message)
		} else {
			without++
		}
	}
	require.LessOrEqual(t, size, sentBytes)
	require.Positive(t, without)
}

func TestRefusedWordsAreBounded(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	for i := range maxRefusedWords + 3 {
		say(t, tx, strconv.Itoa(i))
		settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Effect: EffectRefused, Err: &genesys.Error{StatusCode: 400}})
	}
	require.Len(t, inState(tx.Record, wordRefused), maxRefusedWords)
	require.Equal(t, "3", tx.Words[0].ID, "the oldest are dropped")
	require.Len(t, named(tx), maxRefusedWords+3, "each was named when it was refused")
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
