package stores_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
)

// With thousands of records, every statement uses an index and sorts nothing that may be long: the
// cost of a message and of Due does not depend on the number of sleeping records.
func TestPlansSQLite(t *testing.T) {
	t.Parallel()
	db, ctx := openSQLite(t, sqliteFile(t)), t.Context()
	migrated(t, db, sqlstore.SQLite)
	_, err := db.ExecContext(ctx, `INSERT INTO handover_records WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 5000)
		SELECT 'shop', 'customer ' || i, i, CASE WHEN i % 2 THEN 'conversation ' || i ELSE '' END, CASE WHEN i % 3 THEN i ELSE 0 END, x'00' FROM n`)
	require.NoError(t, err)
	for _, analyzed := range []bool{false, true} {
		if analyzed {
			_, err := db.ExecContext(ctx, "ANALYZE")
			require.NoError(t, err)
		}
		for call, statement := range statements(t, sqlstore.SQLite) {
			requirePlan(t, call, explain(t, db, "EXPLAIN QUERY PLAN "+statement, make([]any, parameters(statement))...), map[string]string{
				"Get":               "USING INDEX sqlite_autoindex_handover_records_1 (channel=? AND customer=?)",
				"Find":              "USING INDEX handover_records_conversation (conversation_id=?)",
				"Find of a channel": "USING INDEX handover_records_conversation (conversation_id=? AND channel=?)",
				"Due":               "USING INDEX handover_records_due ((wake_at,channel,customer)>(?,?,?) AND wake_at<?)",
				"Due of a channel":  "USING INDEX handover_records_channel_due (channel=? AND (wake_at,customer)>(?,?) AND wake_at<?)",
				"All":               "USING INDEX sqlite_autoindex_handover_records_1 ((channel,customer)>(?,?))",
				"All of a channel":  "USING INDEX sqlite_autoindex_handover_records_1 (channel=? AND customer>?)",
				"Put":               "USING INDEX sqlite_autoindex_handover_records_1 (channel=? AND customer=?)",
				"Delete":            "USING INDEX sqlite_autoindex_handover_records_1 (channel=? AND customer=?)",
			}, "SCAN ", "TEMP B-TREE")
		}
	}
}

// PostgreSQL may plan a prepared statement without its values; that plan must use the indexes, too.
func TestPlansPostgres(t *testing.T) {
	t.Parallel()
	db, ctx := open(t, "pgx", schema(t)), t.Context()
	db.SetMaxOpenConns(1) // prepared statements belong to a connection
	migrated(t, db, sqlstore.Postgres)
	_, err := db.ExecContext(ctx, `INSERT INTO handover_records SELECT 'shop', 'customer ' || i, i,
		CASE WHEN i % 2 = 0 THEN 'conversation ' || i ELSE '' END, CASE WHEN i % 3 = 0 THEN i ELSE 0 END, '\x00' FROM generate_series(1, 50000) i`)
	require.NoError(t, err)
	_, err = db.ExecContext(ctx, "ANALYZE handover_records; SET plan_cache_mode = force_generic_plan")
	require.NoError(t, err)
	arguments := map[string]string{
		"Get": "'shop', 'customer 7'", "Find": "'conversation 8'", "Find of a channel": "'conversation 8', 'shop'",
		"Due": "100, 50, 'shop', 'customer 7', 64", "Due of a channel": "'shop', 100, 50, 'customer 7', 64", "All": "'', '', 64", "All of a channel": "'shop', '', 64",
		"Put": `'shop', 'customer 7', 8, '', 0, '\x00', 7`, "Delete": "'shop', 'customer 7', 7",
	}
	for call, statement := range statements(t, sqlstore.Postgres) {
		_, err := db.ExecContext(ctx, "PREPARE stated AS "+statement)
		require.NoError(t, err)
		plan := explain(t, db, "EXPLAIN EXECUTE stated("+arguments[call]+")")
		if strings.HasPrefix(call, "Due") {
			require.Regexp(t, `Index Cond: .*ROW\(wake_at, `, plan, "a page begins at its cursor")
		}
		requirePlan(t, call, plan, map[string]string{
			"Get":               "Index Scan using handover_records_pkey",
			"Find":              "Index Scan using handover_records_conversation",
			"Find of a channel": "Index Scan using handover_records_conversation",
			"Due":               "Index Scan using handover_records_due",
			"Due of a channel":  "Index Scan using handover_records_channel_due",
			"All":               "Index Scan using handover_records_pkey",
			"All of a channel":  "Index Scan using handover_records_pkey",
			"Put":               "Index Scan using handover_records_pkey",
			"Delete":            "Index Scan using handover_records_pkey",
		}, "Seq Scan", "Bitmap")
		_, err = db.ExecContext(ctx, "DEALLOCATE stated")
		require.NoError(t, err)
	}
}

