package scenario_test

import (
	"context"
	"errors"
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

// apiTenants is a SaaS host: one Manager with many channels in two organisations.
type apiTenants struct {
	*handover.Manager

	a, b  *genesystest.Org
	mux   *http.ServeMux
	store handover.Store

	mu       sync.Mutex
	channels map[string]handover.Channel
	asked    map[string]int
	err      error
	got      []handover.Delivery
}

func newTenants(t *testing.T, opts ...genesystest.Option) *apiTenants {
	t.Helper()
	h := &apiTenants{
		a:   genesystest.New(t, opts...),
		b:   genesystest.New(t, append(opts, genesystest.WithSeed(2), genesystest.WithRegion(region.EUCentral1))...),
		mux: http.NewServeMux(), store: handover.NewMemoryStore(), asked: map[string]int{},
	}
	h.channels = map[string]handover.Channel{"a": h.a.Channel(), "a2": h.a.Channel(), "b": h.b.Channel()}
	orgs := byRegion{
		h.a.Channel().Region.Domain(): h.a.HTTPClient(), h.b.Channel().Region.Domain(): h.b.HTTPClient(),
	}
	m, err := handover.New(handover.Config{
		Channels: h.channel, Store: h.store,
		Deliver: func(_ context.Context, d handover.Delivery) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.got = append(h.got, d)
			return nil
		},
		Return:        func(context.Context, handover.Return) error { return nil },
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(&http.Client{Transport: orgs})},
	})
	require.NoError(t, err)
	h.Manager = m
	h.mux.Handle("POST /genesys/{channel}", webhook.NewHandler(m, m.Receive))
	h.a.DeliverTo(h.mux, "/genesys/a")
	h.b.DeliverTo(h.mux, "/genesys/b")
	go func() { _ = m.Run(t.Context()) }()
	return h
}

// byRegion selects the organisation by region.
type byRegion map[string]*http.Client

func (b byRegion) RoundTrip(r *http.Request) (*http.Response, error) {
	for domain, c := range b {
		if strings.HasSuffix(r.URL.Hostname(), domain) {
			return c.Transport.RoundTrip(r)
		}
	}
	return nil, errors.New("no such region")
}

func (h *apiTenants) channel(_ context.Context, id string) (handover.Channel, error) {
	wait(20 * time.Millisecond) // the time of a database query
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked[id]++
	c, ok := h.channels[id]
	if !ok {
		return c, fmt.Errorf("tenant %q: %w", id, handover.ErrNoChannel)
	}
	return c, h.err
}

// asks returns how often the host was called for channel "a".
func (h *apiTenants) asks() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked["a"]
}

// post sends a webhook signed with a secret, as Genesys does, and returns the status.
func (h *apiTenants) post(t *testing.T, channel, secret, integration, text string) int {
	t.Helper()
	body := fmt.Sprintf(`{"id":"id of %s","channel":{"id":%q,"platform":"Open","type":"Private","to":{"id":"victim"},`+
		`"from":{"id":%q},"time":%q},"type":"Text","text":%q,"originatingEntity":"Human","direction":"Outbound"}`,
		text, integration, integration, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), text)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/genesys/"+channel, strings.NewReader(body))
	r.Header.Set(webhook.SignatureHeader, webhook.Sign(secret, []byte(body)))
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w.Code
}

func secretOf(c handover.Channel) string { return c.WebhookSecrets[0].Reveal() }

func (h *apiTenants) records(t *testing.T) (n int) {
	t.Helper()
	for _, err := range h.store.All(t.Context(), "") {
		require.NoError(t, err)
		n++
	}
	return n
}

// TestTenantsStayApart checks that a request signed for one channel reaches only that channel.
func TestTenantsStayApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTenants(t, genesystest.AllowErrors())
		a, b := h.a.Channel(), h.b.Channel()
		require.Equal(t, http.StatusUnauthorized, h.post(t, "b", secretOf(a), b.IntegrationID, "as b"), "a's secret for b")
		require.Equal(t, http.StatusUnauthorized, h.post(t, "b", secretOf(a), a.IntegrationID, "to b"), "a's post to b's address")
		require.Equal(t, http.StatusUnauthorized, h.post(t, "a", secretOf(a), b.IntegrationID, "in a"), "b's ids at a's address")
		require.Equal(t, http.StatusNotFound, h.post(t, "nobody", secretOf(a), a.IntegrationID, "nobody"))
		require.Zero(t, h.records(t), "nothing is stored")
		require.Equal(t, http.StatusOK, h.post(t, "a2", secretOf(a), a.IntegrationID, "fine"), "two channels of one integration")
		synctest.Wait()
		require.Len(t, h.got, 1)
		require.Equal(t, handover.Key{Channel: "a2", Customer: "victim"}, h.got[0].Session.Key)
	})
}

