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

// failed names the operation and, where Redis says why, the fix. Neither has a key, an id or a password in it.
func failed(ctx context.Context, op string, err error) error {
	if errors.Is(err, handover.ErrNotFound) {
		return err
	}
	// go-redis makes a deadline one of the connection, which says "i/o timeout" only, and perhaps before the context says so.
	if at, ok := ctx.Deadline(); ok && !time.Now().Before(at) {
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	if fix := fixOf(err); fix != "" {
		return fmt.Errorf("redisstore: %s: %w (%s)", op, err, fix)
	}
	return fmt.Errorf("redisstore: %s: %w", op, err)
}

// fixOf is what to do about an answer of Redis. The code is looked for anywhere: Redis 6.2 puts it behind "ERR Error running
// script".
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
		{"NOAUTH", "give the client a password"},
		{"unauthenticated", "give the client a password"},
		{"WRONGPASS", "check user and password of the client"},
		{"NOPERM", permissions},
		{"The user executing the script can't", permissions},
		{"READONLY", "this server is a replica: write to the primary, through Sentinel or a cluster client for example"},
		{"OOM command", "Redis is full: raise maxmemory; nothing was stored"},
		{"MISCONF", "Redis cannot write to its disk and takes no writes: look at its log"},
		{"LOADING", "Redis has just started and reads its data: try again"},
		{"MASTERDOWN", "this server is a replica that has lost its primary: write to the primary"},
		{"NOREPLICAS", "fewer replicas than min-replicas-to-write are connected: nothing was stored"},
		{"CROSSSLOT", "the keys of a store have to be in one slot: a proxy or a prefix changes them"},
		{"CLUSTERDOWN", "the cluster is not whole: look at CLUSTER INFO"},
		{"TRYAGAIN", "the slot of the store is on its way to another server: try again"},
		{"MOVED", "the slot of the store is on another server: try again; with one server for all, use redis.NewClusterClient"},
		{"ASK ", "the slot of the store is on its way to another server: try again"},
		{"WRONGTYPE", "something else writes under the prefix of the store: give it another"},
		{"BUSY ", "a script of somebody else keeps Redis busy: look at SCRIPT KILL"},
		{"max number of clients", "raise maxclients of Redis or lower PoolSize of the clients"},
	}
}

const permissions = "the user needs EVAL, EVALSHA, HMGET, HGET, HSET, HDEL, DEL, ZADD, ZREM, ZSCORE, ZRANGE, INCR and, " +
	"for WithReplicas, WAIT on the keys {prefix}:*"
