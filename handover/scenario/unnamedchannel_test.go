package scenario_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
)

// TestChannelWithoutAnIDUsesTheIntegrations checks that it uses the integration's id in keys,
// in the store and in webhooks.
func TestChannelWithoutAnIDUsesTheIntegrations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		store := handover.NewMemoryStore()
		h := newHost(t, org, func(c *handover.Config) { c.Channel.ID, c.Store = "", store })
		chat := h.connected(t, "c1", ann)
		chat.Say("Hello!")
		h.until(t, 1)
		integration := org.Channel().IntegrationID
		key := handover.Key{Channel: integration, Customer: "c1"}
		require.Equal(t, key, h.session(t, "c1").Key)
		require.Equal(t, key, h.delivered()[0].Session.Key)
		_, err := store.Get(t.Context(), key)
		require.NoError(t, err)
		_, err = store.Get(t.Context(), handover.Customer("c1"))
		require.ErrorIs(t, err, handover.ErrNotFound)
		turn, err := h.desk.Turn(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, handover.TurnAgent, turn)
		_, err = h.desk.Turn(t.Context(), handover.Key{Channel: "genesys", Customer: "c1"})
		require.ErrorIs(t, err, handover.ErrNoChannel)
	})
}
