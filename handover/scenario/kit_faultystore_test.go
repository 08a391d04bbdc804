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

var errStore = errors.New("the database is away")

// A moodyStore fails as often as its fields say. A negative number means always.
type moodyStore struct {
	handover.Store

	mu                     sync.Mutex
	before, after, getting int
	slow                   time.Duration
	puts                   int
}

func (s *moodyStore) set(f func(*moodyStore)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *moodyStore) fails(n *int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *n == 0 {
		return false
	}
	*n--
	return true
}

func (s *moodyStore) dawdle(ctx context.Context) {
	s.mu.Lock()
	d := s.slow
	s.mu.Unlock()
	if d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
}

func (s *moodyStore) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	s.dawdle(ctx)
	if s.fails(&s.getting) {
		return handover.Record{}, errStore
	}
	return s.Store.Get(ctx, k)
}

func (s *moodyStore) Put(ctx context.Context, r handover.Record, prev uint64) error {
	s.dawdle(ctx)
	s.set(func(s *moodyStore) { s.puts++ })
	if s.fails(&s.before) {
		return errStore
	}
	err := s.Store.Put(ctx, r, prev)
	if err == nil && s.fails(&s.after) {
		return errStore
	}
	return err
}

// storeMoods returns failures that end while the engine or Genesys retries.
func storeMoods() map[string]func(*moodyStore) {
	return map[string]func(*moodyStore){
		"put fails before it stores":   func(s *moodyStore) { s.before = 3 },
		"put fails after it stored":    func(s *moodyStore) { s.after = 3 },
		"put fails before, then after": func(s *moodyStore) { s.before, s.after = 2, 2 },
		"get fails":                    func(s *moodyStore) { s.getting = 2 },
		"everything fails":             func(s *moodyStore) { s.before, s.after, s.getting = 2, 2, 2 },
		"slow":                         func(s *moodyStore) { s.slow = 700 * time.Millisecond },
	}
}

func connectedOn(t *testing.T, store handover.Store) (*apiHost, *genesystest.Desk) {
	t.Helper()
	org := genesystest.New(t)
	h := newAPIHost(t, org, func(c *handover.Config) { c.Store = store })
	ann := org.Agent("Ann", "Support")
	h.handOver(t, "r1")
	chat := ann.Wait(t).Accept()
	chat.Say("hello")
	h.until(t, handover.StateConnected)
	genesystest.Until(t, func() bool { return len(h.got()) == 1 })
	pass(3 * time.Second) // the reads that follow
	return h, chat
}

// TestFaultyStoreLosesNoForward checks that no message is lost or sent twice. Only ErrConflict
// is certain; after another error of Put the record is read again to look for the id.
func TestFaultyStoreLosesNoForward(t *testing.T) {
	t.Parallel()
	for name, mood := range storeMoods() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &moodyStore{Store: handover.NewMemoryStore()}
				h, chat := connectedOn(t, store)
				store.set(mood)
				began := time.Now()
				for i := range 5 { // as a host does: with the same id, until it is accepted
					genesystest.Until(t, func() bool {
						turn, err := h.Forward(t.Context(), h.key, handover.Text(fmt.Sprint(i), fmt.Sprint("m", i)))
						return err == nil && turn == handover.TurnAgent
					})
				}
				genesystest.Until(t, func() bool { return len(chat.Texts()) >= 6 })
				require.Less(t, time.Since(began), 16*time.Second, "an unused lease is not waited for")
				pass(time.Minute)
				require.Equal(t, []string{"summary r1", "m0", "m1", "m2", "m3", "m4"}, chat.Texts())
			})
		})
	}
}

// TestLeaseStoredDespiteAnErrorIsUsed checks a write that was stored although Put returned an
// error. The lease in it is used at once, not after it expired.
func TestLeaseStoredDespiteAnErrorIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &moodyStore{Store: handover.NewMemoryStore()}
		h, chat := connectedOn(t, store)
		pass(20 * time.Second)
		store.set(func(s *moodyStore) { s.after = 1 })
		began := time.Now()
		require.Equal(t, handover.TurnAgent, h.forward(t, "m1"))
		genesystest.Until(t, func() bool { return len(chat.Texts()) == 2 })
		require.Less(t, time.Since(began), time.Second)
		store.set(func(s *moodyStore) { s.after = 1 })
		began = time.Now()
		chat.Say("an answer")
		genesystest.Until(t, func() bool { return len(h.got()) == 2 })
		require.Less(t, time.Since(began), time.Second)
	})
}

// TestFaultyStoreLosesNoWebhook checks the same for webhooks: Genesys gets 503 if a message was
// not stored, and repeats it.
func TestFaultyStoreLosesNoWebhook(t *testing.T) {
	t.Parallel()
	for name, mood := range storeMoods() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &moodyStore{Store: handover.NewMemoryStore()}
				h, chat := connectedOn(t, store)
				store.set(mood)
				for i := range 3 {
					chat.Say(fmt.Sprint("a", i))
					pass(5 * time.Second)
				}
				store.set(func(s *moodyStore) { s.slow = 0 })
				pass(time.Minute)
				require.ElementsMatch(t, []string{"hello", "a0", "a1", "a2"}, h.got())
				for _, d := range h.org.Deliveries() {
					require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable}, d.Status)
				}
			})
		})
	}
}

// TestStoreOutageLosesNothing checks that every call returns an error and webhooks get 503
// while the store is down for ten seconds, and that nothing is missing afterwards.
func TestStoreOutageLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &moodyStore{Store: handover.NewMemoryStore()}
		h, chat := connectedOn(t, store)
		store.set(func(s *moodyStore) { s.getting, s.before = -1, -1 })
		chat.Say("in the outage")
		_, err := h.Forward(t.Context(), h.key, handover.Text("m1", "m1"))
		require.ErrorIs(t, err, errStore)
		require.ErrorIs(t, h.End(t.Context(), h.key, handover.EndByBot), errStore)
		_, err = h.Turn(t.Context(), h.key)
		require.ErrorIs(t, err, errStore)
		_, err = h.Session(t.Context(), h.key)
		require.ErrorIs(t, err, errStore)
		store.set(func(s *moodyStore) { s.getting, s.before = 0, -1 })
		_, err = h.Forward(t.Context(), h.key, handover.Text("m1", "m1"))
		require.ErrorIs(t, err, handover.ErrBusy)
		pass(5 * time.Second)
		store.set(func(s *moodyStore) { s.before = 0 })
		require.Equal(t, handover.TurnAgent, h.forward(t, "m1"))
		genesystest.Until(t, func() bool { return len(h.got()) == 2 && len(chat.Texts()) == 2 })
		pass(time.Minute)
		require.Equal(t, []string{"hello", "in the outage"}, h.got())
		require.Equal(t, []string{"summary r1", "m1"}, chat.Texts())
		refused := 0
		for _, d := range h.org.Deliveries() {
			if d.Status == http.StatusServiceUnavailable {
				refused++
			}
		}
		require.Positive(t, refused)
	})
}
