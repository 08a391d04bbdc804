package record

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// Last looks at several sessions, and webhooks that show different ids.

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

func TestOtherIDsFromBeforeTheOpening(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	r := listedOutcome(tx, refAt("other", tx.Handover.OpeningTriedAt.Add(-time.Second))).Read
	r.Began = tx.Now.Add(webhookLife)
	require.Empty(t, tx.GapOf(r, tx.Handover.OpeningTriedAt, tx.Handover.Listing, true).Missing)
}

func TestOtherIDsOfAConversationThatIsNotNamedYet(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateRequested))
	tx.Past = []past{{Session: tx.Handover.Session, From: tx.Handover.From}}
	tx.Handover.ConversationID, tx.Handover.Resumed = "", false
	deliveredEntry(tx, "its own")
	tx.Apply(machine.Event{Kind: machine.EvNamed, Conversation: "conversation", Resumed: true})
	r := listedOutcome(tx, refAt("other", tx.Now)).Read
	r.Began = tx.Now.Add(webhookLife)
	require.Empty(t, tx.GapOf(r, tx.Handover.OpeningTriedAt, tx.Handover.Listing, true).Missing)
}

func TestCheckDetectsOtherIDsByLaterMessages(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	ref := genesys.MessageRef{ID: "other", Time: tx.Now.Add(-time.Second).Std()}
	endListing(t, tx, true, ref)
	tx.Now = tx.Now.Add(20 * time.Second)
	deliveredEntry(tx, "its own")
	require.Len(t, takenIDs(tx), 2)
	checkListing(t, tx, refusedWith(403), nil, ref)
	require.Empty(t, tx.Watched)
	require.Empty(t, takenIDs(tx))
}

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

// Messages that a look has fetched are not missing if the last look cannot read.
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

// A message of an earlier session is accepted late, so its conversation is watched again. Webhooks
// of that conversation had other ids than reads, so what the next look lists is not missing.
func TestConversationOfAnEarlierSessionKeepsThatWebhooksArrived(t *testing.T) {
	t.Parallel()
	for name, arrives := range map[string]func(*Transaction){
		"before the next session": func(tx *Transaction) { deliveredEntry(tx, "before") },
		"after it": func(tx *Transaction) {
			next(t, tx)
			deliveredEntry(tx, "after")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tx := newTransaction(recordIn(machine.StateConnected))
			first := tx.Handover.ID
			ref := refAt("other", tx.Now.Add(time.Second))
			arrives(tx)
			if tx.Handover.ID == first {
				next(t, tx)
			}
			tx.Watched = nil // all that it listed was accounted for
			takenIDs(tx)
			tx.Handover.Timers = machine.Timers{}
			tx.wroteLate(first, "")
			require.NotNil(t, tx.watching("conversation"))
			tx.Now = tx.Now.Add(webhookLife + time.Minute)
			checkListing(t, tx, refusedWith(403), nil, ref)
			require.Empty(t, tx.Watched)
			require.Empty(t, takenIDs(tx))
		})
	}
}

// Looks at messages that webhooks may still deliver fetch nothing, so they do not count.
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
