package genesys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// An Option configures the client that [New] returns. New reports invalid options.
type Option func(*options) error

type options struct {
	http       *http.Client
	api, login string
	retry      RetryPolicy
	log        *slog.Logger
	agent      string
	observers  []func(context.Context, Call)
	now        func() time.Time
}

// WithHTTPClient sends API calls, token requests and downloads through c, which should have a
// timeout. Its CheckRedirect is not used, because API calls follow no redirects. A nil Transport
// means this package's own.
//
// Without this option the client has its own transport, with 64 idle connections for each host and
// 30 seconds for each attempt.
func WithHTTPClient(c *http.Client) Option {
	return func(o *options) error {
		if c == nil {
			return errors.New("genesys: WithHTTPClient: the client is nil; leave the option out for the default")
		}
		o.http = c
		return nil
	}
}

// WithEndpoints replaces the URLs of the region's API and login hosts, for fakes, proxies and
// private deployments. A URL has a scheme, a host and optionally a path prefix:
// "https://proxy.example/genesys". An empty one keeps the region's.
func WithEndpoints(api, login string) Option {
	return func(o *options) error {
		for _, e := range []string{api, login} {
			if e == "" {
				continue
			}
			if _, err := parseEndpoint(e); err != nil {
				return fmt.Errorf("genesys: WithEndpoints: %w", err)
			}
		}
		o.api, o.login = api, login
		return nil
	}
}

func parseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(s, "/"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New(`an endpoint must be a URL with scheme and host, such as "https://api.mypurecloud.ie"`)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("an endpoint must have no user, query or fragment")
	}
	return u, nil
}

// A RetryPolicy bounds the retries of a request. The zero value sends once, for callers that
// schedule retries themselves.
type RetryPolicy struct {
	Max int // retries after the first attempt, 0 to 10
	// The backoff doubles from MinWait to MaxWait, with full jitter; MaxWait caps Retry-After.
	MinWait, MaxWait time.Duration
}

func defaultRetry() RetryPolicy {
	return RetryPolicy{Max: 3, MinWait: 500 * time.Millisecond, MaxWait: 30 * time.Second}
}

// WithRetry replaces the default policy of 3 retries with a backoff of 500 milliseconds to 30
// seconds. The zero policy sends once.
func WithRetry(p RetryPolicy) Option {
	return func(o *options) error {
		o.retry = p
		return p.check()
	}
}

func (p RetryPolicy) check() error {
	switch {
	case p.Max < 0 || p.Max > 10:
		return fmt.Errorf("genesys: WithRetry: Max is %d, must be 0 to 10", p.Max)
	case p.MinWait < 0 || p.MaxWait < p.MinWait:
		return fmt.Errorf("genesys: WithRetry: MinWait %v and MaxWait %v must be 0 ≤ MinWait ≤ MaxWait", p.MinWait, p.MaxWait)
	}
	return nil
}

// WithClock sets the clock of [Call.Sent] and [Call.Received], for programs and tests with another
// clock than time.Now. Waits and the expiry of tokens stay on time.Now. It must be safe for
// concurrent use.
func WithClock(now func() time.Time) Option {
	return func(o *options) error {
		if now == nil {
			return errors.New("genesys: WithClock: the clock is nil; leave the option out for time.Now")
		}
		o.now = now
		return nil
	}
}

// WithLogger logs each call at Debug and each retry at Warn, with the keys op, status, attempts,
// duration, wait and correlation_id. It never logs content, ids or tokens. Without this option
// nothing is logged.
func WithLogger(l *slog.Logger) Option {
	return func(o *options) error {
		if l == nil {
			return errors.New("genesys: WithLogger: the logger is nil; leave the option out for silence")
		}
		o.log = l
		return nil
	}
}

// WithUserAgent puts product, such as "acme-bots/7", before this package's User-Agent.
func WithUserAgent(product string) Option {
	return func(o *options) error {
		unprintable := func(r rune) bool { return r < ' ' || r >= 0x7f }
		if product == "" || len(product) > 256 || strings.ContainsFunc(product, unprintable) {
			return errors.New(`genesys: WithUserAgent: the product must be 1 to 256 printable ASCII characters, such as "acme-bots/7"`)
		}
		o.agent = product
		return nil
	}
}

// WithObserver calls f after every operation, including token requests ("oauth.token"), on the
// goroutine that performed it. f must be quick and safe for concurrent use. If the option is given
// several times, all functions are called in order.
func WithObserver(f func(context.Context, Call)) Option {
	return func(o *options) error {
		if f == nil {
			return errors.New("genesys: WithObserver: the function is nil")
		}
		o.observers = append(o.observers, f)
		return nil
	}
}

const modulePath = "github.com/genesyshandover/genesyshandover"

// userAgent returns the User-Agent, with the version of this module that the program was built
// with.
func userAgent(product string) string {
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
			if m.Path == modulePath && m.Version != "" && m.Version != "(devel)" {
				version = m.Version
			}
		}
	}
	ours := fmt.Sprintf("genesyshandover-go/%s (%s; %s)", version, runtime.Version(), runtime.GOOS)
	return strings.TrimSpace(product + " " + ours)
}
