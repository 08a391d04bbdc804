package record

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// listedOutcome returns a read at the time of the transaction that shows an agent and lists
// messages.
func listedOutcome(tx *Transaction, refs ...genesys.MessageRef) Outcome {
	return Outcome{Task: TaskLook, Read: &Reading{Began: tx.Now, Standing: machinetest.Standing(genesys.PhaseConnected), Messages: refs}}
}

func refAt(id string, at machine.Time) genesys.MessageRef {
	return genesys.MessageRef{ID: id, Status: "delivery-failed", Time: at.Std()}
}

// storedOf returns messages as Genesys stores them.
func storedOf(refs []genesys.MessageRef) []genesys.StoredMessage {
	var list []genesys.StoredMessage
	for _, ref := range refs {
		list = append(list, genesys.StoredMessage{
			ID: ref.ID, Outbound: true, Time: ref.Time, Message: openmessaging.Outbound{
				ID: ref.ID, Time: ref.Time, CustomerID: "customer", Origin: openmessaging.OriginHuman, Body: openmessaging.Message{Text: ref.ID},
			},
		})
	}
	return list
}

// repairGap repeats the look, with a host that accepts all messages at once, until none is missing.
// It returns the delivered messages.
func repairGap(t *testing.T, tx *Transaction, refs []genesys.MessageRef, reads int) (delivered []string) {
	t.Helper()
	for range reads {
		j := jobOn(t, tx, Control)
		o := listedOutcome(tx, refs...)
		o.Asked = j.Record.GapOf(o.Read, j.Record.Handover.OpeningTriedAt, j.Record.Handover.Listing, false).Missing
		o.Stored = storedOf(o.Asked)
		settleAs(tx, j, o)
		for len(tx.In.Entries) > 0 {
			if d := tx.In.remove(0).Delivery; d != nil {
				delivered = append(delivered, d.ID)
			}
		}
		tx.Now = tx.Now.Add(machine.ReadPause)
	}
	return delivered
}

// TestALongGapIsRepairedToTheEnd checks an outage with any number of lost messages. Each is fetched
// once, and none that a webhook delivered is delivered again.
func TestALongGapIsRepairedToTheEnd(t *testing.T) {
	t.Parallel()
	for name, apart := range map[string]time.Duration{"an hour": 12 * time.Second, "some minutes": 2 * time.Second} {
		for _, n := range []int{60, 140, 290, 1000} {
			t.Run(fmt.Sprint(name, " ", n), func(t *testing.T) {
				t.Parallel()
				tx := newTransaction(recordIn(machine.StateConnected))
				span := time.Duration(n+60) * apart
				tx.Handover.OpeningTriedAt = noon().Add(-span - 30*time.Minute)
				tx.Handover.Reached = true
				var refs []genesys.MessageRef
				var want []string
				for i := range 40 {
					ref := refAt(fmt.Sprint("heard ", i), noon().Add(-span-20*time.Minute+time.Duration(i)*time.Second))
					tx.ReceivedIDs.Remember(ref.ID, ReceivedID, machine.TimeOf(ref.Time))
					refs = append(refs, ref)
				}
				for i := range n {
					ref := refAt(fmt.Sprint("missed ", i), noon().Add(-span+time.Duration(i)*apart))
					refs, want = append(refs, ref), append(want, ref.ID)
				}
				for i := range 10 {
					ref := refAt(fmt.Sprint("heard later ", i), noon().Add(-time.Minute+time.Duration(i)*time.Second))
					tx.ReceivedIDs.Remember(ref.ID, ReceivedID, machine.TimeOf(ref.Time))
					refs = append(refs, ref)
				}
				got := repairGap(t, tx, refs, n/genesys.MaxBulkMessages+3)
				require.Len(t, got, n)
				require.Equal(t, want, got)
			})
		}
	}
}

// lookAndSettle settles one look with err as the result of fetching missing messages.
func lookAndSettle(t *testing.T, tx *Transaction, err error, refs ...genesys.MessageRef) {
	t.Helper()
	j := jobOn(t, tx, Control)
	o := listedOutcome(tx, refs...)
	o.Asked, o.GapErr = j.Record.GapOf(o.Read, j.Record.Handover.OpeningTriedAt, j.Record.Handover.Listing, false).Missing, err
	if err == nil {
		o.Stored = storedOf(o.Asked)
	}
	settleAs(tx, j, o)
}

