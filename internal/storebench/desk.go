package storebench

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// A counting store counts what a Manager does with it.
type counting struct {
	handover.Store

	gets    atomic.Int64
	puts    atomic.Int64  // done
	written chan struct{} // told after a write
}

// Get counts.
func (s *counting) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	s.gets.Add(1)
	return s.Store.Get(ctx, k)
}

// Put counts.
func (s *counting) Put(ctx context.Context, r handover.Record, prev uint64) error {
	err := s.Store.Put(ctx, r, prev)
	s.puts.Add(1)
	select {
	case s.written <- struct{}{}:
	default:
	}
	return err
}

// reach waits for that many writes.
func (s *counting) reach(n int64) error {
	for s.puts.Load() < n {
		if err := arrived(s.written); err != nil {
			return err
		}
	}
	return nil
}

// A desk is a Manager whose customers all talk to an agent.
type desk struct {
	manager   *handover.Manager
	store     *counting
	genesys   *stub
	duties    atomic.Int64
	customers []*customer
	stop      func() // ends Run and waits for it
}

type customer struct {
	key             handover.Key
	sent, delivered chan struct{}
	said, heard     int
}

func channelOf() handover.Channel {
	return handover.Channel{
		ID: "shop", Region: region.EUWest1, ClientID: "client", ClientSecret: handover.NewSecret("secret"),
		IntegrationID:  "11111111-2222-4333-8444-555555555555",
		WebhookSecrets: []handover.Secret{handover.NewSecret("a-webhook-secret-of-32-characters")}, AgentQueue: agentQueue,
	}
}

// newDesk makes a Manager that does not run yet.
func newDesk(tb testing.TB, s handover.Store, customers int, configure ...func(*handover.Config)) *desk {
	tb.Helper()
	d := &desk{store: &counting{Store: s, written: make(chan struct{}, 1)}, genesys: &stub{sent: map[string]chan struct{}{}}}
	byKey := map[handover.Key]*customer{}
	for i := range customers {
		id := "customer-" + strconv.Itoa(i)
		c := &customer{
			key:  handover.Key{Channel: "shop", Customer: id},
			sent: make(chan struct{}, 1024), delivered: make(chan struct{}, 1024),
		}
		d.customers, byKey[c.key], d.genesys.sent[id] = append(d.customers, c), c, c.sent
	}
	c := d.config(byKey)
	for _, f := range configure {
		f(&c)
	}
	m, err := handover.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	d.manager = m
	return d
}

func (d *desk) config(byKey map[handover.Key]*customer) handover.Config {
	return handover.Config{
		Channel: channelOf(), Store: d.store, Workers: 2 * max(len(d.customers), handover.DefaultWorkers/2),
		Deliver: func(_ context.Context, x handover.Delivery) error {
			byKey[x.Session.Key].delivered <- struct{}{}
			return nil
		},
		Return:        func(context.Context, handover.Return) error { return nil },
		ClientOptions: []genesys.Option{genesys.WithHTTPClient(&http.Client{Transport: d.genesys})},
		Observer: func(_ context.Context, o handover.Observation) {
			if strings.HasPrefix(o.Op, "duty.") {
				d.duties.Add(1)
			}
		},
	}
}

// openDesk makes a Manager that runs, with customers who talk to an agent.
func openDesk(tb testing.TB, s handover.Store, customers int) *desk {
	tb.Helper()
	d := newDesk(tb, s, customers)
	d.start(tb)
	for _, c := range d.customers {
		if err := d.connect(tb.Context(), c); err != nil {
			tb.Fatal(err)
		}
	}
	d.settle(tb)
	return d
}

// start runs the Manager until stop or the end of the benchmark.
func (d *desk) start(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = d.manager.Run(ctx)
	}()
	d.stop = func() { cancel(); <-done }
	tb.Cleanup(d.stop)
}

// settle waits until every outcome is stored: that is what the end of Run promises.
func (d *desk) settle(tb testing.TB) {
	tb.Helper()
	d.stop()
	d.start(tb)
}

// connect hands a customer over; an agent's first word proves that an agent is there.
func (d *desk) connect(ctx context.Context, c *customer) error {
	if _, err := d.manager.HandOver(ctx, c.key, handover.Request{ID: "r1", Summary: "wants to know where the order is"}); err != nil {
		return err
	}
	if err := arrived(c.sent); err != nil {
		return err
	}
	return d.toCustomer(ctx, c)
}

// toAgent relays one message of the customer and waits until Genesys has it.
func (d *desk) toAgent(ctx context.Context, c *customer) error {
	if err := d.forward(ctx, c, "where is my order, please?"); err != nil {
		return err
	}
	return arrived(c.sent)
}

func (d *desk) forward(ctx context.Context, c *customer, text string) error {
	c.said++
	_, err := d.manager.Forward(ctx, c.key, handover.Text("m"+strconv.Itoa(c.said), text))
	return err
}

// toCustomer relays one message of the agent and waits until the host has it.
func (d *desk) toCustomer(ctx context.Context, c *customer) error {
	if err := d.receive(ctx, c, "let me have a look"); err != nil {
		return err
	}
	return arrived(c.delivered)
}

func (d *desk) receive(ctx context.Context, c *customer, text string) error {
	c.heard++
	return d.manager.Receive(ctx, webhook.Notification{Channel: "shop", Outbound: openmessaging.Outbound{
		ID: "a" + strconv.Itoa(c.heard), CustomerID: c.key.Customer, ConversationID: conversationOf(c.key.Customer),
		Time: time.Now(), Origin: openmessaging.OriginHuman, Body: openmessaging.Message{Text: text},
	}})
}
