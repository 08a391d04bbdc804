package record

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

func TestWatchedDisconnects(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		read  func(*Transaction) *Reading
		asked bool
		want  bool
	}{
		"no agent is there":                     {seeing(genesys.PhaseQueued), false, true},
		"it rings":                              {seeing(genesys.PhaseAlerting), false, false},
		"it rings, and the end was asked for":   {seeing(genesys.PhaseAlerting), true, true},
		"it is over":                            {seeing(genesys.PhaseEnded), true, false},
		"it cannot be read":                     {unreadable, false, false},
		"it cannot be read, but was asked for":  {unreadable, true, false},
		"it may not be read":                    {blindly, false, false},
		"it may not be read, and was asked for": {blindly, true, true},
		"it is not known":                       {notFound, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := closes(test.asked)
			require.Equal(t, test.want, looks(t, tx, test.read, nil))
			if !test.want {
				return
			}
			w := tx.watching("other")
			require.Equal(t, tx.Now, w.ClosedAt)
			require.Equal(t, 1, w.Closings)
			require.Equal(t, tx.Now.Add(closePause), w.At, "a read may be stale until then")
			looks(t, tx, seeing(genesys.PhaseEnded), nil)
			require.Empty(t, tx.Watched)
		})
	}
}

// TestWatchedAgentKeepsTheConversation checks that a conversation is not disconnected while an
// agent is in it, unless its end was requested.
func TestWatchedAgentKeepsTheConversation(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{true, false} {
		tx := newTransaction(recordIn(machine.StateConnected))
		tx.close(tx.Handover, "other", asked)
		require.Equal(t, asked, looks(t, tx, seeing(genesys.PhaseConnected), nil))
		require.True(t, looks(t, tx, seeing(genesys.PhaseQueued), nil))
	}
}

// TestWatchedDisconnectIsGivenUp checks that three attempts, and two that are forbidden, end in a
// notice.
func TestWatchedDisconnectIsGivenUp(t *testing.T) {
	t.Parallel()
	for status, tries := range map[int]int{403: 2, 409: 3} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			tx := closes(false)
			var at []time.Duration
			for len(tx.Watched) > 0 {
				require.True(t, looks(t, tx, seeing(genesys.PhaseQueued), apiFault(status)))
				at = append(at, tx.Now.Sub(noon()))
			}
			require.Equal(t, []time.Duration{machine.SettlePeriod, machine.SettlePeriod + closePause, machine.SettlePeriod + 2*closePause}[:tries], at)
			require.Len(t, unclosedNotices(tx), 1)
		})
	}
}

// TestWatchedDisconnectIsTriedThreeTimes checks a conversation that continues although Genesys
// accepts each disconnect. After the third it is only read, and in the end no longer watched.
func TestWatchedDisconnectIsTriedThreeTimes(t *testing.T) {
	t.Parallel()
	tx := closes(true)
	n := 0
	for len(tx.Watched) > 0 {
		if looks(t, tx, seeing(genesys.PhaseNotRouted), nil) {
			n++
		}
	}
	require.Equal(t, maxClosings, n)
	require.WithinRange(t, tx.Now.Std(), noon().Add(watchedLife).Std(), noon().Add(watchedLife+machine.SourcePoll).Std())
}

// TestUnclosedKeepsMissing checks that a conversation that cannot be disconnected remains watched
// while messages of it are missing.
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

// TestFailingDisconnectBacksOff checks that attempts to disconnect a conversation get rarer while
// Genesys fails.
func TestFailingDisconnectBacksOff(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	tx.close(tx.Handover, "another", true)
	for i := range 12 {
		began := tx.Now
		settleAs(tx, jobOn(t, tx, Control), Outcome{
			Task: TaskWatch, Err: &genesys.Error{StatusCode: 500}, Read: &Reading{Began: tx.Now, Standing: genesys.Standing{Phase: genesys.PhaseQueued}},
		})
		_, at := tx.NextTask()
		require.GreaterOrEqual(t, at.Sub(began), min(closePause<<i, lookPause), i)
		tx.Now = at
	}
}

// TestFailedDisconnectsDoNotLengthenThePauseOfReads checks a look that cannot read, after
// disconnects that failed. Its retry has the pause of a first failure.
func TestFailedDisconnectsDoNotLengthenThePauseOfReads(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	disconnect := func() {
		tx.Now = machine.Later(tx.Now, tx.watching("other").At)
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: showing(tx, genesys.PhaseQueued), Err: refusedWith(503)})
	}
	for range 6 {
		disconnect()
	}
	require.Equal(t, tx.Now.Add(lookPause), tx.watching("other").At)
	checkListing(t, tx, nil, refusedWith(503))
	require.Equal(t, tx.Now.Add(2*lookPause), tx.watching("other").At)
	disconnect()
	require.Equal(t, tx.Now.Add(lookPause), tx.watching("other").At, "they still get rarer")
}

