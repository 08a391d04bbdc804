package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
)

// The program imports a driver, here modernc.org/sqlite under the name "sqlite". Nothing has to be
// installed.
func Example() {
	newDesk := func(ctx context.Context, c handover.Config) (*handover.Manager, error) {
		db, err := sql.Open("sqlite", "file:/var/lib/bot/handover.db")
		if err != nil {
			return nil, err
		}
		db.SetMaxIdleConns(8)
		store, err := sqlstore.New(db, sqlstore.SQLite)
		if err != nil {
			return nil, err
		}
		if err := store.Migrate(ctx); err != nil {
			return nil, err
		}
		c.Store = store
		return handover.New(c)
	}
	_ = newDesk
	// Output:
}

// The same for PostgreSQL, with github.com/jackc/pgx/v5/stdlib under the name "pgx", and other
// names of the tables.
func ExampleNew_postgres() {
	newStore := func(ctx context.Context, dsn string) (*sqlstore.Store, error) {
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(16)
		db.SetMaxIdleConns(16)
		store, err := sqlstore.New(db, sqlstore.Postgres, sqlstore.WithPrefix("bot_handover_"))
		if err != nil {
			return nil, err
		}
		return store, store.Migrate(ctx)
	}
	_ = newStore
	// Output:
}

// For a migration tool of your own.
func ExampleMigrations() {
	names, err := fs.Glob(sqlstore.Migrations(sqlstore.Postgres), "*")
	fmt.Println(names, err)
	// Output: [0001_records.up.sql 0002_channels.up.sql] <nil>
}
