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

// showing returns a read at the time of a transaction.
func showing(tx *Transaction, p genesys.Phase) *Reading {
	return &Reading{Began: tx.Now, Standing: machinetest.Standing(p)}
}

// blindly returns a forbidden read at the time of a transaction.
func blindly(tx *Transaction) *Reading {
	return &Reading{Began: tx.Now, Blind: true, Err: refusedWith(403)}
}

// left returns a transaction on a record with an ended and returned session and no watched
// conversations.
func left() *Transaction {
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Handover.HandedBack = true
	return tx
}

// closes returns a transaction on a record that is to close the conversation "other".
func closes(asked bool) *Transaction {
	tx := left()
	tx.close(tx.Handover, "other", asked)
	return tx
}

// looks settles a look at the watched conversation that is next, at the time it is due, as
// performWatch would report it.
func looks(tb testing.TB, tx *Transaction, read func(*Transaction) *Reading, refused error) (disconnects bool) {
	tb.Helper()
	w := tx.NextWatched()
	tx.Now = machine.Later(tx.Now, w.At)
	o := Outcome{Task: TaskWatch, Read: read(tx)}
	if o.Read != nil && !o.Read.Blind && !o.Read.Gone {
		o.Err = o.Read.Err
	}
	if disconnects = !tx.Adoptable(w, o.Read) && tx.MayDisconnect(w, o.Read, tx.Now); disconnects {
		o.Tried, o.Disconnected, o.Refused = true, refused == nil, refused
	}
	settleAs(tx, jobOn(tb, tx, Control), o)
	return disconnects
}

func seeing(p genesys.Phase) func(*Transaction) *Reading {
	return func(tx *Transaction) *Reading { return showing(tx, p) }
}

func unreadable(tx *Transaction) *Reading { return &Reading{Began: tx.Now, Err: refusedWith(503)} }

func notFound(tx *Transaction) *Reading {
	return &Reading{Began: tx.Now, Gone: true, Err: refusedWith(404)}
}

// unclosedNotices lists the permissions in notices about conversations that remain open.
func unclosedNotices(tx *Transaction) []string {
	list := []string{}
	for _, x := range tx.In.Entries {
		if x.Notice != nil && x.Notice.Kind == machine.NoticeConnectionLost {
			list = append(list, x.Notice.Permission)
		}
	}
	return list
}

func TestWatchedOnce(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.close(tx.Handover, "", false)
	require.Empty(t, tx.Watched)
	tx.close(tx.Handover, "one", false)
	tx.watch("one", "customer", noon(), noon().Add(time.Hour))
	require.Len(t, tx.Watched, 1)
	require.True(t, tx.Watched[0].Close)
	require.Equal(t, noon().Add(machine.SettlePeriod), tx.Watched[0].At, "the earlier look, and no read that may be stale")
	tx.close(tx.Handover, "one", true)
	require.Equal(t, noon(), tx.Watched[0].At)
	require.True(t, tx.Watched[0].Requested)
}

func TestWatchedUntilItIsOver(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*Transaction) *Reading{
		"ended": seeing(genesys.PhaseEnded), "after-call work": seeing(genesys.PhaseWrapup),
	} {
		tx := closes(false)
		looks(t, tx, read, nil)
		require.Empty(t, tx.Watched, name)
		require.Empty(t, lineup(tx.Record), name)
	}
}

// TestWatchedUntilItIsUnknownForAMinute checks that a 404 counts after a minute of them.
func TestWatchedUntilItIsUnknownForAMinute(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	looks(t, tx, notFound, nil)
	looks(t, tx, seeing(genesys.PhaseAlerting), nil)
	from := tx.Watched[0].At
	for len(tx.Watched) > 0 {
		looks(t, tx, notFound, nil)
	}
	require.GreaterOrEqual(t, tx.Now.Sub(from), machine.GonePatience)
	require.Less(t, tx.Now.Sub(from), machine.GonePatience+lookPause)
	require.Empty(t, lineup(tx.Record))
}

