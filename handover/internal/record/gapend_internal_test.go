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

// TestALongGapAtTheEndIsRepairedToTheEnd checks an end at which more messages are missing than one
// call can fetch.
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

// TestAnEndThatAMessageMeetsHasItsGap checks a read before a message of the customer that shows the
// end. The agents' last messages are still missing.
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

// TestACheckIsSettledOnce checks that a check is for the conversation it looked at, and is settled
// once.
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

// TestACheckEndsWithAWord checks that messages that the last looks do not fetch are reported. A
// look without a share of the budget does not count.
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

// TestACheckWaitsForWebhooks checks that a last message is waited for while a webhook may still
// deliver it, regardless of the read that showed the end.
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

// TestCheckOfAnUnreadableConversationEnds checks that a conversation that may not be read is not
// watched for its missing messages forever.
func TestCheckOfAnUnreadableConversationEnds(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(1)
	endListing(t, tx, false, refs...)
	checkListing(t, tx, nil, refusedWith(403))
	checkListing(t, tx, nil, refusedWith(403))
	require.Empty(t, tx.Watched)
}

// TestACheckThatCannotReadAtLastEndsWithAWord checks that a failed last look reports the missing
// messages, too.
func TestACheckThatCannotReadAtLastEndsWithAWord(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(2)
	endListing(t, tx, false, refs...)
	takenIDs(tx)
	for range maxLooks - 1 {
		checkListing(t, tx, refusedWith(503), nil, refs...)
	}
	checkListing(t, tx, nil, refusedWith(503))
	require.Empty(t, tx.Watched)
	list := takenIDs(tx)
	require.Len(t, list, 1)
	require.Contains(t, list[0], "gap: 2 messages")
}

// TestACheckReportsNothingOfTheNextSession checks that messages that the next session in the same
// conversation misses are not reported by the check, because that session reports them.
func TestACheckReportsNothingOfTheNextSession(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(1)
	endListing(t, tx, false, refs...)
	c := machinetest.HandoverIn(machine.StateConnected)
	c.ID, c.OpeningTriedAt = "second", tx.Now.Add(time.Minute)
	tx.install(c)
	takenIDs(tx)
	refs = append(refs, genesys.MessageRef{ID: "of the second", Time: tx.Now.Add(time.Minute).Std()})
	for len(tx.Watched) > 0 {
		tx.Handover.PollAt = 0
		checkListing(t, tx, refusedWith(503), nil, refs...)
	}
	list := takenIDs(tx)
	require.Len(t, list, 1)
	require.Contains(t, list[0], "gap: 1 messages")
}

// TestAnEndThatAMoveMeetsHasItsGap checks a read that shows the end while a message opens another
// conversation. What the agents wrote last is still fetched.
func TestAnEndThatAMoveMeetsHasItsGap(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(1)
	tx.Handover.LastWriteAt = tx.Now
	j := jobOn(t, tx, Control)
	o := listedOutcome(tx, refs...)
	o.Read.Standing, o.GapErr = machinetest.Standing(genesys.PhaseEnded), refusedWith(503)
	tx.Apply(machine.Event{Kind: machine.EvMoved, Conversation: "another"})
	settleAs(tx, j, o)
	require.Nil(t, tx.Open())
	checkListing(t, tx, nil, nil, refs...)
	require.Equal(t, []string{"missed 0", "back"}, takenIDs(tx))
}

// TestMovedSessionThatNoReadEndsHasItsGap checks a session that ends ten seconds after a message
// opened another conversation, because no read of the old one succeeded, or because missing
// messages of it could not be fetched. What the agents wrote there is still looked for.
func TestMovedSessionThatNoReadEndsHasItsGap(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]bool{"no read": false, "no fetch": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx, refs := gapped(1)
			tx.Apply(machine.Event{Kind: machine.EvMoved, Conversation: "another"})
			tx.Now = tx.Now.Add(20 * time.Second)
			tx.Handover.LastWriteAt = tx.Now.Add(-time.Minute)
			o := Outcome{Task: TaskLook, Err: refusedWith(503)}
			if read {
				o = listedOutcome(tx, refs...)
				o.End, o.Read.Standing, o.GapErr = true, machinetest.Standing(genesys.PhaseEnded), refusedWith(503)
			}
			for range 2 { // a timer may wait for a second read
				settleAs(tx, jobOn(t, tx, Control), o)
				tx.Now = tx.Now.Add(machine.TimerPatience)
			}
			require.Nil(t, tx.Open())
			w := tx.watching("conversation")
			require.NotNil(t, w)
			require.False(t, w.Close)
			require.Equal(t, read, w.Incomplete)
		})
	}
}

