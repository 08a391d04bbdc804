package scenario_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestIdentitySessionHasAnIDPerSession checks that every session has another from.id and
// another conversation in Genesys, and that callbacks get the host's customer id.
func TestIdentitySessionHasAnIDPerSession(t *testing.T) {
	t.Parallel()
	for _, customer := range []string{"c1", "with~tilde", "looks~abcdefghij23"} {
		t.Run(customer, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, ann, h := hosted(t, func(c *handover.Config) { c.Channel.Identity = handover.IdentitySession })
				first := h.connected(t, customer, ann)
				first.Say("one")
				h.until(t, 1)
				one := h.session(t, customer)
				first.End()
				h.until(t, 2)
				h.handOver(t, customer, "r2")
				second := ann.Wait(t).Accept()
				h.reaches(t, customer, handover.StateConnected)
				two := h.session(t, customer)
				second.Say("two")
				h.until(t, 3)
				id := second.Say("three")
				h.until(t, 4)
				require.Equal(t, "Delivered", second.Status(id), "the receipt goes to the person of this handover")

				require.Equal(t, []string{"agent: one", "back: agent []", "agent: two", "agent: three"}, h.lines())
				require.NotEqual(t, first.Conversation().ID(), second.Conversation().ID())
				require.False(t, two.Resumed)
				require.Equal(t, customer+"~"+one.ID, first.Conversation().CustomerID())
				require.Equal(t, customer+"~"+two.ID, second.Conversation().CustomerID())
				require.Regexp(t, `^[a-z2-7]{12}$`, two.ID)
				for _, d := range h.delivered() {
					require.Equal(t, customer, d.Session.Key.Customer)
				}
			})
		})
	}
}

// TestIdentitySessionLateMessages checks that late messages to the first id belong to the first
// session.
func TestIdentitySessionLateMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, _, h, chat := talking(t, func(c *handover.Config) { c.Channel.Identity = handover.IdentitySession })
		org.InjectWebhook(genesystest.WebhookFault{Delay: time.Minute})
		chat.Say("forgotten")
		chat.End()
		genesystest.Until(t, func() bool { return len(h.returned()) == 1 })
		h.handOver(t, "c1", "r2")
		h.until(t, 2)
		require.Equal(t, []string{"back: agent []", "agent: forgotten (late)"}, h.lines())
		require.Equal(t, h.returned()[0].Session.ID, h.delivered()[0].Session.ID)
	})
}
