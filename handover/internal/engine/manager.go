package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
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

// A Store keeps one record per key.
type Store interface {
	// Get returns the record of k, or ErrNotFound.
	Get(ctx context.Context, k machine.Key) (record.Stored, error)
	// Find returns a record of the channel with conversationID as stored by its last Put, or
	// ErrNotFound. It may miss a record. If several records match, it returns any of them. An empty
	// conversationID matches none.
	Find(ctx context.Context, channel, conversationID string) (record.Stored, error)
	// Put stores r if the stored revision is prev, or if prev is 0 and there is no record. It
	// returns ErrConflict only if it certainly stored nothing. After any other error the outcome is
	// unknown.
	Put(ctx context.Context, r record.Stored, prev uint64) error
	// Delete removes the record of k if its revision is prev; otherwise it returns ErrConflict. It
	// returns nil if there is no record.
	Delete(ctx context.Context, k machine.Key, prev uint64) error
	// Due returns the records that q selects. A record may be claimed by another process at the
	// same time, so the result is only a hint.
	Due(ctx context.Context, q DueQuery) ([]record.Stored, error)
	// All ranges over the records of the channel in the order of their keys: by channel, then by
	// customer, compared byte by byte. It ends after the first error.
	All(ctx context.Context, channel string) iter.Seq2[record.Stored, error]
}

// A DueQuery selects records with 0 < WakeAt <= Now, ordered by WakeAt, then by Key (channel, then
// customer, compared byte by byte).
type DueQuery struct {
	Channel string    // empty: every channel
	Now     time.Time // records that wake later are not returned
	After   DueCursor // only records after this place in the order; zero: from the beginning
	Limit   int       // the maximum number of records; 0 or less: none
}

// A DueCursor is a place in the order of Due: that of a record with this WakeAt and Key.
type DueCursor struct {
	WakeAt time.Time
	Key    machine.Key
}

// Compare orders cursors by WakeAt, then by Key.
func (c DueCursor) Compare(o DueCursor) int {
	return cmp.Or(c.WakeAt.Compare(o.WakeAt), c.Key.Compare(o.Key))
}

// storeTime is the timeout of one call of the store.
const storeTime = 5 * time.Second

// A timedStore limits each call by a timeout. An unreachable database may never answer, and a
// call without a timeout would block a caller, or Run and with it every customer. All has no
// timeout, because its loop body may be the host's and take any time.
type timedStore struct {
	Store
	environment.Environment
}

// timed runs one call with the timeout and names it in its error.
func timed[T any](ctx context.Context, s timedStore, what string, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := s.Within(ctx, storeTime)
	defer cancel()
	result, err := call(ctx)
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		err = fmt.Errorf("handover: %s: %w", what, err)
	}
	return result, err
}

func (s timedStore) Get(ctx context.Context, k machine.Key) (record.Stored, error) {
	return timed(ctx, s, "read record", func(ctx context.Context) (record.Stored, error) { return s.Store.Get(ctx, k) })
}

func (s timedStore) Find(ctx context.Context, channel, conversationID string) (record.Stored, error) {
	return timed(ctx, s, "find record", func(ctx context.Context) (record.Stored, error) { return s.Store.Find(ctx, channel, conversationID) })
}

func (s timedStore) Put(ctx context.Context, r record.Stored, prev uint64) error {
	_, err := timed(ctx, s, "store record", func(ctx context.Context) (any, error) { return nil, s.Store.Put(ctx, r, prev) })
	return err
}

func (s timedStore) Delete(ctx context.Context, k machine.Key, prev uint64) error {
	_, err := timed(ctx, s, "remove record", func(ctx context.Context) (any, error) { return nil, s.Store.Delete(ctx, k, prev) })
	return err
}

func (s timedStore) Due(ctx context.Context, q DueQuery) ([]record.Stored, error) {
	return timed(ctx, s, "read due records", func(ctx context.Context) ([]record.Stored, error) { return s.Store.Due(ctx, q) })
}
