package stores_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

func pass(d time.Duration) { <-time.After(d) }

// The table is missing for a while. Genesys gets 503 and posts again, the host's calls return the
// cause, and when the table is back every message arrives once.
func TestManagerOnABrokenDatabase(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := d.dsn(t)
			synctest.Test(t, func(t *testing.T) {
				db := open(t, driver, dsn)
				org := genesystest.New(t)
				h := newDesk(t, org, migrated(t, db, d.dialect))
				h.receive(org)
				chat := h.connected(t, org)
				chat.Say("before")
				genesystest.Until(t, func() bool { return len(h.delivered()) == 1 })
				pass(5 * time.Second) // the reads that follow

				_, err := db.ExecContext(t.Context(), "ALTER TABLE handover_records RENAME TO elsewhere")
				require.NoError(t, err)
				chat.Say("meanwhile")
				_, err = h.Forward(t.Context(), customer(), handover.Text("m1", "m1"))
				requireFault(t, err, "the table handover_records is missing")
				_, err = h.Turn(t.Context(), customer())
				requireFault(t, err, "the table handover_records is missing")
				pass(12 * time.Second)
				require.Equal(t, []string{"before"}, h.delivered())
				_, err = db.ExecContext(t.Context(), "ALTER TABLE elsewhere RENAME TO handover_records")
				require.NoError(t, err)

				h.forward(t, "m1")
				genesystest.Until(t, func() bool { return len(h.delivered()) == 2 && len(chat.Texts()) == 2 })
				pass(time.Minute)
				require.Equal(t, []string{"before", "meanwhile"}, h.delivered())
				require.Equal(t, []string{"summary", "m1"}, chat.Texts())
				refused := 0
				for _, w := range org.Deliveries() {
					if w.Status == http.StatusServiceUnavailable {
						refused++
					}
				}
				require.Positive(t, refused, "Genesys tries again only after such an answer")
			})
		})
	}
}

// taken returns the number of webhooks that were answered with 200.
func taken(org *genesystest.Org) int {
	n := 0
	for _, w := range org.Deliveries() {
		if w.Status == http.StatusOK {
			n++
		}
	}
	return n
}

// Two processes use one database. The first accepts messages in both directions and dies before it
// sends them; the second takes its leases over, and no message is lost.
func TestManagerTakesOver(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := d.dsn(t)
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t)
				a := newDesk(t, org, migrated(t, open(t, driver, dsn), d.dialect))
				a.receive(org)
				chat := a.connected(t, org)
				chat.Say("a1")
				a.forward(t, "m1")
				genesystest.Until(t, func() bool { return len(a.delivered()) == 1 && len(chat.Texts()) == 2 })
				b := newDesk(t, org, unmigrated(t, open(t, driver, dsn), d.dialect))

				a.hung.Store(true)
				chat.Say("a2")
				genesystest.Until(t, func() bool { return taken(org) == 2 })
				a.dying.Store(true)
				a.forward(t, "m2") // stored with a lease, and that was its last write
				a.kill()
				b.receive(org)
				b.forward(t, "m3")
				chat.Say("a3")
				genesystest.Until(t, func() bool { return len(b.delivered()) == 2 && len(chat.Texts()) == 4 })
				pass(time.Minute)
				require.Equal(t, []string{"a1"}, a.delivered())
				require.Equal(t, []string{"a2", "a3"}, b.delivered())
				require.Equal(t, []string{"summary", "m1", "m2", "m3"}, chat.Texts())
			})
		})
	}
}