// TestTwoEndsAreBothChecked checks two sessions that end with missing messages, in two
// conversations. Those of both are fetched.
func TestTwoEndsAreBothChecked(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(1)
	endListing(t, tx, false, refs...)
	c := machinetest.HandoverIn(machine.StateConnected)
	c.ID, c.ConversationID, c.OpeningTriedAt = "second", "another", tx.Now
	tx.install(c)
	tx.Handover.Listing = machine.Listing{Reached: true, Proven: true}
	tx.Now = tx.Now.Add(time.Minute)
	next := genesys.MessageRef{ID: "next", Time: tx.Now.Add(-webhookSlow).Std()}
	endListing(t, tx, false, next)
	takenIDs(tx)
	checkListing(t, tx, nil, nil, refs...)
	require.Equal(t, []string{"missed 0"}, takenIDs(tx))
	checkListing(t, tx, nil, nil, next)
	require.Equal(t, []string{"next"}, takenIDs(tx))
	require.Empty(t, tx.Watched)
}

// TestACheckReportsNothingThatItBrought checks that messages that a look has fetched are not
// missing if the last look cannot read.
func TestACheckReportsNothingThatItBrought(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(2)
	refs, tx.ReceivedIDs, tx.Handover.Reached = refs[1:], nil, false
	endListing(t, tx, false, refs...)
	takenIDs(tx)
	checkListing(t, tx, refusedWith(503), nil, refs...)
	require.Len(t, tx.Watched[0].Unseen, 2)
	checkListing(t, tx, nil, nil, append(refs, refAt("young", tx.Watched[0].At))...)
	for len(tx.Watched) > 0 {
		checkListing(t, tx, nil, refusedWith(503))
	}
	require.Equal(t, []string{"missed 0", "missed 1"}, takenIDs(tx))
}

// TestLooksThatFetchNothingDoNotCount checks that looks at messages that webhooks may still deliver
// do not count, because they fetch nothing.
func TestLooksThatFetchNothingDoNotCount(t *testing.T) {
	t.Parallel()
	tx := closes(false)
	w := tx.watching("other")
	w.Since, w.Reached = ago(time.Hour), false
	ref := refAt("young", tx.Now)
	born := tx.Now
	for tx.Now = w.At; ; {
		checkListing(t, tx, refusedWith(503), nil, ref)
		if tx.Now.Sub(born) >= webhookLife {
			break
		}
		require.Zero(t, tx.watching("other").Tries)
	}
	for range maxLooks - 1 {
		require.NotNil(t, tx.watching("other"))
		checkListing(t, tx, refusedWith(503), nil, ref)
	}
	require.Nil(t, tx.watching("other"))
	list := takenIDs(tx)
	require.Len(t, list, 1)
	require.Contains(t, list[0], "gap: 1 messages")
}

// TestRepairThatMayNotBeReadIsReported checks that a forbidden read ends the repair, and that the
// known missing messages are reported.
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

// TestYoungMessageIsMissingAtLast checks a message that is listed at the end of a session and that
// its webhook may still deliver. If no later look can read the conversation, it is reported.
func TestYoungMessageIsMissingAtLast(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	endListing(t, tx, true, refAt("young", ago(3*time.Second)))
	takenIDs(tx)
	for len(tx.Watched) > 0 {
		checkListing(t, tx, nil, errors.New("down"))
	}
	list := takenIDs(tx)
	require.Len(t, list, 1)
	require.Contains(t, list[0], "ids: young")
}

// TestGiveUpReportsMissing checks that the messages that the last read listed are reported when
// watching is given up. A message that has arrived since is not missing.
func TestGiveUpReportsMissing(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(3)
	endListing(t, tx, false, refs...)
	takenIDs(tx)
	tx.Now = tx.Now.Add(time.Hour)
	tx.ReceivedIDs.Remember("missed 1", ReceivedID, tx.Now)
	tx.GiveUp("not reachable")
	require.Empty(t, tx.Watched)
	list := takenIDs(tx)
	require.Len(t, list, 1)
	require.Contains(t, list[0], "gap: 2 messages")
	require.Contains(t, list[0], "missed 0, missed 2")
}

// TestGapNoticeNamesItsConversation checks that missing messages of a watched conversation are
// reported for its session, if there is one, and never for the session that is open now.
func TestGapNoticeNamesItsConversation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		watch func(*Transaction)
		want  string
	}{
		"left by this session": {func(tx *Transaction) { tx.close(tx.Handover, "other", false) }, "abcdefghijk2"},
		"left by an earlier session": {func(tx *Transaction) {
			c := machinetest.HandoverIn(machine.StateEnded)
			c.ID = "zyxwvutsrqp2"
			tx.close(&c, "other", false)
		}, "zyxwvutsrqp2"},
		"of no session": {func(tx *Transaction) { tx.watch("other", "customer", ago(time.Hour), noon()) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx, refs := gapped(1)
			test.watch(tx)
			tx.Watched[0].Since = ago(time.Hour)
			checkListing(t, tx, refusedWith(403), nil, refs...)
			require.Len(t, tx.In.Entries, 1)
			n := tx.In.Entries[0].Notice
			require.Equal(t, machine.NoticeGap, n.Kind)
			require.Equal(t, test.want, n.Session.ID)
			require.Equal(t, "other", n.Session.ConversationID)
		})
	}
}

// TestRepairKeepsOlderMissing checks a conversation that is watched for missing messages of a
// session, while a later session in it ends with missing messages, too. Those of the first are
// still fetched.
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
