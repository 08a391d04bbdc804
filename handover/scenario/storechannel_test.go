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

// TestManagerOfOneChannelAsksForItsOwn checks that a Manager of one channel reads only records
// of that channel. It neither works on nor reports due records of another program, even if they
// have the same conversation id.
func TestManagerOfOneChannelAsksForItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, tap, store := genesystest.New(t, genesystest.AllowErrors()), &wiretap{}, newWatchedStore()
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org, func(c *handover.Config) { c.Store = store }, logging(tap))
		own := org.Channel().ID
		chat := h.connected(t, "c1", ann)
		other := handover.Record{
			Key: handover.Key{Channel: "other", Customer: "c1"}, Revision: 1, WakeAt: time.Now().UTC().Add(-time.Hour),
			ConversationID: h.session(t, "c1").ConversationID, Data: []byte("another program's"),
		}
		require.NoError(t, store.Put(t.Context(), other, 0))
		require.NoError(t, h.desk.Recheck(t.Context(), other.ConversationID))
		chat.Say("hello")
		require.Equal(t, http.StatusOK, h.receive(t, org, outbound{id: "w1", customer: "a changed id", conversation: other.ConversationID, text: "you there?"}))
		pass(time.Minute)
		require.Subset(t, h.lines(), []string{"agent: hello", "agent: you there?"})
		chat.End()
		h.until(t, 1)
		pass(time.Minute)
		require.Equal(t, []string{own}, store.channels())
		require.Equal(t, other, store.records(t)[other.Key])
		require.Zero(t, tap.count("set aside"))
	})
}

// TestManagerOfManyChannelsAsksForAll checks that Recheck and Run read the records of every
// channel, and a webhook those of its channel.
func TestManagerOfManyChannelsAsksForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, store := genesystest.New(t), newWatchedStore()
		h := buildHost(t, org, func(c *handover.Config) { c.Store = store }, asOneOfMany)
		require.NoError(t, h.desk.Recheck(t.Context(), "unknown"))
		require.Equal(t, []string{""}, store.channels())
		h.run(t.Context())
		pass(time.Minute)
		require.Equal(t, []string{""}, store.channels())
	})
}

// TestManagerOnASealedStore checks that records that a Seal cannot decrypt are reported once
// and not changed, and that others are processed.
func TestManagerOnASealedStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, tap, below := genesystest.New(t), &wiretap{}, newWatchedStore()
		ann := org.Agent("Ann", "Support")
		sealed, err := handover.Seal(below, handover.NewSecret("a secret for the records"))
		require.NoError(t, err)
		foreign := map[handover.Key]handover.Record{}
		for i := range 100 {
			k := handover.Key{Channel: org.Channel().ID, Customer: fmt.Sprint("foreign ", i)}
			foreign[k] = handover.Record{Key: k, Revision: 1, WakeAt: time.Now().UTC().Add(-time.Hour), Data: []byte(`{"format":1}`)}
			require.NoError(t, below.Put(t.Context(), foreign[k], 0))
		}
		h := newHost(t, org, func(c *handover.Config) { c.Store = sealed }, logging(tap))
		chat := h.connected(t, "c1", ann)
		chat.Say("hello")
		pass(5 * time.Minute)
		require.Equal(t, 100, tap.count("record set aside"), "each once")
		require.Contains(t, h.lines(), "agent: hello")
		chat.End()
		h.until(t, 1)
		for k, r := range below.records(t) {
			require.NotContains(t, string(r.Data), "hello")
			if was, ok := foreign[k]; ok {
				require.Equal(t, was, r)
			}
		}
	})
}
