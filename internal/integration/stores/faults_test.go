package stores_test

import (
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
)

func record(customer string, revision uint64) handover.Record {
	return handover.Record{
		Key: handover.Key{Channel: "shop", Customer: customer}, Revision: revision, ConversationID: "conversation of " + customer,
		WakeAt: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Data: []byte("data of " + customer),
	}
}

// everyCall returns the errors of all methods of a store that cannot work.
func everyCall(t *testing.T, s handover.Store) map[string]error {
	t.Helper()
	ctx, r := t.Context(), record("c", 1)
	_, getting := s.Get(ctx, r.Key)
	_, finding := s.Find(ctx, "shop", r.ConversationID)
	_, due := s.Due(ctx, handover.DueQuery{Now: r.WakeAt, Limit: 1})
	var all []error
	for _, err := range s.All(ctx, "") {
		all = append(all, err)
	}
	require.Len(t, all, 1)
	return map[string]error{
		"Get": getting, "Find": finding, "Due": due, "All": all[0], "Put": s.Put(ctx, r, 0), "Delete": s.Delete(ctx, r.Key, 1),
	}
}

// requireFault requires an error with these words that is none of the contract and has no data of
// the record.
func requireFault(t *testing.T, err error, words string) {
	t.Helper()
	require.ErrorContains(t, err, words)
	require.NotErrorIs(t, err, handover.ErrConflict)
	require.NotErrorIs(t, err, handover.ErrNotFound)
	require.NotContains(t, err.Error(), "data of")
}

// database/sql connects at the first use, so a wrong DSN causes an error there.
func TestWrongDSN(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "no such folder", "handover.db")
	text := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("this is no database ", 100)), 0o600))
	for name, c := range map[string]struct {
		driver, dsn string
		dialect     sqlstore.Dialect
		words       string
	}{
		"no folder":         {"sqlite", "file:" + file, sqlstore.SQLite, "folder must exist"},
		"not SQLite":        {"sqlite", "file:" + text, sqlstore.SQLite, "is not a SQLite database"},
		"no server listens": {"pgx", "postgres://u:hush@127.0.0.1:1/db?sslmode=disable", sqlstore.Postgres, "connect"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := unmigrated(t, open(t, c.driver, c.dsn), c.dialect)
			requireFault(t, s.Migrate(t.Context()), c.words)
			for call, err := range everyCall(t, s) {
				requireFault(t, err, c.words)
				require.ErrorContains(t, err, "sqlstore: "+call+":")
				require.NotContains(t, err.Error(), "hush")
			}
		})
	}
}

func TestWrongDSNPostgres(t *testing.T) {
	t.Parallel()
	dsn := schema(t)
	missing := unmigrated(t, open(t, "pgx", with(t, dsn, "dbname", "no_such_database")), sqlstore.Postgres)
	requireFault(t, missing.Migrate(t.Context()), "does not exist: create it")
	unknownUser := "nobody_" + strings.ToLower(rand.Text())
	unknown := unmigrated(t, open(t, "pgx", with(t, with(t, dsn, "user", unknownUser), "password", "hush")), sqlstore.Postgres)
	err := unknown.Migrate(t.Context())
	requireFault(t, err, "rejects the user or the password")
	require.NotContains(t, err.Error(), "hush")
}

func TestMissingTable(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := d.dsn(t)
			for _, err := range everyCall(t, unmigrated(t, open(t, driver, dsn), d.dialect)) {
				requireFault(t, err, "the table handover_records is missing: call Migrate first")
			}
		})
	}
}

// On a read-only database, reads work, writes return an error with the cause, and nothing changes.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		file := sqliteFile(t)
		writer := migrated(t, openSQLite(t, file), sqlstore.SQLite)
		require.NoError(t, writer.Put(t.Context(), record("c", 1), 0))
		reader := unmigrated(t, open(t, "sqlite", "file:"+file+"?mode=ro"), sqlstore.SQLite)
		requireReadOnly(t, reader, "cannot be written")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		dsn := schema(t)
		writer := migrated(t, open(t, "pgx", dsn), sqlstore.Postgres)
		require.NoError(t, writer.Put(t.Context(), record("c", 1), 0))
		reader := unmigrated(t, open(t, "pgx", with(t, dsn, "default_transaction_read_only", "on")), sqlstore.Postgres)
		requireReadOnly(t, reader, "the database is read-only")
	})
}

