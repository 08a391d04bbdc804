package scenario_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// TestSharedClientRetries checks that requests through Manager.Client are retried and share the
// Manager's token. The Manager's own requests are sent once, because the engine repeats them.
func TestSharedClientRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org, ann := staffed(t)
		h := buildHost(t, org)
		h.serve(org)
		ctx, stop := context.WithCancel(t.Context())
		done := h.run(ctx)
		h.connected(t, "c1", ann)
		pass(time.Minute)
		client, err := h.desk.Client(t.Context(), "")
		require.NoError(t, err)
		reads := len(requests(org, "routing.queues.list"))
		org.Inject(genesystest.Fault{Op: "routing.queues.list", Status: http.StatusServiceUnavailable, Times: 2})
		_, err = client.Routing.QueueNamed(t.Context(), "Support", "")
		require.NoError(t, err)
		require.Equal(t, reads+3, len(requests(org, "routing.queues.list"))) //nolint:testifylint // a request is long
		require.Len(t, requests(org, "oauth.token"), 1)

		org.Inject(genesystest.Fault{Op: "routing.queues.list", Status: http.StatusServiceUnavailable, Times: -1})
		reads = len(requests(org, "routing.queues.list"))
		pass(time.Hour) // the cache of queues has expired
		stop()
		<-done // otherwise the lane to Genesys looks the queue up, too
		began := time.Now()
		h.handOver(t, "c2", "r2")
		require.Equal(t, began, time.Now())
		require.Equal(t, reads+1, len(requests(org, "routing.queues.list"))) //nolint:testifylint // a request is long
	})
}
