package record

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// endListing settles a look that shows the end, with or without the fetched messages.
func endListing(t *testing.T, tx *Transaction, fetch bool, refs ...genesys.MessageRef) {
	t.Helper()
	j := jobOn(t, tx, Control)
	o := listedOutcome(tx, refs...)
	o.Read.Standing, o.End = machinetest.Standing(genesys.PhaseEnded), true
	o.Asked = j.Record.GapOf(o.Read, j.Record.Handover.OpeningTriedAt, j.Record.Handover.Listing, true).Missing
	if o.Stored = storedOf(o.Asked); !fetch {
		o.Stored, o.GapErr = nil, refusedWith(503)
		tx.Handover.EndSeen = tx.Now.Add(-endHold) // it has waited for that
	}
	settleAs(tx, j, o)
	require.Nil(t, tx.Open())
}

// checkListing settles a look at the next watched conversation, at the time it is due. With a nil
// error the missing messages are fetched.
func checkListing(t *testing.T, tx *Transaction, gapErr, readErr error, refs ...genesys.MessageRef) {
	t.Helper()
	kind, at := tx.NextTask()
	require.Equal(t, TaskWatch, kind)
	tx.Now = machine.Later(tx.Now, at)
	j := jobOn(t, tx, Control)
	w := j.Record.NextWatched()
	o := listedOutcome(tx, refs...)
	o.Task, o.Read.Standing, o.Read.Err, o.Err, o.GapErr = TaskWatch, machinetest.Standing(genesys.PhaseEnded), readErr, readErr, gapErr
	o.Read.Blind = errors.Is(readErr, genesys.ErrForbidden)
	if readErr == nil {
		o.Asked = j.Record.GapOf(o.Read, w.Since, w.Listing, true).Missing
	}
	if gapErr == nil {
		o.Stored = storedOf(o.Asked)
	}
	settleAs(tx, j, o)
}

// takenIDs returns the ids of the messages that the host gets, until none waits.
func takenIDs(tx *Transaction) (list []string) {
	for len(tx.In.Entries) > 0 {
		switch x := tx.In.remove(0); {
		case x.Delivery != nil:
			list = append(list, x.Delivery.ID)
		case x.Notice != nil && x.Notice.Kind == machine.NoticeGap:
			list = append(list, "gap: "+x.Notice.Detail)
		case x.Kind == KindReturn:
			tx.freeze(&x)
			tx.removeWords(x.Seq)
			list = append(list, "back")
		}
	}
	return list
}

// At the end more messages are missing than one call can fetch.
func TestALongGapAtTheEndIsRepairedToTheEnd(t *testing.T) {
	t.Parallel()
	n := 8*genesys.MaxBulkMessages - 1
	tx, refs := gapped(n)
	endListing(t, tx, true, refs...)
	list := takenIDs(tx)
	for len(tx.Watched) > 0 {
		before := tx.Now
		checkListing(t, tx, nil, nil, refs...)
		require.LessOrEqual(t, tx.Now.Sub(before), machine.ReadPause)
		list = append(list, takenIDs(tx)...)
	}
	require.Len(t, list, n+1)
	require.Equal(t, fmt.Sprint("missed ", n-1), list[n])
}

// The read before a message of the customer shows the end. The agents' last messages are still
// missing.
func TestAnEndThatAMessageMeetsHasItsGap(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(1)
	say(t, tx, "still there?")
	tx.Now = tx.Now.Add(time.Second)
	j := jobOn(t, tx, ToGenesys)
	o := listedOutcome(tx, refs...)
	o.Task, o.Read.Standing, o.Effect = TaskNone, machinetest.Standing(genesys.PhaseEnded), EffectPostponed
	settleAs(tx, j, o)
	require.Nil(t, tx.Open())
	checkListing(t, tx, nil, nil, refs...)
	require.Less(t, tx.Now.Sub(machine.TimeOf(j.Began)), returnHold)
	require.Empty(t, tx.Watched)
	require.Equal(t, []string{"missed 0", "back"}, takenIDs(tx))

	tx, refs = gapped(0)
	say(t, tx, "still there?")
	j = jobOn(t, tx, ToGenesys)
	o.Read.Messages = refs
	settleAs(tx, j, o)
	require.Empty(t, tx.Watched, "nothing is missing")
}

// A check is for the conversation it looked at, and is settled once.
func TestACheckIsSettledOnce(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(1)
	endListing(t, tx, false, refs...)
	tx.Now = tx.Watched[0].At
	j := jobOn(t, tx, Control)
	err := refusedWith(503)
	o := Outcome{Task: TaskWatch, Err: err, Read: &Reading{Began: tx.Now, Err: err}}
	settleAs(tx, j, o)
	require.Equal(t, 1, tx.Watched[0].Failures)
	settleAs(tx, j, o)
	require.Equal(t, 1, tx.Watched[0].Failures, "after an unknown outcome")
	tx.Watched[0] = Watched{ID: "another", From: "customer", Since: tx.Now, At: j.Record.Watched[0].At}
	o = listedOutcome(tx)
	o.Task = TaskWatch
	settleAs(tx, j, o)
	require.Len(t, tx.Watched, 1)
	require.Zero(t, tx.Watched[0].Tries)
}

// Messages that the last looks do not fetch are reported. A look without a share of the budget does
// not count.
func TestACheckEndsWithAWord(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(2)
	endListing(t, tx, false, refs...)
	require.Equal(t, []string{"back"}, takenIDs(tx))
	for range 3 {
		checkListing(t, tx, &WaitError{After: time.Minute}, nil, refs...)
		checkListing(t, tx, nil, &WaitError{After: time.Minute}, refs...)
	}
	require.Zero(t, tx.Watched[0].Tries)
	for range maxLooks {
		require.Empty(t, takenIDs(tx))
		checkListing(t, tx, refusedWith(503), nil, refs...)
	}
	require.Empty(t, tx.Watched)
	list := takenIDs(tx)
	require.Len(t, list, 1)
	require.Contains(t, list[0], "gap: 2 messages")
}

// A last message is waited for while a webhook may still deliver it, regardless of the read that
// showed the end.
func TestACheckWaitsForWebhooks(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	say(t, tx, "still there?")
	young := refAt("young", tx.Now.Add(-time.Second))
	j, o := jobOn(t, tx, ToGenesys), listedOutcome(tx, young)
	o.Task, o.Read.Standing, o.Effect = TaskNone, machinetest.Standing(genesys.PhaseEnded), EffectPostponed
	settleAs(tx, j, o)
	require.Equal(t, []string{"back"}, takenIDs(tx))
	tx.Watched[0].At = tx.Now.Add(time.Minute)
	checkListing(t, tx, nil, nil, young)
	require.Len(t, tx.Watched, 1)
	require.Empty(t, takenIDs(tx))
	for len(tx.Watched) > 0 {
		checkListing(t, tx, nil, nil, young)
	}
	require.Equal(t, []string{"young"}, takenIDs(tx))
}

// A failed last look reports the missing messages, too. Messages that the next session in the same
// conversation misses are reported by that session. The last message of an earlier agent, which
// arrived without an open session, is not missing. A webhook of the last conversation shows its ids
// even before the opening is known to have revived it. A webhook after the end shows different ids
// as well as one before.
func TestCheckOfAnUnreadableConversationEnds(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(1)
	endListing(t, tx, false, refs...)
	checkListing(t, tx, nil, refusedWith(403))
	checkListing(t, tx, nil, refusedWith(403))
	require.Empty(t, tx.Watched)
}
