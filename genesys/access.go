package genesys

import (
	"net/http"
	"net/url"
)

// HTTPClient is a copy of the HTTP client that requests go through: the one given to [WithHTTPClient], or this package's
// own with its proxy, dialer and timeout. It is for connections to Genesys that are no API calls, such as the WebSocket of
// package notifications: it adds no token, repeats nothing and tells no observer. The copy shares the transport, and with
// it the idle connections. Safe for concurrent use.
func (c *Client) HTTPClient() *http.Client {
	hc := *c.core.direct
	return &hc
}

// Endpoint is the base URL of the API, "https://api.mypurecloud.ie": the region's, or the one given to [WithEndpoints].
// The caller may change what it gets. Safe for concurrent use.
func (c *Client) Endpoint() *url.URL {
	u := *c.core.api
	return &u
}
