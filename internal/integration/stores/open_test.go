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

// openSQLite opens a file with a DSN without pragmas: the store must set what it needs.
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

// postgres returns the DSN of the test database. It skips the test if there is none.
func postgres(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("POSTGRES_DSN")
	if dsn == "" {
		t.Skip("NOT TESTED ON POSTGRESQL: set POSTGRES_DSN to a database in which schemas may be created")
	}
	return dsn
}

// schema creates a schema, which is dropped after the test, and returns a DSN that uses it.
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
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // pgx does not decode a plus as a space
	return u.String()
}

// migrated returns a store after Migrate.
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

// A database is one of those that the tests of both dialects run on.
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
