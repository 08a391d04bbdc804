package record

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

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

func TestMessagesToTheCustomerAreThoseOfAgentsAndFlows(t *testing.T) {
	t.Parallel()
	ref := func(id, status string) genesys.MessageRef {
		return genesys.MessageRef{ID: id, Status: status, Time: noon().Std()}
	}
	c := &genesys.Conversation{Participants: []genesys.Participant{
		{Purpose: genesys.PurposeCustomer, Messages: []genesys.MessageRef{ref("customer's", "sent")}},
		{Purpose: genesys.PurposeExternal, Messages: []genesys.MessageRef{ref("customer's, too", "sent")}},
		{Purpose: genesys.PurposeWorkflow, Messages: []genesys.MessageRef{ref("flow's", "delivery-success")}},
		{Purpose: genesys.PurposeAgent, Messages: []genesys.MessageRef{ref("received", "received"), ref("queued", "queued")}},
		{Purpose: genesys.PurposeAgent, Messages: []genesys.MessageRef{ref("removed", "removed"), ref("", "sent")}},
		{Purpose: genesys.PurposeAgent, Messages: []genesys.MessageRef{{ID: "without a time", Status: "sent"}}},
		{Purpose: genesys.PurposeUser, Messages: []genesys.MessageRef{ref("sent", "sent"), ref("failed", "delivery-failed")}},
		{Purpose: genesys.PurposeAgent, Messages: []genesys.MessageRef{ref("unknown", "a status of tomorrow"), ref("none", "")}},
	}}
	var ids []string
	for _, m := range MessagesOf(c) {
		ids = append(ids, m.ID)
	}
	require.Equal(t, []string{"flow's", "sent", "failed", "unknown", "none"}, ids)
}

// A read may be staler than its time. Messages that it does not list yet are missing in a later
// one.
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

// The oldest messages are fetched first, in any order of the listing.
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

// Fetched messages prove nothing about the ids of webhooks.
func TestAFetchProvesNoIDs(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	refs := []genesys.MessageRef{refAt("first", ago(5*time.Minute))}
	require.Equal(t, []string{"first"}, askedFor(t, tx, storedOf(refs), refs...))
	require.False(t, tx.Handover.Proven)
	deliveredEntry(tx, "by another id")
	tx.Now = tx.Now.Add(5 * time.Minute)
	refs = append(refs, refAt("as reads name it", noon()))
	require.Empty(t, askedFor(t, tx, nil, refs...))
	require.Len(t, tx.In.Entries, 2, "each message once")
}

// Genesys may store a message a little later than it lists it, and the webhook may still arrive:
// the message is not lost yet.
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

// The host gets only those stored messages that are for the customer and have not arrived.
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

// An error that may be gone in a minute is no refusal.
func TestAFetchThatFailsForNowLosesNothing(t *testing.T) {
	t.Parallel()
	for _, err := range []error{refusedWith(401), refusedWith(408), refusedWith(429), refusedWith(500), &WaitError{}} {
		tx, refs := gapped(1)
		lookAndSettle(t, tx, err, refs...)
		require.Empty(t, takenIDs(tx), err)
		require.Equal(t, []string{"missed 0"}, askedFor(t, tx, storedOf(refs), refs...), err)
	}
}

// Fetched messages are recognized by their time only if all earlier ones are accounted for.
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
