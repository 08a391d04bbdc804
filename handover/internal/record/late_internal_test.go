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

// TestAFactIsAFactButOnlyOnce checks that settling removes the head only if its seq matches, with
// any owner of the lease.
func TestAFactIsAFactButOnlyOnce(t *testing.T) {
	t.Parallel()
	t.Run("a message", func(t *testing.T) {
		t.Parallel()
		tx := newTransaction(recordIn(machine.StateConnected))
		say(t, tx, "1")
		say(t, tx, "2")
		slow, quick := jobOn(t, tx, ToGenesys), jobOn(t, tx, ToGenesys)
		settleAs(tx, quick, Outcome{})
		settleAs(tx, slow, Outcome{})
		require.Equal(t, []string{"2"}, queued(tx.Record))
		require.Equal(t, []string{"1"}, inState(tx.Record, wordSent))
	})
	t.Run("a part", func(t *testing.T) {
		t.Parallel()
		tx := newTransaction(recordIn(machine.StateConnected))
		picture := openmessaging.Attachment{URL: "https://example.com/a.png", MIME: "image/png"}
		_, err := tx.Forward(Message{ID: "1", Text: "look", Attachments: []openmessaging.Attachment{picture, picture}})
		require.NoError(t, err)
		slow, quick := jobOn(t, tx, ToGenesys), jobOn(t, tx, ToGenesys)
		settleAs(tx, quick, Outcome{})
		settleAs(tx, slow, Outcome{})
		require.Equal(t, 1, tx.Words[0].Done, "the second part has not been sent")
		settleAs(tx, slow, Outcome{Effect: EffectAmbiguous, Err: errors.New("reset")})
		require.Zero(t, tx.Words[0].Attempts)
	})
	t.Run("a delivery", func(t *testing.T) {
		t.Parallel()
		tx := newTransaction(recordIn(machine.StateConnected))
		agentWrites(tx, "1", 0)
		agentWrites(tx, "2", 1)
		slow, quick := jobOn(t, tx, ToHost), jobOn(t, tx, ToHost)
		settleAs(tx, quick, Outcome{})
		settleAs(tx, slow, Outcome{})
		require.Equal(t, []string{"2"}, lineup(tx.Record))
	})
}

// TestLateOutcomeOfAnEarlierOpening checks that the opening of an earlier session that is settled
// late changes nothing of the present one.
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

// TestALateOpeningIsDisconnected checks an opening that was dropped and whose answer arrives later.
// The conversation that it opened is closed.
func TestALateOpeningIsDisconnected(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt = "", 0
	tx := opens(c)
	late := jobOn(t, tx, ToGenesys)
	tx.Now = late.Lease.Until.Add(LeaseGrace)
	tx.Apply(machine.Event{Kind: machine.EvFailed, Code: machine.CodeNoAnswer})
	tx.Tidy()
	require.Empty(t, tx.Out.Entries)
	settleAs(tx, late, Outcome{Conversation: "late"})
	require.Equal(t, "late", tx.Watched[0].ID)
	require.True(t, tx.Watched[0].Close)
}

// TestLateOpeningInheritsTheEnd checks the answer of an opening that arrives after the host
// requested the end. Its conversation is closed, too.
func TestLateOpeningInheritsTheEnd(t *testing.T) {
	t.Parallel()
	for asked, end := range map[bool]machine.Event{true: {Kind: machine.EvEnd, Reason: machine.EndByCustomer}, false: {Kind: machine.EvFailed}} {
		c := machinetest.HandoverIn(machine.StateBot)
		c.ConversationID, c.OpeningAcceptedAt, c.OpeningTriedAt = "", 0, noon()
		tx := opens(c)
		j := jobOn(t, tx, ToGenesys)
		tx.Apply(end)
		tx.Tidy()
		require.Equal(t, machine.StateEnded, tx.Handover.State)
		settleAs(tx, j, Outcome{Conversation: "late"})
		w := tx.watching("late")
		require.True(t, w.Close)
		require.Equal(t, asked, w.Requested)
		require.Equal(t, asked, !w.EndedAt.IsZero())
	}
}

