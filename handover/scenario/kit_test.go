package scenario_test

import (
	"context"
	"fmt"
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

// A host is a host program that records the arguments of its callbacks in order. A hook runs
// before the callback succeeds. If it fails, the callback returns its error and only the
// attempt is recorded.
type host struct {
	desk *handover.Manager
	ctx  func() context.Context // of the test

	mu sync.Mutex
	// Successful calls, such as "agent: text", "back: reason [unanswered]", "notice: kind".
	story      []string
	attempts   []string // all calls, including failed ones
	deliveries []handover.Delivery
	returns    []handover.Return
	notices    []handover.Notice
	typing     []time.Duration
	onDeliver  func(context.Context, handover.Delivery) error
	onReturn   func(context.Context, handover.Return) error
	onNotify   func(context.Context, handover.Notice) error
}

// newHost builds a host of one channel, connects it to the organisation's webhooks, and runs it
// until the test ends.
func newHost(t *testing.T, org *genesystest.Org, configure ...func(*handover.Config)) *host {
	t.Helper()
	h := buildHost(t, org, configure...)
	h.serve(org)
	h.run(t.Context())
	return h
}

// buildHost builds a host that neither runs nor receives webhooks.
func buildHost(t *testing.T, org *genesystest.Org, configure ...func(*handover.Config)) *host {
	t.Helper()
	h := &host{ctx: t.Context}
	c := handover.Config{
		Channel:       org.Channel(),
		Deliver:       h.deliver,
		Return:        h.giveBack,
		Notify:        h.notify,
		Typing:        h.types,
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(org.HTTPClient())},
	}
	for _, f := range configure {
		f(&c)
	}
	desk, err := handover.New(c)
	require.NoError(t, err)
	h.desk = desk
	return h
}

// run starts Run. The returned channel is closed when Run has returned.
func (h *host) run(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.desk.Run(ctx)
	}()
	return done
}

func (h *host) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /genesys", webhook.NewHandler(h.desk, h.desk.Receive))
	return mux
}

// serve sends the organisation's webhooks to this host.
func (h *host) serve(org *genesystest.Org) { org.DeliverTo(h.handler(), "/genesys") }

func (h *host) deliver(ctx context.Context, d handover.Delivery) error {
	text := "agent: " + d.Message.Text
	if d.Origin == "Bot" {
		text = "flow: " + d.Message.Text
	}
	if d.Late {
		text += " (late)"
	}
	return perform(ctx, h, text, d, func() func(context.Context, handover.Delivery) error { return h.onDeliver },
		func() { h.deliveries = append(h.deliveries, d) })
}

func (h *host) giveBack(ctx context.Context, r handover.Return) error {
	texts := []string{}
	for _, u := range r.Unanswered {
		text := u.Text
		if u.Sent {
			text += "(sent)"
		}
		if u.Reason != "" {
			text += "(refused)"
		}
		texts = append(texts, text)
	}
	text := fmt.Sprintf("back: %s [%s]", r.Session.Ending.Reason, strings.Join(texts, " "))
	return perform(ctx, h, text, r, func() func(context.Context, handover.Return) error { return h.onReturn },
		func() { h.returns = append(h.returns, r) })
}

func (h *host) notify(ctx context.Context, n handover.Notice) error {
	return perform(ctx, h, "notice: "+string(n.Kind), n, func() func(context.Context, handover.Notice) error { return h.onNotify },
		func() { h.notices = append(h.notices, n) })
}

func perform[T any](ctx context.Context, h *host, text string, v T, hook func() func(context.Context, T) error, keep func()) error {
	h.mu.Lock()
	h.attempts = append(h.attempts, text)
	f := hook()
	h.mu.Unlock()
	if f != nil {
		if err := f(ctx, v); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.story = append(h.story, text)
	keep()
	return nil
}

func (h *host) types(_ context.Context, e handover.TypingEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.typing = append(h.typing, e.Duration)
}

// failing sets the hook of Deliver, or removes it if f is nil.
func (h *host) failing(f func(context.Context, handover.Delivery) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.onDeliver = f
}

// returning sets the hook of Return.
func (h *host) returning(f func(context.Context, handover.Return) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.onReturn = f
}

// notifying sets the hook of Notify.
func (h *host) notifying(f func(context.Context, handover.Notice) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.onNotify = f
}

// lines returns the deliveries and returns, in order.
func (h *host) lines() []string {
	return h.only(func(s string) bool { return !strings.HasPrefix(s, "notice: ") })
}

// kinds returns the kinds of the notices, in order.
func (h *host) kinds() []string {
	list := h.only(func(s string) bool { return strings.HasPrefix(s, "notice: ") })
	for i := range list {
		list[i] = strings.TrimPrefix(list[i], "notice: ")
	}
	return list
}

func (h *host) only(keep func(string) bool) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []string{}
	for _, s := range h.story {
		if keep(s) {
			list = append(list, s)
		}
	}
	return list
}

// tries returns how many lines of calls have a prefix, including failed calls.
func (h *host) tries(prefix string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, s := range h.attempts {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

// delivered returns a copy of the deliveries that succeeded.
func (h *host) delivered() []handover.Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.deliveries)
}

func (h *host) returned() []handover.Return {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.returns)
}

func (h *host) noticed(kind handover.NoticeKind) []handover.Notice {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []handover.Notice
	for _, n := range h.notices {
		if n.Kind == kind {
			list = append(list, n)
		}
	}
	return list
}

// until waits until there are that many lines, and a minute more, so that an extra line is
// detected.
func (h *host) until(t *testing.T, lines int) {
	t.Helper()
	genesystest.Until(t, func() bool { return len(h.lines()) >= lines })
	pass(time.Minute)
}

// undeliverable is a hook of Deliver that fails permanently.
func undeliverable(context.Context, handover.Delivery) error {
	return handover.Undeliverable(openmessaging.ReasonMessageNotAllowed, nil)
}
