package record

import (
	"errors"
	"fmt"
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

func after(d time.Duration) machine.Time { return noon().Add(d) }

func TestForwardInEveryState(t *testing.T) {
	t.Parallel()
	for s, test := range map[machine.State]struct {
		transition    machine.Turn
		queued, words int
	}{
		"": {machine.TurnBot, 0, 0}, machine.StateBot: {machine.TurnBot, 0, 0}, machine.StateEnded: {machine.TurnBot, 0, 0}, machine.StateEnding: {machine.TurnAgent, 0, 1},
		machine.StateRequested: {machine.TurnAgent, 1, 1}, machine.StateQueued: {machine.TurnAgent, 1, 1}, machine.StateAlerting: {machine.TurnAgent, 1, 1}, machine.StateConnected: {machine.TurnAgent, 1, 1},
	} {
		f := &Record{}
		if s != "" {
			f = recordIn(s)
			f.Handover.HandedBack = true
		}
		tx := newTransaction(f)
		for range 2 {
			require.Equal(t, test.transition, say(t, tx, "words"), s)
			require.Len(t, queued(tx.Record), test.queued, s)
			require.Len(t, tx.Words, test.words, s)
		}
	}
}

// TestOnlyALiveAgentAnswers checks that only a live agent answers for a message: a read that began
// after the message was accepted shows the agent in its conversation.
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

// TestSeenAgentAnswersWhatNoAnswerPlaced checks that an agent who is seen in the conversation
// answers for a message that no answer placed, because it would be there.
func TestSeenAgentAnswersWhatNoAnswerPlaced(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "words")
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{})
	require.Len(t, tx.Words, 1)
	seenAt(tx, after(20*time.Second))
	require.Empty(t, tx.Words)
}

// TestAgentWhoLeftWithTheCustomer checks an agent who left within a second of the end. A message
// sent half a second before that, and so accepted within the same second, is answered for only if
// our own disconnect ended the conversation for the agent, too.
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

// TestEndOfAConversationAnswersNothingInAnother checks a word of the customer that opened another
// conversation a moment after the agents ended the first one. The clock of Genesys is known within
// a second, so by its time the word may seem to be the earlier of the two. No agent is in the other
// conversation, so the word is unanswered.
func TestEndOfAConversationAnswersNothingInAnother(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	c := &machine.Handover{
		Session: machine.Session{
			ID: "aaaaaaaaaaaa", State: machine.StateEnded, ConversationID: "c1", Connected: now.Add(-time.Minute),
		},
		MovedTo: "c2", AnsweredUntil: now,
	}
	tx := &Transaction{Record: &Record{Handover: c}, Now: now}
	for i, conversation := range []string{"c1", "c2"} {
		m := Message{ID: conversation, Text: "hello"}
		tx.Words = append(tx.Words, Word{
			Seq: uint64(i) + 1, ID: m.ID, Message: &m, State: wordSent, SentAt: now.Add(-time.Second),
			Handover: c.ID, Conversation: conversation,
		})
	}
	tx.answeredByEnd(c)
	require.Len(t, tx.Words, 1)
	require.Equal(t, "c2", tx.Words[0].ID)
}

// TestReleasedKeepsUnseenWords checks a HandOver that ends the session that is ending, after the
// last agent transferred the customer and no read shows it. No read has shown an agent since a word
// was sent, so that word is unanswered and belongs to the new session.
func TestReleasedKeepsUnseenWords(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	c := &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateConnected, ConversationID: "c1"}}
	c.Connected = now.Add(-time.Minute)
	tx := &Transaction{Record: &Record{Handover: c}, Now: now}
	tx.accept(Message{ID: "m1", Text: "hello"})
	tx.Words[0].State, tx.Words[0].SentAt, tx.Words[0].Conversation = wordSent, now, "c1"
	tx.Now = now.Add(time.Minute)
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})

	tx.Apply(machine.Event{Kind: machine.EvReleased})
	tx.answeredByEnd(tx.Handover)
	require.Len(t, tx.Words, 1)
}

