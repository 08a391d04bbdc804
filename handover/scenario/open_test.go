package scenario_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestOpenDoesNotChangeAReturn checks that an Open while a Return waits does not change the
// Return, and that none of its messages go to the bot queue.
func TestOpenDoesNotChangeAReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org)
		org.Signal(h.desk.Recheck)
		chat := h.connected(t, "c1", ann)
		pass(time.Minute)
		chat.End()
		h.reaches(t, "c1", handover.StateEnded)
		h.says(t, "c1", "m1", "for the bot", handover.TurnAgent)
		_, err := h.desk.Open(t.Context(), handover.Customer("c1"), handover.Request{ID: "o1", Summary: "opened"})
		require.NoError(t, err)
		h.until(t, 1)
		require.Equal(t, []string{"back: agent [for the bot]"}, h.lines())
		require.Empty(t, postsOf(t, org, "for the bot"))
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}
