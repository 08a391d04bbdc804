package record

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

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

// TestLeftTextIsNotDrained checks that the text that the customer has left is sent even after ten
// seconds of other entries, because nothing else informs the agent.
func TestLeftTextIsNotDrained(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnding))
	tx.Handover.EndRequestedAt = ago(machine.DrainPatience)
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskLook, Tried: true, Refused: genesys.ErrForbidden, LeftText: "left"})
	require.Equal(t, machine.StateEnding, tx.Handover.State)
	require.Equal(t, kindLeft, tx.Out.Entries[0].Kind)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{})
	require.Equal(t, machine.StateEnded, tx.Handover.State)
	require.Equal(t, machine.CodeNotDisconnected, tx.Handover.Ending.Code)
	require.Empty(t, tx.Out.Entries)
}

// TestLeftTextWaitsForNoReturn checks that the text that the customer has left waits for no Return.
// Words of a Return that fails would be sent before later words, but that text ends the session, so
// nothing of a Return precedes it.
func TestLeftTextWaitsForNoReturn(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnding))
	tx.In.Push(Entry{Seq: tx.NextSeq(), Kind: KindReturn, Handover: "zyxwvutsrqp2", At: noon(), Unsure: true})
	tx.In.Lease = Lease{Owner: "another", N: 1, Seq: tx.Seq, Until: noon().Add(LeaseTime)}
	w := wordOf(tx.NextSeq(), "m1")
	w.Return = tx.In.Lease.Seq
	tx.Words = append(tx.Words, w)
	tx.Out.Push(Entry{Seq: tx.NextSeq(), Kind: kindLeft, Handover: tx.Handover.ID, At: noon(), Text: "bye"})
	require.True(t, tx.Ready(ToGenesys))
}

// TestRefusedDisconnectIsSettledTwice checks a disconnect that two replicas tried and Genesys
// refused twice. The agent still gets the text that the customer has left.
func TestRefusedDisconnectIsSettledTwice(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnding))
	tx.Handover.EndRequestedAt = tx.Now
	slow, quick := jobOn(t, tx, Control), jobOn(t, tx, Control)
	refused := Outcome{Task: TaskLook, Tried: true, Refused: genesys.ErrForbidden, LeftText: "left"}
	settleAs(tx, quick, refused)
	settleAs(tx, slow, refused)
	require.Equal(t, machine.StateEnding, tx.Handover.State)
	require.Len(t, tx.Out.Entries, 1)
	require.Equal(t, kindLeft, tx.Out.Entries[0].Kind)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{})
	require.Equal(t, machine.StateEnded, tx.Handover.State)
}

// TestMovedSessionWaitsForNoRead checks a message that opened another conversation, while the old
// one cannot be read. The customer's messages wait for that read only as long as for one that shows
// nothing.
func TestMovedSessionWaitsForNoRead(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "1")
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "other", Accepted: noon()})
	say(t, tx, "2")
	require.False(t, tx.Ready(ToGenesys))
	failed := Outcome{Task: TaskLook, Err: &genesys.Error{StatusCode: 500}}
	for tx.Open() != nil {
		kind, at := tx.NextTask()
		require.Equal(t, TaskLook, kind)
		tx.Now = machine.Later(tx.Now, at)
		settleAs(tx, jobOn(t, tx, Control), failed)
		require.LessOrEqual(t, tx.Now.Sub(noon()), 10*time.Second)
	}
	require.Equal(t, noon().Add(10*time.Second), tx.Now)
	require.Equal(t, machine.CodeConversationMoved, tx.Handover.Ending.Code)
	require.Equal(t, []string{"1", "2"}, texts(tx.Record, firstReturn(t, tx.Record)))
	require.True(t, tx.watching("other").Close)
}

// TestHandOverWhileAnAdoptedSessionEnds checks a session that an agent began in a conversation
// whose begin is not known. A HandOver while it is ending still closes that conversation.
func TestHandOverWhileAnAdoptedSessionEnds(t *testing.T) {
	t.Parallel()
	tx := unanswered()
	tx.Clock.Unmeasured = true
	j := jobOn(t, tx, ToGenesys)
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	settleAs(tx, j, Outcome{Conversation: "late"})
	tx.Apply(machine.Event{Kind: machine.EvFailed}) // the second session fails, too
	tx.Tidy()
	tx.Now = noon().Add(10 * time.Second)
	for range 5 {
		if tx.Open() == nil && tx.NextWatched() != nil {
			looks(t, tx, seeing(genesys.PhaseConnected), nil)
		}
	}
	require.NotNil(t, tx.Open())
	require.Equal(t, "late", tx.Handover.ConversationID)
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.Tidy()
	require.Equal(t, machine.StateEnding, tx.Handover.State)
	asks(tx, "cdefghijklm4", machine.StateRequested)
	w := tx.watching("late")
	require.NotNil(t, w, "its end was requested")
	require.True(t, w.Requested)
}
