package scenario_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// Texts and ids that must not appear in logs, errors or metrics.
const (
	secretCustomer = "customer-4711-private"
	customerText   = "my iban is private"
	agentText      = "your balance is private"
)

// A wiretap records everything that the SDK passes to operators.
type wiretap struct {
	mu   sync.Mutex
	logs bytes.Buffer
}

func (w *wiretap) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logs.Write(p)
}

func (w *wiretap) note(v ...any) { _, _ = fmt.Fprintln(w, v...) }

func (w *wiretap) observe(_ context.Context, o handover.Observation) {
	w.note("observation", o.Op, o.Channel, o.Duration, o.Err)
}

func (w *wiretap) fails(err error) { w.note("error", err) }

// tokenTap records the tokens that Genesys issues.
type tokenTap struct {
	base http.RoundTripper

	mu     sync.Mutex
	tokens map[string]bool
}

func (t *tokenTap) RoundTrip(r *http.Request) (*http.Response, error) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		t.mu.Lock()
		t.tokens[token] = true
		t.mu.Unlock()
	}
	return t.base.RoundTrip(r)
}

// TestNothingPrivateIsLogged checks that no secret, token, customer text or customer id appears
// in a log line, an error or a metric, even if everything fails.
func TestNothingPrivateIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		tap, tokens := &wiretap{}, &tokenTap{base: org.HTTPClient().Transport, tokens: map[string]bool{}}
		log := slog.New(slog.NewJSONHandler(tap, &slog.HandlerOptions{Level: slog.LevelDebug}))
		store := &moodyStore{Store: handover.NewMemoryStore()}
		c := handover.Config{
			Channel: org.Channel(), Store: store, Logger: log, Observer: tap.observe,
			Deliver: panicsFirst[handover.Delivery](), Return: panicsFirst[handover.Return](), Notify: panicsFirst[handover.Notice](),
			ClientOptions: []genesys.Option{
				genesys.WithHTTPClient(&http.Client{Transport: tokens}), genesys.WithLogger(log),
				genesys.WithObserver(func(_ context.Context, call genesys.Call) { tap.note("call", call) }),
			},
		}
		m, err := handover.New(c)
		require.NoError(t, err)
		mux := http.NewServeMux()
		mux.Handle("POST /genesys", webhook.NewHandler(m, m.Receive, webhook.WithLogger(log),
			webhook.WithObserver(func(r webhook.Request) { tap.note("request", r) })))
		org.DeliverTo(mux, "/genesys")
		go func() { _ = m.Run(t.Context()) }()
		misfortunes(t, m, org, store, tap)
		tap.mu.Lock()
		defer tap.mu.Unlock()
		text := tap.logs.String()
		require.Contains(t, text, "callback panicked")
		require.Contains(t, text, "what happened")
		require.Contains(t, text, "send.message")
		private := []string{
			secretCustomer, "private", "cheated", c.Channel.ClientSecret.Reveal(), c.Channel.WebhookSecrets[0].Reveal(),
		}
		for token := range tokens.tokens {
			private = append(private, token)
		}
		require.Greater(t, len(private), 5)
		for _, p := range private {
			if i := strings.Index(text, p); i >= 0 {
				t.Errorf("%q appears: …%s…", p, text[max(0, i-200):min(len(text), i+200)])
			}
		}
	})
}

// panicsFirst returns a callback that panics, then returns an error, and then succeeds.
func panicsFirst[T any]() func(context.Context, T) error {
	var mu sync.Mutex
	n := 0
	return func(context.Context, T) error {
		mu.Lock()
		defer mu.Unlock()
		switch n++; n {
		case 1:
			panic("a private panic")
		case 2:
			return errors.New("the host's own error") //nolint:err113 // a host's error
		default:
			return nil
		}
	}
}

// misfortunes runs a handover in which as many operations as possible fail.
func misfortunes(t *testing.T, m *handover.Manager, org *genesystest.Org, store *moodyStore, tap *wiretap) {
	t.Helper()
	ctx, k := t.Context(), handover.Customer(secretCustomer)
	forward := func(id string) {
		_, err := m.Forward(ctx, k, handover.Text(id, customerText+id))
		tap.fails(err)
		story, err := m.Explain(ctx, k)
		tap.note("story", story, err)
	}
	_, err := m.HandOver(ctx, k, handover.Request{ID: "r0", Queue: "no such queue", Summary: customerText})
	tap.fails(err)
	_, err = m.HandOver(ctx, k, handover.Request{ID: "r0", Summary: customerText, Attributes: map[string]string{"": customerText}})
	tap.fails(err)
	_, err = m.Forward(ctx, k, handover.Message{ID: "x", Text: customerText + "\xff"})
	tap.fails(err)
	_, err = m.Forward(ctx, k, handover.Message{ID: "x", Attachments: []openmessaging.Attachment{{URL: "http://private host/" + customerText}}})
	tap.fails(err)
	tap.fails(m.End(ctx, handover.Customer(secretCustomer+"\n"), "nonsense"))
	_, err = m.HandOver(ctx, k, handover.Request{ID: "r1", Summary: customerText})
	tap.fails(err)
	chat := org.Agent("Ann", "Support").Wait(t).Accept()
	for i, f := range []genesystest.Fault{
		{Op: "openmessaging.send", Status: http.StatusBadRequest},
		{Op: "openmessaging.send", Status: http.StatusInternalServerError},
		{Op: "openmessaging.send", Status: http.StatusForbidden},
		{Op: "openmessaging.send", Drop: true},
		{Op: "openmessaging.send", Status: http.StatusTooManyRequests, RetryAfter: time.Second},
		{Op: "openmessaging.receipt", Status: http.StatusInternalServerError},
		{Op: "conversations.get", Status: http.StatusNotFound},
	} {
		org.Inject(f)
		forward(fmt.Sprint("m", i))
		chat.Say(agentText)
		pass(20 * time.Second)
	}
	org.InjectWebhook(genesystest.WebhookFault{Forge: true})
	chat.Say(agentText)
	chat.Post([]byte(`{"type":"Text","text":{"private":true}}`))
	chat.Post([]byte(`{"private"`))
	chat.Post([]byte(`{"type":"Hologram","text":"private"}`))
	pass(10 * time.Second)
	for _, mood := range storeMoods() {
		store.set(mood)
		forward(fmt.Sprint(time.Now().UnixNano()))
		chat.Say(agentText)
		pass(10 * time.Second)
	}
	store.set(func(s *moodyStore) { s.slow, s.getting, s.before, s.after = 0, 0, 0, 0 })
	org.ExpireTokens()
	org.RevokeClient()
	forward("revoked")
	pass(time.Minute)
	tap.fails(m.End(ctx, k, handover.EndByCustomer))
	pass(time.Minute)
	r, err := store.Get(ctx, handover.Key{Channel: "genesys", Customer: secretCustomer})
	require.NoError(t, err)
	prev := r.Revision
	r.Data, r.WakeAt = []byte(`{"format":1,"now":"cheated private"}`), time.Now()
	r.Revision++
	require.NoError(t, store.Put(ctx, r, prev))
	forward("unreadable")
	pass(time.Minute)
}
