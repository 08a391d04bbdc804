package storebench

import (
	"context"
	"strconv"
	"testing"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A direction relays one message of a customer.
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

// relayed measures one direction with all customers at once. The floor is taken before and after, while the Manager has
// nothing to do.
func relayed(b *testing.B, d *desk, way direction) {
	b.Helper()
	customers := len(d.customers)
	chains := chainsOf(b, d.store.Store, d.record(b), customers)
	floor := rate(b, chains)
	gets, puts, duties := d.store.gets.Load(), d.store.puts.Load(), d.duties.Load()
	took, each := spread(b, customers, func(worker int) error { return way(b.Context(), d.customers[worker]) })
	d.settle(b)
	messages := float64(b.N)
	b.ReportMetric(float64(d.store.gets.Load()-gets)/messages, "reads/op")
	b.ReportMetric(float64(d.store.puts.Load()-puts)/messages, "writes/op")
	b.ReportMetric(float64(d.duties.Load()-duties)/messages, "duties/op")
	floor = (floor + rate(b, chains)) / 2
	b.ReportMetric(float64(percentile(each, 99))/float64(median(each)), "p99/p50")
	b.ReportMetric(messages/took.Seconds(), "messages/s")
	b.ReportMetric(messages/took.Seconds()/floor, "share-of-raw")
}
