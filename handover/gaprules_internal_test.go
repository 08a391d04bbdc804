package handover

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// asks is a look that asked for what is missing and got an answer.
func (e *edit) asks(t *testing.T, stored []genesys.StoredMessage, refs ...genesys.MessageRef) (asked []string) {
	t.Helper()
	j, o := jobOn(t, e, control), e.listed(refs...)
	o.asked, o.stored = j.file.gapOf(o.read, j.file.Now.Tried, j.file.Now.listing, false).missing, stored
	e.settleAs(j, o)
	for _, ref := range o.asked {
		asked = append(asked, ref.ID)
	}
	return asked
}

func TestMessagesToTheCustomerAreThoseOfAgentsAndFlows(t *testing.T) {
	t.Parallel()
	ref := func(id, status string) genesys.MessageRef {
		return genesys.MessageRef{ID: id, Status: status, Time: noon()}
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
	for _, m := range messagesOf(c) {
		ids = append(ids, m.ID)
	}
	require.Equal(t, []string{"flow's", "sent", "failed", "unknown", "none"}, ids)
}

// A read may be older than it looks: what it does not list yet is missing in a later one.
func TestAGapIsSeenBehindAStaleRead(t *testing.T) {
	t.Parallel()
	e, refs := gapped(0)
	e.asks(t, nil, refs...)
	e.now = e.now.Add(time.Minute)
	refs = append(refs, refAt("late", noon().Add(-5*time.Second)))
	require.Equal(t, []string{"late"}, e.asks(t, storedOf(refs), refs...))
	require.Empty(t, e.asks(t, storedOf(refs), refs...))
}

func TestWhatIsNoGap(t *testing.T) {
	t.Parallel()
	e, refs := gapped(0)
	e.Sent = []sentID{{Platform: "ours", Host: "m1"}}
	refs = append(refs,
		refAt("ours", ago(time.Minute)), refAt("of the session before", e.Now.Tried.Add(-settlePeriod-time.Second)),
		refAt("by a clock that is behind", e.Now.Tried.Add(-settlePeriod+time.Second)))
	require.Equal(t, []string{"by a clock that is behind"}, e.asks(t, nil, refs...))
}

// The oldest are fetched first, in whatever order a read lists them.
func TestAGapIsRepairedFromItsBeginning(t *testing.T) {
	t.Parallel()
	e, refs := gapped(2 * genesys.MaxBulkMessages)
	slices.Reverse(refs)
	e.Now.PollEvery = lastPoll
	asked := e.asks(t, storedOf(refs), refs...)
	require.Len(t, asked, genesys.MaxBulkMessages)
	require.Equal(t, "missed 0", asked[0])
	require.Less(t, e.Now.PollEvery, 2*firstPoll, "and more may be missing")
	asked = e.asks(t, storedOf(refs), refs...)
	require.Len(t, asked, genesys.MaxBulkMessages)
	require.Equal(t, "missed 50", asked[0])
}

// What was fetched proves nothing about the ids of webhooks.
func TestAFetchProvesNoIDs(t *testing.T) {
	t.Parallel()
	e := newEdit(fileIn(StateConnected))
	refs := []genesys.MessageRef{refAt("first", ago(5*time.Minute))}
	require.Equal(t, []string{"first"}, e.asks(t, storedOf(refs), refs...))
	require.False(t, e.Now.Proven)
	e.says("by another id")
	e.now = e.now.Add(5 * time.Minute)
	refs = append(refs, refAt("as reads name it", noon()))
	require.Empty(t, e.asks(t, nil, refs...))
	require.Len(t, e.In.Entries, 2, "each message once")
}

// Genesys may keep a message a little later than it lists it, and the webhook may still come: it is not lost yet.
func TestAYoungMessageThatIsNotKeptIsNotLostYet(t *testing.T) {
	t.Parallel()
	e, refs := gapped(0)
	refs = append(refs, refAt("young", ago(2*webhookSlow)))
	require.Equal(t, []string{"young"}, e.asks(t, nil, refs...))
	require.Empty(t, e.taken())
	require.True(t, e.Now.Proven)
	e.now = e.now.Add(webhookLife)
	e.asks(t, nil, refs...)
	require.Len(t, e.taken(), 1, "now it is")
	e.asks(t, nil, refs...)
	require.Empty(t, e.taken())
}

// Of what Genesys keeps only what is for the customer and has not come is given to the host.
func TestWhatIsFetchedIsChosen(t *testing.T) {
	t.Parallel()
	e, refs := gapped(4)
	stored := storedOf(refs[1:])
	stored[0].Outbound = false
	stored[1].Message.ID = "heard" // of a webhook
	stored[2].Message.Body = openmessaging.Typing{}
	stored[3].Message.CustomerID, stored[3].Message.ConversationID = "", "another"
	e.Now.From = "customer~abcdefghijk2"
	e.asks(t, stored, refs...)
	require.Len(t, e.In.Entries, 1)
	d := e.In.Entries[0].Delivery
	require.Equal(t, "missed 3", d.ID)
	require.Equal(t, e.Now.From, d.From)
	require.False(t, d.Late)
	require.Empty(t, e.asks(t, stored, refs...))
}

// What may work in a minute is no refusal.
func TestAFetchThatFailsForNowLosesNothing(t *testing.T) {
	t.Parallel()
	for _, err := range []error{refusedWith(401), refusedWith(408), refusedWith(429), refusedWith(500), &waitError{}} {
		e, refs := gapped(1)
		e.look(t, err, refs...)
		require.Empty(t, e.taken(), err)
		require.Equal(t, []string{"missed 0"}, e.asks(t, storedOf(refs), refs...), err)
	}
}

// What is fetched is known by its time only where all before it is accounted for.
func TestAnOldMessageIsFetchedOnce(t *testing.T) {
	t.Parallel()
	e, refs := gapped(0)
	e.Now.Tried = ago(time.Hour)
	refs = append(refs, refAt("old", ago(30*time.Minute)), refAt("young", ago(2*webhookSlow)))
	require.Equal(t, []string{"old", "young"}, e.asks(t, storedOf(refs[:2]), refs...))
	require.Equal(t, []string{"young"}, e.asks(t, storedOf(refs), refs...))

	e, refs = gapped(0)
	e.Now.Tried = ago(time.Hour)
	for i := range genesys.MaxBulkMessages + 10 {
		refs = append(refs, refAt(fmt.Sprintf("at once %02d", i), ago(30*time.Minute)))
	}
	require.Len(t, e.asks(t, storedOf(refs), refs...), genesys.MaxBulkMessages)
	require.Len(t, e.asks(t, storedOf(refs), refs...), 10)
	require.Empty(t, e.asks(t, storedOf(refs), refs...))
}
