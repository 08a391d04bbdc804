package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// A sequence detects whether two callbacks of one lane run at the same time.
type sequence struct {
	mu      sync.Mutex
	running int
	overlap bool
}

func (s *sequence) deliver(ctx context.Context, _ handover.Delivery) error {
	s.mu.Lock()
	s.running++
	s.overlap = s.overlap || s.running > 1
	s.mu.Unlock()
	select {
	case <-time.After(50 * time.Millisecond):
	case <-ctx.Done():
	}
	s.mu.Lock()
	s.running--
	s.mu.Unlock()
	return ctx.Err()
}

// TestTwoReplicasKeepOneLaneInOrder checks that two Managers on one store perform each lane in
// order, one effect at a time, and once.
func TestTwoReplicasKeepOneLaneInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		store := handover.NewMemoryStore()
		shared := func(c *handover.Config) { c.Store = store }
		a, b := buildHost(t, org, shared), buildHost(t, org, shared)
		lane := &sequence{}
		a.failing(lane.deliver)
		b.failing(lane.deliver)
		a.run(t.Context())
		b.run(t.Context())
		a.serve(org)
		chat := a.connected(t, "c1", ann)
		want, read := []string{}, []string{"summary r-c1"}
		for i := range 20 {
			by := []*host{a, b}[i%2]
			by.serve(org)
			text := fmt.Sprint("m", i)
			by.says(t, "c1", text, text, handover.TurnAgent)
			chat.Say(text)
			read, want = append(read, text), append(want, text)
			pass(30 * time.Millisecond)
		}
		pass(time.Minute)
		require.Equal(t, read, agentReads(chat.Conversation()))
		require.False(t, lane.overlap)
		require.Len(t, posts(t, org), 21)
		require.Equal(t, want, inOrder(a, b))
	})
}

// inOrder merges the deliveries of several replicas by the time of Genesys.
func inOrder(hosts ...*host) []string {
	var all []handover.Delivery
	for _, h := range hosts {
		all = append(all, h.delivered()...)
	}
	texts := []string{}
	for len(all) > 0 {
		first := 0
		for i, d := range all {
			if d.Time.Before(all[first].Time) {
				first = i
			}
		}
		texts = append(texts, all[first].Message.Text)
		all = append(all[:first], all[first+1:]...)
	}
	return texts
}

// TestStoppedReplicaAcceptsForAnother checks that calls on a replica that does not run are
// stored, and that another one performs them.
func TestStoppedReplicaAcceptsForAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		store := handover.NewMemoryStore()
		shared := func(c *handover.Config) { c.Store = store }
		worker, front := newHost(t, org, shared), buildHost(t, org, shared)
		front.serve(org)
		front.handOver(t, "c1", "r1")
		chat := ann.Wait(t).Accept()
		front.says(t, "c1", "m1", "one", handover.TurnAgent)
		genesystest.Until(t, func() bool { return len(postsOf(t, org, "one")) == 1 })
		chat.Say("Hello!")
		worker.until(t, 1)
		front.end(t, "c1", handover.EndByCustomer)
		worker.until(t, 2)
		require.Equal(t, []string{"agent: Hello!", "back: customer []"}, worker.lines())
		require.Empty(t, front.lines())
	})
}

// replicas returns two hosts on one store, which do not run yet. The store of the first one can
// make its calls fail, as those of a dead process do.
func replicas(t *testing.T, org *genesystest.Org) (a *host, gone *hookedStore, b *host) {
	t.Helper()
	store := handover.NewMemoryStore()
	gone = &hookedStore{Store: store}
	a = buildHost(t, org, func(c *handover.Config) { c.Store = gone })
	return a, gone, buildHost(t, org, func(c *handover.Config) { c.Store = store })
}

// TestPostOfADeadReplicaIsRepeated checks a lease without a stored outcome. 2 s after it
// expires, another replica sends the message again with the same id and time.
func TestPostOfADeadReplicaIsRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		a, gone, b := replicas(t, org)
		ctx, kill := context.WithCancel(t.Context())
		a.run(ctx)
		a.serve(org)
		chat := a.connected(t, "c1", ann)
		pass(time.Minute)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: 2 * time.Second, After: true})
		a.says(t, "c1", "m1", "one", handover.TurnAgent)
		leased := time.Now()
		a.says(t, "c1", "m2", "two", handover.TurnAgent)
		pass(time.Second)
		gone.before(func() error { return errors.New("this process is dead") })
		kill()
		b.run(t.Context())
		b.serve(org)
		pass(2 * time.Minute)
		tries := postsOf(t, org, "one")
		require.Len(t, tries, 2)
		require.Equal(t, tries[0].Channel, tries[1].Channel)
		again := tries[1].At.Sub(leased)
		require.GreaterOrEqual(t, again, 17*time.Second)
		require.LessOrEqual(t, again, 20*time.Second)
		require.Equal(t, []string{"summary r-c1", "one", "one", "two"}, agentReads(chat.Conversation()))
		chat.Say("Hello!")
		b.until(t, 1)
		require.Equal(t, []string{"agent: Hello!"}, b.lines())
	})
}

