package scenario_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestQueuedNoticeHasTheWait checks that NoticeQueued has the wait time if Genesys knows it,
// and that a slow answer does not delay the session.
func TestQueuedNoticeHasTheWait(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault *genesystest.Fault
		known bool
		want  *time.Duration
	}{
		"known":     {known: true, want: new(4 * time.Minute)},
		"unknown":   {},
		"forbidden": {known: true, fault: &genesystest.Fault{Op: "routing.estimatedWait", Status: http.StatusForbidden, Times: -1}},
		"slow":      {known: true, fault: &genesystest.Fault{Op: "routing.estimatedWait", Delay: time.Minute, Times: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org := genesystest.New(t, genesystest.AllowErrors())
				if test.known {
					org.Queue("Support").SetEstimatedWait(4 * time.Minute)
				}
				if test.fault != nil {
					org.Inject(*test.fault)
				}
				h := newHost(t, org)
				h.handOver(t, "c1", "h1")
				h.reaches(t, "c1", handover.StateQueued)
				began := time.Now()
				genesystest.Until(t, func() bool { return len(h.noticed(handover.NoticeQueued)) == 1 })
				require.Equal(t, test.want, h.noticed(handover.NoticeQueued)[0].Wait)
				require.LessOrEqual(t, time.Since(began), 2*time.Second)
			})
		})
	}
}
