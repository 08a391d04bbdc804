package scenario_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// A landlord is a host of many channels, on two organisations: "a" and "b".
type landlord struct {
	*handover.Manager

	a, b *genesystest.Org
	mux  *http.ServeMux
	tap  *wiretap

	mu       sync.Mutex
	channels map[string]handover.Channel
	asked    int
	got      map[string][]time.Time // of each customer, when Deliver returned nil
	calls    map[string]int         // of Deliver, for each customer
	hook     func(context.Context, handover.Delivery) error
	notices  []handover.Notice
	returns  []handover.Return
}

func buildLandlord(t *testing.T, change ...func(*handover.Config)) *landlord {
	t.Helper()
	h := &landlord{
		a:   genesystest.New(t, genesystest.AllowErrors()),
		b:   genesystest.New(t, genesystest.AllowErrors(), genesystest.WithSeed(2), genesystest.WithRegion(region.EUCentral1)),
		mux: http.NewServeMux(), tap: &wiretap{}, got: map[string][]time.Time{}, calls: map[string]int{},
	}
	h.channels = map[string]handover.Channel{"a": h.a.Channel(), "b": h.b.Channel()}
	c := handover.Config{
		Channels: h.find, Deliver: h.deliver, Return: h.giveBack, Notify: h.notify, Store: handover.NewMemoryStore(),
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(&http.Client{Transport: byRegion{
			h.a.Channel().Region.Domain(): h.a.HTTPClient(), h.b.Channel().Region.Domain(): h.b.HTTPClient(),
		}})},
	}
	logging(h.tap)(&c)
	for _, f := range change {
		f(&c)
	}
	m, err := handover.New(c)
	require.NoError(t, err)
	h.Manager = m
	h.mux.Handle("POST /genesys/{channel}", webhook.NewHandler(m, m.Receive))
	h.a.DeliverTo(h.mux, "/genesys/a")
	h.b.DeliverTo(h.mux, "/genesys/b")
	return h
}

func newLandlord(t *testing.T, change ...func(*handover.Config)) *landlord {
	t.Helper()
	h := buildLandlord(t, change...)
	go func() { _ = h.Run(t.Context()) }()
	return h
}

// quiet lets running callbacks end, since no time passes in a bubble behind its test.
func (h *landlord) quiet() {
	h.only("", func(context.Context) error { return nil })
	pass(15 * time.Second)
}

func (h *landlord) find(_ context.Context, id string) (handover.Channel, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	c, ok := h.channels[id]
	if !ok {
		return c, fmt.Errorf("tenant %q: %w", id, handover.ErrNoChannel)
	}
	return c, nil
}

func (h *landlord) deliver(ctx context.Context, d handover.Delivery) error {
	k := d.Session.Key
	h.mu.Lock()
	h.calls[k.Customer]++
	f := h.hook
	h.mu.Unlock()
	if f != nil {
		if err := f(ctx, d); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got[k.Customer] = append(h.got[k.Customer], time.Now())
	return nil
}

func (h *landlord) notify(_ context.Context, n handover.Notice) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notices = append(h.notices, n)
	return nil
}

func (h *landlord) giveBack(_ context.Context, r handover.Return) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.returns = append(h.returns, r)
	return nil
}

// only makes Deliver of one channel behave like f.
func (h *landlord) only(channel string, f func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hook = func(ctx context.Context, d handover.Delivery) error {
		if d.Session.Key.Channel != channel {
			return nil
		}
		return f(ctx)
	}
}

func (h *landlord) delivered(customer string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.got[customer])
}

func (h *landlord) tried(customer string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[customer]
}

// post sends a message for a customer as Genesys would, and returns the status.
func (h *landlord) post(t *testing.T, channel, customer, id string) int {
	t.Helper()
	c := map[string]*genesystest.Org{"a": h.a, "b": h.b}[channel[:1]].Channel()
	body := fmt.Sprintf(`{"id":%q,"channel":{"id":%q,"platform":"Open","type":"Private","to":{"id":%q},"from":{"id":%q},"time":%q},`+
		`"type":"Text","text":"hello","originatingEntity":"Human","direction":"Outbound"}`,
		id, c.IntegrationID, customer, c.IntegrationID, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/genesys/"+channel, strings.NewReader(body))
	r.Header.Set(webhook.SignatureHeader, webhook.Sign(secretOf(c), []byte(body)))
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w.Code
}

// crowded posts one message to each of many customers of channel "a".
func (h *landlord) crowded(t *testing.T, customers int) {
	t.Helper()
	began := time.Now()
	for i := range customers {
		require.Equal(t, http.StatusOK, h.post(t, "a", fmt.Sprint("a", i), fmt.Sprint("wa", i)))
	}
	require.Less(t, time.Since(began), time.Second, "no webhook waits for a worker")
}

func hangs(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// A thousand customers of one tenant have a Deliver that hangs until its context ends. Another
// tenant's message is delivered at once, also by a replica that finds the thousand in the store.
func TestHangingCustomersDelayNoOtherTenant(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]bool{"as they arrive": false, "found in the store": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := buildLandlord(t)
				defer h.quiet()
				h.only("a", hangs)
				run := func() { go func() { _ = h.Run(t.Context()) }() }
				if !later {
					run()
				}
				h.crowded(t, 1000)
				if later {
					pass(time.Second)
					run()
				}
				for i := range 20 {
					pass(time.Duration(i) * 300 * time.Millisecond)
					customer := fmt.Sprint("b", i)
					began := time.Now()
					require.Equal(t, http.StatusOK, h.post(t, "b", customer, "w"+customer))
					pass(2 * time.Second)
					require.Equal(t, 1, h.delivered(customer), "%d: after %v", i, time.Since(began))
				}
			})
		})
	}
}

