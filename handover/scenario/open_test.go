package scenario_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
)

// TestOpenDoesNotChangeAReturn checks that an Open while a Return waits does not change the
// Return, and that none of its messages go to the bot queue.
func TestOpenDoesNotChangeAReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := signalled(t)
		pass(time.Minute)
		chat.End()
		h.reaches(t, "c1", handover.StateEnded)
		h.says(t, "c1", "m1", "for the bot", handover.TurnAgent)
		h.open(t, "o1")
		h.until(t, 1)
		require.Equal(t, []string{"back: agent [for the bot]"}, h.lines())
		require.Empty(t, postsOf(t, org, "for the bot"))
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
	})
}