// TestWatchedByAStaleRead checks that a look with an older newest leg than an earlier one, or that
// may be older than our own disconnect, opens and closes nothing.
func TestWatchedByAStaleRead(t *testing.T) {
	t.Parallel()
	older := func(p genesys.Phase) func(*Transaction) *Reading {
		return func(tx *Transaction) *Reading {
			r := showing(tx, p)
			r.Legs.Newest = ago(time.Hour)
			return r
		}
	}
	for _, p := range []genesys.Phase{genesys.PhaseQueued, genesys.PhaseConnected, genesys.PhaseEnded} {
		tx := closes(false)
		tx.Watched[0].Newest = ago(time.Minute)
		require.False(t, looks(t, tx, older(p), nil), p)
		require.Nil(t, tx.Open(), p)
		require.Len(t, tx.Watched, 1, p)
		require.Equal(t, tx.Now.Add(closePause), tx.Watched[0].At, p)
	}
	tx := closes(false)
	tx.Watched[0].ClosedAt = tx.Watched[0].At.Add(1 - machine.SettlePeriod)
	looks(t, tx, seeing(genesys.PhaseConnected), nil)
	require.Nil(t, tx.Open())
	looks(t, tx, seeing(genesys.PhaseConnected), nil)
	require.NotNil(t, tx.Open())
}

// TestWatchedLegsAreOfTheSessionBefore checks that legs that a look showed as ended before the
// opening do not count for the session that continues in the conversation. Legs that ended after
// its first attempt do.
func TestWatchedLegsAreOfTheSessionBefore(t *testing.T) {
	t.Parallel()
	look := func(ended string) func(*Transaction) *Reading {
		return func(tx *Transaction) *Reading {
			r := showing(tx, genesys.PhaseQueued)
			r.Legs = machine.Legs{Newest: tx.Now, Ended: ended}
			return r
		}
	}
	tx := left()
	tx.watch("other", "customer", noon(), noon())
	looks(t, tx, look("a b"), nil)
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	tx.Handover.OpeningTriedAt = tx.Now.Add(time.Second)
	looks(t, tx, look("a b c"), nil)
	tx.Apply(machine.Event{Kind: machine.EvAccepted, Conversation: "other", Resumed: true})
	require.Equal(t, "a b", tx.Handover.Before)
	tx.Handover.Ended = "a b c d"
	tx.Apply(machine.Event{Kind: machine.EvAccepted, Conversation: "other", Resumed: true})
	require.Equal(t, "a b", tx.Handover.Before, "reported twice")
	tx.Apply(machine.Event{Kind: machine.EvFailed})
	tx.Tidy()
	tx.Watched = nil
	asks(tx, "cdefghijklm4", machine.StateRequested)
	tx.Apply(machine.Event{Kind: machine.EvNamed, Conversation: "other", Resumed: true})
	require.Equal(t, "a b c d", tx.Handover.Before, "of the last session there")
}

// TestWatchedIsNotFoundForLong checks that a conversation that cannot be read is read less and less
// often, and then no longer watched.
func TestWatchedIsNotFoundForLong(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	before, pause := tx.Now, time.Duration(0)
	for range 20 {
		looks(t, tx, unreadable, nil)
		require.GreaterOrEqual(t, tx.Watched[0].At.Sub(tx.Now), pause)
		require.LessOrEqual(t, tx.Watched[0].At.Sub(tx.Now), time.Hour)
		pause = tx.Watched[0].At.Sub(tx.Now)
	}
	require.Equal(t, time.Hour, pause)
	for len(tx.Watched) > 0 {
		looks(t, tx, unreadable, nil)
	}
	require.GreaterOrEqual(t, tx.Now.Sub(before), watchedLife)
	require.LessOrEqual(t, tx.Now.Sub(before), watchedLife+time.Hour)
}

// TestWatchedWithoutAChannel checks that nothing is learned while the channel of the record is not
// there.
func TestWatchedWithoutAChannel(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Effect: EffectNotPerformed, Err: ErrNoChannel})
	require.Len(t, tx.Watched, 1)
}