// TestLateOpeningBeforeAnotherSession checks that the conversation that the opening of an ended
// session has begun is watched from the time of that session, and not of the present one.
func TestLateOpeningBeforeAnotherSession(t *testing.T) {
	t.Parallel()
	tx := unanswered()
	j := jobOn(t, tx, ToGenesys)
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.Apply(machine.Event{Kind: machine.EvReleased})
	tx.Tidy()
	ended := tx.Now
	tx.Now = noon().Add(5 * time.Second)
	tx.install(machine.Handover{Session: machine.Session{ID: "zyxwvutsrqp2", Key: tx.Key, State: machine.StateRequested}, From: "customer"})
	settleAs(tx, j, Outcome{Conversation: "late"})
	w := tx.watching("late")
	require.True(t, w.Close)
	require.Equal(t, noon(), w.Since)
	require.Equal(t, ended, w.EndedAt)
	tx.unwatch("late")
	require.Equal(t, "late", tx.lastConversation("customer"), "a later opening may continue it")
}

// TestLateAnswerNamesAnotherConversation checks the first attempt of a message, which is answered
// after another replica has sent it. Its answer names a conversation that the session is not in, so
// no session needs that conversation.
func TestLateAnswerNamesAnotherConversation(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "1")
	late := jobOn(t, tx, ToGenesys)
	tx.Now = late.Lease.Until.Add(LeaseGrace)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "conversation"})
	settleAs(tx, late, Outcome{Conversation: "other"})
	require.Equal(t, "conversation", tx.Handover.ConversationID)
	require.NotNil(t, tx.Open())
	w := tx.watching("other")
	require.NotNil(t, w)
	require.True(t, w.Close)
	require.False(t, w.Requested)
	require.Equal(t, tx.Now, tx.Handover.PollAt, "one of both is over")
}

// TestLateAnswerNamesTheConversation checks the first attempt of an opening, which is answered
// after another replica has sent it. The answer to the second attempt named no conversation.
func TestLateAnswerNamesTheConversation(t *testing.T) {
	t.Parallel()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt = "", 0
	tx := opens(c)
	late := jobOn(t, tx, ToGenesys)
	tx.Now = late.Lease.Until.Add(LeaseGrace)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{})
	require.Empty(t, tx.Handover.ConversationID)
	settleAs(tx, late, Outcome{Conversation: "named"})
	require.Equal(t, "named", tx.Handover.ConversationID)
	require.Empty(t, tx.Watched)
}

// TestLateConversationHasItsOwnIdentity checks a message of a session that opened another
// conversation, and whose answer arrives in the next session, which has another identity. The
// conversation belongs to the session and the identity of the message.
func TestLateConversationHasItsOwnIdentity(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Handover.From = "customer~abcdefghijk2"
	tx.Words = append(tx.Words, wordOf(tx.NextSeq(), "m1"))
	j := jobOn(t, tx, ToGenesys)
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ID, c.From, c.Request, c.ConversationID = "zyxwvutsrqp2", "customer~zyxwvutsrqp2", "next", ""
	_, err := tx.HandOver(c, &Opening{Texts: []string{"summary"}}, machine.Timers{})
	require.NoError(t, err)
	tx.Tidy()
	settleAs(tx, j, Outcome{Conversation: "late"})
	w := tx.watching("late")
	require.NotNil(t, w)
	require.Equal(t, "customer~abcdefghijk2", w.From)
	require.Equal(t, "abcdefghijk2", w.Handover)
}

// TestLateMessageOpensAConversation checks a message that opened a conversation. Its outcome is
// known only after the host has taken the message in a Return. That conversation is closed.
func TestLateMessageOpensAConversation(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Notify = false
	say(t, tx, "1")
	late := jobOn(t, tx, ToGenesys)
	tx.Now = late.Lease.Until.Add(LeaseGrace)
	tx.Apply(machine.Event{Kind: machine.EvRefused})
	tx.Tidy()
	tx.Now = tx.Now.Add(returnHold)
	settleAs(tx, jobOn(t, tx, ToHost), Outcome{})
	require.Empty(t, tx.Words)
	settleAs(tx, late, Outcome{Conversation: "late", Accepted: tx.Now})
	w := tx.watching("late")
	require.NotNil(t, w)
	require.True(t, w.Close)
}

