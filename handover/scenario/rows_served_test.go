package scenario_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
)

// remove removes a tenant.
func (h *landlord) remove(channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.channels, channel)
}

// ended lists the notices of ends.
func (h *landlord) ended() (list []handover.Notice) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.notices {
		if n.Kind == handover.NoticeEnded {
			list = append(list, n)
		}
	}
	return list
}

// A tenant is removed while a session is open. Its record is set aside without leases, and given up
// with a notice when its retention is over: the bot gets the conversation back, and the record is
// removed in the end.
func TestRemovedChannelIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore()
		h := newLandlord(t, func(c *handover.Config) { c.Store = store })
		k := handover.Key{Channel: "a", Customer: "c1"}
		_, err := h.HandOver(t.Context(), k, handover.Request{ID: "r1", Summary: "s"})
		require.NoError(t, err)
		h.a.Agent("Ann", "Support").Wait(t).Accept()
		pass(time.Minute)
		h.remove("a")
		turn, err := h.Forward(t.Context(), k, handover.Text("m1", "m1"))
		require.NoError(t, err)
		require.Equal(t, handover.TurnAgent, turn)
		pass(2 * time.Minute)
		store.since("put")
		pass(70 * time.Hour)
		require.LessOrEqual(t, store.since("put"), 2, "no leases")
		require.Equal(t, 1, h.tap.count("does not know the channel"))
		require.Empty(t, h.ended())
		pass(5 * time.Hour)
		require.Len(t, h.ended(), 1)
		require.Equal(t, handover.EndFailed, h.ended()[0].Session.Ending.Reason)
		require.Contains(t, h.ended()[0].Session.Ending.Detail, "does not know the channel")
		require.Len(t, h.returns, 1)
		turn, err = h.Turn(t.Context(), k)
		require.NoError(t, err)
		require.Equal(t, handover.TurnBot, turn)
		pass(80 * time.Hour)
		require.Empty(t, store.records(t))
	})
}

// TestAdoptionOfARemovedChannelIsGivenUp checks an agent's message without a session, after which
// its channel is removed before the conversation is read. No read and no lease of the record is
// made. It is given up with a notice and removed.
func TestAdoptionOfARemovedChannelIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore()
		// It stores webhooks, and reads nothing.
		front := buildLandlord(t, func(c *handover.Config) { c.Store = store })
		require.Equal(t, http.StatusOK, front.post(t, "a", "c1", "w1"))
		require.Len(t, store.records(t), 1)
		h := newLandlord(t, func(c *handover.Config) { c.Store = store })
		h.remove("a")
		pass(2 * time.Minute)
		store.since("put")
		store.since("get")
		pass(70 * time.Hour)
		require.LessOrEqual(t, store.since("put"), 2, "no leases")
		require.Less(t, store.since("get"), 1000)
		pass(5 * 24 * time.Hour)
		require.Empty(t, store.records(t))
	})
}

// Two programs on one store find only records of their own channels and do not change those of the
// other.
func TestManagersWithOtherChannelsShareAStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := handover.NewMemoryStore()
		others := &hookedStore{Store: store}
		own := newLandlord(t, func(c *handover.Config) { c.Store = store })
		other := newLandlord(t, func(c *handover.Config) { c.Store = others })
		other.remove("a")
		k := handover.Key{Channel: "a", Customer: "c1"}
		_, err := own.HandOver(t.Context(), k, handover.Request{ID: "r1", Summary: "s"})
		require.NoError(t, err)
		chat := own.a.Agent("Ann", "Support").Wait(t).Accept()
		for i := range 10 {
			chat.Say(fmt.Sprint("hello ", i))
			pass(time.Minute)
		}
		chat.End()
		pass(10 * time.Minute)
		require.Len(t, own.returns, 1)
		require.Zero(t, others.writes())
		require.Empty(t, other.notices)
		require.Zero(t, other.tried("c1"))
	})
}

// Two programs have given their channels the same id, but they are of different organisations. A
// record stays with the integration that its session runs on, and the other program reports it
// once.
func TestManagersOfOneChannelIDOnTwoIntegrations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, tap := handover.NewMemoryStore(), &wiretap{}
		own := genesystest.New(t, genesystest.AllowErrors())
		elsewhere := genesystest.New(t, genesystest.AllowErrors(), genesystest.WithSeed(2), genesystest.WithRegion(region.EUCentral1))
		ann := own.Agent("Ann", "Support")
		others := &hookedStore{Store: store}
		h := newHost(t, own, keeping(store, 0), func(c *handover.Config) { c.Channel.ID = "same" })
		other := newHost(t, elsewhere, keeping(others, 0), logging(tap), func(c *handover.Config) { c.Channel.ID = "same" })
		chat := h.connected(t, "c1", ann)
		for i := range 10 {
			chat.Say(fmt.Sprint("hello ", i))
			id := fmt.Sprint("m", i)
			h.says(t, "c1", id, id, handover.TurnAgent)
			pass(time.Minute)
		}
		require.Zero(t, others.writes())
		require.Len(t, h.lines(), 10)
		// It is stored, and the other program sends it.
		other.says(t, "c1", "late", "late", handover.TurnAgent)
		pass(10 * time.Second)
		require.Contains(t, agentReads(chat.Conversation()), "late")
		chat.End()
		h.until(t, 11)
		require.Empty(t, other.lines())
		require.Empty(t, elsewhere.Conversations())
		require.Equal(t, 1, tap.count("another integration"))
	})
}

