package stores_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
)

// openSQLite opens a file, with nothing in the DSN: the store itself has to see to what matters.
func openSQLite(t *testing.T, file string) *sql.DB {
	t.Helper()
	return open(t, "sqlite", "file:"+file)
}

func sqliteFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "handover.db")
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// postgres is the DSN of a database to be tested on; without one the test is skipped.
func postgres(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("POSTGRES_DSN")
	if dsn == "" {
		t.Skip("NOT TESTED ON POSTGRESQL: set POSTGRES_DSN to a database in which schemas may be created")
	}
	return dsn
}

// schema makes a schema that is dropped after the test, and gives a DSN whose tables are in it.
func schema(t *testing.T) (dsn string) {
	t.Helper()
	dsn = postgres(t)
	name := "stores_" + strings.ToLower(rand.Text())
	admin, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	_, err = admin.ExecContext(t.Context(), "CREATE SCHEMA "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.ExecContext(context.WithoutCancel(t.Context()), "DROP SCHEMA "+name+" CASCADE")
		require.NoError(t, err)
		require.NoError(t, admin.Close())
	})
	return with(t, dsn, "search_path", name)
}

// with adds a parameter to a DSN in the form of a URL.
func with(t *testing.T, dsn, name, value string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // pgx takes a plus for a plus
	return u.String()
}

// migrated is a store on a database whose tables it made.
func migrated(t *testing.T, db *sql.DB, d sqlstore.Dialect, opts ...sqlstore.Option) *sqlstore.Store {
	t.Helper()
	s := unmigrated(t, db, d, opts...)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func unmigrated(t *testing.T, db *sql.DB, d sqlstore.Dialect, opts ...sqlstore.Option) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.New(db, d, opts...)
	require.NoError(t, err)
	return s
}

// A database is one of those that every test of this package that concerns both runs on.
type database struct {
	name    string
	dialect sqlstore.Dialect
	dsn     func(t *testing.T) (driver, dsn string) // of an empty database
}

func databases() []database {
	return []database{
		{"SQLite", sqlstore.SQLite, func(t *testing.T) (string, string) {
			t.Helper()
			return "sqlite", "file:" + sqliteFile(t)
		}},
		{"PostgreSQL", sqlstore.Postgres, func(t *testing.T) (string, string) {
			t.Helper()
			return "pgx", schema(t)
		}},
	}
}
