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

func TestTimersFire(t *testing.T) {
	t.Parallel()
	fire := func(c machine.Handover, now machine.Time) *Transaction {
		tx := newTransaction(&Record{Handover: &c})
		tx.Now = now
		tx.fireTimers()
		tx.Tidy()
		return tx
	}
	c := machinetest.HandoverIn(machine.StateQueued)
	c.Timers.NoAgent = 10 * time.Minute
	require.Equal(t, machine.StateQueued, fire(c, noon().Add(time.Minute-time.Microsecond)).Handover.State)
	tx := fire(c, noon().Add(time.Minute))
	require.Equal(t, machine.StateEnding, tx.Handover.State)
	require.Equal(t, machine.EndNoAgent, tx.Handover.Ending.Reason)

	c = machinetest.HandoverIn(machine.StateConnected)
	c.AgentAt, c.Timers.CustomerWarn, c.Timers.CustomerIdle = noon(), time.Minute, 3*time.Minute
	tx = fire(c, noon().Add(time.Hour))
	require.Equal(t, machine.StateConnected, tx.Handover.State, "warned first, however late")
	require.Equal(t, machine.NoticeIdle, tx.In.Entries[0].Notice.Kind)
	tx.Now = noon().Add(time.Hour + 2*time.Minute - time.Microsecond)
	tx.fireTimers()
	require.Equal(t, machine.StateConnected, tx.Handover.State)
	tx.Now = tx.Now.Add(time.Microsecond)
	tx.fireTimers()
	require.Equal(t, machine.EndCustomerIdle, tx.Handover.Ending.Reason)

	tx = fire(machinetest.HandoverIn(machine.StateEnding), noon())
	require.Equal(t, machine.StateEnded, tx.Handover.State, "an end waits 30 s for Genesys")
	require.Equal(t, machine.EndByCustomer, tx.Handover.Ending.Reason)
	require.Equal(t, machine.CodeNotDisconnected, tx.Handover.Ending.Code)
	require.Equal(t, "conversation", tx.Watched[0].ID, "it is disconnected later, where permitted")
	require.True(t, tx.Watched[0].Requested)
}

func TestNextTask(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state machine.State
		with  func(*Record)
		want  TaskKind
		at    machine.Time
	}{
		"nothing": {machine.StateEnded, nil, TaskNone, 0},
		"a read":  {machine.StateQueued, func(f *Record) { f.Handover.PollAt = noon() }, TaskLook, noon()},
		"no read without a conversation": {
			machine.StateRequested, func(f *Record) {
				f.Handover.ConversationID, f.Handover.PollAt, f.Handover.Routing = "", noon(), machine.RouteByFlow
			},
			TaskLook, ago(9 * time.Minute).Add(time.Hour),
		},
		"the conversation stays unknown": {
			machine.StateRequested, func(f *Record) { f.Handover.ConversationID, f.Handover.AgentRequestedAt = "", ago(time.Minute) }, TaskLook, noon().Add(time.Minute),
		},
		"a read where it was forbidden": {machine.StateQueued, func(f *Record) { f.Handover.Blind, f.Handover.PollAt = true, noon() }, TaskLook, noon()},
		"but a disconnect":              {machine.StateEnding, func(f *Record) { f.Handover.Blind, f.Handover.PollAt = true, ago(time.Hour) }, TaskLook, ago(time.Hour)},
		"and not again once the agent has the text": {
			machine.StateEnding, func(f *Record) { f.Handover.Blind, f.Handover.LeftSent, f.Handover.PollAt = true, true, ago(time.Hour) },
			TaskLook, ago(30 * time.Second),
		},
		"the end waits for an empty lane": {machine.StateEnding, func(f *Record) {
			f.Handover.EndRequestedAt, f.Handover.PollAt = noon(), noon()
			f.Words = []Word{wordOf(1, "m1")}
		}, TaskLook, noon().Add(10 * time.Second)},
		"a receipt": {machine.StateEnded, func(f *Record) { f.Receipts = []Receipt{{ID: "1", Time: noon()}} }, TaskReceipt, noon()},
		"a receipt that failed waits for itself": {machine.StateEnded, func(f *Record) {
			f.Receipts = []Receipt{{ID: "1", Time: ago(time.Hour), At: noon().Add(time.Minute)}, {ID: "2", Time: noon()}}
		}, TaskReceipt, noon()},
		"a receipt holds up no read": {machine.StateQueued, func(f *Record) {
			f.Handover.PollAt, f.Receipts = noon(), []Receipt{{ID: "1", Time: ago(time.Hour), At: noon().Add(time.Microsecond)}}
		}, TaskLook, noon()},
		"the watched conversation that is due first": {machine.StateEnded, func(f *Record) {
			f.Watched = []Watched{{ID: "later", At: noon().Add(time.Microsecond)}, {ID: "first", At: noon()}}
		}, TaskWatch, noon()},
		"a watched conversation and that of the session": {machine.StateBot, func(f *Record) { f.Watched = []Watched{{ID: "other", At: noon()}} }, TaskWatch, noon()},
		"not one to be closed that the opening may have joined": {machine.StateBot, func(f *Record) {
			f.Watched = []Watched{{ID: "other", From: f.Handover.From, Close: true, At: noon()}}
			f.Handover.Timers.Max, f.Handover.ConversationID = -1, ""
		}, TaskNone, 0},
		"but one of another identity": {machine.StateBot, func(f *Record) {
			f.Watched, f.Handover.ConversationID = []Watched{{ID: "other", From: "another", Close: true, At: noon()}}, ""
		}, TaskWatch, noon()},
		"and before the opening": {machine.StateBot, func(f *Record) {
			f.Watched = []Watched{{ID: "other", From: f.Handover.From, Close: true, At: noon()}}
			f.Handover.OpeningTriedAt, f.Handover.ConversationID = 0, ""
		}, TaskWatch, noon()},
		"all of them wait after failure": {machine.StateQueued, func(f *Record) { f.Handover.PollAt, f.Control.NotBefore = noon(), noon().Add(time.Microsecond) }, TaskLook, noon().Add(time.Microsecond)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := recordIn(test.state)
			if test.with != nil {
				test.with(f)
			}
			kind, at := f.NextTask()
			require.Equal(t, test.want, kind)
			require.Equal(t, test.at, at)
		})
	}
}

