package genesys_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/region"
)

func TestHTTPClient(t *testing.T) {
	t.Parallel()
	given := &http.Client{Transport: &wire{}, Timeout: time.Second}
	c, err := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"), genesys.WithHTTPClient(given))
	require.NoError(t, err)
	hc := c.HTTPClient()
	require.Same(t, given.Transport, hc.Transport)
	require.Equal(t, time.Second, hc.Timeout)
	hc.Timeout, hc.Transport = 0, nil
	require.Equal(t, time.Second, c.HTTPClient().Timeout, "it was a copy")

	c, err = genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"))
	require.NoError(t, err)
	require.NotNil(t, c.HTTPClient().Transport, "not http.DefaultTransport")
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"": "https://api.mypurecloud.ie", "http://localhost:1/x/": "http://localhost:1/x"} {
		c, err := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"), genesys.WithEndpoints(given, ""))
		require.NoError(t, err)
		u := c.Endpoint()
		require.Equal(t, want, u.String())
		u.Host = "elsewhere"
		require.Equal(t, want, c.Endpoint().String(), "it was a copy")
	}
}
