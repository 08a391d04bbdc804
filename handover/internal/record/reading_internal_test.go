package record

import (
	"strings"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/stretchr/testify/require"
)

// TestReadWithoutEarlierLegs checks that legs that an earlier read showed as ended count neither
// for the standing nor for the history.
func TestReadWithoutEarlierLegs(t *testing.T) {
	t.Parallel()
	c := &genesys.Conversation{Participants: []genesys.Participant{
		{ID: "1", Purpose: genesys.PurposeCustomer, State: genesys.StateConnected, Start: ago(time.Hour).Std()},
		{
			ID: "2", Purpose: genesys.PurposeAgent, State: genesys.StateDisconnected,
			Start: ago(time.Minute).Std(), Connected: ago(50 * time.Second).Std(), End: ago(2 * time.Second).Std(),
		},
	}}
	known := LegsOf(c)
	require.Equal(t, ago(2*time.Second), known.Newest)
	require.Len(t, strings.Fields(known.Ended), 1)
	require.NotZero(t, machine.HistoryOf(c, noon()).Left)
	require.Zero(t, machine.HistoryOf(Without(c, strings.Fields(known.Ended)), noon()))
	require.Len(t, c.Participants, 2)
	c.Participants[1].End = ago(time.Second).Std()
	require.NotZero(t, machine.HistoryOf(Without(c, strings.Fields(known.Ended)), noon()).Left, "it was revived, and ended again")
	for range 2 * maxLegs {
		c.Participants = append(c.Participants, c.Participants[1])
	}
	require.Len(t, strings.Fields(LegsOf(c).Ended), maxLegs)
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

// TestLookAtALeftConversation checks the context of a HandOver that opened another conversation
// while a look read the one before. The agents' messages that the look fetched there are not of the
// present one, and are looked for in their own.
func TestLookAtALeftConversation(t *testing.T) {
	t.Parallel()
	tx, refs := gapped(1)
	tx.Handover.State = machine.StateRequested
	j := jobOn(t, tx, Control)
	o := listedOutcome(tx, refs...)
	o.Asked = j.Record.GapOf(o.Read, j.Record.Handover.OpeningTriedAt, j.Record.Handover.Listing, false).Missing
	o.Stored = storedOf(o.Asked)
	require.Len(t, o.Stored, 1)
	tx.continued("next")
	require.Equal(t, "next", tx.Handover.ConversationID)
	settleAs(tx, j, o)
	require.Equal(t, machine.StateRequested, tx.Handover.State)
	require.Empty(t, takenIDs(tx))
	w := tx.watching("conversation")
	require.NotNil(t, w)
	require.Equal(t, tx.Handover.ID, w.Handover)
	require.False(t, w.Close)
}
