package genesystest

import (
	"errors"
	"fmt"
	"time"

	"github.com/genesyshandover/genesyshandover/region"
)

// An Option changes the organisation before it exists.
type Option func(*settings) error

type settings struct {
	region      region.Region
	seed        uint64
	permissions map[string]bool
	allowErrors bool

	tokenLife time.Duration
	rate      int
	window    time.Duration
	ring      time.Duration
	wrapup    time.Duration
	pace      Pace
	topics    map[string][]string // permissions by prefix
	flow      func(Arrival) string
	noFlow    bool

	dedupe     bool
	published  bool
	noTyping   bool
	fragile    bool
	foreignIDs bool
	authorise  bool
}

func settle(opts []Option) (settings, error) {
	s := settings{
		region: region.EUWest1, permissions: permissionSet(GuidePermissions()),
		tokenLife: 86399 * time.Second, rate: 300, window: 72 * time.Hour, topics: topicPermissions(),
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&s); err != nil {
			return s, fmt.Errorf("genesystest: %w", err)
		}
	}
	s.pace = s.pace.withDefaults()
	return s, nil
}

// WithRegion says where the organisation lives; default eu-west-1.
func WithRegion(r region.Region) Option {
	return func(s *settings) error {
		if !r.Valid() {
			return fmt.Errorf("WithRegion: %q is no region; take one of region.All", string(r))
		}
		s.region = r
		return nil
	}
}

// WithSeed makes another organisation: other ids, other secrets. Give each tenant of a test its own.
func WithSeed(seed uint64) Option {
	return func(s *settings) error {
		s.seed = seed
		return nil
	}
}

// WithPermissions gives the OAuth client's role these permissions instead of GuidePermissions. None at all is allowed.
func WithPermissions(p ...string) Option {
	return func(s *settings) error {
		s.permissions = permissionSet(p)
		return nil
	}
}

// AllowErrors refuses bad requests without failing the test; for tests of what a client does with a refusal.
func AllowErrors() Option {
	return func(s *settings) error {
		s.allowErrors = true
		return nil
	}
}

// WithTokenLifetime sets expires_in; default 86,399 s, as seen at Genesys. Clients may be given 300 s to 172,800 s there
// (https://help.mypurecloud.com/articles/create-an-oauth-client/), tests may use less.
func WithTokenLifetime(d time.Duration) Option {
	return func(s *settings) error {
		if d < time.Second {
			return errors.New("WithTokenLifetime: at least a second")
		}
		s.tokenLife = d
		return nil
	}
}

// WithRateLimit sets how many requests a token may make in a minute; default 300, 0 is no limit.
func WithRateLimit(perMinute int) Option {
	return func(s *settings) error {
		if perMinute < 0 {
			return errors.New("WithRateLimit: not below 0")
		}
		s.rate = perMinute
		return nil
	}
}

// WithThreadWindow sets how long after its end a customer's message still revives a conversation: 0 (never) to 72 h, the
// default (https://help.mypurecloud.com/articles/messaging-threading-timeline/).
func WithThreadWindow(d time.Duration) Option {
	return func(s *settings) error {
		if d < 0 || d > 72*time.Hour {
			return errors.New("WithThreadWindow: 0 to 72 h")
		}
		s.window = d
		return nil
	}
}