func requireReadOnly(t *testing.T, s *sqlstore.Store, words string) {
	t.Helper()
	ctx, r := t.Context(), record("c", 1)
	require.NoError(t, s.Migrate(ctx), "there is nothing to migrate")
	requireFault(t, s.Put(ctx, record("c", 2), 1), words)
	requireFault(t, s.Put(ctx, record("d", 2), 0), words)
	requireFault(t, s.Delete(ctx, r.Key, 1), words)
	got, err := s.Get(ctx, r.Key)
	require.NoError(t, err)
	require.Equal(t, r, got)
}

// On a full disk, stored records stay readable, a Put that does not fit is an error, and the store
// works again with free space.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	db := openSQLite(t, sqliteFile(t))
	db.SetMaxOpenConns(1) // the limit below belongs to a connection
	s, ctx := migrated(t, db, sqlstore.SQLite), t.Context()
	require.NoError(t, s.Put(ctx, record("c", 1), 0))
	var pages int
	require.NoError(t, db.QueryRowContext(ctx, "PRAGMA max_page_count = 20").Scan(&pages))
	large := record("c", 2)
	large.Data = make([]byte, 1<<20)
	requireFault(t, s.Put(ctx, large, 1), "the disk is full")
	large.Key.Customer = "d"
	requireFault(t, s.Put(ctx, large, 0), "the disk is full")
	got, err := s.Get(ctx, record("c", 1).Key)
	require.NoError(t, err)
	require.Equal(t, record("c", 1), got, "nothing is half written")
	_, err = s.Get(ctx, large.Key)
	require.ErrorIs(t, err, handover.ErrNotFound)
	require.NoError(t, s.Put(ctx, record("c", 3), 1), "what fits is stored")
	require.NoError(t, db.QueryRowContext(ctx, "PRAGMA max_page_count = 10000").Scan(&pages))
	require.NoError(t, s.Put(ctx, large, 0), "there is space again")
}

// A write is on disk when it is acknowledged, also if the DSN turns durability off.
func TestDurableDespiteTheDSN(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		db := open(t, "sqlite", "file:"+sqliteFile(t)+"?_pragma=synchronous(OFF)&_pragma=journal_mode(DELETE)")
		db.SetMaxOpenConns(1)
		s := migrated(t, db, sqlstore.SQLite)
		require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
		require.Equal(t, []string{"2", "wal"}, pragmasOf(t, db), "FULL is 2")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		db := open(t, "pgx", with(t, schema(t), "synchronous_commit", "off"))
		s, ctx := migrated(t, db, sqlstore.Postgres), t.Context()
		// The trigger records the setting when a transaction commits.
		_, err := db.ExecContext(ctx, `CREATE TABLE seen (doing text, setting text);
			CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				INSERT INTO seen VALUES (TG_OP, current_setting('synchronous_commit')); RETURN NULL;
			END $$;
			CREATE CONSTRAINT TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON handover_records
				DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION see()`)
		require.NoError(t, err)
		require.NoError(t, s.Put(ctx, record("c", 1), 0))
		require.NoError(t, s.Put(ctx, record("c", 2), 1))
		require.NoError(t, s.Delete(ctx, record("c", 2).Key, 2))
		var seen, setting string
		require.NoError(t, db.QueryRowContext(ctx, `SELECT string_agg(doing || ' ' || setting, ', ' ORDER BY doing) FROM seen`).Scan(&seen))
		require.Equal(t, "DELETE on, INSERT on, UPDATE on", seen)
		require.NoError(t, db.QueryRowContext(ctx, "SHOW synchronous_commit").Scan(&setting))
		require.Equal(t, "off", setting, "for the caller's statements it is unchanged")
	})
}

func pragmasOf(t *testing.T, db *sql.DB) []string {
	t.Helper()
	var synchronous, journal string
	require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous))
	require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&journal))
	return []string{synchronous, journal}
}