// TestDeliveryOfADeadReplicaIsRepeated checks that another replica repeats the delivery with
// the same id.
func TestDeliveryOfADeadReplicaIsRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		a, gone, b := replicas(t, org)
		b.run(t.Context())
		b.serve(org)
		a.run(t.Context())
		chat := b.connected(t, "c1", ann)
		pass(time.Minute)
		a.serve(org)
		a.failing(func(context.Context, handover.Delivery) error {
			gone.before(func() error { return errors.New("this process is dead") })
			b.serve(org)
			return errors.New("dead")
		})
		id := chat.Say("Hello!")
		pass(time.Second)
		require.Equal(t, 1, a.tries("agent:"))
		b.until(t, 1)
		require.Equal(t, []string{"agent: Hello!"}, b.lines())
		require.Equal(t, id, b.delivered()[0].ID)
	})
}

// TestShutdownStoresTheOutcome checks that Run waits for the request and stores outcome and
// release in one write. The next process repeats nothing and waits for no lease.
func TestShutdownStoresTheOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		store := handover.NewMemoryStore()
		shared := func(c *handover.Config) { c.Store = store }
		a := buildHost(t, org, shared)
		ctx, stop := context.WithCancel(t.Context())
		done := a.run(ctx)
		a.serve(org)
		chat := a.connected(t, "c1", ann)
		pass(time.Minute)
		org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: 4 * time.Second, After: true})
		a.says(t, "c1", "m1", "one", handover.TurnAgent)
		a.says(t, "c1", "m2", "two", handover.TurnAgent)
		pass(time.Second)
		stopped := time.Now()
		stop()
		<-done
		require.Equal(t, 3*time.Second, time.Since(stopped).Round(time.Second))
		pass(time.Minute)
		require.Equal(t, []string{"summary r-c1", "one"}, agentReads(chat.Conversation()), "nothing new after the end")
		a.says(t, "c1", "m3", "three", handover.TurnAgent)

		b := newHost(t, org, shared)
		started := time.Now()
		genesystest.Until(t, func() bool { return len(postsOf(t, org, "three")) == 1 })
		require.Less(t, time.Since(started), 10*time.Second)
		require.Equal(t, []string{"summary r-c1", "one", "two", "three"}, agentReads(chat.Conversation()))
		require.Len(t, postsOf(t, org, "one"), 1)
		chat.Say("Hello!")
		b.until(t, 1)
	})
}

// TestRestartsLoseNothing checks that restarts at any moment of a handover lose and repeat
// nothing.
func TestRestartsLoseNothing(t *testing.T) {
	t.Parallel()
	for _, after := range []int{0, 20, 60, 150, 350, 600, 1100, 2500, 5000} {
		t.Run(fmt.Sprint(after, " ms"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t)
				store := handover.NewMemoryStore()
				shared := func(c *handover.Config) { c.Store = store }
				org.Inject(genesystest.Fault{Op: "openmessaging.send", Delay: 100 * time.Millisecond, After: true, Times: -1})
				a := buildHost(t, org, shared)
				ctx, stop := context.WithCancel(t.Context())
				done := a.run(ctx)
				a.serve(org)
				a.handOver(t, "c1", "r1")
				a.says(t, "c1", "m1", "one", handover.TurnAgent)
				pass(time.Duration(after) * time.Millisecond)
				stop()
				<-done
				b := newHost(t, org, shared)
				b.says(t, "c1", "m2", "two", handover.TurnAgent)
				chat := ann.Wait(t).Accept()
				b.reaches(t, "c1", handover.StateConnected)
				chat.Say("Hello!")
				b.until(t, 1)
				chat.End()
				b.until(t, 2)
				require.Equal(t, []string{"summary r1", "one", "two"}, agentReads(chat.Conversation()))
				require.Equal(t, []string{"agent: Hello!", "back: agent []"}, b.lines())
				require.Len(t, requests(org, "conversations.transferToQueue"), 1)
				kinds := append(a.kinds(), b.kinds()...)
				require.Equal(t, "requested", kinds[0])
				seen := map[string]bool{}
				for _, n := range append(a.notices, b.notices...) {
					require.False(t, seen[n.ID], "notice %s twice", n.Kind)
					seen[n.ID] = true
				}
			})
		})
	}
}

// TestRunReturnsWhileAnEffectHangs checks that Run returns when the context of a callback that
// ignores it ends, and that the late result of the callback is stored.
func TestRunReturnsWhileAnEffectHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		h := buildHost(t, org)
		ctx, stop := context.WithCancel(t.Context())
		done := h.run(ctx)
		h.serve(org)
		chat := h.connected(t, "c1", ann)
		h.failing(func(context.Context, handover.Delivery) error {
			wait(time.Minute)
			return nil
		})
		id := chat.Say("Hello!")
		pass(time.Second)
		stopped := time.Now()
		stop()
		<-done
		require.InDelta(t, 7.5, time.Since(stopped).Seconds(), 0.5)
		require.Equal(t, []int{http.StatusOK}, statuses(org, id))
		pass(2 * time.Minute)
		require.Equal(t, []string{"agent: Hello!"}, h.lines())
	})
}
