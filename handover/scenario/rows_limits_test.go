package scenario_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestLongRetryAfterIsProbed checks a 429 that requests a wait of hours: after two minutes one
// request tests it. If Genesys repeats the 429, the session fails at the age limit of its message.
func TestLongRetryAfterIsProbed(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"an hour": time.Hour, "a day": 24 * time.Hour, "30 years": 1e9 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, _, h, chat := talking(t)
				pass(time.Minute)
				limit := genesystest.Fault{Op: "openmessaging.send", Status: http.StatusTooManyRequests, RetryAfter: wait}
				org.Inject(limit)
				asked := time.Now()
				h.says(t, "c1", "m1", "one", handover.TurnAgent)
				genesystest.Until(t, func() bool { return slices.Contains(chat.Texts(), "one") })
				require.LessOrEqual(t, time.Since(asked), 2*time.Minute+5*time.Second)
				chat.Say("yes")
				pass(time.Minute)

				limit.Times = -1
				org.Inject(limit)
				asked = time.Now()
				h.says(t, "c1", "m2", "two", handover.TurnAgent)
				h.reaches(t, "c1", handover.StateEnded)
				require.InDelta(t, 15*time.Minute, time.Since(asked), float64(2*time.Minute+10*time.Second))
				require.Equal(t, handover.EndFailed, h.session(t, "c1").Ending.Reason)
				h.until(t, 2)
				require.Equal(t, []string{"agent: yes", "back: failed [two]"}, h.lines())
			})
		})
	}
}
