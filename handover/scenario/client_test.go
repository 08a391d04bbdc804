package scenario_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys/genesystest"
)

// TestHostClientRetriesWithTheSharedToken checks that the client of a host retries and shares
// the token of the engine's client, which does not retry.
func TestHostClientRetriesWithTheSharedToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		org := genesystest.New(t, genesystest.AllowErrors())
		org.Agent("Ann", "Support")
		h := buildHost(t, org)
		org.Inject(genesystest.Fault{Op: opWait, Status: http.StatusServiceUnavailable, Times: 2})
		require.Equal(t, "1 ?", h.available(t, ""))
		require.Len(t, requests(org, opWait), 1)
		c, err := h.desk.Client(t.Context(), "")
		require.NoError(t, err)
		_, known, err := c.Routing.EstimatedWait(t.Context(), org.Queue("Support").ID())
		require.NoError(t, err)
		require.True(t, known)
		require.Len(t, requests(org, opWait), 3)
		require.Len(t, requests(org, "oauth.token"), 1)
	})
}
