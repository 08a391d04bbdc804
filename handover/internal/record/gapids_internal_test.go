package record

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/machinetest"
	"github.com/stretchr/testify/require"
)

// TestAnAdoptedSessionHasNoGapByOtherIDs checks an adopted session, which began with a webhook. If
// reads use another id for that message, it is not missing. Neither are the messages that an
// earlier session in the conversation received.
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

// TestTheNextSessionHasNoGapByOtherIDs checks that messages that webhooks delivered to the last
// session are not missing in the next one, if reads use other ids.
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

// TestOtherIDsFromBeforeTheOpening checks that the last message of an earlier agent, which arrived
// without an open session, is not missing.
func TestOtherIDsFromBeforeTheOpening(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	r := listedOutcome(tx, refAt("other", tx.Handover.OpeningTriedAt.Add(-time.Second))).Read
	r.Began = tx.Now.Add(webhookLife)
	require.Empty(t, tx.GapOf(r, tx.Handover.OpeningTriedAt, tx.Handover.Listing, true).Missing)
}

// TestOtherIDsOfAConversationThatIsNotNamedYet checks that a webhook of the last conversation shows
// its ids even before the opening is known to have revived it.
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

// TestCheckDetectsOtherIDsByLaterMessages checks that a webhook after the end shows different ids
// as well as one before.
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

// TestAFetchProvesNoIDs checks that fetched messages prove nothing about the ids of webhooks.
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

// TestConversationOfAnEarlierSessionKeepsThatWebhooksArrived checks a message of an earlier session
// that is accepted late, so its conversation is watched again. Webhooks of that conversation had
// other ids than reads, so what the next look lists is not missing.
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

// TestWatchedEntryKeepsListing checks that the entry that watches a conversation after the end of
// its session keeps what the session knows of how reads name messages.
func TestWatchedEntryKeepsListing(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	known := machine.Listing{Checked: now, Reached: true}
	tx := &Transaction{Record: &Record{Handover: &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", ConversationID: "c1"}, Listing: known}}, Now: now}

	require.Equal(t, known, tx.watch("c1", "k", now, now).Listing)
	require.Equal(t, machine.Listing{Reached: true}, tx.watch("c2", "k", now, now).Listing)
}

// TestWebhookAfterEndIsReached checks the first webhook of a conversation, which arrives after the
// end of its session, so the conversation is watched. The entry notes that webhooks arrive, so it
// waits for a proof that reads use the same ids before messages count as missing.
func TestWebhookAfterEndIsReached(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	over := &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateEnded, ConversationID: "c1"}, HandedBack: true, Returned: true}
	tx := &Transaction{Record: &Record{Handover: over}, Now: now}
	o := &openmessaging.Outbound{ID: "w1", CustomerID: "k", ConversationID: "c1", Origin: openmessaging.OriginHuman, Time: now.Std()}
	tx.AcceptMessage(o, openmessaging.Message{Text: "bye"}, tx.MessageArrived(o))
	tx.Reached(o)

	require.True(t, tx.watching("c1").Reached)
	require.True(t, tx.Handover.Reached)
}

// TestWebhookOfAnOpenedConversationIsReached checks the only webhook of a conversation that the
// session's message opened, which arrives before the session ends. The conversation is watched
// then, and its entry notes that webhooks arrive.
func TestWebhookOfAnOpenedConversationIsReached(t *testing.T) {
	t.Parallel()
	now := machine.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	c := &machine.Handover{Session: machine.Session{ID: "aaaaaaaaaaaa", State: machine.StateAlerting, ConversationID: "c1"}, From: "k", OpeningTriedAt: now}
	tx := &Transaction{Record: &Record{Handover: c}, Now: now}
	tx.Apply(machine.Event{Kind: machine.EvMoved, Conversation: "c2"})
	o := &openmessaging.Outbound{ID: "w1", CustomerID: "k", ConversationID: "c2", Origin: openmessaging.OriginBot, Time: now.Std()}
	tx.AcceptMessage(o, openmessaging.Message{Text: "please wait"}, tx.MessageArrived(o))
	tx.Reached(o)
	tx.leave(c)

	require.True(t, tx.watching("c2").Reached)
}

// TestEarlyWebhookCountsForItsConversation checks a webhook of an earlier conversation that arrives
// before the answer to the opening. If the opening has revived that conversation, the webhook shows
// how its reads name messages, otherwise not.
func TestEarlyWebhookCountsForItsConversation(t *testing.T) {
	t.Parallel()
	for conversation, want := range map[string]bool{"conversation": true, "elsewhere": true, "new": false} {
		tx := newTransaction(recordIn(machine.StateConnected))
		next(t, tx)
		tx.Handover.From, tx.Handover.OpeningTriedAt = "customer", noon()
		tx.Watched = nil
		tx.ReceivedIDs.Remember("early", ReceivedID, tx.Now)
		o := &openmessaging.Outbound{ID: "early", CustomerID: "customer", ConversationID: "conversation", Time: ago(time.Minute).Std(), Origin: openmessaging.OriginHuman}
		if conversation == "elsewhere" {
			o.ConversationID = conversation
		}
		tx.AcceptMessage(o, openmessaging.Message{Text: "early"}, tx.MessageArrived(o))
		tx.Reached(o)
		require.Empty(t, tx.Handover.ConversationID)
		tx.Apply(machine.Event{Kind: machine.EvAccepted, Conversation: conversation})
		require.Equal(t, want, tx.Handover.Reached, conversation)
	}
}

// TestUnprovenSessionHidesNoGapOfTheNext checks a session that ended before a read could prove that
// its webhook has the id of a read. In the next session no webhook arrives at all. Its messages are
// compared, so what is missing is found, and the dead webhook is reported.
func TestUnprovenSessionHidesNoGapOfTheNext(t *testing.T) {
	t.Parallel()
	tx := newTransaction(recordIn(machine.StateConnected))
	deliveredEntry(tx, "heard")
	require.True(t, tx.Handover.Reached)
	next(t, tx)
	tx.Apply(machine.Event{Kind: machine.EvAccepted, Conversation: "next"})
	tx.Handover.OpeningTriedAt = noon()
	tx.Now = noon().Add(10 * time.Minute)
	r := showing(tx, genesys.PhaseConnected)
	r.Messages = []genesys.MessageRef{refAt("missed", noon().Add(time.Minute))}
	require.Len(t, tx.GapOf(r, tx.Handover.OpeningTriedAt, tx.Handover.Listing, false).Missing, 1)
	require.Equal(t, 1, tx.Undelivered(TaskLook, r))
}

// TestALookProvesTheIDs checks that a look that lists a delivered message proves the ids, although
// others of that conversation could not be fetched. Those are reported.
func TestALookProvesTheIDs(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(2)
	tx.Handover = left().Handover
	w := tx.watch("conversation", "customer", ago(time.Hour), noon())
	w.Incomplete, w.Handover, w.Listing = true, tx.Handover.ID, machine.Listing{Reached: true}
	for len(tx.Watched) > 0 {
		checkListing(t, tx, refusedWith(503), nil, refs...)
	}
	list := takenIDs(tx)
	require.Len(t, list, 1)
	require.Contains(t, list[0], "gap: 2 messages")
}
