package scenario_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestReturnDownWhileTheNextHandoverRuns: a hand-back that fails does not hold up the agent of the next handover, and keeps
// its place before the next hand-back.
func TestReturnDownWhileTheNextHandoverRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t)
		ann := org.Agent("Ann", "Support")
		h := newHost(t, org)
		h.returning(func(context.Context, handover.Return) error { return errors.New("bot is down") })
		first := h.connected(t, "c1", ann)
		one := h.session(t, "c1").ID
		first.End()
		pass(5 * time.Minute)
		two := h.handOver(t, "c1", "r2").ID
		chat := ann.Wait(t).Accept()
		chat.Say("Hello!")
		said := time.Now()
		genesystest.Until(t, func() bool { return len(h.lines()) == 1 })
		require.LessOrEqual(t, time.Since(said), 100*time.Second)
		chat.End()
		pass(10 * time.Minute)
		h.returning(nil)
		h.until(t, 3)
		require.Equal(t, []string{"agent: Hello!", "back: agent []", "back: agent []"}, h.lines())
		require.Equal(t, one, h.returned()[0].Session.ID)
		require.Equal(t, two, h.returned()[1].Session.ID)
	})
}
