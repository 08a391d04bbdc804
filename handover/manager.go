package handover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/genesyshandover/genesyshandover/handover/internal/engine"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/region"
)

// A Config of a [Manager]. Channel or Channels, Deliver and Return are required. The callbacks run in the Manager's goroutines,
// at most one at a time for a key in each direction, and may call any method of the Manager, also for their own key.
//
// Deliver, Return and Notify get a context that ends after 8 seconds, Typing one of 2 seconds. A callback that ignores its
// context counts as failed when that ends. It delays only its own customer: it no longer occupies a worker, and after a minute
// the lane of its customer continues without it. Its goroutine stays until it returns, so callbacks that never return leak as many
// goroutines as there are such calls; they are logged. What it returns late is accepted if nothing has replaced it.
//
// Records of a channel for which Channels returns [ErrNoChannel] are left alone. When they have been due for as long as they are
// kept, what waits for Genesys is given up: the session ends, [EndFailed], with its notice and its Return. A session stays on the
// integration that it began on, also if its channel gets another one.
type Config struct {
	Channel  Channel                                               // the one channel
	Channels func(ctx context.Context, id string) (Channel, error) // or many: ErrNoChannel if there is none (kept 10 s, others 1 min)

	// Deliver sends an agent's message to the customer. An error makes it come again, with the same Delivery.ID, for two
	// minutes; then, or at once after Undeliverable, the agent sees that it failed. Pending means that the outcome is reported
	// later, to Manager.Delivered or Manager.Fail. A message for a customer whose record may not be made, since too many were, is
	// delivered while its webhook runs, without a receipt: an error makes Genesys post it again.
	Deliver func(ctx context.Context, d Delivery) error
	// Return gives the conversation back to the bot. An error makes it come again, with the same Return.ID, for 7 days and in
	// the end once an hour; then it is given up, with a NoticeMessageFailed for each message and a log line. What is given to
	// Forward while it runs comes in another Return, so answer Unanswered from here and do not forward it.
	Return func(ctx context.Context, r Return) error
	// Notify gets the steps in between; nil: they are not stored. After an error a notice is repeated, for a day; while that
	// lasts and the lane is full, the oldest are dropped in favor of the agent's messages, never the one that reports the end.
	Notify func(ctx context.Context, n Notice) error
	// Typing reports that an agent types. It is neither stored nor repeated.
	Typing func(ctx context.Context, t TypingEvent)

	// Compose returns the texts that open the conversation for the agent: 1 to 3, each a message of
	// at most 2,000 characters. It runs inside HandOver and Open, with the caller's context. They
	// return its error, wrapped, and store nothing. A panic counts as an error.
	//
	// Nil: the Summary, then the newest lines of the Transcript that fit. "[…]" marks where either
	// was cut. Each line begins with its time as HH:MM in the location of Line.Time, so a host
	// selects the time zone with Time.In.
	Compose func(ctx context.Context, o Opening) ([]string, error)

	Store         Store            // nil: in memory
	ClientOptions []genesys.Option // for the clients the Manager makes, one per credentials
	Logger        *slog.Logger     // nil: silent

	// Observer hears of every operation, for metrics, in the operation's context. It must be quick and
	// safe for concurrent use. A panic of it is logged and has no other effect.
	Observer func(ctx context.Context, o Observation)

	// Workers is how many effects are performed at once; 0: 64. At most three quarters of them call Deliver, Return and
	// Notify. With Channels, a channel gets a worker only while it has fewer than are free, so at most half of them.
	Workers int
}

// DefaultWorkers is what Config.Workers is if it is 0.
const DefaultWorkers = engine.DefaultWorkers // 64

// A Manager relays between customers, bot and agents. Safe for concurrent use, in any number of replicas on one Store.
type Manager struct{ engine *engine.Manager }

// New returns a Manager. It starts nothing: call [Manager.Run]. Every mistake in c is reported at once, as an [ErrInvalid].
func New(c Config) (*Manager, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Store == nil {
		c.Store = NewMemoryStore()
	}
	env := environment.New()
	if s, ok := c.Store.(environment.Source); ok {
		env = s.Environment()
	}
	return &Manager{engine: engine.New(c.internal(), env)}, nil
}

// Run performs what is due until ctx ends. Then it takes nothing new, lets what is under way finish (10 s at most), stores the
// outcome, hands its leases back and returns ctx's error, and no other. Run it once in every replica; without it messages are
// accepted and stored, but nothing is sent. A second Run of one Manager returns at once with an error.
func (m *Manager) Run(ctx context.Context) error {
	return m.engine.Run(ctx)
}

func (c Config) validate() error {
	var errs []error
	bad := func(text string) { errs = append(errs, errors.New("handover: Config."+text)) }
	single := c.Channel.ClientID != "" || c.Channel.IntegrationID != "" || c.Channel.Region != ""
	switch {
	case c.Channels != nil && single:
		bad("Channel and Config.Channels are both set: use Channel for one, Channels for many")
	case c.Channels == nil:
		if err := c.Channel.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	if c.Deliver == nil {
		bad("Deliver is nil: give the function that sends an agent's message to the customer")
	}
	if c.Return == nil {
		bad("Return is nil: give the function that gives the conversation back to the bot")
	}
	if c.Workers < 0 {
		bad(fmt.Sprintf("Workers is %d: use 0 for the default or a positive number", c.Workers))
	}
	// Options are the same for every channel, so any channel shows whether they can be used.
	probe := Channel{Region: region.USEast1, ClientID: "id", ClientSecret: NewSecret("secret")}
	if _, err := probe.Client(c.ClientOptions...); err != nil {
		errs = append(errs, fmt.Errorf("handover: Config.ClientOptions: %w", err))
	}
	return machine.Invalid(errors.Join(errs...))
}
