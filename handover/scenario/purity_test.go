package scenario_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestRetriedTransactionKeepsTheSender checks a transaction that reruns. The first run of a
// HandOver joins a planned session. The record is removed before it is stored, so the second run
// begins another session. That session is opened with its own customer id, not with that of the
// planned one.
func TestRetriedTransactionKeepsTheSender(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		store := newHookedStore()
		h := newHost(t, org, func(c *handover.Config) {
			c.Store, c.Channel.Identity = store, handover.IdentitySession
		})
		h.connected(t, "c1", ann)
		org.Inject(genesystest.Fault{Op: "conversations.disconnectCommunication", Times: -1})
		h.end(t, "c1", handover.EndByBot)
		key := handover.Key{Channel: "genesys", Customer: "c1"}
		_, err := h.desk.Open(t.Context(), key, handover.Request{ID: "o1", Summary: "opened"})
		require.NoError(t, err)
		store.before(func() error {
			store.before(nil)
			r, err := store.Get(t.Context(), key)
			require.NoError(t, err)
			require.NoError(t, store.Delete(t.Context(), key, r.Revision))
			return handover.ErrConflict
		})
		s := h.handOver(t, "c1", "r2")
		genesystest.Until(t, func() bool { return len(postsOf(t, org, "summary r2")) > 0 })
		require.Equal(t, "c1~"+s.ID, postsOf(t, org, "summary r2")[0].Channel.From.ID)
	})
}
