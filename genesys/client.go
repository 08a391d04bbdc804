package genesys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/genesyshandover/genesyshandover/internal/httpx"
	"github.com/genesyshandover/genesyshandover/region"
)

// A Client speaks for one OAuth client of one organisation. It is immutable and safe for concurrent use.
// Share it: the token, the rate limit (300 requests a minute and token by default, see [Call.RateLimit]) and idle
// connections belong to it.
type Client struct {
	OpenMessaging *OpenMessagingService // what the customer writes, into Genesys
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
	direct     *http.Client  // what the caller gave, for downloads
	own        bool          // its transport is ours
	tokens     *tokens
	log        *slog.Logger
	agent      string
	observers  []func(context.Context, Call)
}

// New makes a client. It starts nothing, sends nothing and reads no environment; a wrong secret shows at the first call.
//
// An invalid region, missing credentials and a bad option are errors here, all of them at once.
func New(r region.Region, auth Auth, opts ...Option) (*Client, error) {
	o := options{retry: defaultRetry(), log: slog.New(slog.DiscardHandler)}
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
	return &Client{
		OpenMessaging: &OpenMessagingService{c},
		Integrations:  &IntegrationsService{c},
		Conversations: &ConversationsService{c},
		Routing:       &RoutingService{c},
		core:          c,
	}, nil
}

func checkAuth(auth Auth) error {
	switch a := auth.(type) {
	case nil:
		return errors.New("genesys: New: no credentials: give ClientCredentials(id, secret) or TokenSource(ts)")
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
	c := &core{region: r, log: o.log, agent: userAgent(o.agent), observers: o.observers, direct: o.http}
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
	c.tokens = &tokens{fetch: auth.fetcher(c)}
	return c, nil
}

// endpoint takes the region's where the caller named none.
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

// Region is the one given to [New].
func (c *Client) Region() region.Region { return c.core.region }