// gapped returns a session in which one message arrived and later ones did not.
func gapped(missing int) (tx *Transaction, refs []genesys.MessageRef) {
	tx = newTransaction(recordIn(machine.StateConnected))
	tx.Handover.Reached = true
	refs = append(refs, refAt("heard", ago(8*time.Minute)))
	tx.ReceivedIDs.Remember("heard", ReceivedID, ago(8*time.Minute))
	for i := range missing {
		refs = append(refs, refAt(fmt.Sprint("missed ", i), ago(5*time.Minute).Add(time.Duration(i)*time.Millisecond)))
	}
	return tx, refs
}

func deliveredEntry(tx *Transaction, id string) Entry {
	o := &openmessaging.Outbound{
		ID: id, CustomerID: "customer", ConversationID: "conversation", Time: tx.Now.Std(), Origin: openmessaging.OriginHuman,
	}
	tx.ReceivedIDs.Remember(o.ID, ReceivedID, tx.Now)
	tx.AcceptMessage(o, openmessaging.Message{Text: id}, tx.MessageArrived(o))
	tx.Reached(o)
	return tx.In.Entries[len(tx.In.Entries)-1]
}

func refusedWith(status int) error {
	return &genesys.Error{Op: "conversations.messages", StatusCode: status}
}

// TestAGapThatCannotBeRepairedNowHoldsNothingUp checks that attempts have pauses and delay no other
// work while messages cannot be fetched.
func TestAGapThatCannotBeRepairedNowHoldsNothingUp(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(genesys.MaxBulkMessages + 10)
	for range 10 {
		lookAndSettle(t, tx, refusedWith(503), refs...)
		require.True(t, tx.Handover.Poll, "only time is a reason to ask again")
		tx.Now = tx.Handover.PollAt
	}
	require.GreaterOrEqual(t, tx.Handover.PollEvery, 30*time.Second)
	require.Zero(t, deliveredEntry(tx, "new").NotBefore)
	require.True(t, tx.Handover.Poll)
	tx.In = lane{}
	lookAndSettle(t, tx, nil, refs...)
	require.Len(t, tx.In.Entries, genesys.MaxBulkMessages)
	require.Equal(t, tx.Now.Add(machine.ReadPause), tx.Handover.PollAt, "and the others")
}

// TestAGapThatIsRefusedIsReported checks that a permanent refusal of a fetch is reported like a
// missing permission.
func TestAGapThatIsRefusedIsReported(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 404, 405, 422} {
		tx, refs := gapped(3)
		lookAndSettle(t, tx, refusedWith(status), refs...)
		require.Len(t, tx.In.Entries, 1, status)
		require.Equal(t, machine.NoticeGap, tx.In.Entries[0].Notice.Kind)
		require.Contains(t, tx.In.Entries[0].Notice.Detail, "3 messages")
		tx.Now = tx.Now.Add(time.Minute)
		lookAndSettle(t, tx, refusedWith(status), refs...)
		require.Len(t, tx.In.Entries, 1, "once")
		require.Zero(t, tx.Handover.GapAt)
	}
}

// TestBlindModeHoldsNothingBehindAGap checks that no message waits for a gap in blind mode, where
// no read can show that the gap is closed.
func TestBlindModeHoldsNothingBehindAGap(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(1)
	lookAndSettle(t, tx, nil, refs...)
	require.NotZero(t, tx.Handover.GapAt)
	require.Equal(t, tx.Now.Add(gapHold), deliveredEntry(tx, "held").NotBefore)
	err := refusedWith(403)
	for range 2 {
		tx.Now = machine.Later(tx.Now, tx.Handover.PollAt)
		settleAs(tx, jobOn(t, tx, Control), Outcome{Task: TaskLook, Read: &Reading{Began: tx.Now, Blind: true, Err: err}, Err: err})
	}
	require.True(t, tx.Handover.Blind)
	at := tx.Handover.PollAt
	require.Zero(t, deliveredEntry(tx, "not held").NotBefore)
	require.Equal(t, at, tx.Handover.PollAt, "it may not be read")
}

