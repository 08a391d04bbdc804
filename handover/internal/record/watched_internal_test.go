package record

import (
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

// A live agent in a conversation without a session opens one, even if the conversation was to be
// closed.
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

// If our side ended the session, an agent who is still there opens none, but one who has written
// since does.
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

// An end in the state bot is an end by our side, too. An agent who has just accepted does not open
// the session again.
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

// A session in the state bot moves to the conversation that has an agent. Its own end was not
// requested, so an agent there keeps that conversation.
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

// A person wrote in another conversation while a session with agents is open. That conversation is
// taken when the session ends.
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

// In blind mode a message written 5 s or more after the last end opens a session.
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

// A conversation is not disconnected while an agent is in it, unless its end was requested.
func TestWatchedAgentKeepsTheConversation(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{true, false} {
		tx := newTransaction(recordIn(machine.StateConnected))
		tx.close(tx.Handover, "other", asked)
		require.Equal(t, asked, looks(t, tx, seeing(genesys.PhaseConnected), nil))
		require.True(t, looks(t, tx, seeing(genesys.PhaseQueued), nil))
	}
}

// Three attempts, and two that are forbidden, end in a notice.
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

// Genesys accepts each disconnect, and the conversation continues. After the third it is only read,
// and in the end no longer watched.
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

// A conversation that no session needs is in a queue for 30 s without an agent.
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

// A 404 counts after a minute of them.
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

// A look with an older newest leg than an earlier one, or that may be older than our own
// disconnect, opens and closes nothing.
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

// Legs that a look showed as ended before the opening do not count for the session that continues
// in the conversation. Legs that ended after its first attempt do.
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

// A conversation that cannot be read is read less and less often, and then no longer watched.
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

// The channel of the record is not there for now: nothing was learned.
func TestWatchedWithoutAChannel(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Effect: EffectNotPerformed, Err: ErrNoChannel})
	require.Len(t, tx.Watched, 1)
}

// The ninth entry replaces the oldest that is only read, otherwise the oldest without an agent, and
// a notice reports that one.
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

// An opening waits while a conversation under its identity is to be closed: until that was tried,
// or an agent was seen, or for 30 s.
func TestOpeningWaitsForADisconnect(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		read    func(*Transaction) *Reading
		refused error
		waits   bool
	}{
		"it is over":        {seeing(genesys.PhaseEnded), nil, false},
		"disconnected":      {seeing(genesys.PhaseQueued), nil, false},
		"refused":           {seeing(genesys.PhaseQueued), apiFault(403), false},
		"an agent is there": {seeing(genesys.PhaseConnected), nil, false},
		"it rings":          {seeing(genesys.PhaseAlerting), nil, false},
		"not readable":      {unreadable, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := closes(false)
			asks(tx, "bcdefghijkl3", machine.StateRequested)
			at, ok := tx.headReady()
			require.True(t, ok)
			require.Equal(t, noon().Add(gatePatience), at)
			looks(t, tx, test.read, test.refused)
			at, _ = tx.headReady()
			require.Equal(t, test.waits, at.After(tx.Now))
			if len(tx.Watched) > 0 && tx.Watched[0].Agent {
				tx.Watched[0].Requested = true
				at, _ = tx.headReady()
				require.True(t, at.After(tx.Now), "it is disconnected all the same")
			}
		})
	}
}

// An opening that is tried may join a conversation that is to be closed: neither is claimed while
// the other runs.
func TestOpeningAndDisconnectExcludeEachOther(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	tx.Now = noon().Add(gatePatience)
	look := jobOn(t, tx, Control)
	require.False(t, tx.Ready(ToGenesys), "a look may be disconnecting")
	settleAs(tx, look, Outcome{Task: TaskWatch, Read: unreadable(tx), Err: refusedWith(503)})
	require.True(t, tx.Ready(ToGenesys))
	opens := jobOn(t, tx, ToGenesys)
	require.Nil(t, tx.NextWatched(), "the opening may join it")

	settleAs(tx, opens, Outcome{Conversation: "other"})
	require.Empty(t, tx.Watched, "it is the session's now")
	require.Equal(t, "other", tx.Handover.ConversationID)
}

// A session ends while its opening is being sent: the next session does not end the exclusion.
func TestOpeningOfAnEarlierSessionExcludesADisconnect(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	tx.Now = noon().Add(gatePatience)
	tx.Out.Entries[0].Opening.Customer.ID = tx.Handover.From
	opening := jobOn(t, tx, ToGenesys)
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	asks(tx, "cdefghijklm4", machine.StateRequested)
	require.Equal(t, "cdefghijklm4", tx.Handover.ID)
	tx.Now = tx.Now.Add(time.Second)
	require.False(t, tx.Ready(Control), "the opening may join the conversation")
	_, at := tx.NextTask()
	require.Equal(t, opening.Lease.Until.Add(LeaseGrace), at, "its process may have died")

	settleAs(tx, opening, Outcome{Conversation: "new"})
	require.True(t, tx.Ready(Control))
}

