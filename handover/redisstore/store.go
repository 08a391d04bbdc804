package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A Store keeps records in Redis. It is safe for concurrent use, also from several processes. It starts nothing and closes
// nothing: the client is the caller's.
type Store struct {
	client   redis.UniversalClient
	primary  func(ctx context.Context) (*redis.Client, error) // where writes go: one connection has to carry script and WAIT
	moved    func(ctx context.Context)                        // the primary may be another by now
	keys     keys
	replicas int
	timeout  time.Duration // of WAIT
}

var _ handover.Store = (*Store)(nil)

// New makes a store on a client of [redis.NewClient], [redis.NewFailoverClient] (Sentinel), [redis.NewClusterClient] or
// [redis.NewUniversalClient]. It makes no call: [Store.Check] does. It refuses a [redis.Ring], which moves keys to another
// server when one is away, and a cluster client that reads from replicas, which lag: the bot would talk over an agent.
//
// Set ContextTimeoutEnabled in the options of the client, or a deadline of a context does not end a call that waits for Redis.
// MaxRetries works for reads; a write is sent once (see the package comment). A write keeps a connection of the pool while it
// waits for the disk and the replicas: with many writers raise PoolSize.
func New(client redis.UniversalClient, opts ...Option) (*Store, error) {
	s := &Store{client: client, keys: keysOf(DefaultPrefix)}
	var errs []error
	for _, o := range opts {
		if o == nil {
			errs = append(errs, errors.New("redisstore: an option is nil: leave it out"))
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
		return nil, errors.New("redisstore: the client is nil: give one, of redis.NewClient for example")
	case *redis.Client:
		if c == nil {
			return nil, errors.New("redisstore: the client is a nil *redis.Client: give one, of redis.NewClient for example")
		}
		read = c.Options().ReadTimeout
		s.primary = func(context.Context) (*redis.Client, error) { return c, nil }
		s.moved = func(context.Context) {}
	case *redis.ClusterClient:
		if c == nil {
			return nil, errors.New("redisstore: the client is a nil *redis.ClusterClient: give one, of redis.NewClusterClient for example")
		}
		if c.Options().ReadOnly {
			return nil, errors.New("redisstore: the client reads from replicas, which lag: " +
				"make one without ReadOnly, RouteByLatency and RouteRandomly")
		}
		read = c.Options().ReadTimeout
		s.primary = func(ctx context.Context) (*redis.Client, error) { return c.MasterForKey(ctx, s.keys.wake) }
		s.moved = c.ReloadState
	default:
		return nil, fmt.Errorf("redisstore: a client of type %T does not say where writes go and whether they are repeated: "+
			"use redis.NewClient, redis.NewFailoverClient or redis.NewClusterClient", client)
	}
	if read > 0 && s.timeout >= read {
		return nil, fmt.Errorf("redisstore: WithReplicas waits for %s, the client gives up reading after %s: "+
			"shorten the one or lengthen the client's ReadTimeout", s.timeout, read)
	}
	return s, nil
}

// Get returns the record of k, or [handover.ErrNotFound]. With [WithReplicas], a record whose last write too few replicas had
// acknowledged is returned only when they have; until then Get is an error.
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

// Find returns the record that was last put with conversationID, or [handover.ErrNotFound].
func (s *Store) Find(ctx context.Context, conversationID string) (handover.Record, error) {
	m, err := s.client.HGet(ctx, s.keys.conversations, conversationID).Result()
	if errors.Is(err, redis.Nil) {
		return handover.Record{}, handover.ErrNotFound
	}
	if err != nil {
		return handover.Record{}, failed(ctx, "find", err)
	}
	r, err := s.get(ctx, m)
	if err == nil && r.ConversationID != conversationID {
		err = handover.ErrNotFound // changed between the two reads
	}
	if err != nil {
		return handover.Record{}, failed(ctx, "find", err)
	}
	return r, nil
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