// TestAMessageOnItsWayIsNoGap checks that a read that is faster than the webhook of the message
// that it lists shows no gap.
func TestAMessageOnItsWayIsNoGap(t *testing.T) {
	t.Parallel()
	for _, proven := range []bool{true, false} {
		begin := func() (*Transaction, []genesys.MessageRef) {
			tx, refs := gapped(0)
			if !proven {
				tx.Handover.Reached, refs, tx.ReceivedIDs = false, nil, nil
			}
			return tx, refs
		}
		tx, refs := begin()
		lookAndSettle(t, tx, nil, append(refs, refAt("on its way", tx.Now.Add(-time.Second)))...)
		require.Zero(t, deliveredEntry(tx, "on its way").NotBefore)
		tx, refs = begin()
		lookAndSettle(t, tx, nil, append(refs, refAt("late", tx.Now.Add(-webhookSlow)))...)
		require.NotZero(t, deliveredEntry(tx, "after it").NotBefore, "that should have arrived")
	}
}

// TestAGapWaitsForRoom checks that a message that Genesys stores is not fetched while the lane to
// the host is full. It is not refused like a message of a webhook.
func TestAGapWaitsForRoom(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(10)
	for range inEntries - 4 {
		tx.In.Push(Entry{Seq: tx.NextSeq(), Kind: KindDelivery, At: tx.Now, Delivery: &Delivery{ID: "before"}})
	}
	lookAndSettle(t, tx, nil, refs...)
	require.Len(t, tx.In.Entries, inEntries)
	require.Empty(t, tx.Receipts)
	require.True(t, tx.Handover.Poll)
	tx.Now = tx.Now.Add(time.Minute)
	lookAndSettle(t, tx, nil, refs...)
	require.Len(t, tx.In.Entries, inEntries)
	for range inEntries {
		tx.In.remove(0)
	}
	lookAndSettle(t, tx, nil, refs...)
	require.Len(t, tx.In.Entries, 6)
	require.Equal(t, "missed 4", tx.In.Entries[0].Delivery.ID)
	lookAndSettle(t, tx, nil, refs...)
	require.Len(t, tx.In.Entries, 6, "once")
}

// askedFor settles a look that fetched missing messages.
func askedFor(t *testing.T, tx *Transaction, stored []genesys.StoredMessage, refs ...genesys.MessageRef) (asked []string) {
	t.Helper()
	j, o := jobOn(t, tx, Control), listedOutcome(tx, refs...)
	o.Asked, o.Stored = j.Record.GapOf(o.Read, j.Record.Handover.OpeningTriedAt, j.Record.Handover.Listing, false).Missing, stored
	settleAs(tx, j, o)
	for _, ref := range o.Asked {
		asked = append(asked, ref.ID)
	}
	return asked
}

// TestAGapIsSeenBehindAStaleRead checks a read that is staler than its time. Messages that it does
// not list yet are missing in a later one.
func TestAGapIsSeenBehindAStaleRead(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(0)
	askedFor(t, tx, nil, refs...)
	tx.Now = tx.Now.Add(time.Minute)
	refs = append(refs, refAt("late", noon().Add(-5*time.Second)))
	require.Equal(t, []string{"late"}, askedFor(t, tx, storedOf(refs), refs...))
	require.Empty(t, askedFor(t, tx, storedOf(refs), refs...))
}

func TestWhatIsNoGap(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(0)
	tx.Sent = []sentID{{Platform: "ours", Host: "m1"}}
	refs = append(refs,
		refAt("ours", ago(time.Minute)), refAt("of the session before", tx.Handover.OpeningTriedAt.Add(-machine.SettlePeriod-time.Second)),
		refAt("by a clock that is behind", tx.Handover.OpeningTriedAt.Add(-machine.SettlePeriod+time.Second)))
	require.Equal(t, []string{"by a clock that is behind"}, askedFor(t, tx, nil, refs...))
}