// pollSlots counts the reserved slots by their time.
type pollSlots map[machine.Time]int

func (p pollSlots) PollSlot(at machine.Time) machine.Time { p[at]++; return at }

func (p pollSlots) PollSlotBefore(at, _ machine.Time) (machine.Time, bool) {
	return p.PollSlot(at), true
}

func (p pollSlots) FreeSlot(at machine.Time) {
	if p[at]--; p[at] == 0 {
		delete(p, at)
	}
}

// TestRerunHoldsOneSlot checks that reruns of a transaction after conflicts hold only the slot of
// the poll that is stored.
func TestRerunHoldsOneSlot(t *testing.T) {
	t.Parallel()
	slots, r := pollSlots{}, Reservation{}
	run := func(after time.Duration, change func(*machine.Handover)) *Transaction {
		tx := newTransaction(recordIn(machine.StateConnected))
		tx.Now = noon().Add(after)
		tx.Handover.PollAt, tx.Handover.Poll = tx.Now.Add(time.Minute), true
		change(tx.Handover)
		tx.ReservePoll(Outcome{Task: TaskLook, Polls: slots}, &r)
		return tx
	}
	run(0, func(*machine.Handover) {})
	tx := run(time.Second, func(*machine.Handover) {})
	require.Equal(t, pollSlots{tx.Handover.Slot: 1}, slots)
	run(2*time.Second, func(c *machine.Handover) { c.Poll = false })
	require.Empty(t, slots, "a signal has requested the read since")
	run(3*time.Second, func(c *machine.Handover) { c.State = machine.StateEnded })
	require.Empty(t, slots)
}

// TestOnlyALookFiresTimers checks that a timer that ends a session reads first.
func TestOnlyALookFiresTimers(t *testing.T) {
	t.Parallel()
	for task, want := range map[TaskKind]machine.State{TaskReceipt: machine.StateQueued, TaskLook: machine.StateEnding} {
		tx := newTransaction(recordIn(machine.StateQueued))
		tx.Handover.Timers.NoAgent = time.Minute
		tx.receipt(Receipt{ID: "1"})
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: task, Read: &Reading{Began: noon(), Standing: machinetest.Standing(genesys.PhaseQueued)}})
		require.Equal(t, want, tx.Handover.State, task)
	}
}