// TestWatchedInAQueue checks a conversation that no session needs and that is in a queue for 30 s
// without an agent.
func TestWatchedInAQueue(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.watch("other", "customer", noon(), noon())
	require.False(t, looks(t, tx, seeing(genesys.PhaseQueued), nil))
	require.Equal(t, noon(), tx.Watched[0].QueuedAt)
	tx.Watched[0].At = noon().Add(queuePatience - time.Microsecond)
	require.False(t, looks(t, tx, seeing(genesys.PhaseQueued), nil))
	require.True(t, looks(t, tx, seeing(genesys.PhaseQueued), nil))

	tx = left()
	tx.watch("other", "customer", noon(), noon())
	looks(t, tx, seeing(genesys.PhaseQueued), nil)
	looks(t, tx, seeing(genesys.PhaseAlerting), nil)
	require.Zero(t, tx.Watched[0].QueuedAt, "an agent has it")
	require.False(t, looks(t, tx, seeing(genesys.PhaseQueued), nil))
}

// TestWatchedIsAbandoned checks a conversation that no session needs and that all agents have left,
// so that the customer is without an agent for two minutes.
func TestWatchedIsAbandoned(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.watch("other", "customer", noon(), noon())
	alone := func(since machine.Time) func(*Transaction) *Reading {
		return func(tx *Transaction) *Reading {
			r := showing(tx, genesys.PhaseUnknown)
			r.Standing.AloneSince = since.Std()
			return r
		}
	}
	require.False(t, looks(t, tx, alone(ago(time.Minute)), nil))
	require.True(t, looks(t, tx, alone(ago(time.Minute)), nil))

	tx = left() // the agents had left before it was watched
	tx.watch("other", "customer", noon(), noon())
	require.False(t, looks(t, tx, seeing(genesys.PhaseNotRouted), nil))
	tx.Watched[0].At = noon().Add(machine.AlonePatience - time.Microsecond)
	require.False(t, looks(t, tx, seeing(genesys.PhaseNotRouted), nil))
	require.True(t, looks(t, tx, seeing(genesys.PhaseNotRouted), nil))
}

// TestConversationOfTheSessionIsNotClosed checks a conversation that is to be closed and that the
// next session continues: neither the answer to its opening nor any other has named it, but a
// search or a webhook does.
func TestConversationOfTheSessionIsNotClosed(t *testing.T) {
	t.Parallel()
	for name, found := range map[string]func(*testing.T, *Transaction){
		"search": func(t *testing.T, tx *Transaction) {
			t.Helper()
			settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskLook, Conversation: "late"})
		},
		"webhook": func(_ *testing.T, tx *Transaction) {
			agentWrites(tx, "hello", 0, func(o *openmessaging.Outbound) { o.ConversationID = "late" })
		},
		"message": func(t *testing.T, tx *Transaction) {
			t.Helper()
			say(t, tx, "1")
			settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "late"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := left()
			tx.close(tx.Handover, "late", true)
			asks(tx, "bcdefghijkl3", machine.StateRequested)
			settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{})
			require.Len(t, tx.Watched, 1)
			found(t, tx)
			require.Equal(t, "late", tx.Handover.ConversationID)
			require.Empty(t, tx.Watched)
		})
	}
}

// TestConversationOfTheSessionIsNotDisconnected checks the conversation of a session that stays
// watched because messages of it are missing. It is not disconnected while the session needs it,
// even if it has been in a queue for long.
func TestConversationOfTheSessionIsNotDisconnected(t *testing.T) {
	t.Parallel()
	for _, s := range []machine.State{machine.StateBot, machine.StateQueued, machine.StateConnected} {
		tx := newTransaction(recordIn(s))
		w := tx.watch(tx.Handover.ConversationID, "customer", noon(), noon())
		w.Incomplete, w.QueuedAt = true, ago(time.Hour)
		require.False(t, tx.MayDisconnect(w, showing(tx, genesys.PhaseQueued), tx.Now), s)
	}
}

// TestAdoptedConversationIsNotClosed checks a conversation that an agent continues while the bot
// has a session that no answer has placed. The opening of that session may be in the same
// conversation, which is nevertheless not closed after that session.
func TestAdoptedConversationIsNotClosed(t *testing.T) {
	t.Parallel()
	for _, incomplete := range []bool{false, true} {
		tx := newTransaction(recordIn(machine.StateBot))
		tx.Handover.ConversationID = ""
		tx.Past = []past{{Session: machine.Session{ID: "zyxwvutsrqp2", ConversationID: "conversation"}, From: tx.Handover.From}}
		w := tx.watch("conversation", tx.Handover.From, ago(time.Hour), tx.Now)
		w.Newest, w.Incomplete = ago(2*time.Minute), incomplete
		r := showing(tx, genesys.PhaseConnected)
		r.Legs.Newest = ago(time.Minute)
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: r})
		require.Equal(t, machine.StateConnected, tx.Handover.State)
		require.Equal(t, "conversation", tx.Handover.ConversationID)
		require.Equal(t, ago(time.Minute), tx.Handover.Newest)
		if w = tx.watching("conversation"); !incomplete {
			require.Nil(t, w)
			continue
		}
		require.False(t, w.Close)
		require.Equal(t, ago(time.Minute), w.Newest)
	}
}
