package handover_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

func TestExplainWithoutARecord(t *testing.T) {
	t.Parallel()
	desk := exampleDesk()
	_, err := desk.Explain(t.Context(), handover.Customer("c1"))
	require.ErrorIs(t, err, handover.ErrNotFound)
	_, err = desk.Explain(t.Context(), handover.Key{Channel: "nobody", Customer: "c1"})
	require.ErrorIs(t, err, handover.ErrNoChannel)
	_, err = desk.Explain(t.Context(), handover.Customer(""))
	require.Error(t, err)
}

// The story of a handover, as a person would tell it.
func TestExplainAWholeHandover(t *testing.T) {
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
			"  a session began, an agent was asked for\n", "  Genesys took the opening\n", "  transferred to the agent queue ",
			"  it rings at Ann\n", "  Ann did not take it\n", "  it rings at Ben\n", "  Ben is there\n", "  Ben left\n",
			"  ended by the agent (", "  given back to the bot\n", "  the record is removed, if nothing comes\n",
		} {
			require.Contains(t, story, line)
		}
		require.NotContains(t, story, "hello")
		require.NotContains(t, story, "what waits")
	})
}

// A support engineer asks what became of a customer.
func ExampleManager_Explain() {
	org, _ := genesystest.Start()
	defer func() { _ = org.Close() }()
	desk, err := handover.New(handover.Config{
		Channel:       org.Channel(),
		Deliver:       func(context.Context, handover.Delivery) error { return nil },
		Return:        func(context.Context, handover.Return) error { return nil },
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(org.HTTPClient())},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	customer := handover.Customer("c1")
	_, err = desk.HandOver(context.Background(), customer, handover.Request{ID: "r1", Summary: "wants a refund"})
	if err != nil {
		fmt.Println(err)
		return
	}
	story, err := desk.Explain(context.Background(), customer)
	fmt.Println(withoutTimes(story), err)
	// Output:
	// session …, channel genesys, as of … UTC
	//   state         requested since …
	//   started       …
	//   conversation  none yet
	//   queue         Support
	//   turn          agent
	//
	// what happened
	//   …
	//   …  a session began, an agent was asked for
	//
	// what waits
	//   to Genesys: 1 × the opening, since …
	//
	// what comes next
	//   now  the opening is sent to Genesys
	//   …  the session ends, however it stands (Timers.Max)
	//  <nil>
}

// withoutTimes makes an example's output the same every time.
func withoutTimes(story string) string {
	return regexp.MustCompile(`(\d{4}-\d\d-\d\d ?)?(\d\d:\d\d:\d\d)|\d{4}-\d\d-\d\d|[a-z2-7]{12},`).ReplaceAllStringFunc(story, func(s string) string {
		if strings.HasSuffix(s, ",") {
			return "…,"
		}
		return "…"
	})
}