// TestFailingLookStarvesNoOtherTask checks that a receipt, and a look at another conversation, wait
// only for their own times while the conversation of the session cannot be read.
func TestFailingLookStarvesNoOtherTask(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Handover.PollAt = noon()
	failed := Outcome{Task: TaskLook, Err: &genesys.Error{StatusCode: 500}}
	for range 8 { // the pause has grown to 30 s
		settleAs(tx, jobOn(t, tx, Control), failed)
		tx.Now = tx.Control.NotBefore
	}
	settleAs(tx, jobOn(t, tx, Control), failed)
	again := tx.Now.Add(backoffLast)
	tx.receipt(Receipt{ID: "a1", Status: openmessaging.StatusFailed})
	tx.watch("another", "customer", noon(), tx.Now)

	settled := map[TaskKind]machine.Time{}
	for range 3 {
		kind, at := tx.NextTask()
		tx.Now = machine.Later(tx.Now, at)
		j := jobOn(t, tx, Control)
		settled[kind] = tx.Now
		switch kind {
		case TaskReceipt:
			settleAs(tx, j, Outcome{Task: kind})
		case TaskWatch:
			settleAs(tx, j, Outcome{Task: kind, Err: &genesys.Error{StatusCode: 500}})
		default:
			settleAs(tx, j, failed)
		}
	}
	require.Equal(t, map[TaskKind]machine.Time{TaskReceipt: again.Add(-backoffLast), TaskWatch: again.Add(-backoffLast), TaskLook: again}, settled)
}

// TestTaskThatCouldNotBeginIsNoFailure checks a process that was late for its lease. That is no
// failure of the task, so it does not count toward giving the record up.
func TestTaskThatCouldNotBeginIsNoFailure(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Keep = time.Second
	tx.Handover.Started = ago(time.Hour)
	j := jobOn(t, tx, Control)
	for range 5 {
		settleAs(tx, j, Outcome{Effect: EffectNotPerformed, Err: context.DeadlineExceeded, ChannelFault: true})
		require.Equal(t, tx.Now.Add(BackoffFirst), tx.Control.NotBefore)
		tx.Now = tx.Now.Add(time.Minute)
	}
	require.Zero(t, tx.Control.Failures)
	require.NotNil(t, tx.Open())
}

// TestPauseOfReadsEndsWithTheSession checks that the pause after failed reads of an earlier
// conversation does not delay the next session.
func TestPauseOfReadsEndsWithTheSession(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateEnded))
	tx.Control.Failures, tx.Control.NotBefore, tx.Control.First = 7, after(time.Minute), noon()
	c := machinetest.HandoverIn(machine.StateRequested)
	c.ID, c.PollAt = "bbbbbbbbbbbb", noon()
	tx.Begin(c, &Opening{Texts: []string{"summary"}})
	require.Zero(t, tx.Control.Failures)
	_, at := tx.NextTask()
	require.False(t, at.After(noon()), at)
}

// TestASessionHasItsOwnRetention checks a session that begins after reads have failed for the whole
// retention. It is not given up at once.
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

// TestShortRetentionGivesNoOpenSessionUp checks that a short retention, which is about the record
// after its end, does not end a session with an agent when reads fail for longer than that.
func TestShortRetentionGivesNoOpenSessionUp(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Keep, tx.Handover.PollAt, tx.Handover.Timers.Max = time.Minute, noon(), -1
	for end := noon().Add(machine.DefaultRetention); tx.Now.Before(end); {
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskLook, Err: &genesys.Error{StatusCode: 503}})
		require.NotNil(t, tx.Open(), tx.Now)
		_, tx.Now = tx.NextTask()
	}
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskLook, Err: &genesys.Error{StatusCode: 503}})
	require.Nil(t, tx.Open())
}

// TestShortRetentionStopsNoLook checks that looks at the conversation of an ended session that fail
// for longer than a short retention are not given up.
func TestShortRetentionStopsNoLook(t *testing.T) {
	t.Parallel()
	tx := left()
	tx.Keep = time.Minute
	tx.watch("conversation", "customer", ago(time.Hour), noon()).Incomplete = true
	tx.Control.Failures, tx.Control.First = 1, ago(machine.DefaultRetention-time.Minute)
	settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskWatch, Err: &genesys.Error{StatusCode: 503}})
	require.Len(t, tx.Watched, 1)
}
