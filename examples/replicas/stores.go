package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/redisstore"
	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
)

// The values of -store.
const (
	storeSQLite   = "sqlite"
	storePostgres = "postgres"
	storeRedis    = "redis"
)

// A storeSpec says where the store is. Each run has a prefix of its own, so that it touches nothing else in the database.
type storeSpec struct {
	Kind   string `json:"kind"`
	DSN    string `json:"dsn"`
	Prefix string `json:"prefix"`
}

// A shared store, as one process sees it.
type shared struct {
	handover.Store

	prepare func(context.Context) error // once a run, before the replicas start
	drop    func(context.Context) error // removes what the run stored
	close   func() error
}

// connections of one process: enough to work beside others, few enough for a server that allows 100.
const connections = 12

func (s storeSpec) open() (*shared, error) {
	switch s.Kind {
	case storePostgres:
		return s.openSQL("pgx", sqlstore.Postgres)
	case storeRedis:
		return s.openRedis()
	default:
		return s.openSQL("sqlite", sqlstore.SQLite)
	}
}

func (s storeSpec) openSQL(driver string, dialect sqlstore.Dialect) (*shared, error) {
	db, err := sql.Open(driver, s.DSN)
	if err != nil {
		return nil, errors.New("-dsn: the driver cannot read it") // its own error may show a password
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	store, err := sqlstore.New(db, dialect, sqlstore.WithPrefix(s.Prefix))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	drop := func(ctx context.Context) error {
		for _, table := range []string{"records", "migrations"} {
			if _, err := db.ExecContext(ctx, "DROP TABLE IF EXISTS "+s.Prefix+table); err != nil { //nolint:gosec // a prefix of our own
				return err
			}
		}
		return nil
	}
	return &shared{Store: store, prepare: store.Migrate, drop: drop, close: db.Close}, nil
}

func (s storeSpec) openRedis() (*shared, error) {
	o, err := redis.ParseURL(s.DSN)
	if err != nil {
		return nil, errors.New(`-dsn: not an address of Redis, such as "redis://127.0.0.1:6379/0"`)
	}
	o.ContextTimeoutEnabled = true
	redis.SetLogger(silent{}) // a line for each dial while the server restarts
	client := redis.NewClient(o)
	store, err := redisstore.New(client, redisstore.WithPrefix(s.Prefix))
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	check := func(ctx context.Context) error {
		if err := store.Check(ctx); !errors.Is(err, redisstore.ErrUnverified) {
			return err
		}
		return nil
	}
	drop := func(ctx context.Context) error {
		for keys := client.Scan(ctx, 0, "{"+s.Prefix+"}*", 1000).Iterator(); ; {
			if !keys.Next(ctx) {
				return keys.Err()
			}
			if err := client.Del(ctx, keys.Val()).Err(); err != nil {
				return err
			}
		}
	}
	return &shared{Store: store, prepare: check, drop: drop, close: client.Close}, nil
}

// silent is a logger of go-redis; the SDK logs what went wrong, with -v.
type silent struct{}

// Printf implements the interface that redis.SetLogger asks for.
func (silent) Printf(context.Context, string, ...any) {}

// sqliteDSN is a file that survives the kill of any process: a commit is on the disk when it is acknowledged.
func sqliteDSN(file string) string {
	return fmt.Sprintf("file:%s?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)", file)
}
