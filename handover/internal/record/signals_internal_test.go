package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// TestSignalsKeepThePauseBetweenReads checks that there is a pause between two reads, and a longer
// one if they are forbidden. The last of many signals is kept.
func TestSignalsKeepThePauseBetweenReads(t *testing.T) {
	t.Parallel()
	for blind, pause := range map[bool]time.Duration{false: machine.ReadPause, true: machine.BlindPause} {
		tx := newTransaction(recordIn(machine.StateConnected))
		tx.Handover.Blind, tx.Handover.ReadAt = blind, noon()
		tx.Handover.PollAt, tx.Handover.Poll = noon().Add(machine.BlindPoll), true
		tx.Now = noon().Add(time.Second)
		require.True(t, tx.ReadSoon(tx.Handover))
		require.Equal(t, noon().Add(pause), tx.Handover.PollAt)
		for range 100 { // a storm is no write
			require.False(t, tx.ReadSoon(tx.Handover))
		}
		tx.Control.Lease = Lease{Owner: "replica", Until: tx.Now.Add(LeaseTime)}
		require.True(t, tx.ReadSoon(tx.Handover), "a read is under way: it may be older than the signal")
		tx.Control.Lease = Lease{}
		tx.Handover.PollAt, tx.Handover.ReadAt = tx.Now.Add(machine.FirstRead), 0
		require.False(t, tx.ReadSoon(tx.Handover), "a read is timed already")
	}
}

// TestReadWantedDuringARead checks that what another process requests while a read is running leads
// to one more read, although the clock of that process is behind.
func TestReadWantedDuringARead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		want  func(*Transaction)
		again bool
	}{
		"nothing":               {func(*Transaction) {}, false},
		"a signal":              {func(tx *Transaction) { tx.ReadSoon(tx.Handover) }, true},
		"a message of a person": {func(tx *Transaction) { tx.readNext(tx.Handover) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			tx.Handover.PollAt, tx.Handover.Poll, tx.Handover.ReadAt = noon(), false, 0
			j := jobOn(t, tx, Control)
			tx.Now = ago(2 * time.Second)
			test.want(tx)
			tx.Now = noon()
			r := showing(tx, genesys.PhaseConnected)
			tx.Now = noon().Add(100 * time.Millisecond)
			settleAs(tx, j, Outcome{Task: TaskLook, Read: r})
			require.Equal(t, test.again, !tx.Handover.Poll)
			require.Equal(t, test.again, !tx.Handover.PollAt.After(noon().Add(machine.ReadPause)))
		})
	}
}

func TestASignalBetweenKeepsTheSource(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.Handover.SignalledAt, tx.Handover.Unsignalled = ago(2*time.Minute), 1
	tx.Handover.PollAt, tx.Handover.Poll = noon().Add(time.Minute), true
	require.True(t, tx.ReadSoon(tx.Handover))
	require.Zero(t, tx.Handover.Unsignalled)
	require.False(t, tx.Handover.Poll)
}

// TestASignalTakesOverAPollThatIsDue checks that a poll that is due and waits for its small share
// of the budget becomes a requested read when a signal arrives.
func TestASignalTakesOverAPollThatIsDue(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateQueued))
	tx.Handover.PollAt, tx.Handover.Poll, tx.Handover.ReadAt = ago(time.Second), true, ago(time.Minute)
	tx.Handover.SignalledAt, tx.Handover.Unsignalled = ago(2*time.Minute), 1
	tx.Control.NotBefore = noon().Add(20 * time.Second)
	require.True(t, tx.ReadSoon(tx.Handover))
	require.False(t, tx.Handover.Poll)
	require.Equal(t, noon(), tx.Handover.SignalledAt)
	require.Zero(t, tx.Handover.Unsignalled, "what it shows was announced")
	require.False(t, tx.ReadSoon(tx.Handover), "the next one changes nothing")
}

// TestMessageElsewhereIsNoSignal checks that a message in another conversation is no signal of the
// session's: it does not make polls rare.
func TestMessageElsewhereIsNoSignal(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	agentWrites(tx, "hello", 0, elsewhere)
	require.Zero(t, tx.Handover.SignalledAt)
	require.Equal(t, tx.Now, tx.Handover.PollAt)
	require.False(t, tx.Handover.Poll)
}