func requirePlan(t *testing.T, call, plan string, want map[string]string, unwanted ...string) {
	t.Helper()
	require.Contains(t, plan, want[call], call)
	for _, words := range unwanted {
		if strings.HasPrefix(call, "Find") && words == "TEMP B-TREE" {
			continue // the few records of one conversation
		}
		require.NotContains(t, plan, words, call)
	}
	if strings.HasPrefix(call, "Due") || strings.HasPrefix(call, "All") {
		require.NotContains(t, plan, "Sort", call)
	}
}

// parameters returns the highest number of a parameter.
func parameters(statement string) int {
	for n := 9; n > 0; n-- {
		if strings.Contains(statement, "?"+strconv.Itoa(n)) {
			return n
		}
	}
	return 0
}

// explain returns the last column of a query plan.
func explain(t *testing.T, db *sql.DB, statement string, args ...any) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), statement, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	names, err := rows.Columns()
	require.NoError(t, err)
	var lines []string
	for rows.Next() {
		row := make([]any, len(names))
		for i := range row {
			row[i] = new(any)
		}
		line := new(string)
		row[len(row)-1] = line
		require.NoError(t, rows.Scan(row...))
		lines = append(lines, *line)
	}
	require.NoError(t, rows.Err())
	return strings.Join(lines, "\n")
}

// A spy is a database that records the last statement.
type spy struct{ asked string }

func (s *spy) Connect(context.Context) (driver.Conn, error) { return s, nil }
func (s *spy) Driver() driver.Driver                        { return s }
func (s *spy) Open(string) (driver.Conn, error)             { return s, nil }
func (s *spy) Prepare(string) (driver.Stmt, error)          { return nil, errors.New("not asked for") }

func (s *spy) Begin() (driver.Tx, error) { return nil, errors.New("not asked for") }
func (s *spy) Close() error              { return nil }

func (s *spy) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	s.asked = query
	return noRows{}, nil
}

func (s *spy) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	s.asked = query
	return driver.RowsAffected(1), nil
}

type noRows struct{}

func (noRows) Columns() []string         { return make([]string, 6) }
func (noRows) Close() error              { return nil }
func (noRows) Next([]driver.Value) error { return io.EOF }

// statements returns the statements of a store by method.
func statements(t *testing.T, d sqlstore.Dialect) map[string]string {
	t.Helper()
	s := &spy{}
	db := sql.OpenDB(s)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	store, ctx, r := unmigrated(t, db, d), t.Context(), record("c", 2)
	asked := map[string]string{}
	_, _ = store.Get(ctx, r.Key)
	asked["Get"] = s.asked
	for channel, of := range map[string]string{"": "", "shop": " of a channel"} {
		_, _ = store.Find(ctx, channel, r.ConversationID)
		asked["Find"+of] = s.asked
		_, _ = store.Due(ctx, handover.DueQuery{Channel: channel, Now: r.WakeAt, Limit: 64})
		asked["Due"+of] = s.asked
		for _, err := range store.All(ctx, channel) {
			require.NoError(t, err)
		}
		asked["All"+of] = s.asked
	}
	require.NoError(t, store.Put(ctx, r, 1))
	asked["Put"] = s.asked
	require.NoError(t, store.Delete(ctx, r.Key, 2))
	asked["Delete"] = s.asked
	return asked
}
