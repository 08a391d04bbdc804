package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/genesyshandover/genesyshandover/handover"
)

// failed adds the operation and, for a known cause, the fix. They contain no key, id or password.
func failed(ctx context.Context, op string, err error) error {
	if errors.Is(err, handover.ErrNotFound) {
		return err
	}
	// go-redis sets the deadline on the connection, which reports only "i/o timeout", perhaps
	// before the context ends.
	if at, ok := ctx.Deadline(); ok && !time.Now().Before(at) {
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	if fix := fixOf(err); fix != "" {
		return fmt.Errorf("redisstore: %s: %w (%s)", op, err, fix)
	}
	return fmt.Errorf("redisstore: %s: %w", op, err)
}

// fixOf returns how to fix an error that Redis reported. The code may be anywhere in the text:
// Redis 6.2 puts it behind "ERR Error running script".
func fixOf(err error) string {
	answer, ok := errors.AsType[redis.Error](err)
	if !ok {
		return ""
	}
	for _, f := range fixes() {
		if strings.Contains(answer.Error(), f.code) {
			return f.text
		}
	}
	return ""
}

type fix struct{ code, text string }

func fixes() []fix {
	return []fix{
		{"NOAUTH", "set the password of the client"},
		{"unauthenticated", "set the password of the client"},
		{"WRONGPASS", "check the user and password of the client"},
		{"NOPERM", permissions},
		{"The user executing the script can't", permissions},
		{"READONLY", "this server is a replica: use the primary, for example through Sentinel or a cluster client"},
		{"OOM command", "Redis is full: nothing was stored; increase maxmemory"},
		{"MISCONF", "Redis cannot write to its disk and refuses writes: check its log"},
		{"LOADING", "Redis has just started and loads its data: retry"},
		{"MASTERDOWN", "this server is a replica without connection to its primary: use the primary"},
		{"NOREPLICAS", "nothing was stored; fewer replicas than min-replicas-to-write are connected"},
		{"CROSSSLOT", "the keys of a store must be in one slot: remove the proxy or key prefix that changes them"},
		{"CLUSTERDOWN", "the cluster is incomplete: check CLUSTER INFO"},
		{"TRYAGAIN", "the slot of the store moves to another server: retry"},
		{"MOVED", "the slot of the store is on another server: retry; with the address of a single server, use redis.NewClusterClient"},
		{"ASK ", "the slot of the store moves to another server: retry"},
		{"WRONGTYPE", "something else writes under the prefix of the store: use another prefix"},
		{"BUSY ", "another script blocks Redis: see SCRIPT KILL"},
		{"max number of clients", "increase maxclients of Redis or lower PoolSize of the clients"},
	}
}

const permissions = "the user needs EVAL, EVALSHA, HMGET, HSET, DEL, ZADD, ZREM, ZSCORE, ZRANGE, SADD, SREM, SISMEMBER, SMEMBERS and, " +
	"for WithReplicas, INCR, HGET, HDEL, WAIT on the keys {prefix}:*"
