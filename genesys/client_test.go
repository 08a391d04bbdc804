package genesys_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/region"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := genesys.ClientCredentials("id", "secret")
	tests := map[string]struct {
		region region.Region
		auth   genesys.Auth
		opts   []genesys.Option
		want   []string
	}{
		"everything at once": {
			"", nil,
			[]genesys.Option{nil, genesys.WithHTTPClient(nil)},
			[]string{"region", "no credentials", "an option is nil", "WithHTTPClient: the client is nil"},
		},
		"no token source":         {region.EUWest1, genesys.TokenSource(nil), nil, []string{"TokenSource was given nil"}},
		"no secret":               {region.EUWest1, genesys.ClientCredentials("id", ""), nil, []string{"both the id and the secret"}},
		"unknown region":          {"eu-west-9", good, nil, []string{`"eu-west-9" is not known`, "region.Parse"}},
		"endpoint without host":   {region.EUWest1, good, []genesys.Option{genesys.WithEndpoints("api.test", "")}, []string{"scheme and host"}},
		"endpoint with a query":   {region.EUWest1, good, []genesys.Option{genesys.WithEndpoints("", "https://login.test?x=1")}, []string{"no user, query or fragment"}},
		"endpoint with a user":    {region.EUWest1, good, []genesys.Option{genesys.WithEndpoints("https://me:pw@api.test", "")}, []string{"no user"}},
		"endpoint of an odd kind": {region.EUWest1, good, []genesys.Option{genesys.WithEndpoints("ftp://api.test", "")}, []string{"scheme and host"}},
		"too many repeats":        {region.EUWest1, good, []genesys.Option{genesys.WithRetry(genesys.RetryPolicy{Max: 11})}, []string{"must be 0 to 10"}},
		"waits the wrong way":     {region.EUWest1, good, []genesys.Option{genesys.WithRetry(genesys.RetryPolicy{MinWait: 2, MaxWait: 1})}, []string{"MinWait ≤ MaxWait"}},
		"no logger":               {region.EUWest1, good, []genesys.Option{genesys.WithLogger(nil)}, []string{"WithLogger"}},
		"no clock":                {region.EUWest1, good, []genesys.Option{genesys.WithClock(nil)}, []string{"WithClock"}},
		"no observer":             {region.EUWest1, good, []genesys.Option{genesys.WithObserver(nil)}, []string{"WithObserver"}},
		"user agent with a break": {region.EUWest1, good, []genesys.Option{genesys.WithUserAgent("a\r\nX: y")}, []string{"printable ASCII"}},
		"empty user agent":        {region.EUWest1, good, []genesys.Option{genesys.WithUserAgent("")}, []string{"printable ASCII"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := genesys.New(tt.region, tt.auth, tt.opts...)
			require.Nil(t, c)
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "me:pw")
		})
	}
}

func TestEndpointsAndUserAgent(t *testing.T) {
	t.Parallel()
	w := &wire{handle: empty}
	var login string
	w.token = func(rw http.ResponseWriter, r *http.Request) {
		login = r.URL.String()
		grant(rw, "t", 60)
	}
	c := w.client(t, genesys.WithEndpoints("http://proxy.test:8080/genesys/", "http://proxy.test:8080/login"), genesys.WithUserAgent("acme-bots/7"))
	require.NoError(t, read(t.Context(), c))
	require.Equal(t, "http://proxy.test:8080/login/oauth/token", login)
	r := w.all()[0]
	require.Equal(t, "proxy.test:8080", r.Host)
	require.Equal(t, "/genesys/api/v2/conversations/messages/"+conversation, r.Path)
	agent := r.Header.Get("User-Agent")
	require.True(t, strings.HasPrefix(agent, "acme-bots/7 genesyshandover-go/"), agent)
	require.Contains(t, agent, "(go1.")
	require.Equal(t, region.EUWest1, c.Region())
}

// The caller's client is used as it is, but for redirects, and is not changed.
func TestCallersClientIsNotChanged(t *testing.T) {
	t.Parallel()
	w := &wire{handle: empty}
	mine := &http.Client{Transport: w, Timeout: time.Minute}
	c, err := genesys.New(region.EUWest1, genesys.ClientCredentials("id", "secret"), genesys.WithHTTPClient(mine))
	require.NoError(t, err)
	require.NoError(t, read(t.Context(), c))
	require.Equal(t, 1, w.tokens(), "the token too goes through it")
	require.Same(t, w, mine.Transport)
	require.Nil(t, mine.CheckRedirect)
	require.Equal(t, time.Minute, mine.Timeout)
}

func TestDefaultsNeedNothing(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]genesys.Option{nil, {genesys.WithHTTPClient(&http.Client{})}} {
		c, err := genesys.New(region.USEast1, genesys.ClientCredentials("id", "secret"), opts...)
		require.NoError(t, err)
		require.NotNil(t, c.OpenMessaging)
		require.NotNil(t, c.Integrations)
		require.NotNil(t, c.Conversations)
		require.NotNil(t, c.Routing)
	}
}

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
