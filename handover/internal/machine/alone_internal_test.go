package machine

import (
	"testing"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/stretchr/testify/require"
)

// A read shows the customer without an agent, an agent joins and leaves between two reads, and the
// second read begins two minutes after the first. The customer is without an agent since that agent
// left.
func TestAloneSinceTheLastAgent(t *testing.T) {
	t.Parallel()
	first, now := readAt(time.Second, genesys.PhaseUnknown, func(s *genesys.Standing) { s.AloneSince = noon().Std() })
	c, _ := Apply(handoverIn(StateConnected), first, now)
	left := noon().Add(2 * time.Minute)
	second, now := readAt(2*time.Minute+time.Second, genesys.PhaseUnknown, func(s *genesys.Standing) { s.AloneSince = left.Std() })
	c, _ = Apply(c, second, now)
	require.True(t, c.Open())
	require.False(t, c.PollAt.IsZero())

	third, now := readAt(4*time.Minute, genesys.PhaseUnknown, func(s *genesys.Standing) { s.AloneSince = left.Std() })
	c, _ = Apply(c, third, now)
	require.Equal(t, CodeLeftOpen, c.Ending.Code)
}

// No flow accepts the opening: it joined a conversation in which the customer is alone. The
// conversation is left open, so it is closed.
func TestConversationWithoutAFlowIsLeftOpen(t *testing.T) {
	t.Parallel()
	c := handoverIn(StateRequested)
	c.OpeningAcceptedAt = ago(time.Minute)
	c, _ = Apply(c, shows(genesys.PhaseNotRouted), noon())
	require.Equal(t, CodeFlowNotAttached, c.Ending.Code)
	require.Equal(t, LeftoverOpen, c.Leftover)
}