// TestWatchedIsBounded checks that the ninth entry replaces the oldest that is only read, otherwise
// the oldest without an agent, and that a notice reports that one.
func TestWatchedIsBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		with    func(*Transaction)
		gone    string
		notices int
	}{
		"one is only read":  {func(tx *Transaction) { tx.Watched[3].Close = false }, "3", 0},
		"all are closed":    {func(*Transaction) {}, "0", 1},
		"an agent is there": {func(tx *Transaction) { tx.Watched[0].Agent = true }, "1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := left()
			for i := range maxWatched {
				tx.close(tx.Handover, fmt.Sprint(i), false)
			}
			test.with(tx)
			tx.close(tx.Handover, "ninth", true)
			require.Len(t, tx.Watched, maxWatched)
			require.Nil(t, tx.watching(test.gone))
			require.Len(t, unclosedNotices(tx), test.notices)
			for _, w := range tx.Watched {
				require.Equal(t, w.ID == "ninth", w.Requested, w.ID)
			}
		})
	}
}

// TestNeededIsStillRepaired checks an opening that has resumed a conversation of which messages are
// missing: they are still fetched, and it is not closed.
func TestNeededIsStillRepaired(t *testing.T) {
	t.Parallel()
	tx := closes(true)
	tx.Watched[0].Incomplete = true
	tx.needed("other")
	require.Len(t, tx.Watched, 1)
	require.False(t, tx.Watched[0].Close)
	require.False(t, tx.Watched[0].Requested)
	tx.Watched[0].Incomplete = false
	tx.needed("other")
	require.Empty(t, tx.Watched)
}

// TestWhatASessionLeaves checks which conversations the end of a session leaves in Genesys.
func TestWhatASessionLeaves(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state machine.State
		end   func(*Transaction)
		want  map[string][2]bool // by conversation: to be closed, requested
		at    time.Duration      // the first look
	}{
		"an agent ended it": {machine.StateConnected, func(tx *Transaction) { ends(tx, noon()) }, map[string][2]bool{}, 0},
		"a message that was sent last may have revived it": {machine.StateConnected, func(tx *Transaction) {
			tx.Handover.LastWriteAt = ago(20 * time.Second)
			ends(tx, noon())
		}, map[string][2]bool{"conversation": {false, false}}, 10 * time.Second},
		"End in bot": {machine.StateBot, func(tx *Transaction) {
			tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByBot})
		}, map[string][2]bool{"conversation": {true, true}}, 0},
		"no answer": {machine.StateQueued, func(tx *Transaction) {
			tx.Apply(machine.Event{Kind: machine.EvFailed})
		}, map[string][2]bool{"conversation": {true, false}}, machine.SettlePeriod},
		"a message opened another one": {machine.StateConnected, func(tx *Transaction) {
			tx.Apply(machine.Event{Kind: machine.EvMoved, Conversation: "another"})
			ends(tx, noon().Add(6*time.Second))
		}, map[string][2]bool{"another": {true, false}}, 11 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(test.state))
			test.end(tx)
			tx.Tidy()
			got := map[string][2]bool{}
			for _, w := range tx.Watched {
				got[w.ID] = [2]bool{w.Close, w.Requested}
				require.Equal(t, noon().Add(test.at), w.At)
			}
			require.Equal(t, test.want, got)
		})
	}
}

// TestWatchedIsWantedAgain checks a webhook that requests another look during a look. Only the
// effects of the look are settled.
func TestWatchedIsWantedAgain(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.watch("elsewhere", "customer", noon(), noon().Add(time.Minute))
	tx.Now = noon().Add(time.Minute)
	j := jobOn(t, tx, Control)
	o := &openmessaging.Outbound{
		ID: "w1", CustomerID: "customer", ConversationID: "elsewhere", Time: noon().Std(), Origin: openmessaging.OriginHuman,
	}
	r := showing(tx, genesys.PhaseEnded)
	tx.AcceptMessage(o, openmessaging.Message{Text: "hello"}, 0)
	settleAs(tx, j, Outcome{Task: TaskWatch, Read: r, Tried: true, Disconnected: true})
	w := tx.watching("elsewhere")
	require.NotNil(t, w)
	require.Equal(t, r.Began.Add(machine.ReadPause), w.At)
	require.Equal(t, 1, w.Closings)
	require.Equal(t, tx.Now, w.ClosedAt)
}