// TestAGapIsRepairedFromItsBeginning checks that the oldest messages are fetched first, in any
// order of the listing.
func TestAGapIsRepairedFromItsBeginning(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(2 * genesys.MaxBulkMessages)
	slices.Reverse(refs)
	tx.Handover.PollEvery = machine.LastPoll
	asked := askedFor(t, tx, storedOf(refs), refs...)
	require.Len(t, asked, genesys.MaxBulkMessages)
	require.Equal(t, "missed 0", asked[0])
	require.Less(t, tx.Handover.PollEvery, 2*machine.FirstPoll, "and more may be missing")
	asked = askedFor(t, tx, storedOf(refs), refs...)
	require.Len(t, asked, genesys.MaxBulkMessages)
	require.Equal(t, "missed 50", asked[0])
}

// TestAYoungMessageThatIsNotKeptIsNotLostYet checks a message that Genesys stores a little later
// than it lists it. The webhook may still arrive, so the message is not lost yet.
func TestAYoungMessageThatIsNotKeptIsNotLostYet(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(0)
	refs = append(refs, refAt("young", ago(2*webhookSlow)))
	require.Equal(t, []string{"young"}, askedFor(t, tx, nil, refs...))
	require.Empty(t, takenIDs(tx))
	require.True(t, tx.Handover.Proven)
	tx.Now = tx.Now.Add(webhookLife)
	askedFor(t, tx, nil, refs...)
	require.Len(t, takenIDs(tx), 1, "now it is")
	askedFor(t, tx, nil, refs...)
	require.Empty(t, takenIDs(tx))
}

// TestWhatIsFetchedIsChosen checks that the host gets only those stored messages that are for the
// customer and have not arrived.
func TestWhatIsFetchedIsChosen(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(4)
	stored := storedOf(refs[1:])
	stored[0].Outbound = false
	stored[1].Message.ID = "heard" // of a webhook
	stored[2].Message.Body = openmessaging.Typing{}
	stored[3].Message.CustomerID, stored[3].Message.ConversationID = "", "another"
	tx.Handover.From = "customer~abcdefghijk2"
	askedFor(t, tx, stored, refs...)
	require.Len(t, tx.In.Entries, 1)
	d := tx.In.Entries[0].Delivery
	require.Equal(t, "missed 3", d.ID)
	require.Equal(t, tx.Handover.From, d.From)
	require.False(t, d.Late)
	require.Empty(t, askedFor(t, tx, stored, refs...))
}

// TestAFetchThatFailsForNowLosesNothing checks that an error that may be gone in a minute is no
// refusal.
func TestAFetchThatFailsForNowLosesNothing(t *testing.T) {
	t.Parallel()
	for _, err := range []error{refusedWith(401), refusedWith(408), refusedWith(429), refusedWith(500), &WaitError{}} {
		tx, refs := gapped(1)
		lookAndSettle(t, tx, err, refs...)
		require.Empty(t, takenIDs(tx), err)
		require.Equal(t, []string{"missed 0"}, askedFor(t, tx, storedOf(refs), refs...), err)
	}
}

// TestAnOldMessageIsFetchedOnce checks that fetched messages are recognized by their time only if
// all earlier ones are accounted for.
func TestAnOldMessageIsFetchedOnce(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(0)
	tx.Handover.OpeningTriedAt = ago(time.Hour)
	refs = append(refs, refAt("old", ago(30*time.Minute)), refAt("young", ago(2*webhookSlow)))
	require.Equal(t, []string{"old", "young"}, askedFor(t, tx, storedOf(refs[:2]), refs...))
	require.Equal(t, []string{"young"}, askedFor(t, tx, storedOf(refs), refs...))

	tx, refs = gapped(0)
	tx.Handover.OpeningTriedAt = ago(time.Hour)
	for i := range genesys.MaxBulkMessages + 10 {
		refs = append(refs, refAt(fmt.Sprintf("at once %02d", i), ago(30*time.Minute)))
	}
	require.Len(t, askedFor(t, tx, storedOf(refs), refs...), genesys.MaxBulkMessages)
	require.Len(t, askedFor(t, tx, storedOf(refs), refs...), 10)
	require.Empty(t, askedFor(t, tx, storedOf(refs), refs...))
}
