package genesystest

import (
	"errors"
	"fmt"
	"time"

	"github.com/genesyshandover/genesyshandover/region"
)

// An Option configures the organisation before it is made.
type Option func(*settings) error

type settings struct {
	region      region.Region
	seed        uint64
	permissions map[string]bool
	allowErrors bool

	tokenLife    time.Duration
	rate         int
	threadWindow time.Duration
	alertTimeout time.Duration
	wrapup       time.Duration
	pace         Pace
	clockOffset  time.Duration
	topics       map[string][]string // permissions by prefix
	flow         func(Arrival) string
	noFlow       bool

	dedupe           bool
	published        bool
	noTyping         bool
	fragile          bool
	foreignIDs       bool
	protectDownloads bool
	newTakeoverLeg   bool
}

func newSettings(opts []Option) (settings, error) {
	s := settings{
		region: region.EUWest1, permissions: permissionSet(GuidePermissions()),
		tokenLife: 86399 * time.Second, rate: 300, threadWindow: 72 * time.Hour, topics: topicPermissions(),
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

// WithRegion sets the organisation's region. Default: eu-west-1.
func WithRegion(r region.Region) Option {
	return func(s *settings) error {
		if !r.Valid() {
			return fmt.Errorf("WithRegion: %q is not a region; use one of region.All", string(r))
		}
		s.region = r
		return nil
	}
}

// WithSeed changes all ids and secrets. Two organisations in one test need different seeds.
func WithSeed(seed uint64) Option {
	return func(s *settings) error {
		s.seed = seed
		return nil
	}
}

// WithPermissions sets the permissions of the OAuth client's role. Default: GuidePermissions. No
// permission at all is allowed.
func WithPermissions(p ...string) Option {
	return func(s *settings) error {
		s.permissions = permissionSet(p)
		return nil
	}
}

// AllowErrors refuses bad requests without failing the test, for tests of how a client handles
// refusals.
func AllowErrors() Option {
	return func(s *settings) error {
		s.allowErrors = true
		return nil
	}
}

// WithTokenLifetime sets expires_in. Default: 86,399 s, as observed at Genesys, where an
// administrator can choose 300 s to 172,800 s
// (https://help.mypurecloud.com/articles/create-an-oauth-client/). Here the minimum is a second.
func WithTokenLifetime(d time.Duration) Option {
	return func(s *settings) error {
		if d < time.Second {
			return errors.New("WithTokenLifetime: the lifetime must be at least 1s")
		}
		s.tokenLife = d
		return nil
	}
}

// WithRateLimit sets how many requests a token may make in a minute. Default: 300. 0 means no
// limit.
func WithRateLimit(perMinute int) Option {
	return func(s *settings) error {
		if perMinute < 0 {
			return errors.New("WithRateLimit: the limit must not be negative; 0 means no limit")
		}
		s.rate = perMinute
		return nil
	}
}

// WithThreadWindow sets how long after its end a customer's message still revives a conversation,
// from 0 (never) to 72 h. Default: 72 h
// (https://help.mypurecloud.com/articles/messaging-threading-timeline/).
func WithThreadWindow(d time.Duration) Option {
	return func(s *settings) error {
		if d < 0 || d > 72*time.Hour {
			return errors.New("WithThreadWindow: the window must be from 0 to 72h")
		}
		s.threadWindow = d
		return nil
	}
}

// A Pace sets how long the steps of a conversation take. The defaults are short but not 0, so
// that the races of a real organisation occur: a message is posted before there is a leg to
// transfer, a read shows the state before the step. A zero field means its default, a negative
// one means no time.
type Pace struct {
	Flow     time.Duration // from a message to the flow: 50 ms
	Route    time.Duration // from the flow to the queue: 100 ms
	Offer    time.Duration // from the queue to the alert of an agent: 200 ms
	Transfer time.Duration // from an accepted transfer to its effect: 150 ms
	Again    time.Duration // until a conversation that all agents declined is offered again: 5 s
}

func (p Pace) withDefaults() Pace {
	fill := func(d *time.Duration, standard time.Duration) {
		switch {
		case *d == 0:
			*d = standard
		case *d < 0:
			*d = 0
		}
	}
	fill(&p.Flow, 50*time.Millisecond)
	fill(&p.Route, 100*time.Millisecond)
	fill(&p.Offer, 200*time.Millisecond)
	fill(&p.Transfer, 150*time.Millisecond)
	fill(&p.Again, 5*time.Second)
	return p
}

// WithPace sets how long the steps of a conversation take.
func WithPace(p Pace) Option {
	return func(s *settings) error {
		s.pace = p
		return nil
	}
}

// WithRingTimeout sets when an unanswered offer goes to the next agent. Default: never, so that a
// test may look at its agents at any time.
func WithRingTimeout(d time.Duration) Option {
	return func(s *settings) error {
		if d <= 0 {
			return errors.New("WithRingTimeout: the timeout must be more than 0")
		}
		s.alertTimeout = d
		return nil
	}
}

// WithWrapup makes agents do after-call work for d after each conversation, also after a
// transfer. The agent's ended leg shows it (wrapupRequired, startAcwTime). Default: none.
func WithWrapup(d time.Duration) Option {
	return func(s *settings) error {
		if d <= 0 {
			return errors.New("WithWrapup: the duration must be more than 0")
		}
		s.wrapup = d
		return nil
	}
}

// WithDeduplication drops a message if the same customer sent one with the same messageId and
// time before. Whether Genesys does so is UNCERTAIN. By default a repeated message is a second
// message, which the agent reads twice.
func WithDeduplication() Option {
	return func(s *settings) error {
		s.dedupe = true
		return nil
	}
}

// WithPublishedReceipts sends the webhook a receipt when a customer's message was published. Such
// receipts were observed; whether Genesys always sends them is UNCERTAIN. Default: none.
func WithPublishedReceipts() Option {
	return func(s *settings) error {
		s.published = true
		return nil
	}
}

// WithoutTyping turns off the typing of agents. In a real organisation it is off until a
// messaging setting enables it
// (https://help.mypurecloud.com/articles/platform-configuration-profiles-overview/). Here it is
// on by default.
func WithoutTyping() Option {
	return func(s *settings) error {
		s.noTyping = true
		return nil
	}
}

// WithFragileChats ends a conversation, with the disconnect type error, when its webhook refuses
// a message or fails in all attempts. A developer reported that a whole chat failed in this way
// (https://developer.genesys.cloud/forum/t/30668). Whether this always happens is UNCERTAIN. By
// default only the message fails.
func WithFragileChats() Option {
	return func(s *settings) error {
		s.fragile = true
		return nil
	}
}

// WithForeignMessageIDs makes reads of a conversation use other message ids than webhooks.
// Whether both are the same at Genesys is UNCERTAIN. By default they are.
func WithForeignMessageIDs() Option {
	return func(s *settings) error {
		s.foreignIDs = true
		return nil
	}
}

// WithTakeoverInNewLeg makes Desk.TakeOver end the supervisor's monitoring leg and add an
// ordinary agent's leg. By default the monitoring leg stays and gets the media role full. Which
// of the two Genesys does is UNCERTAIN (help.genesys.cloud, "Supervisor takeover for active
// messaging conversations").
func WithTakeoverInNewLeg() Option {
	return func(s *settings) error {
		s.newTakeoverLeg = true
		return nil
	}
}

// WithProtectedDownloads makes the attachments of agents require a token. Whether Genesys does so
// is UNCERTAIN. Default: no token.
func WithProtectedDownloads() Option {
	return func(s *settings) error {
		s.protectDownloads = true
		return nil
	}
}