// The opening's answer names another conversation: the first is closed.
func TestOpeningElsewhereLeavesTheIntent(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	tx.Now = noon().Add(gatePatience)
	settleAs(tx, jobOn(t, tx, ToGenesys), Outcome{Conversation: "new"})
	require.True(t, tx.watching("other").Close)
	require.True(t, looks(t, tx, seeing(genesys.PhaseQueued), nil))
}

// The opening has resumed a conversation of which messages are missing: they are still fetched, and
// it is not closed.
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

// The conversations that the end of a session leaves in Genesys.
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

// The answer of an opening arrives after the host requested the end. Its conversation is closed,
// too.
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
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ConversationID, c.OpeningAcceptedAt, c.OpeningTriedAt, c.Started = "", 0, noon(), noon()
	tx := opens(c)
	j := jobOn(t, tx, ToGenesys)
	tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByCustomer})
	tx.Apply(machine.Event{Kind: machine.EvReleased})
	tx.Tidy()
	ended := tx.Now
	tx.Now = noon().Add(5 * time.Second)
	tx.install(machine.Handover{Session: machine.Session{ID: "zyxwvutsrqp2", Key: tx.Key, State: machine.StateRequested}, From: c.From})
	settleAs(tx, j, Outcome{Conversation: "late"})
	w := tx.watching("late")
	require.True(t, w.Close)
	require.Equal(t, noon(), w.Since)
	require.Equal(t, ended, w.EndedAt)
}

// A forbidden read ends the repair. The known missing messages are reported.
func TestRepairThatMayNotBeReadIsReported(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(2)
	endListing(t, tx, false, refs...)
	takenIDs(tx)
	checkListing(t, tx, refusedWith(503), nil, refs...)
	checkListing(t, tx, nil, refusedWith(403))
	require.Len(t, tx.Watched, 1)
	checkListing(t, tx, nil, refusedWith(403))
	require.Empty(t, tx.Watched)
	list := takenIDs(tx)
	require.Len(t, list, 1)
	require.Contains(t, list[0], "gap: 2 messages")
}

// During a look, a webhook requests another one. Only the effects of the look are settled.
func TestWatchedIsWantedAgain(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.watch("elsewhere", "customer", noon(), noon().Add(time.Minute))
	tx.Now = noon().Add(time.Minute)
	j := jobOn(t, tx, Control)
	o := &openmessaging.Outbound{
		ID: "w1", CustomerID: "customer", ConversationID: "elsewhere", Time: noon().Std(), Origin: openmessaging.OriginHuman,
	}
	tx.watching("elsewhere").At = tx.Now.Add(time.Hour)
	tx.AcceptMessage(o, openmessaging.Message{Text: "hello"}, 0)
	settleAs(tx, j, Outcome{Task: TaskWatch, Read: showing(tx, genesys.PhaseEnded)})
	require.Equal(t, tx.Now.Add(adoptPause), tx.watching("elsewhere").At)
}

// TestOpeningWaitsForALookThatMayDisconnect checks an opening while a look may be disconnecting a
// conversation that only waits in a queue, because the opening would join it.
func TestOpeningWaitsForALookThatMayDisconnect(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	w := tx.watch("revived", tx.Handover.From, ago(time.Minute), tx.Now)
	w.QueuedAt = ago(queuePatience)
	look := jobOn(t, tx, Control)
	require.True(t, tx.MayDisconnect(look.Record.NextWatched(), showing(tx, genesys.PhaseQueued), tx.Now))
	asks(tx, "bcdefghijkl3", machine.StateRequested)
	tx.Tidy()
	require.False(t, tx.Ready(ToGenesys), "the look may be disconnecting it now")
	settleAs(tx, look, Outcome{Task: TaskWatch, Tried: true, Disconnected: true, Read: showing(tx, genesys.PhaseQueued)})
	require.True(t, tx.Ready(ToGenesys))
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
		c.Ending.Reason, c.Ending.Time, c.Newest = machine.EndByCustomer, ago(time.Minute), ago(2*time.Minute)
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

// TestLastConversationIsRemembered checks that sessions without a conversation do not make the
// record forget the last conversation, because their openings may be in it.
func TestLastConversationIsRemembered(t *testing.T) {
	t.Parallel()
	tx := left()
	for i := range 2 * maxPast {
		tx.install(machine.Handover{Session: machine.Session{ID: fmt.Sprint("session ", i), Key: tx.Key, State: machine.StateEnded}, From: "customer"})
		require.Equal(t, "conversation", tx.lastConversation("customer"))
		require.LessOrEqual(t, len(tx.Past), maxPast)
	}
	require.Equal(t, fmt.Sprint("session ", 2*maxPast-2), tx.Past[0].Session.ID)
}