// TestTenantsWithTheSameCustomer checks that the conversations of two tenants with the same
// customer id stay in their organisations.
func TestTenantsWithTheSameCustomer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTenants(t)
		for id, org := range map[string]*genesystest.Org{"a": h.a, "b": h.b} {
			k := handover.Key{Channel: id, Customer: "c1"}
			_, err := h.HandOver(t.Context(), k, handover.Request{ID: "r1", Summary: "for " + id})
			require.NoError(t, err)
			chat := org.Agent("Ann", "Support").Wait(t).Accept()
			require.Equal(t, []string{"for " + id}, chat.Texts())
			chat.Say("from " + id)
		}
		genesystest.Until(t, func() bool { h.mu.Lock(); defer h.mu.Unlock(); return len(h.got) == 2 })
		for _, d := range h.got {
			require.Equal(t, "from "+d.Session.Key.Channel, d.Message.Text)
		}
		for s, err := range h.Sessions(t.Context(), "b") {
			require.NoError(t, err)
			require.Equal(t, "b", s.Key.Channel)
		}
		_, err := h.Forward(t.Context(), handover.Key{Channel: "c", Customer: "c1"}, handover.Text("m", "m"))
		require.NoError(t, err, "an unknown customer is the bot's")
		_, err = h.HandOver(t.Context(), handover.Key{Channel: "c", Customer: "c1"}, handover.Request{ID: "r", Summary: "s"})
		require.ErrorIs(t, err, handover.ErrNoChannel)
	})
}

// TestReturningChannelGoesOn checks that the records of a channel that Config.Channels did not know
// for a time are worked on as soon as the channel is used again.
func TestReturningChannelGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTenants(t)
		k := handover.Key{Channel: "a", Customer: "c1"}
		_, err := h.HandOver(t.Context(), k, handover.Request{ID: "r1", Summary: "s"})
		require.NoError(t, err)
		chat := h.a.Agent("Ann", "Support").Wait(t).Accept()
		h.mu.Lock()
		removed := h.channels["a"]
		delete(h.channels, "a")
		h.mu.Unlock()
		pass(2 * time.Minute)
		_, err = h.Forward(t.Context(), k, handover.Text("m1", "hello"))
		require.NoError(t, err)
		pass(time.Minute)
		require.Equal(t, []string{"s"}, chat.Texts(), "nothing is sent while there is no channel")

		h.mu.Lock()
		h.channels["a"] = removed
		h.mu.Unlock()
		_, err = h.Client(t.Context(), "a")
		require.NoError(t, err)
		pass(5 * time.Second)
		require.Equal(t, []string{"s", "hello"}, chat.Texts())
	})
}

// TestTenantsWithOneClientShareAToken checks that channels with the same credentials share one
// client and one token.
func TestTenantsWithOneClientShareAToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTenants(t)
		first, err := h.Client(t.Context(), "a")
		require.NoError(t, err)
		second, err := h.Client(t.Context(), "a2")
		require.NoError(t, err)
		require.Same(t, first, second)
		other, err := h.Client(t.Context(), "b")
		require.NoError(t, err)
		require.NotSame(t, first, other)
		for _, id := range []string{"a", "a2"} {
			_, err := h.HandOver(t.Context(), handover.Key{Channel: id, Customer: "c of " + id}, handover.Request{ID: "r1", Summary: "s"})
			require.NoError(t, err)
		}
		pass(5 * time.Second)
		tokens := 0
		for _, r := range h.a.Requests() {
			if r.Op == "oauth.token" {
				tokens++
			}
		}
		require.Equal(t, 1, tokens)
	})
}