// TestLatePostOfAnEarlierSession checks a process that stood still in a POST until its session was
// over, while the next session has the message. Its outcome is true of the conversation that it
// names, and of no other.
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

// TestLatePartOfAnEarlierSession checks such a POST of one part of a message: the agents of the
// next session get all parts.
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

// TestLateOutcomeKeepsTheParts checks a message whose first attempt is answered only after another
// session has it. Genesys took it in the earlier conversation, so the agents of the other session
// get all of it.
func TestLateOutcomeKeepsTheParts(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.accept(Message{ID: "m1", Text: "hello"})
	job := jobOn(t, tx, ToGenesys)
	next := machinetest.HandoverIn(machine.StateConnected)
	next.ID, next.ConversationID = "next22222222", "another conversation"
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Now = tx.Now.Add(LeaseTime + LeaseGrace) // the process stood still
	tx.Tidy()
	tx.install(next)
	tx.Tidy()
	require.Equal(t, next.ID, tx.Words[0].Handover)

	tx.SettleOut(job, Outcome{Conversation: "conversation", Accepted: tx.Now})
	tx.Tidy()
	head, ok := tx.head()
	require.True(t, ok)
	require.Equal(t, "hello", head.WireMessage(tx.Handover).Text)
	require.True(t, head.Again)
	require.False(t, head.Wire.IsZero())
	job = jobOn(t, tx, ToGenesys)
	tx.SettleOut(job, Outcome{Conversation: next.ConversationID, Accepted: tx.Now.Add(time.Second)})
	_, ok = tx.head()
	require.False(t, ok)
}

// TestLateOutcomeOfAnAnswer checks an answer of the customer that Genesys accepted in the
// conversation of an ended session. The answer of Genesys names no conversation.
func TestLateOutcomeOfAnAnswer(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.accept(Message{ID: "1", Reply: &openmessaging.Reply{InReplyTo: "offer", Kind: openmessaging.ReplyQuickReply, Text: "yes"}})
	job := jobOn(t, tx, ToGenesys)
	next := machinetest.HandoverIn(machine.StateConnected)
	next.ID, next.ConversationID = "next22222222", "another conversation"
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	tx.install(next)
	tx.Tidy()
	settleAs(tx, job, Outcome{Accepted: tx.Now})
	require.Equal(t, "conversation", tx.Words[0].Conversation)
	tx.answered(tx.Now.Add(time.Minute), true)
	require.Len(t, tx.Words, 1, "the agents of the next session have not got it")
	require.NotNil(t, tx.nextWord())
}

// TestLateOutcomeOfAMessageWithoutContent checks an attempt that is answered after another replica
// has sent the message and later messages have displaced its content.
func TestLateOutcomeOfAMessageWithoutContent(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "slow")
	slow, quick := jobOn(t, tx, ToGenesys), jobOn(t, tx, ToGenesys)
	settleAs(tx, quick, Outcome{Conversation: "conversation"})
	for i := range maxSentWords {
		say(t, tx, fmt.Sprint(i))
		settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "conversation"})
	}
	require.Nil(t, tx.Words[0].Message)
	before := tx.Words[0]
	for _, o := range []Outcome{{Conversation: "conversation"}, {Effect: EffectAmbiguous, Err: errors.New("reset")}} {
		settleAs(tx, slow, o)
		require.Equal(t, before, tx.Words[0])
	}
}

// TestOutcomeOfAMessageThatLostItsContent checks an attempt to send a message to the agents of a
// later session, during which a late outcome of another message displaces its content.
func TestOutcomeOfAMessageThatLostItsContent(t *testing.T) {
	t.Parallel()
	settled := func(o Outcome) *Transaction {
		tx := newTransaction(recordIn(machine.StateConnected))
		w := wordOf(1, "1")
		w.State, w.Again, w.Conversation, w.SentAt = wordSent, true, "earlier", ago(time.Minute)
		tx.Words = []Word{w}
		job := jobOn(t, tx, ToGenesys)
		tx.Words[0].Message, tx.Words[0].Size = nil, 0
		settleAs(tx, job, o)
		copied(t, tx.Record)
		return tx
	}
	tx := settled(Outcome{Conversation: "conversation", Accepted: noon()})
	require.Equal(t, "conversation", tx.Words[0].Conversation)
	require.False(t, tx.Words[0].Again)
	tx = settled(Outcome{Effect: EffectAmbiguous, Err: errors.New("reset")})
	require.Len(t, tx.Words, 1)
	tx = settled(Outcome{Effect: EffectRefused, Err: errors.New("no")})
	require.Empty(t, tx.Words)
	require.Equal(t, []string{"messageFailed"}, lineup(tx.Record))
}

