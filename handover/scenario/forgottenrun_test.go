package scenario_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

const scolding = "Run is not running"

// TestMissingRunIsLogged checks that accepted work without Run is logged once, with the fix and
// without content.
func TestMissingRunIsLogged(t *testing.T) {
	t.Parallel()
	for name, accept := range map[string]func(*testing.T, *genesystest.Org, *host){
		"HandOver": func(t *testing.T, _ *genesystest.Org, h *host) { t.Helper(); h.handOver(t, "c1", "r1") },
		"Forward": func(t *testing.T, _ *genesystest.Org, h *host) {
			t.Helper()
			h.says(t, "known", "m1", "one", handover.TurnAgent)
		},
		"Receive": func(t *testing.T, org *genesystest.Org, h *host) {
			t.Helper()
			require.Equal(t, 200, h.receive(t, org, outbound{id: "w1", customer: "c1", text: "hello"}))
		},
		"End": func(t *testing.T, _ *genesystest.Org, h *host) { t.Helper(); h.end(t, "known", handover.EndByCustomer) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, tap := genesystest.New(t), &wiretap{}
				h := buildHost(t, org, logging(tap))
				h.handOver(t, "known", "r0")
				pass(5 * time.Second)
				require.Zero(t, tap.count(scolding), "the host may be about to call it, and no timer fires")
				pass(time.Minute)
				require.Zero(t, tap.count(scolding))
				accept(t, org, h)
				require.Equal(t, 1, tap.count(scolding))
				require.Equal(t, 1, tap.count("Call Manager.Run"))
				h.says(t, "known", "m2", "two", handover.TurnAgent)
				pass(time.Hour)
				h.handOver(t, "c2", "r2")
				require.Equal(t, 1, tap.count(scolding), "once")
				require.Zero(t, tap.count("known"))
			})
		})
	}
}

// TestLateRunIsNotLogged checks that a server that starts before Run is not warned, even if a
// customer writes before Run starts.
func TestLateRunIsNotLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, tap := genesystest.New(t), &wiretap{}
		ann := org.Agent("Ann", "Support")
		h := buildHost(t, org, logging(tap))
		h.serve(org)
		h.handOver(t, "c1", "r1")
		pass(4 * time.Second)
		h.says(t, "c1", "m1", "one", handover.TurnAgent)
		ctx, stop := context.WithCancel(t.Context())
		done := h.run(ctx)
		chat := ann.Wait(t).Accept()
		h.reaches(t, "c1", handover.StateConnected)
		h.says(t, "c1", "m2", "two", handover.TurnAgent)
		pass(time.Minute)
		stop()
		<-done
		h.says(t, "c1", "m3", "three", handover.TurnAgent) // another replica sends it
		pass(time.Minute)
		h.says(t, "c1", "m4", "four", handover.TurnAgent)
		require.Zero(t, tap.count(scolding), "it has run")
		require.Equal(t, []string{"summary r1", "one", "two"}, agentReads(chat.Conversation()))
	})
}

// TestNoWorkNeedsNoRun checks that calls that leave no work cause no warning.
func TestNoWorkNeedsNoRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, tap := genesystest.New(t), &wiretap{}
		h := buildHost(t, org, logging(tap))
		pass(time.Hour)
		h.says(t, "c1", "m1", "one", handover.TurnBot)
		require.Equal(t, handover.TurnBot, h.turn(t, "c1"))
		h.end(t, "c1", handover.EndByBot)
		require.NoError(t, h.desk.Forget(t.Context(), handover.Customer("c1")))
		require.Zero(t, tap.count(scolding))
	})
}
