package redisstore

import (
	"context"
	"crypto/sha1" //nolint:gosec // the name Redis gives a script, not a safeguard
	_ "embed"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/genesyshandover/genesyshandover/handover"
)

//go:embed put.lua
var putScript string

//go:embed delete.lua
var deleteScript string

// Put stores r if the stored revision is prev; prev 0: if there is none. [handover.ErrConflict] says that it certainly did
// not. After any other error the outcome is unknown.
func (s *Store) Put(ctx context.Context, r handover.Record, prev uint64) error {
	m, err := member(r.Key)
	if err != nil {
		return err
	}
	if r.Revision == 0 || r.Revision > math.MaxInt64 {
		return fmt.Errorf("redisstore: Record.Revision is %d: it has to be from 1 to the largest int64", r.Revision)
	}
	var at int64
	if !r.WakeAt.IsZero() {
		at = r.WakeAt.UnixMicro()
	}
	keys := []string{s.keys.record(m), s.keys.all, s.keys.wake, s.keys.conversations}
	stored, err := s.run(ctx, putScript, keys, decimal(prev), m, decimal(r.Revision), r.ConversationID, at, r.Data, s.replicas)
	if err == nil && stored && s.replicas > 0 {
		s.sure(ctx, m, r.Revision)
	}
	return decided(ctx, "put", stored, err)
}

// Delete removes the record of k if its revision is prev, else [handover.ErrConflict]. An absent record is no error.
func (s *Store) Delete(ctx context.Context, k handover.Key, prev uint64) error {
	m, err := member(k)
	if err != nil {
		return err
	}
	keys := []string{s.keys.record(m), s.keys.all, s.keys.wake, s.keys.conversations, s.keys.fence}
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

// decimal is a revision as it is stored; nothing for 0.
func decimal(revision uint64) string {
	if revision == 0 {
		return ""
	}
	return strconv.FormatUint(revision, 10)
}

// run runs a script by its hash, or whole if the server does not know it yet. It says whether the script answered 1, and
// waits for the replicas if it did.
func (s *Store) run(ctx context.Context, script string, keys []string, args ...any) (bool, error) {
	sum := sha1.Sum([]byte(script)) //nolint:gosec // as above
	reply, err := s.send(ctx, call("evalsha", hex.EncodeToString(sum[:]), keys, args)...)
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // it certainly has not run
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

// once is a command that is sent once. go-redis repeats a command after a broken connection, but the first may have run. Its
// repeat would then find another revision and answer "conflict" for a record that was stored, and ErrConflict has to be
// certain. To look whether the stored revision is the new one does not help: another writer may have replaced it in between.
type once struct{ *redis.Cmd }

// NoRetry tells go-redis.
func (once) NoRetry() bool { return true }

// send sends a command that answers a number to the primary, and WAIT behind it on the same connection, because WAIT waits
// for the writes of its connection. An answer of 0 wrote nothing.
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
	if err != nil && cmd.Val() == nil { // not all that fails shows at the command: a refused password does not
		return 0, err
	}
	reply, err := cmd.Int64()
	if err != nil || reply == 0 || wait == nil {
		return reply, err
	}
	return reply, s.enough(wait)
}