// TestAWebhookThatWasOnItsWayAnswersForNothing checks that sent messages remain in the ledger until
// a later message of an agent. An earlier message that is delivered later answers for none.
func TestAWebhookThatWasOnItsWayAnswersForNothing(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "are you there?")
	sentAt(t, tx, noon().Add(30*time.Second))
	agentWrites(tx, "one moment", 10*time.Second)
	require.Len(t, tx.Words, 1)
	tx.Now = noon().Add(time.Minute)
	agentWrites(tx, "yes?", 30*time.Second-time.Microsecond)
	require.Len(t, tx.Words, 1)
	agentWrites(tx, "yes", 31*time.Second)
	require.Empty(t, tx.Words)
}

// TestSessionSendsWhatAnotherConversationTook checks that a message that Genesys accepted in
// another conversation is sent to the agents of the session. One accepted in the session's
// conversation is not.
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

// TestAgentAnswersOnlyMessagesOfTheConversation checks that a message of an earlier session is not
// answered before it is sent again: the agent of this conversation has not read it.
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

// TestWordThatMissedItsSessionGoesFirst checks a POST that ran when its session ended, and failed
// in the next one. Its message was written before the others, so it is sent first.
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

// TestNextSessionSendsAllParts checks a message of which Genesys accepted a part in one session.
// The agents of the next one get all parts. If that session ends before, the Return reports that an
// agent may have read some of it.
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

// TestGivenBackKeepsSent checks a word that Genesys accepted, that a Return contains, and that the
// host passes to the agents again. Genesys still has it, so the next attempt needs another
// messageId, and the next Return reports it as sent.
func TestGivenBackKeepsSent(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	tx := &Transaction{Record: &Record{Handover: &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateEnded}, HandedBack: true}}, Now: now}
	tx.accept(Message{ID: "m1", Text: "hello"})
	tx.Words[0].State, tx.Words[0].Conversation = wordSent, "c1"
	tx.pushReturn(false)
	tx.ClaimHead(ToHost)
	tx.In.Entries[0].Attempts = 1

	tx.Handover = &machine.Handover{Session: machine.Session{ID: "bbbbbbbbbbbb", State: machine.StateQueued}}
	turn, err := tx.Reply(Message{ID: "m1", Text: "hello"})
	require.NoError(t, err)
	require.Equal(t, machine.TurnAgent, turn)
	require.Len(t, tx.Words, 1)
	require.True(t, tx.Words[0].unanswered().Sent)
	require.True(t, tx.Words[0].Again)
}

// TestGivenBackLaterKeepsSent checks a Return that contained a word that Genesys accepted. After
// that Return, the host passes the word to the agents of another session. It still needs another
// messageId, and counts as sent.
func TestGivenBackLaterKeepsSent(t *testing.T) {
	t.Parallel()
	for _, sent := range []bool{true, false} {
		tx := newTransaction(&Record{Handover: &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateEnded}, HandedBack: true}})
		tx.accept(Message{ID: "m1", Text: "hello"})
		if sent {
			tx.Words[0].State, tx.Words[0].Conversation = wordSent, "c1"
		}
		tx.pushReturn(false)
		tx.ClaimHead(ToHost)
		tx.removeWords(tx.In.Entries[0].Seq)
		tx.In.remove(0)
		require.Empty(t, tx.Words)

		tx.Handover = &machine.Handover{Session: machine.Session{ID: "bbbbbbbbbbbb", State: machine.StateQueued}}
		turn, err := tx.Forward(Message{ID: "m1", Text: "hello"})
		require.NoError(t, err)
		require.Equal(t, machine.TurnAgent, turn)
		require.Equal(t, sent, tx.Words[0].Again)
		require.Equal(t, sent, tx.Words[0].unanswered().Sent)
	}
}
