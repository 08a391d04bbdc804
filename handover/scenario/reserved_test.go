package scenario_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// putReserved stores records that are no customer's, all of them due.
func putReserved(t *testing.T, s handover.Store, n int) map[handover.Key]handover.Record {
	t.Helper()
	all := map[handover.Key]handover.Record{}
	for i := range n {
		r := handover.Record{
			Key: handover.Key{Customer: fmt.Sprintf("\x01socket/%064d", i)}, Revision: 1, WakeAt: time.Now().UTC().Add(-time.Hour),
			Data: []byte("not a customer's file"),
		}
		require.NoError(t, s.Put(t.Context(), r, 0))
		all[r.Key] = r
	}
	return all
}

// TestReservedRecordsAreLeftAlone: records under reserved keys are due for ever. Run neither reads nor removes nor reports them,
// they do not keep it busy, and nobody waits behind them.
func TestReservedRecordsAreLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, tap, store := genesystest.New(t), &wiretap{}, newWatchedStore()
		ann := org.Agent("Ann", "Support")
		front, worker := buildHost(t, org, keeping(store, 10*time.Minute)), buildHost(t, org, keeping(store, 10*time.Minute), logging(tap))
		all := putReserved(t, store, 200)
		require.Equal(t, 200, store.since("put"))
		worker.serve(org)
		worker.run(t.Context())
		pass(15 * time.Minute)
		require.Zero(t, store.since("get")+store.since("put")+store.since("delete"))
		require.LessOrEqual(t, len(store.limits), 900+3*4, "it does not spin: a look a second, and a few to get past them")
		require.Equal(t, 64+200, store.widest())

		began := time.Now()
		front.handOver(t, "c1", "r1") // which only the worker's Run finds
		chat := ann.Wait(t).Accept()
		require.Less(t, time.Since(began), 5*time.Second)
		chat.End()
		worker.until(t, 1)
		pass(15 * time.Minute) // and retention
		require.Equal(t, all, store.records(t))
		require.Zero(t, tap.told("set aside"))
		for s, err := range worker.desk.Sessions(t.Context(), "") {
			require.NoError(t, err)
			require.Empty(t, s)
		}
	})
}

// TestReservedKeysAreNobodys: neither a host nor a signed webhook reaches them.
func TestReservedKeysAreNobodys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t, genesystest.AllowErrors()), newWatchedStore()
		h := newHost(t, org, func(c *handover.Config) { c.Store = store })
		all := putReserved(t, store, 1)
		for k, r := range all {
			_, err := h.desk.Forward(t.Context(), k, handover.Text("m1", "one"))
			require.Error(t, err)
			require.ErrorContains(t, h.desk.Forget(t.Context(), handover.Customer(k.Customer)), "control character")
			for _, customer := range []string{k.Customer, k.Customer + "~abcdefghijk2"} {
				require.NotEqual(t, http.StatusOK, h.hear(t, org, outbound{id: "w1", customer: customer, text: "hello"}))
			}
			// Not by a conversation id either, should one be stored with such a record.
			hinted := r
			hinted.Revision, hinted.ConversationID = 2, "conversation"
			require.NoError(t, store.Put(t.Context(), hinted, 1))
			require.Error(t, h.desk.Recheck(t.Context(), "conversation"))
			require.Equal(t, map[handover.Key]handover.Record{k: hinted}, store.records(t))
		}
	})
}
