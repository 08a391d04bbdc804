package redisstore

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed mark.lua
var markScript string

// A write that too few replicas acknowledged is there all the same. Whoever reads it would take it for safe: the caller, who
// looks whether its write arrived, or another process, to which Genesys repeats the webhook. So the record gets a mark, and
// a Get that sees it waits for the replicas first. The mark comes when WAIT has failed; Genesys repeats later than that.

// errReplicas says that a write is on the primary, and may be lost by a failover.
var errReplicas = errors.New("too few replicas have acknowledged the write")

// markTime is how long a write that failed takes longer at most.
const markTime = time.Second

func (s *Store) enough(wait *redis.IntCmd) error {
	switch n, err := wait.Result(); {
	case err != nil:
		return fmt.Errorf("%w: WAIT: %w", errReplicas, err)
	case n < int64(s.replicas):
		return fmt.Errorf("%w: %d of %d within %s: look at INFO replication of the primary", errReplicas, n, s.replicas, s.timeout)
	}
	return nil
}

// mayHaveRun reports whether a write that failed may be stored. An answer of Redis, other than to WAIT, says that it is not.
func mayHaveRun(err error) bool {
	if errors.Is(err, errReplicas) {
		return true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false
	}
	_, answered := errors.AsType[redis.Error](err)
	return !answered
}

// mark notes that too few replicas may have a revision, or that they have it. It does what it can: where it fails because
// the primary is away, there is nothing to read either.
func (s *Store) mark(ctx context.Context, m string, revision uint64, unsure bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markTime)
	defer cancel()
	on := "0"
	if unsure {
		on = "1"
	}
	alone := *s
	alone.replicas = 0
	_, _ = alone.run(ctx, markScript, []string{s.keys.record(m)}, decimal(revision), on)
}

// confirm waits until the replicas have what the primary has now, and takes the mark away.
func (s *Store) confirm(ctx context.Context, m string, revision uint64) error {
	if _, err := s.send(ctx, "incr", s.keys.fence); err != nil {
		return err
	}
	s.mark(ctx, m, revision, false)
	return nil
}
