package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A Store is a [handover.Store] in Redis. It is safe for concurrent use by any number of goroutines
// and processes. It starts no goroutine, and the caller closes the client.
type Store struct {
	client redis.UniversalClient
	// The server that gets writes; script and WAIT need one connection.
	primary  func(ctx context.Context) (*redis.Client, error)
	moved    func(ctx context.Context) // the primary may have changed
	keys     keys
	replicas int
	timeout  time.Duration // of WAIT
}

var _ handover.Store = (*Store)(nil)

// New returns a store on a client of [redis.NewClient], [redis.NewFailoverClient] (Sentinel),
// [redis.NewClusterClient] or [redis.NewUniversalClient]. It does not connect; [Store.Check] does.
// New returns an error for an invalid option, for a [redis.Ring], which moves keys to another
// server when one is down, and for a cluster client that reads from replicas: they lag, so the bot
// could answer while an agent has the turn.
//
// Set ContextTimeoutEnabled in the options of the client; otherwise the deadline of a context does
// not end a call that waits for Redis. MaxRetries applies to reads; a write is sent once (see the
// package comment). A write uses a connection of the pool while it waits for the disk and the
// replicas: with many writers, increase PoolSize.
func New(client redis.UniversalClient, opts ...Option) (*Store, error) {
	s := &Store{client: client, keys: keysOf(DefaultPrefix)}
	var errs []error
	for _, o := range opts {
		if o == nil {
			errs = append(errs, errors.New("redisstore: an option is nil: omit it"))
			continue
		}
		errs = append(errs, o(s))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var read time.Duration
	switch c := client.(type) {
	case nil:
		return nil, errors.New("redisstore: the client is nil: pass one, for example of redis.NewClient")
	case *redis.Client:
		if c == nil {
			return nil, errors.New("redisstore: the client is a nil *redis.Client: pass one, for example of redis.NewClient")
		}
		read = c.Options().ReadTimeout
		s.primary = func(context.Context) (*redis.Client, error) { return c, nil }
		s.moved = func(context.Context) {}
	case *redis.ClusterClient:
		if c == nil {
			return nil, errors.New("redisstore: the client is a nil *redis.ClusterClient: pass one, for example of redis.NewClusterClient")
		}
		if c.Options().ReadOnly {
			return nil, errors.New("redisstore: the client reads from replicas, which lag: " +
				"create it without ReadOnly, RouteByLatency and RouteRandomly")
		}
		read = c.Options().ReadTimeout
		s.primary = func(ctx context.Context) (*redis.Client, error) { return c.MasterForKey(ctx, s.keys.due) }
		s.moved = c.ReloadState
	default:
		return nil, fmt.Errorf("redisstore: a client of type %T does not show which server gets writes and whether they are retried: "+
			"use redis.NewClient, redis.NewFailoverClient or redis.NewClusterClient", client)
	}
	if read > 0 && s.timeout >= read {
		return nil, fmt.Errorf("redisstore: WithReplicas waits for %s, but the ReadTimeout of the client is %s: "+
			"use a shorter timeout or a longer ReadTimeout", s.timeout, read)
	}
	return s, nil
}

// An Option configures a store.
type Option func(*Store) error

// DefaultPrefix is the prefix of a store without [WithPrefix].
const DefaultPrefix = "handover"

// maxPrefix is the limit of a prefix in bytes. Each record has a key with it.
const maxPrefix = 64

// WithPrefix sets the prefix of all keys of the store, which begin with it in braces: {prefix}:due
// and so on. Stores with different prefixes are independent. A prefix has 1 to 64 bytes of
// printable ASCII without space, braces and the characters *?[]^\ of a pattern.
func WithPrefix(prefix string) Option {
	return func(s *Store) error {
		bad := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`{}*?[]^\`, r) }
		switch {
		case prefix == "":
			return errors.New("redisstore: the prefix is empty: set one, or omit WithPrefix")
		case len(prefix) > maxPrefix:
			return fmt.Errorf("redisstore: the prefix has %d bytes, the limit is %d: use a shorter one", len(prefix), maxPrefix)
		case strings.ContainsFunc(prefix, bad):
			return fmt.Errorf(`redisstore: the prefix %q has a space, one of {}*?[]^\ or a character that is not printable ASCII: `+
				`remove it`, prefix)
		}
		s.keys = keysOf(prefix)
		return nil
	}
}

// WithReplicas makes each write wait until n replicas have it (WAIT,
// https://redis.io/docs/latest/commands/wait/). If fewer acknowledge it within timeout, the write
// returns an error of unknown outcome, and Get and Find of that record return errors until the
// replicas have it. A webhook is then answered with 503, and Genesys posts it again. The timeout
// must be shorter than the ReadTimeout of the client (5 s by default). Without this option, or with
// n = 0, a failover loses writes that the new primary had not received.
func WithReplicas(n int, timeout time.Duration) Option {
	return func(s *Store) error {
		switch {
		case n < 0:
			return fmt.Errorf("redisstore: WithReplicas has n = %d: set the number of replicas that must have a write, or 0", n)
		case n > 0 && timeout < time.Millisecond:
			return fmt.Errorf("redisstore: WithReplicas has a timeout of %s: set at least 1ms, for example 1s", timeout)
		}
		s.replicas, s.timeout = n, timeout
		if n == 0 {
			s.timeout = 0
		}
		return nil
	}
}

// Get returns the record of k, or [handover.ErrNotFound]. With [WithReplicas], if too few replicas
// acknowledged the last write of the record, Get waits for them and returns an error if they do
// not.
func (s *Store) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	m, err := member(k)
	if err != nil {
		return handover.Record{}, err
	}
	r, err := s.get(ctx, m)
	if err != nil {
		return handover.Record{}, failed(ctx, "get", err)
	}
	return r, nil
}

// Find returns a record of the channel with conversationID as stored by its last Put, or
// [handover.ErrNotFound]. An empty channel means every channel. If several records match, it
// returns the one with the highest revision.
func (s *Store) Find(ctx context.Context, channel, conversationID string) (handover.Record, error) {
	if conversationID == "" {
		return handover.Record{}, cmp.Or(ctx.Err(), handover.ErrNotFound)
	}
	members, err := s.client.SMembers(ctx, s.keys.conversations+conversationID).Result()
	if err != nil {
		return handover.Record{}, failed(ctx, "find", err)
	}
	var found handover.Record
	for _, m := range members {
		if channel != "" && !strings.HasPrefix(m, channel+separator) {
			continue
		}
		r, err := s.get(ctx, m)
		switch {
		case errors.Is(err, handover.ErrNotFound): // removed between the two reads
		case err != nil:
			return handover.Record{}, failed(ctx, "find", err)
		case r.ConversationID == conversationID && r.Revision > found.Revision:
			found = r
		}
	}
	if found.Revision == 0 {
		return handover.Record{}, handover.ErrNotFound
	}
	return found, nil
}

func (s *Store) get(ctx context.Context, m string) (handover.Record, error) {
	values, err := s.client.HMGet(ctx, s.keys.record(m), fields()...).Result()
	if err != nil {
		return handover.Record{}, err
	}
	r, unsure, err := parse(m, values)
	if err != nil {
		return handover.Record{}, err
	}
	if unsure && s.replicas > 0 {
		if err := s.confirm(ctx, m, r.Revision); err != nil {
			return handover.Record{}, err
		}
	}
	return r, nil
}
