package scenario_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// putGolden stores a golden record for a customer, due now.
func putGolden(t *testing.T, s handover.Store, name string, k handover.Key) handover.Record {
	t.Helper()
	if d := time.Until(time.Date(2026, time.November, 22, 12, 0, 10, 0, time.UTC)); d > 0 {
		pass(d)
	}
	data, err := os.ReadFile("../internal/record/testdata/records/" + name) //nolint:gosec // a name of our own
	require.NoError(t, err)
	r := handover.Record{Key: k, Revision: 1, WakeAt: time.Now().UTC(), Data: data}
	require.NoError(t, s.Put(t.Context(), r, 0))
	return r
}

// TestGoldenNextReleaseAtWork checks that a Manager works on a record of the next release, and
// keeps its unknown fields as long as the object that contains them.
func TestGoldenNextReleaseAtWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		store := newWatchedStore()
		h := buildHost(t, org, func(c *handover.Config) { c.Store = store })
		k := handover.Key{Channel: org.Channel().ID, Customer: "customer"}
		putGolden(t, store, "format4/ended.json", k)
		stored := func() string { return string(store.records(t)[k].Data) }

		h.says(t, "customer", "m9", "nine", handover.TurnAgent) // stored for the Return
		for _, kept := range []string{
			`"format":4`, `"limits":[1,2.50,null]`, `"supervised":true`, `"channelVersion":12345678901234567890`, `"sentiment":-0.25`, `"id":"m9"`,
		} {
			require.Contains(t, stored(), kept)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := h.run(ctx)
		genesystest.Until(t, func() bool { return len(h.lines()) == 2 })
		stop()
		<-done
		require.Equal(t, []string{"back: customer [one(refused) two(sent)]", "back: customer [three nine]"}, h.lines())
		require.NotContains(t, stored(), "sentiment", "it went with its message")
		for _, kept := range []string{`"format":4`, `"limits":[1,2.50,null]`, `"supervised":true`, `"channelVersion":12345678901234567890`} {
			require.Contains(t, stored(), kept)
		}
	})
}

// TestGoldenLaterReleaseIsSetAside checks that a record of an unknown format is reported
// without content, never rewritten, not read for ten minutes, and does not block others.
func TestGoldenLaterReleaseIsSetAside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		store, tap := newWatchedStore(), &wiretap{}
		h := buildHost(t, org, func(c *handover.Config) { c.Store = store }, logging(tap))
		k := handover.Key{Channel: org.Channel().ID, Customer: "a customer of tomorrow"}
		was := putGolden(t, store, "format5/unreadable.json", k)
		h.serve(org)
		h.run(t.Context())
		pass(time.Second)
		require.Equal(t, 1, tap.count("record set aside"))
		require.Positive(t, store.since("get"))
		pass(9 * time.Minute)
		require.Zero(t, store.since("get"), "it is left alone")
		require.Equal(t, 1, tap.count("record set aside"), "it is reported once")
		require.Equal(t, 64, store.widest(), "a page of Due has the same limit with records set aside")

		chat := h.connected(t, "c1", ann) // other customers are not affected
		chat.End()
		h.until(t, 1)
		require.Equal(t, []string{"back: agent []"}, h.lines())
		require.Equal(t, 2, tap.count("record set aside"), "tried again after ten minutes")
		_, err := h.desk.Forward(t.Context(), k, handover.Text("m1", "one"))
		require.Error(t, err, "the bot must not answer: the turn is unknown")
		_, err = h.desk.Turn(t.Context(), k)
		require.Error(t, err)

		require.Equal(t, was, store.records(t)[k], "it is never rewritten")
		for _, private := range []string{"c2VjcmV0", "tomorrow", "words"} {
			require.Zero(t, tap.count(private))
			require.NotContains(t, err.Error(), private)
		}
	})
}

// TestGoldenUnreadableRecordsFillNoPage checks that Run reads the records behind more
// unreadable ones than a page of Due holds.
func TestGoldenUnreadableRecordsFillNoPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		store := newWatchedStore()
		worker := buildHost(t, org, func(c *handover.Config) { c.Store = store })
		front := buildHost(t, org, func(c *handover.Config) { c.Store = store })
		for i := range 300 {
			k := handover.Key{Channel: org.Channel().ID, Customer: strings.Repeat("x", i+1)}
			putGolden(t, store, "format5/unreadable.json", k)
		}
		front.handOver(t, "c1", "r1") // only Run of the worker finds it
		worker.serve(org)
		worker.run(t.Context())
		began := time.Now()
		ann.Wait(t)
		require.Less(t, time.Since(began), 5*time.Second)
		require.Equal(t, 64, store.widest())
	})
}
