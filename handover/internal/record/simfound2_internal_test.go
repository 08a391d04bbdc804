package record

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

// A process dies while it sends a word, and the session ends before the lease expires. Then the
// word goes into a Return, so the record is due at that time.
func TestWordOfDeadSenderIsDue(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	message := Message{ID: "m1", Text: "hello"}
	f := &Record{
		Handover: &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateEnded}, HandedBack: true, Returned: true},
		Words:    []Word{{Seq: 1, ID: "m1", Message: &message, At: now, Handover: "aaaaaaaaaaaa"}},
		Out:      lane{Lease: Lease{Owner: "dead", N: 1, Seq: 1, Until: now.Add(LeaseTime)}},
	}

	require.Equal(t, now.Add(LeaseTime+LeaseGrace), f.WakeAt())

	tx := &Transaction{Record: f, Now: now.Add(LeaseTime + LeaseGrace)}
	tx.Tidy()
	require.Len(t, f.In.Entries, 1)
	require.Equal(t, KindReturn, f.In.Entries[0].Kind)
	require.Equal(t, f.In.Entries[0].At, f.WakeAt())
}

// The session knows how reads name messages. The entry that watches its conversation after its end
// keeps that knowledge.
func TestWatchedEntryKeepsListing(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	known := machine.Listing{Checked: now, Reached: true}
	tx := &Transaction{Record: &Record{Handover: &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", ConversationID: "c1"}, Listing: known}}, Now: now}

	require.Equal(t, known, tx.watch("c1", "k", now, now).Listing)
	require.Equal(t, machine.Listing{Reached: true}, tx.watch("c2", "k", now, now).Listing)
}

// Messages of the customer after Forget, while the session still ends, are accepted and go into its
// Return.
func TestForgetKeepsLaterWords(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	tx := &Transaction{Record: &Record{Handover: &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateConnected, ConversationID: "c1"}}}, Now: now}
	tx.accept(Message{ID: "before", Text: "hello"})
	tx.Forget = now
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.ForgetContent()
	require.Empty(t, tx.Words)

	tx.accept(Message{ID: "after", Text: "hello"})
	tx.Apply(machine.Event{Kind: machine.EvReleased})
	tx.Tidy()
	require.Len(t, tx.Words, 1)
	require.Equal(t, "after", tx.Words[0].ID)
}

// The first webhook of a conversation arrives after the end of its session, so the conversation is
// watched. The entry notes that webhooks arrive, so it waits for a proof that reads use the same
// ids before messages count as missing.
func TestWebhookAfterEndIsReached(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	over := &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateEnded, ConversationID: "c1"}, HandedBack: true, Returned: true}
	tx := &Transaction{Record: &Record{Handover: over}, Now: now}
	o := &openmessaging.Outbound{ID: "w1", CustomerID: "k", ConversationID: "c1", Origin: openmessaging.OriginHuman, Time: now.Std()}
	tx.AcceptMessage(o, openmessaging.Message{Text: "bye"}, tx.MessageArrived(o))
	tx.Reached(o)

	require.True(t, tx.watching("c1").Reached)
	require.True(t, tx.Handover.Reached)
}

// The only webhook of a conversation that the session's message opened arrives before the session
// ends. The conversation is watched then, and its entry notes that webhooks arrive.
func TestWebhookOfAnOpenedConversationIsReached(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	c := &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateAlerting, ConversationID: "c1"}, From: "k", OpeningTriedAt: now}
	tx := &Transaction{Record: &Record{Handover: c}, Now: now}
	tx.Apply(machine.Event{Kind: machine.EvMoved, Conversation: "c2"})
	o := &openmessaging.Outbound{ID: "w1", CustomerID: "k", ConversationID: "c2", Origin: openmessaging.OriginBot, Time: now.Std()}
	tx.AcceptMessage(o, openmessaging.Message{Text: "please wait"}, tx.MessageArrived(o))
	tx.Reached(o)
	tx.leave(c)

	require.True(t, tx.watching("c2").Reached)
}

// A conversation that cannot be disconnected remains watched while messages of it are missing.
func TestUnclosedKeepsMissing(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	entry := Watched{ID: "c1", From: "k", Close: true, Incomplete: true, Closings: maxClosings - 1, Since: now.Add(-time.Hour), At: now, Until: now.Add(time.Hour)}
	j := &Job{Record: &Record{Watched: []Watched{entry}}}
	tx := &Transaction{Record: &Record{Watched: []Watched{entry}}, Now: now}
	read := &Reading{
		Began: now, Standing: genesys.Standing{Phase: genesys.PhaseQueued},
		Messages: []genesys.MessageRef{{ID: "w1", Time: now.Add(-10 * time.Minute).Std()}},
	}
	refused := errors.New("refused")

	tx.settleWatched(j, Outcome{Read: read, Tried: true, Refused: refused, GapErr: errors.New("down")})
	require.Len(t, tx.Watched, 1)
	require.False(t, tx.Watched[0].Close)
	require.True(t, tx.Watched[0].At.After(now))
}

// A conversation is watched for missing messages of a session, and a later session in it ends with
// missing messages, too. Those of the first are still fetched.
func TestRepairKeepsOlderMissing(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	c := &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", ConversationID: "c1"}, Listing: machine.Listing{Checked: now.Add(-time.Hour), Proven: true}}
	tx := &Transaction{Record: &Record{Handover: c}, Now: now}
	tx.repair(c, &Reading{Began: now}, now)
	c.Checked = now
	tx.repair(c, &Reading{Began: now}, now)
	require.Equal(t, now.Add(-time.Hour), tx.watching("c1").Checked)
}

// The last agent transferred the customer, no read shows it, and HandOver ends the session that is
// ending. No read has shown an agent since a word was sent, so that word is unanswered and belongs
// to the new session.
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

// A Return is claimed and its process does not run until it is too late to begin. The host has not
// received it, so it is pending again, and the agents have the turn.
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

// Genesys accepted a word, a Return contains it, and the host passes it to the agents again.
// Genesys still has it, so the next attempt needs another messageId, and the next Return reports it
// as sent.
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

// The Return of a forgotten session runs, the bot has another session, and the host passes a word
// on. The Return of that word belongs to the session that is over.
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

// A word of a forgotten session is still being sent after the Return of that session, and the bot
// has another session. The Return of later words belongs to the session that is over.
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

// Reads fail for the whole retention, and another session begins. That session is not given up at
// once.
func TestASessionHasItsOwnRetention(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.Now, tx.Handover.Started = now, now.Add(-time.Minute)
	tx.Control.First = now.Add(-2 * machine.DefaultRetention)
	fails := Outcome{Task: TaskLook, Err: errors.New("not reachable"), RetryAfter: time.Second}
	tx.SettleTask(&Job{Record: tx.Record}, fails)
	require.True(t, tx.Handover.Open())
	tx.Now = now.Add(machine.DefaultRetention)
	tx.SettleTask(&Job{Record: tx.Record}, fails)
	require.False(t, tx.Handover.Open())
}

// A Return with a word that Genesys accepted is over, and the host passes the word to the agents of
// another session. It still needs another messageId, and counts as sent.
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

// The agents ended the conversation, and a moment later a word of the customer opened another one.
// The clock of Genesys is known within a second, so by its time the word may seem to be the earlier
// of the two. No agent is in the other conversation, so the word is unanswered.
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
