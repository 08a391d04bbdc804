package redisstore_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/redisstore"
)

func TestNewErrors(t *testing.T) {
	t.Parallel()
	client := connect(t, "127.0.0.1:1")
	cluster := func(o redis.ClusterOptions) *redis.ClusterClient {
		o.Addrs = []string{"127.0.0.1:1"}
		c := redis.NewClusterClient(&o)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	t.Cleanup(func() { _ = ring.Close() })
	for name, c := range map[string]struct {
		client redis.UniversalClient
		option redisstore.Option
		want   string
	}{
		"no client":          {nil, redisstore.WithPrefix("p"), "the client is nil"},
		"nil client":         {(*redis.Client)(nil), redisstore.WithPrefix("p"), "nil *redis.Client"},
		"nil cluster client": {(*redis.ClusterClient)(nil), redisstore.WithPrefix("p"), "nil *redis.ClusterClient"},
		"ring":               {ring, redisstore.WithPrefix("p"), "*redis.Ring"},
		"reads of replicas":  {cluster(redis.ClusterOptions{ReadOnly: true}), redisstore.WithPrefix("p"), "without ReadOnly"},
		"reads of any":       {cluster(redis.ClusterOptions{RouteRandomly: true}), redisstore.WithPrefix("p"), "RouteRandomly"},
		"nil option":         {client, nil, "an option is nil"},
		"empty prefix":       {client, redisstore.WithPrefix(""), "prefix is empty"},
		"brace":              {client, redisstore.WithPrefix("a}b"), "prefix \"a}b\" has"},
		"pattern":            {client, redisstore.WithPrefix("a*"), "remove it"},
		"space":              {client, redisstore.WithPrefix("a b"), "remove it"},
		"not ASCII":          {client, redisstore.WithPrefix("é"), "printable ASCII"},
		"long prefix":        {client, redisstore.WithPrefix(strings.Repeat("p", 65)), "65 bytes, the limit is 64"},
		"negative":           {client, redisstore.WithReplicas(-1, time.Second), "WithReplicas has n = -1"},
		"forever":            {client, redisstore.WithReplicas(1, 0), "at least 1ms"},
		"longer than a read": {client, redisstore.WithReplicas(1, 5*time.Second), "ReadTimeout"},
		"in a cluster":       {cluster(redis.ClusterOptions{ReadTimeout: time.Second}), redisstore.WithReplicas(1, time.Second), "ReadTimeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := redisstore.New(c.client, c.option)
			require.ErrorContains(t, err, c.want)
		})
	}
	newStore(t, client, redisstore.WithPrefix(strings.Repeat("p", 64)), redisstore.WithReplicas(0, 0))
	newStore(t, cluster(redis.ClusterOptions{}), redisstore.WithReplicas(2, time.Second))
}

func TestBadRecords(t *testing.T) {
	t.Parallel()
	s := newStore(t, connect(t, "127.0.0.1:1"))
	bad := handover.Key{Channel: "a\x00b", Customer: "c"}
	require.ErrorContains(t, s.Put(t.Context(), handover.Record{Key: bad, Revision: 1}, 0), "Key.Channel contains a NUL")
	require.ErrorContains(t, s.Delete(t.Context(), bad, 1), "Key.Channel contains a NUL")
	_, err := s.Get(t.Context(), bad)
	require.ErrorContains(t, err, "Key.Channel contains a NUL")
	for _, revision := range []uint64{0, 1 << 63} {
		require.ErrorContains(t, s.Put(t.Context(), record("c", revision), 0), "Record.Revision")
	}
}

