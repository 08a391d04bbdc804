package scenario_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestHandOverRemovesAReturnThatFails checks that an agent session takes over the messages of a
// failing Return, so that the host gets one Return, at the end of that session.
func TestHandOverRemovesAReturnThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ann, h := hosted(t)
		h.returning(func(context.Context, handover.Return) error { return errors.New("bot is down") })
		first := h.connected(t, "c1", ann)
		first.End()
		pass(5 * time.Minute)
		h.says(t, "c1", "m1", "hello?", handover.TurnAgent)
		two := h.handOver(t, "c1", "r2").ID
		chat := ann.Wait(t).Accept()
		chat.Say("Hello!")
		said := time.Now()
		genesystest.Until(t, func() bool { return len(h.lines()) == 1 })
		require.LessOrEqual(t, time.Since(said), 100*time.Second)
		genesystest.Until(t, func() bool { return slices.Contains(chat.Texts(), "hello?") })
		pass(2 * time.Second)
		chat.End()
		pass(10 * time.Minute)
		h.returning(nil)
		h.until(t, 2)
		require.Equal(t, []string{"agent: Hello!", "back: agent []"}, h.lines())
		require.Equal(t, two, h.returned()[0].Session.ID)
	})
}
