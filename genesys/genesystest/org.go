package genesystest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/internal/memnet"
)

// An Org is an organisation. Its methods are safe for concurrent use and return at once unless they say otherwise.
// Functions given to it (flows, signals, webhook handlers) run in goroutines of their own and may call it.
type Org struct {
	opt    settings
	tb     TB // nil in programs
	server *memnet.Server
	routes []route

	ctx    context.Context //nolint:containedctx // the life of the organisation itself: ends callbacks at Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	refusals []string
	changed  chan struct{} // closed and replaced at every change
	clock    clock
	serial   map[string]int // last number given out, by kind

	secret      string // of the OAuth client
	tokens      map[string]*token
	permissions map[string]bool

	divisions     []*division
	integrations  []*Integration
	queues        []*Queue
	agents        []*Agent
	conversations []*Conversation
	threads       map[string]*Conversation // the newest of each customer
	byID          map[string]*Conversation
	kicking       bool      // a round of offers is planned
	lastSent      time.Time // channel.time of the last message to the customer
	lastPost      time.Time // when the last message to the webhook set off, or will
	messages      map[string]*message
	downloads     map[string]download
	downloadBase  string

	requests      []Request
	faults        []*Fault
	webhookFaults []*WebhookFault
	deliveries    []Delivery
	webhooksDown  bool
	signals       []func(context.Context, string) error
	signalFaults  SignalFaults
	signalCount   int
	channels      []*channel // of notifications, in the order they were made
}

// New makes the organisation that the setup guide describes and closes it at the end of the test. A request Genesys would
// refuse is refused and fails the test, unless AllowErrors; the package comment has the exact rule. A bad option is fatal.
//
// Call it inside the synctest bubble, if there is one.
func New(tb TB, opts ...Option) *Org {
	tb.Helper()
	o, err := newOrg(tb, opts)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(func() { _ = o.Close() })
	return o
}

// Start is New for programs: nobody closes the organisation but the caller, and mistakes are listed by Refusals.
func Start(opts ...Option) (*Org, error) { return newOrg(nil, opts) }

func newOrg(tb TB, opts []Option) (*Org, error) {
	set, err := settle(opts)
	if err != nil {
		return nil, err
	}
	o := &Org{
		opt: set, tb: tb, changed: make(chan struct{}), serial: map[string]int{},
		tokens: map[string]*token{}, messages: map[string]*message{}, downloads: map[string]download{},
		threads: map[string]*Conversation{}, byID: map[string]*Conversation{},
		permissions: set.permissions,
	}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	o.clock.run = o.tick
	o.routes = routes()
	o.server = memnet.Serve(o.Handler())
	o.found()
	return o, nil
}

// found fills the organisation as the guide does.
func (o *Org) found() {
	o.secret = o.hex("client-secret", 43)
	home := o.division("Home")
	o.addIntegration("Web chat")
	o.addQueue("Bot", home)
	o.addQueue("Support", home)
}

// Close ends everything: timers, webhooks under way, the network. It waits for callbacks, whose contexts have ended.
// What is called afterwards has no effect. Closing twice is harmless; the error is always nil.
func (o *Org) Close() error {
	o.mu.Lock()
	o.closed = true
	o.clock.stop()
	integrations := o.integrations
	o.broadcast()
	o.mu.Unlock()

	o.cancel()
	for _, i := range integrations {
		i.setHook(nil)
	}
	_ = o.server.Close()
	o.work.Wait()
	return nil
}

// Channel is what a host would have configured in the last step of the guide: region, credentials, integration, webhook
// secret (current one only) and both queues by name. Its ID is "genesys".
func (o *Org) Channel() handover.Channel {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.integrations[0].channel("genesys")
}

// HTTPClient reaches every Genesys host of the organisation's region (api, login, apps, api-downloads,
// streaming) without a network.
// A request to any other host fails as an unknown host does. The client has no timeout of its own.
func (o *Org) HTTPClient() *http.Client { return &http.Client{Transport: &transport{o: o}} }

// spawn runs f beside the organisation; Close waits for it. Call it with the lock.
func (o *Org) spawn(f func(ctx context.Context)) {
	if o.closed {
		return
	}
	o.work.Go(func() { f(o.ctx) })
}

// broadcast wakes whoever waits for a change. Call it with the lock.
func (o *Org) broadcast() {
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *Org) clientID() string { return o.derive("client", 1) }

// String names the organisation by its region, never by its secrets.
func (o *Org) String() string { return fmt.Sprintf("genesystest.Org(%s)", o.opt.region) }
