package scenario_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

// TestGapIsReportedOncePerSession checks that, without the permission to fetch, one notice per
// session names the missing messages and the reason. It is sent 90 s after the listing, however
// long the outage lasts and whenever the session ends.
func TestGapIsReportedOncePerSession(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]int{"a long outage": 20, "only at the end": 1, "a few at the end": 3} {
		for _, proven := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, ids proven %t", name, proven), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					org, ann := staffed(t, genesystest.AllowErrors())
					h, d := behind(t, org)
					for _, request := range []string{"h1", "h2"} {
						h.handOver(t, "c1", request)
						desk := ann.Wait(t).Accept()
						pass(5 * time.Second)
						if proven {
							desk.Say("hello")
							pass(10 * time.Minute)
						}
						d.shut.Store(true)
						began := time.Now()
						first := desk.Say("line")
						for range lines - 1 {
							pass(25 * time.Second)
							desk.Say("line")
						}
						desk.End()
						pass(20 * time.Minute)
						d.shut.Store(false)
						s := h.session(t, "c1")
						var notices []handover.Notice
						for _, n := range h.noticed(handover.NoticeGap) {
							if n.Session.ID == s.ID {
								notices = append(notices, n)
							}
						}
						require.Len(t, notices, 1)
						require.Contains(t, notices[0].Detail, first)
						require.Contains(t, notices[0].Permission, viewMessages)
						after := notices[0].Time.Sub(began)
						require.GreaterOrEqual(t, after, 90*time.Second)
						require.LessOrEqual(t, after, 165*time.Second, "a poll later")
						pass(time.Hour)
					}
					require.Len(t, h.noticed(handover.NoticeGap), 2)
				})
			})
		}
	}
}

// TestEndWaitsForFetch checks that messages that reads list at the end are fetched before the
// Return, even if the first attempts fail. The end waits for 10 s at most; then they are Late.
func TestEndWaitsForFetch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fails int // attempts of fetch
		want  []string
	}{
		"fails twice":       {2, []string{"agent: hello", "agent: bye", "back: agent []"}},
		"fails for minutes": {8, []string{"agent: hello", "back: agent []", "agent: bye (late)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t, genesystest.WithPermissions(append(genesystest.GuidePermissions(), viewMessages)...))
				h, d := behind(t, org)
				org.Signal(h.desk.Recheck)
				h.handOver(t, "c1", "h1")
				desk := ann.Wait(t).Accept()
				pass(5 * time.Second)
				desk.Say("hello")
				pass(time.Minute)
				d.shut.Store(true)
				desk.Say("bye")
				org.Inject(genesystest.Fault{Op: "conversations.messages.bulk", Status: http.StatusServiceUnavailable, Times: test.fails})
				desk.End()
				ended := time.Now()
				pass(14 * time.Second)
				require.Contains(t, h.lines(), "back: agent []")
				if test.fails > 2 {
					at := h.returned()[0].Session.Ending.Time
					require.LessOrEqual(t, at.Sub(ended), 12*time.Second)
				}
				pass(30 * time.Minute)
				require.Equal(t, test.want, h.lines())
				require.Empty(t, h.noticed(handover.NoticeGap))
			})
		})
	}
}