// TestStaleLooksEnd checks that a conversation of which each look is older than an earlier one is
// not watched forever.
func TestStaleLooksEnd(t *testing.T) {
	t.Parallel()
	tx := left()
	w := tx.watch("conversation", "customer", ago(time.Hour), tx.Now)
	w.Newest = noon()
	stale := func() Outcome {
		r := showing(tx, genesys.PhaseQueued)
		r.Legs.Newest = ago(time.Second)
		return Outcome{Task: TaskWatch, Read: r}
	}
	settleAs(tx, jobOn(t, tx, Control), stale())
	require.Len(t, tx.Watched, 1)
	tx.Now = tx.Watched[0].Until
	settleAs(tx, jobOn(t, tx, Control), stale())
	require.Empty(t, tx.Watched)
}

// TestWatchedAgainIsKnown checks that a conversation that is watched again has the legs that
// earlier looks showed, and the end of its session by our side.
func TestWatchedAgainIsKnown(t *testing.T) {
	t.Parallel()
	for _, another := range []bool{false, true} {
		tx := left()
		c := tx.Handover
		c.OwnEnd, c.Newest = ago(time.Minute), ago(2*time.Minute)
		if another {
			tx.install(machine.Handover{Session: machine.Session{ID: "zyxwvutsrqp2", Key: tx.Key, State: machine.StateRequested}})
		}
		w := tx.watch("conversation", "customer", ago(time.Hour), noon())
		require.Equal(t, ago(2*time.Minute), w.Newest)
		require.Equal(t, ago(time.Minute), w.EndedAt)
		w.Newest = ago(time.Second)
		tx.unwatch("conversation")
		require.Empty(t, tx.Watched)
		w = tx.watch("conversation", "customer", ago(time.Hour), noon())
		require.Equal(t, ago(time.Second), w.Newest)
		require.Equal(t, ago(time.Minute), w.EndedAt)
	}
}

// TestFailedLooksAloneLengthenThePause checks a look that cannot read, after looks that found
// messages missing. Its retry has the pause of a first failure.
func TestFailedLooksAloneLengthenThePause(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	w := tx.watching("other")
	w.Since, w.Reached, w.Proven = ago(time.Hour), true, true
	for range maxLooks - 1 {
		checkListing(t, tx, refusedWith(503), nil, refAt("missing", ago(10*time.Minute)))
	}
	checkListing(t, tx, nil, refusedWith(503))
	require.Equal(t, tx.Now.Add(2*lookPause), tx.watching("other").At)
}

// TestConversationWithAnAgentIsDroppedLast checks a conversation with an agent that waits for the
// end of the session, which has another one. It is not dropped as long as there are others, because
// the agent has the turn next.
func TestConversationWithAnAgentIsDroppedLast(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.watch("with an agent", "customer", ago(time.Hour), noon()).Agent = true
	for i := range maxWatched - 1 {
		tx.watch(fmt.Sprint("other ", i), "customer", ago(time.Hour), noon())
	}
	tx.watch("ninth", "customer", noon(), noon())
	require.NotNil(t, tx.watching("with an agent"))
	require.Nil(t, tx.watching("other 0"))
}

// TestConversationThatStaysOpenIsReported checks that a notice reports a conversation that no
// session needs and that is still open when watching ends.
func TestConversationThatStaysOpenIsReported(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]func(*Transaction) Outcome{
		"an agent is there": func(tx *Transaction) Outcome { return Outcome{Read: showing(tx, genesys.PhaseConnected)} },
		"it cannot be read": func(*Transaction) Outcome { return Outcome{Err: errors.New("not reachable")} },
		"not disconnected": func(tx *Transaction) Outcome {
			return Outcome{Read: showing(tx, genesys.PhaseQueued), Err: errors.New("not reachable")}
		},
	} {
		tx := closes(false)
		tx.Watched[0].EndedAt = tx.Now
		tx.Watched[0].At = tx.Watched[0].Until
		tx.Now = tx.Watched[0].Until
		out := o(tx)
		out.Task = TaskWatch
		settleAs(tx, jobOn(t, tx, Control), out)
		require.Empty(t, tx.Watched, name)
		require.Equal(t, []string{"connectionLost"}, lineup(tx.Record), name)
	}
	tx := closes(false) // it is over
	tx.Now = tx.Watched[0].Until
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Read: showing(tx, genesys.PhaseEnded)})
	require.Empty(t, tx.Watched)
	require.Empty(t, lineup(tx.Record))
}

