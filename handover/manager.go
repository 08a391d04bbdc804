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

// A Config of a [Manager]. Channel or Channels, Deliver and Return are required. The callbacks run
// in the Manager's goroutines, at most one at a time for a key in each direction, and may call any
// method of the Manager, also for their own key.
//
// The context of Deliver, Return and Notify ends after 8 seconds, that of Typing after 2 seconds. A
// callback that ignores the end of its context counts as failed. It delays only its own customer:
// it no longer occupies a worker, and after a minute the lane of its customer continues without it.
// Its goroutine remains until it returns, so callbacks that never return leak goroutines; they are
// logged. A late result is accepted unless another attempt has replaced it.
//
// Records of a channel for which Channels returns [ErrNoChannel] are not changed until a call, a
// webhook or Run, which asks every ten minutes, finds the channel again. Once they have been due
// for their retention time, the effects that wait for Genesys are dropped: the session ends with
// [EndFailed], its notice and its Return. A session stays on the integration that it began on, even
// if its channel gets another one.
type Config struct {
	Channel Channel // the one channel
	// Or many: ErrNoChannel if there is none (kept 10 s, others 1 min).
	Channels func(ctx context.Context, id string) (Channel, error)

	// Deliver sends an agent's message to the customer. After an error it is called again, with the
	// same Delivery.ID, for two minutes; then, or at once after Undeliverable, the agent sees that
	// the message failed. Pending means that the outcome is reported later, to Manager.Delivered or
	// Manager.Fail. If too many new customers write in an hour, their messages are delivered while
	// the webhook runs, without a record and without a receipt: an error then makes Genesys post
	// the message again.
	Deliver func(ctx context.Context, d Delivery) error
	// Return hands the conversation back to the bot. After an error it is called again, with the
	// same Return.ID, for 7 days, in the end once an hour. Then it is dropped, with a
	// NoticeMessageFailed for each message and a log line. Messages that are forwarded while it
	// runs are in a later Return, so answer Unanswered here and do not forward it.
	Return func(ctx context.Context, r Return) error
	// Notify gets the steps in between; nil: they are not stored. After an error a notice is
	// repeated for a day. If the lane is full before that, the oldest notices are dropped in favor
	// of the agent's messages, but never the one that reports the end.
	Notify func(ctx context.Context, n Notice) error
	// Typing reports that an agent is typing. It is neither stored nor repeated.
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

	// Observer is called after every operation, for metrics, with the operation's context. It must
	// be quick and safe for concurrent use. A panic in it is logged and has no other effect.
	Observer func(ctx context.Context, o Observation)

	// Workers is the number of effects performed at once; 0: 64. At most three quarters of them
	// call Deliver, Return and Notify. With Channels, a channel gets a worker only while it has
	// fewer than are free, so at most half of them.
	Workers int
}

// DefaultWorkers is the number of workers if Config.Workers is 0.
const DefaultWorkers = engine.DefaultWorkers // 64

// A Manager relays between customers, bot and agents. Safe for concurrent use, in any number of
// replicas on one Store.
type Manager struct{ engine *engine.Manager }

// New returns a Manager. It starts nothing: call [Manager.Run]. Every mistake in c is reported at
// once, as an [ErrInvalid].
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

// Run performs the work that is due until ctx ends. Then it starts nothing new, waits up to 10 s
// for running effects, stores their outcomes, releases its leases and returns the error of ctx. Run
// it once in every replica; without it messages are accepted and stored, but nothing is sent. A
// second Run of one Manager returns an error at once.
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
		bad("Deliver is nil: set it to the function that sends an agent's message to the customer")
	}
	if c.Return == nil {
		bad("Return is nil: set it to the function that returns the conversation to the bot")
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
