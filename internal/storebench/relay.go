package storebench

import (
	"context"
	"net/http"
	"strconv"
	"testing"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// A direction relays one message from or to a customer.
type direction func(context.Context, *customer) error

// relay measures messages through a Manager.
func relay(b *testing.B, open func(testing.TB) handover.Store, n sizes) {
	b.Helper()
	for _, at := range []int{1, n.customers} {
		b.Run("ToAgent-"+strconv.Itoa(at), func(b *testing.B) {
			d := openDesk(b, open(b), at)
			relayed(b, d, d.toAgent)
		})
		b.Run("ToCustomer-"+strconv.Itoa(at), func(b *testing.B) {
			d := openDesk(b, open(b), at)
			relayed(b, d, d.toCustomer)
		})
	}
}

// relayed measures one direction with all customers at once. It measures the baseline before and
// after, while the Manager is idle.
func relayed(b *testing.B, d *desk, way direction) {
	b.Helper()
	customers := len(d.customers)
	chains := chainsOf(b, d.store.Store, d.record(b), customers)
	floor := rate(b, chains)
	gets, puts, tasks := d.store.gets.Load(), d.store.puts.Load(), d.tasks.Load()
	took, each := spread(b, customers, func(worker int) error { return way(b.Context(), d.customers[worker]) })
	d.settle(b)
	messages := float64(b.N)
	b.ReportMetric(float64(d.store.gets.Load()-gets)/messages, "reads/op")
	b.ReportMetric(float64(d.store.puts.Load()-puts)/messages, "writes/op")
	b.ReportMetric(float64(d.tasks.Load()-tasks)/messages, "tasks/op")
	floor = (floor + rate(b, chains)) / 2
	b.ReportMetric(float64(percentile(each, 99))/float64(median(each)), "p99/p50")
	b.ReportMetric(messages/took.Seconds(), "messages/s")
	b.ReportMetric(messages/took.Seconds()/floor, "share-of-raw")
}

// An office is a desk on a fake organisation. Requests, signed webhooks and receipts use its
// in-memory network.
type office struct {
	*desk

	chats map[*customer]*genesystest.Desk
}

// fake measures the whole path for one customer. The cost of the organisation is the same for every
// store.
func fake(b *testing.B, open func(testing.TB) handover.Store) {
	b.Helper()
	b.Run("ToAgent", func(b *testing.B) {
		o := openOffice(b, open(b), 1)
		relayed(b, o.desk, o.toAgent)
	})
	b.Run("ToCustomer", func(b *testing.B) {
		o := openOffice(b, open(b), 1)
		relayed(b, o.desk, o.toCustomer)
	})
}

// openOffice opens a desk. All its customers talk to an agent of the organisation.
func openOffice(tb testing.TB, s handover.Store, customers int) *office {
	tb.Helper()
	org := genesystest.New(tb, genesystest.WithRateLimit(1_000_000_000), genesystest.WithPace(genesystest.Pace{Flow: -1, Route: -1, Offer: -1}),
		genesystest.WithFlow(func(genesystest.Arrival) string { return "Support" }))
	ann := org.Agent("Ann", "Support")
	o := &office{chats: map[*customer]*genesystest.Desk{}}
	o.desk = newDesk(tb, s, customers, func(c *handover.Config) {
		c.Channel = org.Channel()
		c.Channel.ID, c.Channel.Routing = "shop", handover.RouteByFlow
		c.ClientOptions = []genesys.Option{genesys.WithHTTPClient(org.HTTPClient())}
	})
	mux := http.NewServeMux()
	mux.Handle("POST /genesys", webhook.NewHandler(o.manager, o.manager.Receive))
	org.DeliverTo(mux, "/genesys")
	o.start(tb)
	for _, c := range o.customers {
		if _, err := o.manager.HandOver(tb.Context(), c.key, handover.Request{ID: "r1", Summary: "wants to know where the order is"}); err != nil {
			tb.Fatal(err)
		}
		o.chats[c] = ann.Wait(tb).Accept()
		if err := o.toCustomer(tb.Context(), c); err != nil {
			tb.Fatal(err)
		}
	}
	o.settle(tb)
	return o
}

// toAgent waits for the outcome in the store, because the organisation does not report when it
// accepts a message.
func (o *office) toAgent(ctx context.Context, c *customer) error {
	before := o.store.puts.Load()
	if err := o.forward(ctx, c, "where is my order, please?"); err != nil {
		return err
	}
	return o.store.reach(before + 2)
}

func (o *office) toCustomer(_ context.Context, c *customer) error {
	o.chats[c].Say("let me have a look")
	return arrived(c.delivered)
}
