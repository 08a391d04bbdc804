package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/genesyshandover/genesyshandover/handover/redisstore"
	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
	"github.com/genesyshandover/genesyshandover/internal/torture"
)

// connections is the size of the pool of one process: enough for its parallel work, and small
// enough for several processes on a server that allows 100.
const connections = 12

// sqliteDSN is a file in folder. A commit is on disk when it is acknowledged, so it survives the
// kill of any process.
func sqliteDSN(folder string) string {
	return fmt.Sprintf("file:%s?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)",
		filepath.Join(folder, "handover.db"))
}

func openSQLite(dsn, prefix string) (*torture.Store, error) {
	return openSQL("sqlite", sqlstore.SQLite, dsn, prefix)
}

func openPostgres(dsn, prefix string) (*torture.Store, error) {
	return openSQL("pgx", sqlstore.Postgres, dsn, prefix)
}

func openSQL(driver string, dialect sqlstore.Dialect, dsn, prefix string) (*torture.Store, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		// The driver's own error may contain a password.
		return nil, errors.New("-dsn: the driver cannot read it")
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	store, err := sqlstore.New(db, dialect, sqlstore.WithPrefix(prefix))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	drop := func(ctx context.Context) error {
		for _, table := range []string{"records", "migrations"} {
			if _, err := db.ExecContext(ctx, "DROP TABLE IF EXISTS "+prefix+table); err != nil {
				return err
			}
		}
		return nil
	}
	return &torture.Store{Store: store, Prepare: store.Migrate, Drop: drop, Close: db.Close}, nil
}

func openRedis(dsn, prefix string) (*torture.Store, error) {
	o, err := redis.ParseURL(dsn)
	if err != nil {
		return nil, errors.New(`-dsn: not an address of Redis, such as "redis://127.0.0.1:6379/0"`)
	}
	o.ContextTimeoutEnabled = true
	redis.SetLogger(silent{}) // it logs each dial while the server restarts
	client := redis.NewClient(o)
	store, err := redisstore.New(client, redisstore.WithPrefix(prefix))
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
		for keys := client.Scan(ctx, 0, "{"+prefix+"}*", 1000).Iterator(); ; {
			if !keys.Next(ctx) {
				return keys.Err()
			}
			if err := client.Del(ctx, keys.Val()).Err(); err != nil {
				return err
			}
		}
	}
	return &torture.Store{Store: store, Prepare: check, Drop: drop, Close: client.Close}, nil
}

// silent discards the log of go-redis. With -v the SDK logs what failed.
type silent struct{}

// Printf implements the interface that redis.SetLogger takes.
func (silent) Printf(context.Context, string, ...any) {}
