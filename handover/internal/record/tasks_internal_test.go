package record

import (
	"testing"
	"time"

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
			f.Watched, f.Handover.ConversationID = []Watched{{ID: "other", From: "somebody", Close: true, At: noon()}}, ""
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
