package scenario_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
	"github.com/genesyshandover/genesyshandover/handover"
)

const viewMessages = "conversation:message:view"

// An endpoint is the webhook endpoint of the host. While it is shut, connections are cut, and
// webhooks are lost after their retries.
type endpoint struct {
	http.Handler

	shut atomic.Bool
}

func (d *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d.shut.Load() {
		panic(http.ErrAbortHandler)
	}
	d.Handler.ServeHTTP(w, r)
}

// behind returns a host with a webhook endpoint that can be unavailable.
func behind(t *testing.T, org *genesystest.Org) (*host, *endpoint) {
	t.Helper()
	h := buildHost(t, org)
	d := &endpoint{Handler: h.handler()}
	org.DeliverTo(d, "/genesys")
	h.run(t.Context())
	return h, d
}

// during lets an agent write a line every 30 s for ten minutes. The endpoint is unavailable
// from one line to another.
func during(d *endpoint, desk *genesystest.Desk, from, to int) (wrote []string) {
	for i := range 20 {
		if i == from {
			d.shut.Store(true)
		}
		if i == to {
			d.shut.Store(false)
		}
		text := fmt.Sprintf("line %d", i)
		desk.Say(text)
		wrote = append(wrote, "agent: "+text)
		pass(30 * time.Second)
	}
	d.shut.Store(false)
	return wrote
}

func TestGapIsRepaired(t *testing.T) {
	t.Parallel()
	granted := append(genesystest.GuidePermissions(), viewMessages)
	for name, outage := range map[string]struct{ from, to int }{
		"in the middle":        {from: 3, to: 15},
		"from the first line":  {from: 0, to: 17},
		"to the last line":     {from: 5, to: 20},
		"the whole time":       {from: 0, to: 20},
		"twice as long as two": {from: 7, to: 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t, genesystest.WithPermissions(granted...))
				h, d := behind(t, org)
				h.handOver(t, "c1", "h1")
				desk := ann.Wait(t).Accept()
				pass(5 * time.Second)
				wrote := during(d, desk, outage.from, outage.to)
				pass(5 * time.Minute)
				require.Equal(t, wrote, h.lines(), "late, in order, and once")
				for _, x := range h.delivered() {
					require.False(t, x.OutOfOrder, x.Message.Text)
					require.False(t, x.Late, x.Message.Text)
				}
				require.Empty(t, h.noticed(handover.NoticeGap))
				desk.End()
				h.until(t, 21)
				require.Equal(t, "back: agent []", h.lines()[20])
			})
		})
	}
}

func TestGapThatMayNotBeFetchedIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.AllowErrors())
		h, d := behind(t, org)
		h.handOver(t, "c1", "h1")
		desk := ann.Wait(t).Accept()
		pass(5 * time.Second)
		wrote := during(d, desk, 4, 14)
		pass(5 * time.Minute)
		notices := h.noticed(handover.NoticeGap)
		require.Len(t, notices, 1)
		require.Regexp(t, "^[1-9] messages of the agents did not arrive", notices[0].Detail)
		require.Contains(t, notices[0].Permission, viewMessages)
		require.Contains(t, notices[0].Detail, "missing permission")
		lost := len(wrote) - len(h.lines())
		require.GreaterOrEqual(t, lost, 8)
		story, err := h.desk.Explain(t.Context(), handover.Customer("c1"))
		require.NoError(t, err)
		require.Contains(t, story, fmt.Sprintf("%d messages of the agents did not arrive", lost), "each line arrived or is counted")
		bulk := len(requests(org, "conversations.messages.bulk"))
		require.LessOrEqual(t, bulk, 3, "a refusal is believed for a while")
	})
}

// TestOtherIDsInAReadAreNoGap checks that nothing is fetched, delivered twice or reported if a
// read lists other ids than the webhooks. Genesys does not document that they are the same.
func TestOtherIDsInAReadAreNoGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithPermissions(append(genesystest.GuidePermissions(), viewMessages)...), genesystest.WithForeignMessageIDs())
		h, d := behind(t, org)
		h.handOver(t, "c1", "h1")
		desk := ann.Wait(t).Accept()
		pass(5 * time.Second)
		wrote := during(d, desk, 4, 14)
		pass(5 * time.Minute)
		require.Subset(t, wrote, h.lines())
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(h.lines()))), len(h.lines()), "nothing twice")
		require.Empty(t, requests(org, "conversations.messages.bulk"))
		require.Empty(t, h.noticed(handover.NoticeGap))
	})
}

func TestGapAtTheEnd(t *testing.T) {
	t.Parallel()
	granted := append(genesystest.GuidePermissions(), viewMessages)
	for name, tt := range map[string]struct {
		said bool // a webhook arrived before
		want []string
	}{
		"after a webhook, the missing message precedes the Return": {
			said: true, want: []string{"agent: hello", "agent: bye", "back: agent []"},
		},
		"without a webhook, the missing message is late": {want: []string{"back: agent []", "agent: bye (late)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				org, ann := staffed(t, genesystest.WithPermissions(granted...))
				h, d := behind(t, org)
				h.handOver(t, "c1", "h1")
				desk := ann.Wait(t).Accept()
				pass(5 * time.Second)
				if tt.said {
					desk.Say("hello")
					pass(5 * time.Second)
				}
				d.shut.Store(true)
				desk.Say("bye")
				desk.End()
				pass(10 * time.Minute)
				require.Equal(t, tt.want, h.lines())
				require.Empty(t, h.noticed(handover.NoticeGap))
			})
		})
	}
}

// TestFetchedMessagesProveAnAgent checks that fetched messages prove that an agent is there,
// even if no webhook arrives.
func TestFetchedMessagesProveAnAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithPermissions(append(genesystest.GuidePermissions(), viewMessages)...))
		h, d := behind(t, org)
		d.shut.Store(true)
		h.handOver(t, "c1", "h1")
		desk := ann.Wait(t).Accept()
		desk.Say("hello")
		pass(5 * time.Minute)
		require.Equal(t, []string{"agent: hello"}, h.lines())
		require.Contains(t, h.kinds(), string(handover.NoticeAgentJoined))
	})
}

// TestFetchedMessagesPrecedeTheReturn checks that messages fetched together with a disconnect
// precede the Return and are not fetched again.
func TestFetchedMessagesPrecedeTheReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t, genesystest.WithPermissions(append(genesystest.GuidePermissions(), viewMessages)...))
		h, d := behind(t, org)
		h.handOver(t, "c1", "h1")
		desk := ann.Wait(t).Accept()
		pass(5 * time.Second)
		desk.Say("hello")
		pass(40 * time.Second)
		d.shut.Store(true)
		desk.Say("bye")
		pass(15 * time.Second)
		before := len(requests(org, "conversations.messages.bulk"))
		require.NoError(t, h.desk.End(t.Context(), handover.Key{Customer: "c1"}, handover.EndByCustomer))
		pass(5 * time.Minute)
		require.Equal(t, []string{"agent: hello", "agent: bye", "back: customer []"}, h.lines())
		require.LessOrEqual(t, len(requests(org, "conversations.messages.bulk"))-before, 1)
	})
}
