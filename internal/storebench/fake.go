package storebench

import (
	"context"
	"net/http"
	"testing"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/webhook"
)

// An office is a desk on a fake organisation: requests, signed webhooks and receipts go through its network in memory.
type office struct {
	*desk

	chats map[*customer]*genesystest.Desk
}

// fake measures the whole path, for one customer: what the organisation costs is the same for every store.
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

// openOffice opens a desk whose customers all talk to an agent of the organisation.
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

// toAgent waits for the outcome in the store: the organisation tells nobody when it took a message.
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
