package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// putReserved stores records with reserved keys, all due.
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

// asOneOfMany builds a Manager of many channels, which reads the records of every channel.
func asOneOfMany(c *handover.Config) {
	one := c.Channel
	c.Channel, c.Channels = handover.Channel{}, func(context.Context, string) (handover.Channel, error) { return one, nil }
}

// TestReservedRecordsAreLeftAlone checks that Run neither reads, removes nor reports due
// records with reserved keys, does not spin on them, and works on the records behind them.
func TestReservedRecordsAreLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, tap, store := genesystest.New(t), &wiretap{}, newWatchedStore()
		ann := org.Agent("Ann", "Support")
		front := buildHost(t, org, keeping(store, 10*time.Minute), asOneOfMany)
		worker := buildHost(t, org, keeping(store, 10*time.Minute), logging(tap), asOneOfMany)
		all := putReserved(t, store, 200)
		require.Equal(t, 200, store.since("put"))
		worker.serve(org)
		worker.run(t.Context())
		pass(15 * time.Minute)
		require.Zero(t, store.since("get")+store.since("put")+store.since("delete"))
		require.LessOrEqual(t, len(store.limits), 4*(900+1), "it does not spin: each second the four pages of 200 records")
		require.Equal(t, 64, store.widest())

		began := time.Now()
		front.handOver(t, "c1", "r1") // only the worker's Run finds it
		chat := ann.Wait(t).Accept()
		require.Less(t, time.Since(began), 5*time.Second)
		chat.End()
		worker.until(t, 1)
		pass(15 * time.Minute) // longer than the retention
		require.Equal(t, all, store.records(t))
		require.Zero(t, tap.count("set aside"))
		for s, err := range worker.desk.Sessions(t.Context(), "") {
			require.NoError(t, err)
			require.Empty(t, s)
		}
	})
}

// TestReservedKeysCannotBeUsed checks that neither a host nor a signed webhook can use a
// reserved key. The webhook is answered 200, because a retry would not help.
func TestReservedKeysCannotBeUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t, genesystest.AllowErrors()), newWatchedStore()
		h := newHost(t, org, func(c *handover.Config) { c.Store = store }, asOneOfMany)
		all := putReserved(t, store, 1)
		for k, r := range all {
			_, err := h.desk.Forward(t.Context(), k, handover.Text("m1", "one"))
			require.Error(t, err)
			require.ErrorContains(t, h.desk.Forget(t.Context(), handover.Customer(k.Customer)), "control character")
			for _, customer := range []string{k.Customer, k.Customer + "~abcdefghijk2"} {
				require.Equal(t, http.StatusOK, h.receive(t, org, outbound{id: "w1", customer: customer, text: "hello"}))
			}
			// A conversation id stored with such a record does not lead to it either.
			hinted := r
			hinted.Revision, hinted.ConversationID = 2, "conversation"
			require.NoError(t, store.Put(t.Context(), hinted, 1))
			require.Error(t, h.desk.Recheck(t.Context(), "conversation"))
			require.Equal(t, http.StatusOK, h.receive(t, org, outbound{id: "w2", customer: k.Customer, conversation: "conversation", text: "hello"}))
			require.Empty(t, h.lines())
			require.Equal(t, map[handover.Key]handover.Record{k: hinted}, store.records(t))
		}
	})
}

// TestRefusedMessageIsReported checks that a message that cannot be stored is answered 503, so that
// Genesys repeats it, until a Failed receipt or a notice reports it.
func TestRefusedMessageIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		h := newHost(t, org)
		fails := func(context.Context, handover.Notice) error { return errors.New("down") }
		word := outbound{id: "w1", customer: "a\x00b", text: "hello"}
		org.Inject(genesystest.Fault{Op: "openmessaging.receipt", Status: http.StatusInternalServerError, Times: -1})
		h.notifying(fails)
		require.Equal(t, http.StatusServiceUnavailable, h.receive(t, org, word))
		h.notifying(nil)
		require.Equal(t, http.StatusOK, h.receive(t, org, word), "the notice reports it")
		org.ClearFaults()
		h.notifying(fails)
		require.Equal(t, http.StatusOK, h.receive(t, org, word), "the receipt reports it")
	})
}
