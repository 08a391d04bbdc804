package scenario_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

func TestExplainWithoutARecordIsAnError(t *testing.T) {
	t.Parallel()
	desk := goodDesk(t)
	_, err := desk.Explain(t.Context(), handover.Customer("c1"))
	require.ErrorIs(t, err, handover.ErrNotFound)
	_, err = desk.Explain(t.Context(), handover.Key{Channel: "nobody", Customer: "c1"})
	require.ErrorIs(t, err, handover.ErrNoChannel)
	_, err = desk.Explain(t.Context(), handover.Customer(""))
	require.Error(t, err)
}

// TestExplainDescribesAWholeHandover checks the text of a whole handover.
func TestExplainDescribesAWholeHandover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h := newHost(t, org, func(c *handover.Config) { c.Notify = nil })
		org.Signal(h.desk.Recheck)
		ann, ben := org.Agent("Ann", "Support"), org.Agent("Ben", "Support")
		h.handOver(t, "c1", "r1")
		offer := ann.Wait(t)
		h.reaches(t, "c1", handover.StateAlerting)
		offer.Decline()
		offer = ben.Wait(t)
		genesystest.Until(t, func() bool { return h.session(t, "c1").Agent.Name == "Ben" })
		chat := offer.Accept()
		h.reaches(t, "c1", handover.StateConnected)
		chat.Say("hello")
		pass(time.Minute)
		chat.End()
		h.reaches(t, "c1", handover.StateEnded)
		pass(10 * time.Second)
		story, err := h.desk.Explain(t.Context(), handover.Customer("c1"))
		require.NoError(t, err)
		for _, line := range []string{
			"state         ended since ", "queue         Support", "turn          bot", "ending        ended by the agent, ",
			"  a session began, an agent was asked for\n", "  Genesys accepted the opening\n", "  transferred to the agent queue ",
			"  it rings at Ann\n", "  Ann did not take it\n", "  it rings at Ben\n", "  Ben is there\n", "  Ben left\n",
			"  ended by the agent (", "  given back to the bot\n", "  the record is removed, unless a message arrives\n",
		} {
			require.Contains(t, story, line)
		}
		require.NotContains(t, story, "hello")
		require.NotContains(t, story, "what waits")
	})
}
