package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/account"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// A Config is a host's configuration as package handover has checked it. Notify, Typing, Compose,
// Observer and Logger may be nil.
type Config struct {
	Channel  Channel
	Channels func(ctx context.Context, id string) (Channel, error) // nil: Channel is the only one

	Deliver func(ctx context.Context, d record.Delivery) error
	Return  func(ctx context.Context, r record.Return) error
	Notify  func(ctx context.Context, n record.Notice) error
	Typing  func(ctx context.Context, t record.TypingEvent)

	Compose       func(ctx context.Context, o Opening) ([]string, error)
	Store         Store
	ClientOptions []genesys.Option
	Logger        *slog.Logger
	Observer      func(ctx context.Context, o Observation)
	Workers       int // 0: DefaultWorkers
	// Every transaction reads the store: for tests with a store that changes records.
	NoCopies bool
}

// DefaultWorkers is the number of workers if Config.Workers is 0.
const DefaultWorkers = 64

// A Manager relays between customers, bot and agents. Safe for concurrent use, in any number of
// replicas on one Store.
type Manager struct {
	environment.Environment

	config      Config
	log         *slog.Logger
	owner       string // of leases
	locks       *locks
	copies      copies
	channels    channels
	queues      queues
	facts       facts
	typing      typing
	failures    tally // of callbacks without a stored entry, in a row
	endpoints   endpoints
	creations   creations
	stuck       tally // callbacks that have outlived their contexts
	nudge       chan struct{}
	idle        chan struct{} // receives a value when the last effect is done
	clockWarned atomic.Bool
	made        time.Time

	mu      sync.Mutex
	running bool
	ran     bool      // Run was called
	warned  bool      // about a missing call of Run
	next    time.Time // when Run looks again
	effects int       // running or reserved
	workers workers
	swept   time.Time // when the last sweep began
	sweepAt time.Time // when the next one may begin; zero: none is requested
	busy    map[busyLane]bool
	aside   map[machine.Key]time.Time

	reported map[failing]*bool // of channels, see reportOnce
}

// New returns a Manager. It starts nothing. The caller has checked c.
func New(c Config, s environment.Environment) *Manager {
	c.Store = timedStore{c.Store, s}
	if c.Workers == 0 {
		c.Workers = DefaultWorkers
	}
	if c.Channels == nil && c.Channel.ID == "" {
		// Without an id, two programs on one store would share the customers of the empty name.
		c.Channel.ID = c.Channel.IntegrationID
	}
	m := &Manager{
		Environment: s,
		config:      c,
		log:         c.Logger,
		owner:       s.NewID() + s.NewID(),
		locks:       newLocks(),
		channels:    channels{known: map[string]*channelState{}, refused: map[string]*refusal{}, lookups: map[string]*lookup{}, accounts: map[[sha256.Size]byte]*account.Account{}},
		queues:      queues{ids: map[queueName]queueID{}},
		workers:     newWorkers(c.Workers, c.Channels != nil),
		nudge:       make(chan struct{}, 1),
		idle:        make(chan struct{}, 1),
		made:        s.Now(),
		busy:        map[busyLane]bool{},
		aside:       map[machine.Key]time.Time{},
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	return m
}

// entry returns the value of a key, and makes it if there is none. It empties a map that has most
// entries first.
func entry[K comparable, V any](of *map[K]*V, k K, most int) *V {
	if (*of)[k] == nil {
		if *of == nil || len(*of) >= most {
			*of = map[K]*V{}
		}
		(*of)[k] = new(V)
	}
	return (*of)[k]
}

// hash names a customer in logs without revealing the id.
func (m *Manager) hash(k machine.Key) string {
	sum := sha256.Sum256([]byte(k.Channel + "\x00" + k.Customer))
	return hex.EncodeToString(sum[:6])
}
