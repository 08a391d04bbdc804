package scenario_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/notifications"
	"github.com/genesyshandover/genesyshandover/handover"
)

// listens runs a listener on the queue "Support" for a host until ctx ends.
func (h *host) listens(ctx context.Context, t *testing.T, org *genesystest.Org) {
	t.Helper()
	c, err := h.desk.Client(ctx, "")
	require.NoError(t, err)
	l, err := notifications.New(c, []notifications.Topic{notifications.QueueMessages(org.Queue("Support").ID())},
		notifications.WithOwner(h.desk.SocketOwner("")))
	require.NoError(t, err)
	go func() { _ = l.Run(ctx, h.desk.Recheck) }()
}

// crowd hands n customers over to as many agents, and waits until each has one.
func (h *host) crowd(t *testing.T, org *genesystest.Org, n int) []*genesystest.Desk {
	t.Helper()
	agents := make([]*genesystest.Agent, n)
	for i := range agents {
		agents[i] = org.Agent(fmt.Sprint("agent ", i), "Support")
	}
	for i := range n {
		h.handOver(t, fmt.Sprint("c", i), "h1")
		pass(time.Second)
	}
	desks := make([]*genesystest.Desk, 0, n)
	for len(desks) < n {
		for _, a := range agents {
			if o := ringing(t, a); o != nil {
				desks = append(desks, o.Accept())
			}
		}
	}
	for _, d := range desks {
		h.reaches(t, d.Conversation().CustomerID(), handover.StateConnected)
	}
	return desks
}

// ringing returns the offer that the agent gets soon, or nil.
func ringing(t *testing.T, a *genesystest.Agent) *genesystest.Offer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	o, err := a.Next(ctx)
	if err != nil {
		return nil
	}
	return o
}

// TestCutSocketMissesNoEnd checks that a socket that is cut repeatedly misses no end, creates
// no second channel, and stays within the rate limit.
func TestCutSocketMissesNoEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		h := newHost(t, org)
		h.listens(t.Context(), t, org)
		desks := h.crowd(t, org, 20)
		pass(2 * time.Minute)
		limited := len(requests(org, "conversations.get"))
		for i := range 200 { // ten minutes
			if i%10 == 0 {
				desks[i/10].End()
			}
			pass(3 * time.Second)
			org.CutSockets()
		}
		pass(90 * time.Second)
		require.Len(t, h.returned(), 20, "each end is seen")
		for _, r := range h.returned() {
			require.Equal(t, handover.EndByAgent, r.Session.Ending.Reason)
			require.Empty(t, r.Unanswered)
		}
		require.Len(t, requests(org, "notifications.channels.create"), 1)
		require.Less(t, len(requests(org, "conversations.get"))-limited, 12*90, "the reads' share of twelve minutes")
		for _, r := range org.Requests() {
			require.NotEqual(t, 429, r.Status)
		}
	})
}

// TestManyReplicasShareASocket checks that 25 replicas share one of the 20 channels of an OAuth
// client, and that another replica replaces one that dies.
func TestManyReplicasShareASocket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const replicas = 25
		org, store := genesystest.New(t), handover.NewMemoryStore()
		ann := org.Agent("Ann", "Support")
		hosts := make([]*host, replicas)
		stops := make([]context.CancelFunc, replicas)
		for i := range hosts {
			h := buildHost(t, org, func(c *handover.Config) { c.Store = store })
			ctx, stop := context.WithCancel(t.Context())
			h.run(ctx)
			h.listens(ctx, t, org)
			hosts[i], stops[i] = h, stop
		}
		alive := hosts[replicas-1]
		alive.serve(org)
		pass(time.Minute)
		require.Equal(t, 1, org.Sockets())
		for i := range replicas - 1 {
			chat := alive.connected(t, fmt.Sprint("c", i), ann)
			pass(10 * time.Second)
			chat.End()
			began := time.Now()
			alive.reaches(t, fmt.Sprint("c", i), handover.StateEnded)
			require.Less(t, time.Since(began), 3*time.Second, "reported by the socket")
			stops[i]()
			pass(time.Minute)
			require.Equal(t, 1, org.Sockets(), "one of those who are left")
		}
		require.Len(t, requests(org, "notifications.channels.create"), 1)
	})
}

// TestSocketOnARealNetwork runs the API, the webhooks and the notifications over the loopback
// interface.
func TestSocketOnARealNetwork(t *testing.T) {
	t.Parallel()
	org := genesystest.New(t)
	api := httptest.NewServer(org.Handler())
	t.Cleanup(api.Close)
	h := buildHost(t, org, func(c *handover.Config) {
		c.ClientOptions = []genesys.Option{genesys.WithEndpoints(api.URL, api.URL)}
	})
	hook := httptest.NewServer(h.handler())
	t.Cleanup(hook.Close)
	org.DeliverToURL(hook.URL + "/genesys")
	ran := h.run(t.Context())
	t.Cleanup(func() { <-ran })

	c, err := h.desk.Client(t.Context(), "")
	require.NoError(t, err)
	connected := make(chan struct{}, 100)
	l, err := notifications.New(c, []notifications.Topic{notifications.QueueMessages(org.Queue("Support").ID())},
		notifications.WithObserver(func(e notifications.Event) {
			if e.Kind == notifications.Connected {
				connected <- struct{}{}
			}
		}))
	require.NoError(t, err)
	ids := make(chan string, 1000)
	go func() {
		_ = l.Run(t.Context(), func(ctx context.Context, id string) error {
			ids <- id
			return h.desk.Recheck(ctx, id)
		})
	}()
	<-connected

	ann := org.Agent("Ann", "Support")
	h.handOver(t, "c1", "h1")
	chat := ann.Wait(t).Accept()
	chat.Say("hello")
	genesystest.Until(t, func() bool { return len(h.delivered()) == 1 })
	for id := range ids {
		if id == chat.Conversation().ID() {
			break
		}
	}
	org.CutSockets()
	<-connected
	chat.End()
	genesystest.Until(t, func() bool { return len(h.returned()) == 1 })
	require.Equal(t, handover.EndByAgent, h.returned()[0].Session.Ending.Reason)
}