// TestMessageDuringALook checks a person's message during a look at its conversation. The read may
// be older than the message, so another look follows.
func TestMessageDuringALook(t *testing.T) {
	t.Parallel()
	for _, p := range []genesys.Phase{genesys.PhaseAlerting, genesys.PhaseQueued, genesys.PhaseEnded, genesys.PhaseConnected} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			tx := left()
			tx.watch("elsewhere", "customer", ago(time.Hour), noon())
			j := jobOn(t, tx, Control)
			r := showing(tx, p)
			tx.Now = noon().Add(300 * time.Millisecond)
			agentWrites(tx, "hello", 200*time.Millisecond, elsewhere) // accepted the customer after the read
			tx.Now = noon().Add(500 * time.Millisecond)
			settleAs(tx, j, Outcome{Task: TaskWatch, Read: r})
			if p == genesys.PhaseConnected {
				require.NotNil(t, tx.Open(), "the agent was there before, too")
				return
			}
			w := tx.watching("elsewhere")
			require.NotNil(t, w, "no read follows the agent's message")
			require.False(t, w.At.After(noon().Add(5*time.Second)), "the next read is at %v", w.At.Std())
		})
	}
}

// TestLateWordDuringALook checks a word that may have revived a conversation during a look at it.
func TestLateWordDuringALook(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.watch("conversation", "customer", ago(time.Hour), noon())
	j := jobOn(t, tx, Control)
	r := showing(tx, genesys.PhaseEnded)
	tx.Now = noon().Add(300 * time.Millisecond)
	tx.wroteLate(tx.Handover.ID, "conversation") // Genesys accepted a message after the end
	tx.Now = noon().Add(500 * time.Millisecond)
	settleAs(tx, j, Outcome{Task: TaskWatch, Read: r})
	require.NotNil(t, tx.watching("conversation"), "no read follows the message that may have revived it")
}

// TestAloneIsLookedAtSoon checks that a conversation with only the customer is read again when its
// patience ends, and then closed.
func TestAloneIsLookedAtSoon(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.watch("elsewhere", "customer", ago(time.Hour), noon())
	alone := func(tx *Transaction) *Reading {
		r := showing(tx, genesys.PhaseUnknown)
		r.Standing.AloneSince = ago(time.Minute).Std()
		return r
	}
	require.False(t, looks(t, tx, alone, nil))
	require.Equal(t, noon().Add(machine.AlonePatience), tx.Watched[0].At)
	require.True(t, looks(t, tx, alone, nil))
}

// TestPauseBetweenLooks checks that looks at a conversation in which a person writes keep the pause
// between reads.
func TestPauseBetweenLooks(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	var reads []machine.Time
	for i := range 20 {
		agentWrites(tx, string(rune('a'+i)), tx.Now.Sub(noon()), elsewhere)
		if w := tx.watching("elsewhere"); !w.At.After(tx.Now) {
			reads = append(reads, tx.Now)
			looks(t, tx, seeing(genesys.PhaseConnected), nil)
		}
		tx.Now = tx.Now.Add(500 * time.Millisecond)
	}
	for i := 1; i < len(reads); i++ {
		require.GreaterOrEqual(t, reads[i].Sub(reads[i-1]), machine.ReadPause)
	}
}

// TestLegsAreComparedByGenesysClock checks a look that began after the opening of the session by
// Genesys' clock, while the clock of this machine is behind.
func TestLegsAreComparedByGenesysClock(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateRequested))
	tx.Clock.Ahead = time.Hour
	tx.Handover.ConversationID, tx.Handover.OpeningTriedAt = "", tx.genesysNow()
	tx.watch("other", "customer", ago(time.Hour), noon())
	tx.Now = noon().Add(10 * time.Second)
	looks(t, tx, func(tx *Transaction) *Reading {
		r := showing(tx, genesys.PhaseQueued)
		r.Clock, r.Legs = tx.Clock, machine.Legs{Newest: tx.genesysNow(), Ended: "an agent of this session"}
		return r
	}, nil)
	require.Empty(t, tx.watching("other").Ended)
}
