package stores_test

import (
	"io/fs"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
)

// Eight replicas with separate pools migrate at once.
func TestMigrateFromManyReplicas(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := d.dsn(t)
			var replicas [8]*sqlstore.Store
			var errs [8]error
			for i := range replicas {
				replicas[i] = unmigrated(t, open(t, driver, dsn), d.dialect)
			}
			var group sync.WaitGroup
			for i, s := range replicas {
				group.Go(func() { errs[i] = s.Migrate(t.Context()) })
			}
			group.Wait()
			for i, s := range replicas {
				require.NoError(t, errs[i])
				require.NoError(t, s.Put(t.Context(), record("c", uint64(i)+1), uint64(i)))
				require.NoError(t, s.Migrate(t.Context()), "a second time nothing is left to do")
			}
		})
	}
}

// A migration that fails changes nothing, and the same store can migrate after the cause is fixed.
func TestMigrateFails(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := d.dsn(t)
			db, ctx := open(t, driver, dsn), t.Context()
			db.SetMaxOpenConns(1) // a transaction left open would keep the only connection
			s := unmigrated(t, db, d.dialect)
			// The table has no column for the second index: the first statements succeed.
			_, err := db.ExecContext(ctx, "CREATE TABLE handover_records (channel text, customer text, wake_at bigint)")
			require.NoError(t, err)
			require.Error(t, s.Migrate(ctx), "the index of conversation_id has no column")
			tables, query := []string{}, "SELECT name FROM sqlite_master WHERE name LIKE 'handover%'"
			if d.dialect == sqlstore.Postgres {
				query = "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname LIKE 'handover%'"
			}
			rows, err := db.QueryContext(ctx, query)
			require.NoError(t, err)
			for rows.Next() {
				var name string
				require.NoError(t, rows.Scan(&name))
				tables = append(tables, name)
			}
			require.NoError(t, rows.Err())
			require.NoError(t, rows.Close())
			require.Equal(t, []string{"handover_records"}, tables, "only what was there before: no index, no table of migrations")
			_, err = db.ExecContext(ctx, "DROP TABLE handover_records")
			require.NoError(t, err)
			require.NoError(t, s.Migrate(ctx))
			require.NoError(t, s.Put(ctx, record("c", 1), 0))
		})
	}
}

// A database without the indexes by channel works before Migrate, and Migrate replaces its indexes.
func TestMigrateAnOlderDatabase(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := d.dsn(t)
			db, ctx := open(t, driver, dsn), t.Context()
			first, err := fs.ReadFile(sqlstore.Migrations(d.dialect), "0001_records.up.sql")
			require.NoError(t, err)
			for _, statement := range []string{
				string(first), "CREATE TABLE handover_migrations (version bigint PRIMARY KEY)",
				"INSERT INTO handover_migrations (version) VALUES (1)",
			} {
				_, err := db.ExecContext(ctx, statement)
				require.NoError(t, err)
			}
			s := unmigrated(t, db, d.dialect)
			works := func(revision uint64) {
				t.Helper()
				require.NoError(t, s.Put(ctx, record("c", revision+1), revision))
				want := record("c", revision+1)
				got, err := s.Find(ctx, "shop", want.ConversationID)
				require.NoError(t, err)
				require.Equal(t, want, got)
				due, err := s.Due(ctx, handover.DueQuery{Channel: "shop", Now: want.WakeAt, Limit: 2})
				require.NoError(t, err)
				require.Equal(t, []handover.Record{want}, due)
			}
			works(0)
			require.NoError(t, s.Migrate(ctx))
			works(1)
			indexes, query := []string{}, "SELECT name FROM sqlite_master WHERE type = 'index' AND sql <> '' ORDER BY name"
			if d.dialect == sqlstore.Postgres {
				query = `SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname NOT LIKE '%pkey' ORDER BY 1`
			}
			rows, err := db.QueryContext(ctx, query)
			require.NoError(t, err)
			for rows.Next() {
				var name string
				require.NoError(t, rows.Scan(&name))
				indexes = append(indexes, name)
			}
			require.NoError(t, rows.Err())
			require.NoError(t, rows.Close())
			require.Equal(t, []string{"handover_records_channel_due", "handover_records_conversation", "handover_records_due"}, indexes)
		})
	}
}

// The database was migrated by a newer release: this release works on it.
func TestMigratedByANewerRelease(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := d.dsn(t)
			db, ctx := open(t, driver, dsn), t.Context()
			s := migrated(t, db, d.dialect)
			_, err := db.ExecContext(ctx, "INSERT INTO handover_migrations (version) VALUES (99)")
			require.NoError(t, err)
			_, err = db.ExecContext(ctx, "ALTER TABLE handover_records ADD COLUMN of_tomorrow text")
			require.NoError(t, err)
			require.NoError(t, s.Migrate(ctx))
			require.NoError(t, s.Put(ctx, record("c", 1), 0))
			got, err := s.Get(ctx, record("c", 1).Key)
			require.NoError(t, err)
			require.Equal(t, record("c", 1), got)
		})
	}
}

// Another tool may execute the migration files, and Migrate may be called after it.
func TestMigrationsByAnotherTool(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := d.dsn(t)
			db, ctx := open(t, driver, dsn), t.Context()
			names, err := fs.Glob(sqlstore.Migrations(d.dialect), "*.up.sql")
			require.NoError(t, err)
			require.NotEmpty(t, names)
			for range 2 {
				for _, name := range names {
					text, err := fs.ReadFile(sqlstore.Migrations(d.dialect), name)
					require.NoError(t, err)
					_, err = db.ExecContext(ctx, string(text))
					require.NoError(t, err)
				}
			}
			s := unmigrated(t, db, d.dialect)
			require.NoError(t, s.Put(ctx, record("c", 1), 0))
			require.NoError(t, s.Migrate(ctx))
			require.NoError(t, s.Put(ctx, record("c", 2), 1))
		})
	}
}

// Two prefixes in one database are two stores.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			driver, dsn := d.dsn(t)
			db, ctx := open(t, driver, dsn), t.Context()
			a := migrated(t, db, d.dialect, sqlstore.WithPrefix("a_"))
			b := migrated(t, db, d.dialect, sqlstore.WithPrefix("b_56789012345678901234567890123_"))
			require.NoError(t, a.Put(ctx, record("c", 1), 0))
			_, err := b.Get(ctx, record("c", 1).Key)
			require.ErrorIs(t, err, handover.ErrNotFound)
			require.NoError(t, b.Put(ctx, record("c", 5), 0))
			got, err := a.Find(ctx, "shop", record("c", 1).ConversationID)
			require.NoError(t, err)
			require.Equal(t, record("c", 1), got)
		})
	}
}