// TestSignalDuringAReadOfTheOtherLane checks a signal while a look is due and pauses after a
// failure. The read of the lane to Genesys, which began before the signal, does not replace that
// look.
func TestSignalDuringAReadOfTheOtherLane(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Handover.PollAt, tx.Handover.Poll, tx.Handover.ReadAt = ago(time.Second), false, ago(time.Minute)
	tx.Control.NotBefore = noon().Add(20 * time.Second) // the last look failed
	say(t, tx, "words")
	j := jobOn(t, tx, ToGenesys)
	r := showing(tx, genesys.PhaseConnected) // began at noon
	tx.Now = noon().Add(500 * time.Millisecond)
	tx.ReadSoon(tx.Handover) // Genesys moved just now
	tx.Now = noon().Add(time.Second)
	settleAs(tx, j, Outcome{Read: r, Conversation: "conversation"})
	require.False(t, tx.Handover.Poll, "a read that began before the signal cancelled the one it relied on")
	require.False(t, tx.Handover.PollAt.After(noon().Add(20*time.Second)))
}

// TestReadWantedAtTheSameTime checks a request by a replica whose clock is behind: the pause
// between reads gives it the time of the last request.
func TestReadWantedAtTheSameTime(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Handover.ReadAt = ago(3 * time.Second)
	tx.Now = ago(2 * time.Second)
	require.True(t, tx.ReadSoon(tx.Handover)) // due 2 s after the last read
	require.Equal(t, ago(time.Second), tx.Handover.PollAt)
	tx.Now = noon()
	j := jobOn(t, tx, Control)
	tx.Now = ago(2 * time.Second) // of another replica, during the read
	agentWrites(tx, "hello", 0, elsewhere)
	tx.Now = noon()
	r := showing(tx, genesys.PhaseConnected)
	tx.Now = noon().Add(100 * time.Millisecond)
	settleAs(tx, j, Outcome{Task: TaskLook, Read: r})
	require.False(t, tx.Handover.Poll)
	require.False(t, tx.Handover.PollAt.After(noon().Add(machine.ReadPause)))
}

// TestSweepDuringALook checks that a look that began before a sweep does not replace the poll of
// the sweep.
func TestSweepDuringALook(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	tx.Handover.PollAt, tx.Handover.Poll, tx.Handover.ReadAt = noon(), true, ago(time.Minute)
	tx.Handover.PollEvery, tx.Handover.SignalledAt = 4*time.Minute, ago(2*time.Minute)
	j := jobOn(t, tx, Control)
	r := showing(tx, genesys.PhaseConnected)
	tx.Now = noon().Add(500 * time.Millisecond)
	err := tx.PollSooner(&Reservation{Polls: polls{}})
	require.NoError(t, err)
	tx.Now = noon().Add(time.Second)
	settleAs(tx, j, Outcome{Task: TaskLook, Read: r})
	require.False(t, tx.Handover.PollAt.After(noon().Add(10*time.Second)), "%v", tx.Handover.PollAt.Std())
}

// polls has a free slot at each time.
type polls struct{}

func (polls) PollSlot(at machine.Time) machine.Time { return at }
func (polls) PollSlotBefore(at, limit machine.Time) (machine.Time, bool) {
	return at, limit.IsZero() || at.Before(limit)
}
func (polls) FreeSlot(machine.Time) {}

// TestSignalledReadThatFetchesIsNoPoll checks a look that a signal requested, and that fetches a
// missing message and shows a step. The step counts as signalled.
func TestSignalledReadThatFetchesIsNoPoll(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(1)
	tx.Handover.SignalledAt, tx.Handover.Unsignalled = noon(), 1
	tx.Handover.PollAt, tx.Handover.Poll = noon(), false
	j := jobOn(t, tx, Control)
	o := listedOutcome(tx, refs...)
	o.Read.Standing = machinetest.Standing(genesys.PhaseAlerting)
	o.Asked = tx.GapOf(o.Read, tx.Handover.OpeningTriedAt, tx.Handover.Listing, false).Missing
	o.Stored = storedOf(o.Asked)
	settleAs(tx, j, o)
	require.Equal(t, machine.StateAlerting, tx.Handover.State)
	require.Equal(t, noon(), tx.Handover.SignalledAt)
	require.NotContains(t, fmt.Sprint(takenIDs(tx)), "connectionLost")
}
