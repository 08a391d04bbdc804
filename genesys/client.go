package genesys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
	"github.com/genesyshandover/genesyshandover/region"
)

// A Client calls the API as one OAuth client of one organisation. It is immutable and safe for
// concurrent use. Share it: the token, the rate limit (by default 300 requests a minute for each
// token, see [Call.RateLimit]) and the idle connections belong to it.
type Client struct {
	OpenMessaging *OpenMessagingService // posts what the customer writes
	Integrations  *IntegrationsService  // Open Messaging integrations
	Conversations *ConversationsService // reading, transferring and ending conversations
	Routing       *RoutingService       // queues, their members and waiting times

	core *core
}

// core is what the services share.
type core struct {
	region     region.Region
	api, login *url.URL
	http       *httpx.Client // with retries, for the API and the token
	direct     *http.Client  // the caller's, for downloads
	own        bool          // the transport of direct is ours
	tokens     *tokens
	log        *slog.Logger
	agent      string
	observers  []func(context.Context, Call)
	now        func() time.Time // for Call.Sent and Call.Received
}

// New returns a client. It starts nothing, sends nothing and reads no environment variables, so a
// wrong secret shows only at the first call.
//
// Errors: an invalid region, missing credentials and invalid options, all reported at once.
func New(r region.Region, auth Auth, opts ...Option) (*Client, error) {
	o := options{retry: defaultRetry(), log: slog.New(slog.DiscardHandler), now: time.Now}
	var errs []error
	if !r.Valid() {
		errs = append(errs, fmt.Errorf("genesys: New: region %q is not known: use region.Parse, or region.Custom for a new one", string(r)))
	}
	if err := checkAuth(auth); err != nil {
		errs = append(errs, err)
	}
	for _, opt := range opts {
		if opt == nil {
			errs = append(errs, errors.New("genesys: New: an option is nil"))
			continue
		}
		if err := opt(&o); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c, err := newCore(r, auth, o)
	if err != nil {
		return nil, err
	}
	return newClient(c), nil
}

func newClient(c *core) *Client {
	return &Client{
		OpenMessaging: &OpenMessagingService{c},
		Integrations:  &IntegrationsService{c},
		Conversations: &ConversationsService{c},
		Routing:       &RoutingService{c},
		core:          c,
	}
}

// WithRetry returns a client with another retry policy that shares everything else with c: token,
// rate limit, observers and connections. The zero policy sends once. The error is that of the
// option [WithRetry].
//
// A program that schedules its retries itself can use both: one client that never waits for its
// scheduled work, and c for the rest.
func (c *Client) WithRetry(p RetryPolicy) (*Client, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	other := *c.core
	other.http = httpx.New(other.direct, httpx.Policy(p))
	return newClient(&other), nil
}

func checkAuth(auth Auth) error {
	switch a := auth.(type) {
	case nil:
		return errors.New("genesys: New: no credentials: pass ClientCredentials(id, secret) or TokenSource(ts)")
	case clientCredentials:
		if a.id == "" || a.secret == "" {
			return errors.New("genesys: New: ClientCredentials needs both the id and the secret of the OAuth client")
		}
	case tokenSource:
		if a.ts == nil {
			return errors.New("genesys: New: TokenSource was given nil")
		}
	}
	return nil
}

func newCore(r region.Region, auth Auth, o options) (*core, error) {
	c := &core{region: r, log: o.log, agent: userAgent(o.agent), observers: o.observers, direct: o.http, now: o.now}
	switch {
	case c.direct == nil:
		c.direct, c.own = httpx.NewHTTPClient(), true
	case c.direct.Transport == nil:
		withOurs := *c.direct
		withOurs.Transport = httpx.NewTransport()
		c.direct, c.own = &withOurs, true
	}
	c.http = httpx.New(c.direct, httpx.Policy(o.retry))
	var err error
	if c.api, err = endpoint(o.api, r.API()); err != nil {
		return nil, err
	}
	if c.login, err = endpoint(o.login, r.Login()); err != nil {
		return nil, err
	}
	c.tokens = &tokens{auth: auth}
	return c, nil
}

// endpoint parses the URL that the caller gave, or ours if there is none.
func endpoint(given, ours string) (*url.URL, error) {
	if given == "" {
		given = ours
	}
	u, err := parseEndpoint(given)
	if err != nil {
		return nil, fmt.Errorf("genesys: New: %w", err)
	}
	return u, nil
}

// Region returns the region that was passed to [New].
func (c *Client) Region() region.Region { return c.core.region }

// HTTPClient returns a copy of the HTTP client that sends the requests: that of [WithHTTPClient],
// or this package's, with its proxy, dialer and timeout. It is for connections to Genesys that are
// not API calls, such as the WebSocket of package notifications: it adds no token, retries nothing
// and calls no observer. The copy shares the transport and the idle connections. It is safe for
// concurrent use.
func (c *Client) HTTPClient() *http.Client {
	hc := *c.core.direct
	return &hc
}

// Endpoint returns the base URL of the API, "https://api.mypurecloud.ie": the region's, or that of
// [WithEndpoints]. The caller may change the result. It is safe for concurrent use.
func (c *Client) Endpoint() *url.URL {
	u := *c.core.api
	return &u
}
