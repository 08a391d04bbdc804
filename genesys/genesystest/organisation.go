package genesystest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/internal/memnet"
)

// An Org is a fake organisation of Genesys Cloud. Its methods are safe for concurrent use and
// return at once unless they state otherwise. Functions passed to it (flows, signals, webhook
// handlers) run in separate goroutines and may call its methods.
type Org struct {
	opt    settings
	tb     TB // nil in programs
	server *memnet.Server
	routes []route

	ctx    context.Context //nolint:containedctx // of the organisation: Close ends callbacks
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	refusals []string
	changed  chan struct{} // closed and replaced at every change
	clock    clock
	serial   map[string]int // last number used, by kind

	secret      string // of the OAuth client
	tokens      map[string]*token
	permissions map[string]bool

	divisions     []*division
	integrations  []*Integration
	queues        []*Queue
	agents        []*Agent
	conversations []*Conversation
	threads       map[string]*Conversation // the newest conversation of each customer
	byID          map[string]*Conversation
	offersPlanned bool      // offerWaiting is planned
	lastSent      time.Time // channel.time of the last message to the customer
	lastPost      time.Time // when the last webhook started or will start
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
	channels      []*channel // of notifications, in the order in which they were made
}

// New makes the organisation that the setup guide describes and closes it at the end of the test.
// A request that Genesys would refuse is refused and fails the test, unless AllowErrors; the
// package comment states the exact rule. A bad option is fatal.
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

// Start is New for programs. The caller closes the organisation; Refusals lists the program's
// mistakes. It returns an error for a bad option.
func Start(opts ...Option) (*Org, error) { return newOrg(nil, opts) }

func newOrg(tb TB, opts []Option) (*Org, error) {
	set, err := newSettings(opts)
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
	o.populate()
	return o, nil
}

// populate makes what the setup guide describes.
func (o *Org) populate() {
	o.secret = o.hexID("client-secret", 43)
	home := o.division("Home")
	o.addIntegration("Web chat")
	o.addQueue("Bot", home)
	o.addQueue("Support", home)
}

// Close stops all timers, webhooks and connections, and waits for callbacks after it cancelled
// their contexts. Later calls of methods have no effect. Closing twice is allowed; the error is
// always nil.
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

// Channel returns the configuration that a host has after the last step of the setup guide:
// region, credentials, integration, the current webhook secret and both queues by name. Its ID is
// "genesys".
func (o *Org) Channel() handover.Channel {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.integrations[0].channel("genesys")
}

// HTTPClient returns a client that reaches every Genesys host of the organisation's region in
// memory: api, login, apps, api-downloads, streaming. A request to any other host fails with a
// DNS error. The client has no timeout.
func (o *Org) HTTPClient() *http.Client { return &http.Client{Transport: &transport{o: o}} }

// spawn runs f in a goroutine that Close waits for. The caller holds the lock.
func (o *Org) spawn(f func(ctx context.Context)) {
	if o.closed {
		return
	}
	o.work.Go(func() { f(o.ctx) })
}

// broadcast wakes all goroutines that wait for a change. The caller holds the lock.
func (o *Org) broadcast() {
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *Org) clientID() string { return o.derive("client", 1) }

// String returns a description with the region and without secrets.
func (o *Org) String() string { return fmt.Sprintf("genesystest.Org(%s)", o.opt.region) }

// TB is the part of testing.TB that this package uses, so that programs that run the fake do not
// link package testing. *testing.T, *testing.B and *testing.F implement it.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// refuse records a mistake of the program and fails the test unless errors are allowed. The
// caller does not hold the lock.
func (o *Org) refuse(format string, args ...any) {
	text := fmt.Sprintf("genesystest: "+format, args...)
	o.mu.Lock()
	o.refusals = append(o.refusals, text)
	silent := o.tb == nil || o.opt.allowErrors || o.closed
	o.mu.Unlock()
	if !silent {
		o.tb.Errorf("%s", text)
	}
}

// Refusals returns a description of each request that was refused because of a mistake in the
// program. These fail a test of New unless AllowErrors. Programs of Start have no other report of
// them.
func (o *Org) Refusals() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.refusals...)
}

// Ids are hashes of the seed, a kind and a running number. The same program makes the same ids,
// and organisations with different seeds share none.

func digest(seed uint64, kind string, n int) []byte {
	b := binary.BigEndian.AppendUint64([]byte(kind+"\x00"), seed)
	b = binary.BigEndian.AppendUint64(b, uint64(max(n, 0)))
	sum := sha256.Sum256(b)
	return sum[:]
}

func (o *Org) next(kind string) int {
	o.serial[kind]++
	return o.serial[kind]
}

// uuid returns a new id in the form of Genesys' entities. The caller holds the lock.
func (o *Org) uuid(kind string) string { return o.derive(kind, o.next(kind)) }

func (o *Org) derive(kind string, n int) string {
	h := hex.EncodeToString(digest(o.opt.seed, kind, n))
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:32]
}

// hexID returns a new id in the form of Genesys' messages (32 digits), or a secret. The caller
// holds the lock.
func (o *Org) hexID(kind string, length int) string {
	return hex.EncodeToString(digest(o.opt.seed, kind, o.next(kind)))[:length]
}

func (o *Org) messageID() string { return o.hexID("message", 32) }