// TestAbandonedAttemptIsWatched checks an attempt that dies after the end of its session. It may
// have revived the conversation, also if it was a second attempt or that of a context.
func TestAbandonedAttemptIsWatched(t *testing.T) {
	t.Parallel()
	word := func(state wordState) func(*Transaction) {
		return func(tx *Transaction) {
			w := wordOf(1, "1")
			w.State = state
			tx.Words = []Word{w}
		}
	}
	for name, begin := range map[string]func(*Transaction){
		"first": word(WordWaiting), "second": word(WordUnsure),
		"context": func(tx *Transaction) {
			tx.Out.Push(Entry{Seq: tx.NextSeq(), Kind: KindContext, Handover: tx.Handover.ID, At: tx.Now, Opening: &Opening{Texts: []string{"summary"}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			tx.Handover.LastWriteAt = ago(time.Minute)
			begin(tx)
			lost := jobOn(t, tx, ToGenesys)
			tx.Apply(machine.Event{Kind: machine.EvRefused})
			tx.Tidy()
			require.Empty(t, tx.Watched)
			tx.Now = lost.Lease.Until.Add(LeaseGrace)
			tx.Tidy()
			require.NotNil(t, tx.watching("conversation"))
		})
	}
}

// TestLateOpeningOfAnUnmeasuredClock checks the late answer to an opening after another session has
// begun, while Genesys' clock is not measured: the conversation counts from its opening.
func TestLateOpeningOfAnUnmeasuredClock(t *testing.T) {
	t.Parallel()
	tx := unanswered()
	tx.Clock.Unmeasured = true
	j := jobOn(t, tx, ToGenesys)
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	settleAs(tx, j, Outcome{Conversation: "late"})
	require.NotZero(t, tx.watching("late").Since)
}

// TestLateOpeningOfAForgottenSession checks an opening that is answered after Forget and after
// another session has begun. The conversation inherits that the host ended its session.
func TestLateOpeningOfAForgottenSession(t *testing.T) {
	t.Parallel()
	tx := unanswered()
	j := jobOn(t, tx, ToGenesys)
	tx.Now = noon().Add(time.Second)
	tx.Forget = tx.Now // as Manager.Forget does
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer, Detail: "the host called Forget"})
	tx.ForgetContent()
	tx.Tidy()
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	tx.Now = noon().Add(3 * time.Second)
	settleAs(tx, j, Outcome{Conversation: "late"})
	w := tx.watching("late")
	require.NotNil(t, w)
	require.True(t, w.Close)
	require.NotZero(t, w.Since)
	require.NotZero(t, w.EndedAt, "an agent there gets a session although the host ended it")
}

// TestLateOpeningInheritsTheRequest checks that a conversation that a late opening begins is
// disconnected, because the host has ended its session, also if another session has begun.
func TestLateOpeningInheritsTheRequest(t *testing.T) {
	t.Parallel()
	for _, another := range []bool{false, true} {
		t.Run(map[bool]string{false: "no other session", true: "another session"}[another], func(t *testing.T) {
			t.Parallel()
			tx := unanswered()
			j := jobOn(t, tx, ToGenesys)
			tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
			tx.Apply(machine.Event{Kind: machine.EvReleased})
			tx.Tidy()
			if another {
				asks(tx, "bcdefghijkl3", machine.StateRequested)
			}
			tx.Now = noon().Add(3 * time.Second)
			settleAs(tx, j, Outcome{Conversation: "late"})
			require.True(t, tx.watching("late").Requested)
		})
	}
}