// The same with two integrations of one OAuth client.
func TestManagersOfOneClientOnTwoIntegrations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store, tap := genesystest.New(t), handover.NewMemoryStore(), &wiretap{}
		ann := org.Agent("Ann", "Support")
		others := &hookedStore{Store: store}
		h := newHost(t, org, keeping(store, 0))
		other := buildHost(t, org, keeping(others, 0), logging(tap), func(c *handover.Config) {
			c.Channel.IntegrationID = "11111111-2222-4333-8444-555555555555"
		})
		other.run(t.Context())
		chat := h.connected(t, "c1", ann)
		for i := range 10 {
			chat.Say(fmt.Sprint("hello ", i))
			id := fmt.Sprint("m", i)
			h.says(t, "c1", id, id, handover.TurnAgent)
			pass(time.Minute)
		}
		chat.End()
		h.until(t, 11)
		require.Zero(t, others.writes())
		require.Empty(t, other.lines())
		require.LessOrEqual(t, tap.count("another integration"), 1)
	})
}

// A channel gets another integration of the same OAuth client while a session is open. The session
// stays on the old integration.
func TestSessionKeepsItsIntegration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newLandlord(t)
		k := handover.Key{Channel: "a", Customer: "c1"}
		_, err := h.HandOver(t.Context(), k, handover.Request{ID: "r1", Summary: "s"})
		require.NoError(t, err)
		chat := h.a.Agent("Ann", "Support").Wait(t).Accept()
		pass(time.Minute)
		next := h.a.Channel()
		next.IntegrationID = "11111111-2222-4333-8444-555555555555"
		h.mu.Lock()
		h.channels["a"] = next
		h.mu.Unlock()
		pass(2 * time.Minute)
		for i := range 3 {
			id := fmt.Sprint("m", i)
			_, err = h.Forward(t.Context(), k, handover.Text(id, id))
			require.NoError(t, err)
			pass(time.Minute + 5*time.Second)
			require.Contains(t, chat.Texts(), id, "when no replica has done it for a minute")
		}
		require.Equal(t, 1, h.tap.count("another integration"))
	})
}

// Config.Channels hangs for one tenant. Others continue, also those with records that Run has not
// found yet.
func TestChannelsThatHangForOneTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := handover.NewMemoryStore()
		front := buildLandlord(t, func(c *handover.Config) { c.Store = store })
		front.crowded(t, 100)
		var hanging atomic.Bool
		hanging.Store(true)
		h := newLandlord(t, func(c *handover.Config) {
			find := c.Channels
			c.Store = store
			c.Channels = func(ctx context.Context, id string) (handover.Channel, error) {
				for id == "a" && hanging.Load() {
					wait(time.Second)
				}
				return find(ctx, id)
			}
		})
		defer h.quiet()
		pass(time.Second)
		require.Equal(t, http.StatusOK, front.post(t, "b", "b1", "wb1"))
		pass(1500 * time.Millisecond)
		require.Equal(t, 1, h.delivered("b1"))
		hanging.Store(false)
		pass(time.Minute)
		require.Equal(t, 1, h.delivered("a99"))
	})
}

// Run stops: it takes nothing new, the effects that run finish, and each is settled and its lease
// released in one write.
func TestStopWritesOnceForEachEffect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t, genesystest.AllowErrors()), newHookedStore()
		h := buildHost(t, org, func(c *handover.Config) { c.Store, c.Channel.Receipts = store, handover.ReceiptsFailures })
		ctx, stop := context.WithCancel(t.Context())
		done := h.run(ctx)
		h.failing(slowly(3*time.Second, nil))
		for i := range 5 {
			for n := range 2 {
				o := outbound{id: fmt.Sprint("w", i, n), customer: fmt.Sprint("c", i), text: "hello"}
				require.Equal(t, http.StatusOK, h.receive(t, org, o))
			}
		}
		pass(time.Second)
		before, stopped := store.writes(), time.Now()
		stop()
		<-done
		require.Equal(t, 2*time.Second, time.Since(stopped))
		require.Equal(t, 5, store.writes()-before)
		require.Len(t, h.lines(), 5, "the second message of each waits for the next process")
		next := newHost(t, org, func(c *handover.Config) { c.Store = store })
		pass(2 * time.Second)
		require.Len(t, next.lines(), 5, "no lease is left")
	})
}

// With every worker busy a webhook is stored and answered at once.
func TestWebhooksWaitForNoWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t, genesystest.AllowErrors()), newWatchedStore()
		h := newHost(t, org, func(c *handover.Config) { c.Store, c.Workers = store, 1 })
		h.failing(slowly(5*time.Second, nil))
		for i := range 50 {
			began := time.Now()
			require.Equal(t, http.StatusOK, h.receive(t, org, outbound{id: fmt.Sprint("w", i), customer: fmt.Sprint("c", i), text: "hello"}))
			require.Zero(t, time.Since(began))
			require.Len(t, store.records(t), i+1, "stored before it is answered")
		}
		pass(6 * time.Minute)
		require.Len(t, h.lines(), 50)
	})
}
