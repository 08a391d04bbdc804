package scenario_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// An apiHost is a host with a Manager on a fake organisation. It records the arguments of its
// callbacks.
type apiHost struct {
	*handover.Manager

	org   *genesystest.Org
	store handover.Store
	key   handover.Key

	mu         sync.Mutex
	deliveries []handover.Delivery
	returns    []handover.Return
	notices    []handover.Notice
	onReturn   func(context.Context, handover.Return) error // nil: succeeds
	onDeliver  func(context.Context, handover.Delivery) error
}

func newAPIHost(t *testing.T, org *genesystest.Org, change func(*handover.Config)) *apiHost {
	t.Helper()
	h := &apiHost{org: org, store: handover.NewMemoryStore(), key: handover.Key{Channel: "genesys", Customer: "c1"}}
	c := handover.Config{
		Channel: org.Channel(), Deliver: h.deliver, Return: h.giveBack, Notify: h.notify, Store: h.store,
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(org.HTTPClient())},
	}
	if change != nil {
		change(&c)
	}
	h.store = c.Store
	m, err := handover.New(c)
	require.NoError(t, err)
	h.Manager = m
	mux := http.NewServeMux()
	mux.Handle("POST /genesys", webhook.NewHandler(m, m.Receive))
	org.DeliverTo(mux, "/genesys")
	go func() { _ = m.Run(t.Context()) }()
	return h
}

func (h *apiHost) deliver(ctx context.Context, d handover.Delivery) error {
	h.mu.Lock()
	h.deliveries = append(h.deliveries, d)
	f := h.onDeliver
	h.mu.Unlock()
	if f != nil {
		return f(ctx, d)
	}
	return nil
}

func (h *apiHost) giveBack(ctx context.Context, r handover.Return) error {
	h.mu.Lock()
	h.returns = append(h.returns, r)
	f := h.onReturn
	h.mu.Unlock()
	if f != nil {
		return f(ctx, r)
	}
	return nil
}

func (h *apiHost) notify(_ context.Context, n handover.Notice) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notices = append(h.notices, n)
	return nil
}

// got returns the texts passed to Deliver, including failed attempts.
func (h *apiHost) got() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var texts []string
	for _, d := range h.deliveries {
		texts = append(texts, d.Message.Text)
	}
	return texts
}

func (h *apiHost) returned() []handover.Return {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.returns)
}

// unanswered returns the unanswered texts of all Returns.
func (h *apiHost) unanswered() []string {
	var texts []string
	for _, r := range h.returned() {
		for _, u := range r.Unanswered {
			texts = append(texts, u.Text)
		}
	}
	return texts
}

func (h *apiHost) noticed(k handover.NoticeKind) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, x := range h.notices {
		if x.Kind == k {
			n++
		}
	}
	return n
}

// state returns the state of the session, or "none".
func (h *apiHost) state(t *testing.T) string {
	t.Helper()
	s, err := h.Session(t.Context(), h.key)
	if errors.Is(err, handover.ErrNotFound) {
		return "none"
	}
	require.NoError(t, err)
	return string(s.State)
}

func (h *apiHost) session(t *testing.T) handover.Session {
	t.Helper()
	s, err := h.Session(t.Context(), h.key)
	require.NoError(t, err)
	return s
}

func (h *apiHost) until(t *testing.T, s handover.State) {
	t.Helper()
	genesystest.Until(t, func() bool { return h.state(t) == string(s) })
}

// revision returns the revision of the record, or 0.
func (h *apiHost) revision(t *testing.T) uint64 {
	t.Helper()
	r, err := h.store.Get(t.Context(), h.key)
	if !errors.Is(err, handover.ErrNotFound) {
		require.NoError(t, err)
	}
	return r.Revision
}

// calls returns how many requests Genesys received of the operations with a prefix.
func (h *apiHost) calls(op string) int {
	n := 0
	for _, r := range h.org.Requests() {
		if strings.HasPrefix(r.Op, op) {
			n++
		}
	}
	return n
}

// written returns how often Genesys has a text of the customer.
func (h *apiHost) written(text string) int {
	n := 0
	for _, c := range h.org.Conversations() {
		for _, e := range c.Transcript() {
			if e.From == "customer" && e.Text == text {
				n++
			}
		}
	}
	return n
}

func (h *apiHost) forward(t *testing.T, id string) handover.Turn {
	t.Helper()
	turn, err := h.Forward(t.Context(), h.key, handover.Text(id, id))
	require.NoError(t, err)
	return turn
}

func (h *apiHost) handOver(t *testing.T, id string) handover.Session {
	t.Helper()
	s, err := h.HandOver(t.Context(), h.key, handover.Request{ID: id, Summary: "summary " + id})
	require.NoError(t, err)
	return s
}

// receive passes a message to the Manager as the webhook handler does.
func (h *apiHost) receive(t *testing.T, id string, origin openmessaging.Origin, body openmessaging.Body) {
	t.Helper()
	o := openmessaging.Outbound{
		ID: id, IntegrationID: h.org.Channel().IntegrationID, CustomerID: h.key.Customer, Time: time.Now(),
		Origin: origin, Body: body,
	}
	if c := h.org.Conversation(h.key.Customer); c != nil {
		o.ConversationID = c.ID()
	}
	require.NoError(t, h.Receive(t.Context(), webhook.Notification{Channel: h.key.Channel, Outbound: o}))
}

// wait waits for d in the time of the bubble, in a callback or in another goroutine than the
// test's.
func wait(d time.Duration) { <-time.After(d) }
