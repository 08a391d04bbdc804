package genesystest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

func TestReadsListWhatFlowsAndAgentsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithPace(genesystest.Pace{Route: time.Minute}))
		bot := listen(org)
		ann := org.Agent("Ann", "Support")
		api := dial(t, org)
		id := api.say("c1", "hello")
		c := org.Conversation("c1")
		genesystest.Until(t, func() bool { return c.Phase() == "flow" })
		welcome := c.FlowSays("Welcome")
		genesystest.Until(t, func() bool { return c.Phase() == "queued" })
		api.transfer(id, "acd", org.Queue("Support").ID())
		hi := ann.Wait(t).Accept().Say("Hi")
		<-time.After(time.Second)

		legs := list(api.read(id), "participants")
		want := map[string]any{"messageId": welcome, "messageStatus": "sent", "messageSegmentCount": 1.0}
		got := list(legs[1], "messages")[0]
		require.NotEmpty(t, got["messageTime"])
		for name, v := range want {
			require.Equal(t, v, got[name], name)
		}
		require.Equal(t, hi, list(legs[4], "messages")[0]["messageId"])
		require.Len(t, list(legs[0], "messages"), 3, "the customer's leg has all")
		require.Equal(t, []any{welcome, hi}, []any{bot.got()[0]["id"], bot.got()[1]["id"]}, "as the webhook has them")
	})
}
