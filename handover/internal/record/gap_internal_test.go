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

// After an outage with any number of lost messages, each is fetched once, and none that a webhook
// delivered is delivered again.
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

// While messages cannot be fetched, attempts have pauses and delay no other work.
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

// A permanent refusal of a fetch is reported like a missing permission.
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

// In blind mode no read can show that a gap is closed.
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

// A read is often faster than the webhook of the message that it lists. That is no gap.
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

// A message that Genesys stores is not fetched while the lane to the host is full. It is not
// refused like a message of a webhook.
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

// An adopted session began with a webhook. If reads use another id for that message, it is not
// missing. Neither are the messages that an earlier session in the conversation received.
func TestAnAdoptedSessionHasNoGapByOtherIDs(t *testing.T) {
	t.Parallel()
	for name, wrote := range map[string]machine.Time{"with a time": ago(time.Second), "without": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(&Record{Format: CurrentFormat, Created: 1, Touched: noon()})
			o := &openmessaging.Outbound{
				ID: "webhook", CustomerID: "customer", ConversationID: "conversation", Time: wrote.Std(), Origin: openmessaging.OriginHuman,
			}
			tx.ReceivedIDs.Remember(o.ID, ReceivedID, tx.Now)
			tx.AcceptMessage(o, openmessaging.Message{Text: "hello"}, tx.MessageArrived(o))
			tx.Reached(o)
			tx.Now = tx.Now.Add(adoptPause)
			j := jobOn(t, tx, Control)
			r := &Reading{Began: tx.Now, Standing: machinetest.Standing(genesys.PhaseConnected)}
			settleAs(tx, j, Outcome{Task: TaskWatch, Read: r})
			require.Equal(t, machine.StateConnected, tx.Handover.State)
			tx.Now = tx.Now.Add(2 * time.Minute)
			lookAndSettle(t, tx, nil, refAt("earlier", ago(time.Hour)), refAt("read", ago(time.Second)))
			lookAndSettle(t, tx, nil, refAt("earlier", ago(time.Hour)), refAt("webhook", ago(time.Second)))
			for _, x := range tx.In.Entries {
				require.True(t, x.Delivery == nil || x.Delivery.ID == "webhook")
			}
		})
	}
}

// Messages that webhooks delivered to the last session are not missing in the next one, if reads
// use other ids.
func TestTheNextSessionHasNoGapByOtherIDs(t *testing.T) {
	t.Parallel()
	tx, _ := gapped(0)
	deliveredEntry(tx, "webhook")
	endListing(t, tx, true, refAt("read", ago(time.Second)))
	next := machinetest.HandoverIn(machine.StateConnected)
	next.ID, next.OpeningTriedAt = "next22222222", tx.Now.Add(machine.SettlePeriod/2)
	tx.install(next)
	tx.Now = tx.Now.Add(2 * time.Minute)
	lookAndSettle(t, tx, nil, refAt("read", noon()))
	for _, x := range tx.In.Entries {
		require.True(t, x.Delivery == nil || x.Delivery.ID == "webhook")
	}
}
