package handover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// A Config of a [Manager]. Channel or Channels, Deliver and Return are required. The callbacks run in the Manager's goroutines,
// at most one at a time for a key in each direction, and may call any method of the Manager, also for their own key. Each gets
// a context that ends after at most 10 seconds; one that ignores it holds up its own customer only.
type Config struct {
	Channel  Channel                                               // the one channel
	Channels func(ctx context.Context, id string) (Channel, error) // or many: ErrNoChannel if there is none; kept for a minute

	// Deliver gives an agent's message to the customer. An error makes it come again, with the same Delivery.ID, for two
	// minutes; then, or at once after Undeliverable, the agent is told that it failed.
	Deliver func(ctx context.Context, d Delivery) error
	// Return gives the conversation back to the bot. An error makes it come again, with the same Return.ID. What is given to
	// Forward while it runs comes in another Return, so answer Unanswered from here and do not forward it.
	Return func(ctx context.Context, r Return) error
	// Notify tells the steps in between; nil: they are not stored. An error makes a notice come again, for a day; while that
	// lasts and the lane is full, the oldest give way to the agent's messages, never the one that tells the end.
	Notify func(ctx context.Context, n Notice) error
	// Typing says that an agent types, for d. It is neither stored nor repeated.
	Typing func(ctx context.Context, k Key, d time.Duration)

	Store         Store                                    // nil: in memory
	ClientOptions []genesys.Option                         // for the clients the Manager makes, one per credentials
	Compose       func(r Request) []string                 // the opening texts for the agent; nil: Summary, then Transcript
	Logger        *slog.Logger                             // nil: silent
	Observer      func(ctx context.Context, o Observation) // for metrics
	Workers       int                                      // effects performed at once; 0: 64
}

// DefaultWorkers is what Config.Workers is if it is 0.
const DefaultWorkers = 64

// An Observation is for metrics: low cardinality, no content.
type Observation struct {
	Op       string // "forward", "handover", "receive.message", "send.message", "delivery", "return", "duty.look", …
	Duration time.Duration
	Attempts int // always 1: the engine repeats in its own time, and each attempt is an Observation
	Err      error
}

// A Manager relays between customers, bot and agents. Safe for concurrent use, in any number of replicas on one Store.
type Manager struct {
	shell

	config      Config
	log         *slog.Logger
	owner       string // of leases
	locks       *locks
	channels    channels
	queues      queues
	guesses     guesses
	typing      typing
	workers     chan struct{}
	nudge       chan struct{}
	idle        chan struct{} // told when the last effect is done
	clockWarned atomic.Bool
	made        time.Time

	mu      sync.Mutex
	running bool
	ran     bool      // Run was called
	scolded bool      // because it was not
	next    time.Time // when Run looks again
	effects int       // under way or reserved
	starved bool      // work waits for a worker
	swept   time.Time // when the last sweep began
	sweepAt time.Time // when the next one may begin, zero: nobody asked
	busy    map[busyLane]bool
	aside   map[Key]time.Time
}

// New makes a Manager. It validates and starts nothing: run [Manager.Run]. Every mistake is reported at once.
func New(c Config) (*Manager, error) { return newManager(c, newShell()) }

func newManager(c Config, s shell) (*Manager, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Store == nil {
		c.Store = NewMemoryStore()
	}
	c.Store = timedStore{c.Store, s}
	if c.Workers == 0 {
		c.Workers = DefaultWorkers
	}
	m := &Manager{
		shell:    s,
		config:   c,
		log:      c.Logger,
		owner:    s.newID() + s.newID(),
		locks:    newLocks(),
		channels: channels{known: map[string]*known{}, asks: map[string]*ask{}, accounts: map[[sha256.Size]byte]*account{}},
		queues:   queues{ids: map[queueName]queueID{}},
		typing:   typing{last: map[Key]time.Time{}},
		workers:  tokens(c.Workers),
		nudge:    make(chan struct{}, 1),
		idle:     make(chan struct{}, 1),
		made:     s.now(),
		busy:     map[busyLane]bool{},
		aside:    map[Key]time.Time{},
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	return m, nil
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
	return errors.Join(errs...)
}

func (m *Manager) compose() func(Request) []string {
	if m.config.Compose != nil {
		return m.config.Compose
	}
	return defaultCompose
}

func (m *Manager) observe(ctx context.Context, op string, began time.Time, err error) {
	if m.config.Observer != nil {
		m.config.Observer(ctx, Observation{Op: op, Duration: m.now().Sub(began), Attempts: 1, Err: err})
	}
}

// hash names a customer in logs without telling who it is.
func (m *Manager) hash(k Key) string {
	sum := sha256.Sum256([]byte(k.Channel + "\x00" + k.Customer))
	return hex.EncodeToString(sum[:6])
}
