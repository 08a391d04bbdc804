// Package storebench measures the stores that need a driver:
//
//	POSTGRES_DSN=postgres://… go test -run '^$' -bench . ./internal/integration/storebench
package storebench_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
	"github.com/genesyshandover/genesyshandover/internal/storebench"
)

// connections is enough for a server with a few cores. The default limit of PostgreSQL is 100 for
// all clients.
const connections = 16

// BenchmarkMemory is the baseline of the other benchmarks.
func BenchmarkMemory(b *testing.B) {
	storebench.Run(b, func(testing.TB) handover.Store { return handover.NewMemoryStore() })
}

// BenchmarkSQLite commits with synchronous=FULL in the temporary folder, which must be on a disk.
func BenchmarkSQLite(b *testing.B) {
	storebench.Run(b, func(tb testing.TB) handover.Store {
		tb.Helper()
		return open(tb, "sqlite", filepath.Join(tb.TempDir(), "handover.db"), sqlstore.SQLite)
	})
}

func BenchmarkPostgres(b *testing.B) {
	dsn := os.Getenv("POSTGRES_DSN")
	if dsn == "" {
		b.Skip("NOT MEASURED: POSTGRES_DSN is not set; it names a PostgreSQL where tables may be made")
	}
	storebench.Run(b, func(tb testing.TB) handover.Store {
		tb.Helper()
		return open(tb, "pgx", dsn, sqlstore.Postgres)
	})
}

// A store is a Seeder, because 100,000 commits would take minutes.
type store struct {
	*sqlstore.Store

	db     *sql.DB
	insert string
}

// open returns a store with separate tables, which are dropped at the end.
func open(tb testing.TB, driver, dsn string, d sqlstore.Dialect) *store {
	tb.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	prefix := "bench_" + strings.ToLower(rand.Text()[:8]) + "_"
	s, err := sqlstore.New(db, d, sqlstore.WithPrefix(prefix))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		for _, table := range []string{"records", "migrations"} {
			if _, err := db.ExecContext(context.Background(), "DROP TABLE IF EXISTS "+prefix+table); err != nil { //nolint:usetesting // the test's has ended
				tb.Errorf("drop: %v", err)
			}
		}
		if err := db.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	if err := s.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return &store{Store: s, db: db, insert: fmt.Sprintf("INSERT INTO %srecords"+
		" (channel, customer, revision, conversation_id, wake_at, data) VALUES ($1, $2, $3, $4, $5, $6)", prefix)}
}

// Seed is storebench.Seeder.
func (s *store) Seed(ctx context.Context, records iter.Seq[handover.Record]) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	insert, err := tx.PrepareContext(ctx, s.insert)
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }()
	for r := range records {
		_, err := insert.ExecContext(ctx, r.Key.Channel, r.Key.Customer, int64(r.Revision), r.ConversationID, r.WakeAt.UnixMicro(), r.Data) //nolint:gosec // small
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

var _ storebench.Seeder = (*store)(nil)