// TestChannelsAreCached checks that Channels runs once a minute, however many callers are
// concurrent.
func TestChannelsAreCached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTenants(t)
		slow := func() {
			var wg sync.WaitGroup
			for range crowd {
				wg.Go(func() {
					if _, err := h.Client(t.Context(), "a"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		slow()
		require.Equal(t, 1, h.asks())
		pass(59 * time.Second)
		slow()
		require.Equal(t, 1, h.asks())
		pass(2 * time.Second)
		slow()
		require.Equal(t, 2, h.asks())
		h.mu.Lock()
		h.err = errStore
		h.mu.Unlock()
		_, err := h.Client(t.Context(), "b")
		require.ErrorIs(t, err, errStore, "the host's error is returned")
		require.Equal(t, http.StatusServiceUnavailable, h.post(t, "b", secretOf(h.b.Channel()), h.b.Channel().IntegrationID, "x"))
	})
}

// TestRotatedSecretIsReadAgain checks that the channel is read again after a wrong signature,
// at most once in 10 s.
func TestRotatedSecretIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTenants(t, genesystest.AllowErrors())
		old := h.a.Channel()
		require.Equal(t, http.StatusOK, h.post(t, "a", secretOf(old), old.IntegrationID, "before"))
		pass(15 * time.Second)
		fresh := old
		fresh.WebhookSecrets = []handover.Secret{handover.NewSecret(h.a.RotateSecret()), old.WebhookSecrets[0]}
		h.mu.Lock()
		h.channels["a"] = fresh
		h.mu.Unlock()
		var wg sync.WaitGroup
		for i := range crowd { // all at once, and none is refused
			wg.Go(func() {
				if got := h.post(t, "a", secretOf(fresh), fresh.IntegrationID, fmt.Sprint("after ", i)); got != http.StatusOK {
					t.Errorf("after the rotation: %d", got)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 2, h.asks())
		require.Equal(t, http.StatusOK, h.post(t, "a", secretOf(old), old.IntegrationID, "the old one is being retired"))
		for range 100 { // an attacker tries secrets
			require.Equal(t, http.StatusUnauthorized, h.post(t, "a", webhook.NewSecret(), old.IntegrationID, "forged"))
			pass(100 * time.Millisecond)
		}
		require.LessOrEqual(t, h.asks(), 3)
	})
}

// TestFailingChannelsAreAskedSeldom checks that wrong signatures do not make the Manager call
// Channels again and again while Channels fails.
func TestFailingChannelsAreAskedSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTenants(t, genesystest.AllowErrors())
		c := h.a.Channel()
		require.Equal(t, http.StatusOK, h.post(t, "a", secretOf(c), c.IntegrationID, "before"))
		pass(15 * time.Second)
		h.mu.Lock()
		h.err = errStore
		h.mu.Unlock()
		for range 50 {
			h.post(t, "a", webhook.NewSecret(), c.IntegrationID, "forged")
			pass(100 * time.Millisecond)
		}
		require.Equal(t, 2, h.asks())
		require.Equal(t, http.StatusOK, h.post(t, "a", secretOf(c), c.IntegrationID, "the known secret works"))
	})
}

// TestChannelIsReadAgainAfterA401 checks that the channel is read again after a 401, because
// the OAuth client may have a new secret, and that no message is lost.
func TestChannelIsReadAgainAfterA401(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTenants(t)
		k := handover.Key{Channel: "a", Customer: "c1"}
		_, err := h.HandOver(t.Context(), k, handover.Request{ID: "r1", Summary: "s"})
		require.NoError(t, err)
		chat := h.a.Agent("Ann", "Support").Wait(t).Accept()
		pass(30 * time.Second)
		fresh := h.a.Channel()
		fresh.ClientSecret = handover.NewSecret(h.a.RevokeClient())
		h.mu.Lock()
		h.channels["a"] = fresh
		h.mu.Unlock()
		turn, err := h.Forward(t.Context(), k, handover.Text("m1", "m1"))
		require.NoError(t, err)
		require.Equal(t, handover.TurnAgent, turn)
		began := time.Now()
		genesystest.Until(t, func() bool { return len(chat.Texts()) == 2 })
		require.Less(t, time.Since(began), 15*time.Second, "not only after the minute")
	})
}

// TestRemovedTenant checks that webhooks of a removed tenant get 404 within a minute.
func TestRemovedTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTenants(t, genesystest.AllowErrors())
		b := h.b.Channel()
		require.Equal(t, http.StatusOK, h.post(t, "b", secretOf(b), b.IntegrationID, "while it is there"))
		h.mu.Lock()
		delete(h.channels, "b")
		h.mu.Unlock()
		pass(61 * time.Second)
		require.Equal(t, http.StatusNotFound, h.post(t, "b", secretOf(b), b.IntegrationID, "x"))
	})
}
