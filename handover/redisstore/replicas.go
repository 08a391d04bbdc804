package redisstore

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed sure.lua
var sureScript string

// A write that too few replicas have is there all the same. Whoever reads it would take it for safe: the caller, who looks
// whether its write arrived, or another process, to which Genesys repeats the webhook. So the write itself marks the record,
// the mark goes when WAIT has succeeded, and a Get that sees it waits for the replicas first.

// errReplicas says that a write is on the primary, and may be lost by a failover.
var errReplicas = errors.New("too few replicas have acknowledged the write")

// sureTime is how long it may take to remove a mark.
const sureTime = time.Second

func (s *Store) enough(wait *redis.IntCmd) error {
	switch n, err := wait.Result(); {
	case err != nil:
		return fmt.Errorf("%w: WAIT: %w", errReplicas, err)
	case n < int64(s.replicas):
		return fmt.Errorf("%w: %d of %d within %s: look at INFO replication of the primary", errReplicas, n, s.replicas, s.timeout)
	}
	return nil
}

// sure takes the mark of a revision away. It does what it can: where it fails, the next Get waits once more.
func (s *Store) sure(ctx context.Context, m string, revision uint64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sureTime)
	defer cancel()
	alone := *s
	alone.replicas = 0
	_, _ = alone.run(ctx, sureScript, []string{s.keys.record(m)}, decimal(revision))
}

// confirm waits until the replicas have what the primary has now, and takes the mark away.
func (s *Store) confirm(ctx context.Context, m string, revision uint64) error {
	if _, err := s.send(ctx, "incr", s.keys.fence); err != nil {
		return err
	}
	s.sure(ctx, m, revision)
	return nil
}
