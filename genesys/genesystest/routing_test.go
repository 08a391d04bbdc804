package genesystest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/stretchr/testify/require"
)

func TestAgentsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		var agents []*genesystest.Agent
		for _, name := range []string{"Ann", "Bob", "Cid"} {
			agents = append(agents, org.Agent(name, "Support"))
		}
		api := dial(t, org)
		api.handOver("c1", "hello")

		began := time.Now()
		for _, a := range agents {
			a.Wait(t).Decline()
		}
		declined := time.Now()
		require.Less(t, declined.Sub(began), time.Second)
		agents[0].Wait(t).LetRing(30 * time.Second)
		require.GreaterOrEqual(t, time.Since(declined), 5*time.Second, "all declined: a pause")
		rang := time.Now()
		offer := agents[1].Wait(t)
		require.GreaterOrEqual(t, time.Since(rang), 30*time.Second)
		require.Contains(t, api.legs(offer.Conversation().ID()), "agent disconnected transfer.noanswer")
		require.True(t, offer.Accept().Active())
	})
}

func TestOneOfferAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		api := dial(t, org)
		api.handOver("c1", "one")
		api.handOver("c2", "two")
		first := ann.Wait(t)
		<-time.After(time.Minute)
		require.Equal(t, "queued", org.Conversation("c2").Phase(), "one offer at a time")
		require.Equal(t, 2, org.Queue("Support").Waiting())
		first.Accept()
		require.Equal(t, "c2", ann.Wait(t).Accept().Conversation().CustomerID())
	})
}

func TestRingTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.WithRingTimeout(30*time.Second))
		ann, bob := org.Agent("Ann", "Support"), org.Agent("Bob", "Support")
		api := dial(t, org)
		id := api.handOver("c1", "hello")
		ann.Wait(t)
		offer := bob.Wait(t)
		require.Equal(t, "agent disconnected transfer.noanswer", api.legs(id)[4])
		require.InDelta(t, 30000, api.live(id, "agent")["alertingTimeoutMs"], 0)
		offer.Accept()
	})
}

func TestAgentOffQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		ann.GoOffQueue()
		api := dial(t, org)
		api.handOver("c1", "hello")
		<-time.After(time.Hour)
		require.Equal(t, "queued", org.Conversation("c1").Phase())
		ann.GoOnQueue()
		ann.Wait(t).Accept()
	})
}

func TestAgentAddedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		api := dial(t, org)
		api.handOver("c1", "hello")
		<-time.After(time.Hour)
		org.Agent("Ann", "Support").Wait(t).Accept()
		require.Equal(t, "connected", org.Conversation("c1").Phase())
	})
}

func TestFlows(t *testing.T) {
	t.Parallel()
	byAttribute := genesystest.WithFlow(genesystest.RouteByAttribute("queue", "Bot"))
	for name, tc := range map[string]struct {
		opt        genesystest.Option
		attributes string
		phase      string
		queue      string
	}{
		"the guide's":       {nil, `{}`, "queued", "Bot"},
		"by attribute":      {byAttribute, `{"queue":"Support"}`, "queued", "Support"},
		"no attribute":      {byAttribute, `{}`, "queued", "Bot"},
		"unknown queue":     {byAttribute, `{"queue":"Nowhere"}`, "flow", ""},
		"no flow attached":  {genesystest.WithoutFlow(), `{}`, "notRouted", ""},
		"a flow of the bot": {genesystest.WithFlow(func(a genesystest.Arrival) string { return a.Text }), `{}`, "queued", "Support"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, tc.opt)
				api := dial(t, org)
				body := `{"channel":{"from":{"id":"c1","idType":"Opaque"},"time":"` + wireTime(time.Now()) +
					`","metadata":{"customAttributes":` + tc.attributes + `}},"text":"Support"}`
				status, answer := api.do(http.MethodPost, api.inbound("message"), body)
				require.Equal(t, http.StatusOK, status, "%v", answer)
				require.NotContains(t, answer, "conversationId", "it was not asked for")
				<-time.After(time.Minute)
				require.Equal(t, tc.phase, org.Conversation("c1").Phase())
				require.Equal(t, tc.queue, org.Conversation("c1").Queue())
			})
		})
	}
}