// fails fails unless every call returns an error with the text want that is neither ErrConflict nor
// ErrNotFound.
func fails(t *testing.T, s *redisstore.Store, writes bool, want string) {
	t.Helper()
	ctx := t.Context()
	errs := map[string]error{"Put": s.Put(ctx, record("c", 2), 1)}
	if !writes {
		errs["Delete"] = s.Delete(ctx, record("c", 1).Key, 1)
		_, errs["Get"] = s.Get(ctx, record("c", 1).Key)
		_, errs["Find"] = s.Find(ctx, "", "conversation")
		_, errs["Due"] = s.Due(ctx, handover.DueQuery{Now: time.Now(), Limit: 1})
		for _, err := range s.All(ctx, "") {
			errs["All"] = err
		}
		errs["Check"] = s.Check(ctx)
		require.Len(t, errs, 7)
	}
	for call, err := range errs {
		require.ErrorContains(t, err, want, call)
		require.NotErrorIs(t, err, handover.ErrConflict, call)
		require.NotErrorIs(t, err, handover.ErrNotFound, call)
		require.NotContains(t, err.Error(), "hunter2", call)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: freeAddr(t), MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	fails(t, newStore(t, client), false, "connect")
	_, err := newStore(t, client).Get(t.Context(), record("c", 1).Key)
	var dial *net.OpError
	require.ErrorAs(t, err, &dial)
}

func TestPassword(t *testing.T) {
	t.Parallel()
	own := start(t, "--requirepass", "right")
	client := redis.NewClient(&redis.Options{Addr: own.addr, Password: "hunter2"})
	t.Cleanup(func() { _ = client.Close() })
	fails(t, newStore(t, client), false, "check the user and password")

	none := newStore(t, connect(t, own.addr))
	_, err := none.Get(t.Context(), record("c", 1).Key)
	require.ErrorContains(t, err, "set the password of the client")
	require.ErrorContains(t, none.Check(t.Context()), "set the password of the client")
	require.NotErrorIs(t, none.Put(t.Context(), record("c", 1), 0), handover.ErrConflict)
}

// If the user lacks one permission, the error lists all of them, and Check finds it when the host
// starts.
func TestPermissions(t *testing.T) {
	t.Parallel()
	own := start(t)
	for i, rule := range []string{"-@all", "-evalsha", "-eval", "-hset", "-hmget", "-zadd", "-zrem", "-zscore", "-zrange", "-del", "-sadd", "-srem", "-sismember", "-smembers"} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			name := "user" + strconv.Itoa(i)
			allowed := "+eval +evalsha +hmget +hget +hset +hdel +del +zadd +zrem +zscore +zrange +sadd +srem +sismember +smembers +incr +config|get +ping " + rule
			words := []any{"acl", "setuser", name, "on", ">hunter2", "~{handover}:*"}
			for w := range strings.FieldsSeq(allowed) {
				words = append(words, w)
			}
			require.NoError(t, own.admin.Do(t.Context(), words...).Err())
			client := redis.NewClient(&redis.Options{Addr: own.addr, Username: name, Password: "hunter2", DisableIdentity: true})
			t.Cleanup(func() { _ = client.Close() })
			// -eval shows where the server knows no script yet.
			require.NoError(t, own.admin.ScriptFlush(t.Context()).Err())
			err := newStore(t, client).Check(t.Context())
			require.ErrorContains(t, err, "the user needs EVAL, EVALSHA")
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

// The commands that the error lists are enough.
func TestEnoughPermissions(t *testing.T) {
	t.Parallel()
	own := start(t)
	require.NoError(t, own.admin.Do(t.Context(), "acl", "setuser", "bot", "on", ">secret", "~{handover}:*",
		"+eval", "+evalsha", "+hmget", "+hset", "+del", "+zadd", "+zrem", "+zscore", "+zrange", "+sadd", "+srem", "+sismember", "+smembers").Err())
	client := redis.NewClient(&redis.Options{Addr: own.addr, Username: "bot", Password: "secret"})
	t.Cleanup(func() { _ = client.Close() })
	s := newStore(t, client)
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
	whole(t, s, record("c", 1))
	require.NoError(t, s.Delete(t.Context(), record("c", 1).Key, 1))
	err := s.Check(t.Context())
	require.ErrorIs(t, err, redisstore.ErrUnverified)
	require.ErrorContains(t, err, "appendfsync")
}

// A full Redis refuses complete writes, and still reads and removes records.
func TestFull(t *testing.T) {
	t.Parallel()
	own := start(t)
	s := newStore(t, connect(t, own.addr))
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
	own.set(t, "maxmemory", 1)
	fails(t, s, true, "Redis is full")
	whole(t, s, record("c", 1))
	require.NoError(t, s.Delete(t.Context(), record("c", 1).Key, 1))
	require.NoError(t, s.Delete(t.Context(), record("c", 1).Key, 1))
	own.set(t, "maxmemory", 0)
	require.NoError(t, s.Put(t.Context(), record("c", 2), 0))
}

func TestReadOnlyReplica(t *testing.T) {
	t.Parallel()
	primary := start(t)
	replica := primary.startReplica(t)
	s := newStore(t, connect(t, primary.addr), redisstore.WithReplicas(1, later))
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
	onReplica := newStore(t, connect(t, replica.addr))
	fails(t, onReplica, true, "this server is a replica")
	whole(t, onReplica, record("c", 1))
}

// A key of another type under the prefix causes an error before anything is written.
func TestForeignKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"all", "due", "due:shop", "conversation:conversation of c"} {
		client, prefix := shared(t)
		s := newStore(t, client, redisstore.WithPrefix(prefix))
		require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
		name := "{" + prefix + "}:" + key
		require.NoError(t, client.Set(t.Context(), name, "foreign", 0).Err())
		fails(t, s, true, "something else writes under the prefix")
		err := s.Delete(t.Context(), record("c", 1).Key, 1)
		require.ErrorContains(t, err, "something else writes under the prefix")
		got, err := s.Get(t.Context(), record("c", 1).Key)
		require.NoError(t, err)
		require.Equal(t, record("c", 1), got)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	own := start(t)
	s := newStore(t, connect(t, own.addr))
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
	require.NoError(t, own.admin.Do(t.Context(), "client", "pause", 60_000, "all").Err())
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	err := s.Put(ctx, record("c", 2), 1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, handover.ErrConflict)
}
