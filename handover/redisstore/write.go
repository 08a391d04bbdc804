package redisstore

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names a script by its SHA-1
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/genesyshandover/genesyshandover/handover"
)

//go:embed put.lua
var putScript string

//go:embed delete.lua
var deleteScript string

//go:embed sure.lua
var sureScript string

// Put stores r if the stored revision is prev, or if prev is 0 and there is no record; otherwise it
// returns [handover.ErrConflict] and has certainly stored nothing. After any other error the
// outcome is unknown.
func (s *Store) Put(ctx context.Context, r handover.Record, prev uint64) error {
	m, err := member(r.Key)
	if err != nil {
		return err
	}
	if r.Revision == 0 || r.Revision > math.MaxInt64 {
		return fmt.Errorf("redisstore: Record.Revision is %d: use a number from 1 to the largest int64", r.Revision)
	}
	var at int64
	if !r.WakeAt.IsZero() {
		at = r.WakeAt.UnixMicro()
	}
	k := s.keys
	keys := []string{k.record(m), k.all, k.due, k.dueOf(r.Key.Channel), k.conversations + r.ConversationID, k.conversations}
	stored, err := s.run(ctx, putScript, keys, decimal(prev), m, decimal(r.Revision), r.ConversationID, at, r.Data, s.replicas)
	if err == nil && stored && s.replicas > 0 {
		s.sure(ctx, m, r.Revision)
	}
	return decided(ctx, "put", stored, err)
}

// Delete removes the record of k if its revision is prev; otherwise it returns
// [handover.ErrConflict]. It returns nil if there is no record.
func (s *Store) Delete(ctx context.Context, k handover.Key, prev uint64) error {
	m, err := member(k)
	if err != nil {
		return err
	}
	keys := []string{s.keys.record(m), s.keys.all, s.keys.due, s.keys.dueOf(k.Channel), s.keys.conversations, s.keys.fence}
	gone, err := s.run(ctx, deleteScript, keys, decimal(prev), m, s.replicas)
	return decided(ctx, "delete", gone, err)
}

func decided(ctx context.Context, op string, done bool, err error) error {
	switch {
	case err != nil:
		return failed(ctx, op, err)
	case !done:
		return handover.ErrConflict
	}
	return nil
}

// decimal returns a revision as it is stored; an empty string for 0.
func decimal(revision uint64) string {
	if revision == 0 {
		return ""
	}
	return strconv.FormatUint(revision, 10)
}

// run runs a script by its hash, or with its text if the server does not have it. It reports
// whether the script returned 1, and then waits for the replicas.
func (s *Store) run(ctx context.Context, script string, keys []string, args ...any) (bool, error) {
	sum := sha1.Sum([]byte(script)) //nolint:gosec // as above
	reply, err := s.send(ctx, call("evalsha", hex.EncodeToString(sum[:]), keys, args)...)
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // the script has not run
		reply, err = s.send(ctx, call("eval", script, keys, args)...)
	}
	return reply == 1, err
}

func call(command, script string, keys []string, args []any) []any {
	words := []any{command, script, len(keys)}
	for _, k := range keys {
		words = append(words, k)
	}
	return append(words, args...)
}

// once is a command that is sent exactly once. go-redis retries a command after a broken
// connection, although the server may have executed it. The retry would find another revision and
// report a conflict for a record that was stored, but ErrConflict must be certain. Comparing the
// stored revision with the new one does not help: another writer may have replaced it in between.
type once struct{ *redis.Cmd }

// NoRetry makes go-redis send the command once.
func (once) NoRetry() bool { return true }

// send sends a command that returns a number to the primary, and WAIT after it on the same
// connection, because WAIT waits for the writes of its connection. A command that returns 0 wrote
// nothing.
func (s *Store) send(ctx context.Context, words ...any) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	node, err := s.primary(ctx)
	if err != nil {
		return 0, err
	}
	pipe := node.Pipeline()
	cmd := once{redis.NewCmd(ctx, words...)}
	_ = pipe.Process(ctx, cmd)
	var wait *redis.IntCmd
	if s.replicas > 0 {
		wait = redis.NewIntCmd(ctx, "wait", s.replicas, s.timeout.Milliseconds())
		_ = pipe.Process(ctx, wait) // a pipeline only collects
	}
	if _, err = pipe.Exec(ctx); err != nil {
		s.moved(ctx)
	}
	// A rejected password, for example, sets no error of the command.
	if err != nil && cmd.Val() == nil {
		return 0, err
	}
	reply, err := cmd.Int64()
	if err != nil || reply == 0 || wait == nil {
		return reply, err
	}
	return reply, s.enough(wait)
}

// A write that too few replicas have is on the primary nevertheless. A reader would treat it as
// safe: the caller, which checks whether its write was stored, or another process, to which Genesys
// posts the webhook again. So the write marks the record, the mark is removed when WAIT has
// succeeded, and a Get that finds it waits for the replicas first.

// errReplicas reports a write that is on the primary and that a failover may lose.
var errReplicas = errors.New("too few replicas have acknowledged the write")

// sureTime limits the removal of a mark.
const sureTime = time.Second

func (s *Store) enough(wait *redis.IntCmd) error {
	switch n, err := wait.Result(); {
	case err != nil:
		return fmt.Errorf("%w: WAIT: %w", errReplicas, err)
	case n < int64(s.replicas):
		return fmt.Errorf("%w: %d of %d within %s: check INFO replication of the primary", errReplicas, n, s.replicas, s.timeout)
	}
	return nil
}

// sure removes the mark of a revision. If that fails, the next Get waits for the replicas again.
func (s *Store) sure(ctx context.Context, m string, revision uint64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sureTime)
	defer cancel()
	alone := *s
	alone.replicas = 0
	_, _ = alone.run(ctx, sureScript, []string{s.keys.record(m)}, decimal(revision))
}

// confirm waits until the replicas have everything that the primary has, and removes the mark.
func (s *Store) confirm(ctx context.Context, m string, revision uint64) error {
	if _, err := s.send(ctx, "incr", s.keys.fence); err != nil {
		return err
	}
	s.sure(ctx, m, revision)
	return nil
}