// The other tenant's message was stored by a replica that does not run: Run finds it behind the
// thousand.
func TestDueRecordsAreTakenByChannelInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore()
		shared := func(c *handover.Config) { c.Store = store }
		front, h := buildLandlord(t, shared), newLandlord(t, shared)
		defer h.quiet()
		h.only("a", hangs)
		// Run's Manager knows the channel.
		require.Equal(t, http.StatusOK, h.post(t, "b", "b0", "wb0"))
		front.crowded(t, 1000)
		pass(10 * time.Second)
		require.Equal(t, http.StatusOK, front.post(t, "b", "b1", "wb1"))
		pass(2500 * time.Millisecond)
		require.Equal(t, 1, h.delivered("b1"), "2 s, and a look each second")
		require.Equal(t, []string{"", "a", "b"}, store.channels())
	})
}

// All customers of the first tenant are served in the end, in the share of the workers that it has.
func TestHangingCustomersAreAllServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newLandlord(t)
		defer h.quiet()
		h.only("a", func(ctx context.Context) error {
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		h.crowded(t, 200)
		pass(20 * time.Second)
		for i := range 200 {
			require.Equal(t, 1, h.delivered(fmt.Sprint("a", i)), "customer %d", i)
		}
	})
}

// Callbacks that ignore their contexts and never return occupy no worker: their tenant and others
// continue. They are logged.
func TestCallbacksThatNeverReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newLandlord(t)
		defer h.quiet()
		release := make(chan struct{})
		defer close(release)
		h.only("a", func(context.Context) error { <-release; return nil })
		h.crowded(t, 64)
		pass(time.Second)
		require.Equal(t, http.StatusOK, h.post(t, "b", "b0", "wb0"))
		pass(15 * time.Second)
		require.Equal(t, 1, h.delivered("b0"))
		h.only("a", func(context.Context) error { return nil })
		require.Equal(t, http.StatusOK, h.post(t, "a", "a-new", "wa-new"))
		pass(12 * time.Second)
		require.Equal(t, 1, h.delivered("a-new"), "the others have had their 8 s")
		for _, n := range []int{1, 2, 4, 8, 16, 32} {
			require.Equal(t, 1, h.tap.count(fmt.Sprintf("callback=Deliver channel=a running=%d\n", n)), n)
		}
		require.Zero(t, h.tap.count("running=3\n"))
	})
}

// A callback that ignores its context blocks its lane for a minute. Its late result is stored.
func TestCallbackThatReturnsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newLandlord(t)
		defer h.quiet()
		h.only("a", func(context.Context) error { wait(30 * time.Second); return nil })
		require.Equal(t, http.StatusOK, h.post(t, "a", "a1", "w1"))
		require.Equal(t, http.StatusOK, h.post(t, "a", "a1", "w2"))
		pass(29 * time.Second)
		require.Equal(t, 1, h.tried("a1"), "nothing else runs in its lane")
		pass(2 * time.Second)
		require.Equal(t, 1, h.delivered("a1"))
		require.Equal(t, 2, h.tried("a1"), "the next message follows at once")
		pass(5 * time.Minute)
		require.Equal(t, 2, h.delivered("a1"))
		require.Equal(t, 2, h.tried("a1"), "neither is delivered again")
	})
}

// After a minute a stuck callback no longer blocks its lane: the message is tried again.
func TestStuckCallbackBlocksItsLaneForAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newLandlord(t)
		defer h.quiet()
		release := make(chan struct{})
		h.only("a", func(context.Context) error { <-release; return nil })
		require.Equal(t, http.StatusOK, h.post(t, "a", "a1", "w1"))
		pass(time.Second)
		h.only("a", func(context.Context) error { return nil })
		require.Equal(t, http.StatusOK, h.post(t, "a", "a1", "w2"))
		pass(57 * time.Second)
		require.Equal(t, 1, h.tried("a1"))
		pass(5 * time.Second)
		require.Equal(t, 2, h.delivered("a1"))
		close(release)
		pass(time.Minute)
		require.Equal(t, 3, h.tried("a1"), "what returns after that settles nothing")
	})
}

// A tenant with answers of 429, or with invalid credentials, delays no other.
func TestTroubledTenantDelaysNoOther(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*landlord){
		"429":              func(h *landlord) { h.a.Inject(genesystest.Fault{Status: http.StatusTooManyRequests, Times: -1}) },
		"dead credentials": func(h *landlord) { h.a.RevokeClient() },
		"no answer":        func(h *landlord) { h.a.Inject(genesystest.Fault{Delay: time.Minute, Times: -1}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newLandlord(t)
				defer h.quiet()
				defer h.quiet()
				open := func(channel string, n int) {
					k := handover.Key{Channel: channel, Customer: fmt.Sprint(channel, n)}
					_, err := h.HandOver(t.Context(), k, handover.Request{ID: "r1", Summary: "s", Queue: "Support"})
					require.NoError(t, err)
				}
				open("a", 0)
				open("b", 0)
				pass(10 * time.Second)
				spoil(h)
				for i := range 200 {
					open("a", i+1)
				}
				chat := h.b.Agent("Ann", "Support").Wait(t).Accept()
				for i := range 20 {
					id := fmt.Sprint("m", i)
					_, err := h.Forward(t.Context(), handover.Key{Channel: "b", Customer: "b0"}, handover.Text(id, id))
					require.NoError(t, err)
					pass(2 * time.Second)
					require.Contains(t, chat.Texts(), id)
				}
			})
		})
	}
}
