package stores_test

import (
	"database/sql"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
)

// Among thousands of records every statement goes through an index, and nothing is sorted that may be long: the cost of a message and of
// Due does not depend on how many customers sleep.
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
				"Get":              "USING INDEX sqlite_autoindex_handover_records_1 (channel=? AND customer=?)",
				"Find":             "USING INDEX handover_records_conversation_id (conversation_id=?)",
				"Due":              "USING INDEX handover_records_wake_at (wake_at>? AND wake_at<?)",
				"All":              "USING INDEX sqlite_autoindex_handover_records_1 ((channel,customer)>(?,?))",
				"All of a channel": "USING INDEX sqlite_autoindex_handover_records_1 (channel=? AND customer>?)",
				"Put":              "USING INDEX sqlite_autoindex_handover_records_1 (channel=? AND customer=?)",
				"Delete":           "USING INDEX sqlite_autoindex_handover_records_1 (channel=? AND customer=?)",
			}, "SCAN ", "TEMP B-TREE")
		}
	}
}

// The plan that PostgreSQL makes for a prepared statement without a look at its values is the one that could go wrong.
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
		"Get": "'shop', 'customer 7'", "Find": "'conversation 8'", "Due": "100, 64", "All": "'', '', 64", "All of a channel": "'shop', '', 64",
		"Put": `'shop', 'customer 7', 8, '', 0, '\x00', 7`, "Delete": "'shop', 'customer 7', 7",
	}
	for call, statement := range statements(t, sqlstore.Postgres) {
		_, err := db.ExecContext(ctx, "PREPARE stated AS "+statement)
		require.NoError(t, err)
		requirePlan(t, call, explain(t, db, "EXPLAIN EXECUTE stated("+arguments[call]+")"), map[string]string{
			"Get":              "Index Scan using handover_records_pkey",
			"Find":             "Index Scan using handover_records_conversation_id",
			"Due":              "Index Scan using handover_records_wake_at",
			"All":              "Index Scan using handover_records_pkey",
			"All of a channel": "Index Scan using handover_records_pkey",
			"Put":              "Index Scan using handover_records_pkey",
			"Delete":           "Index Scan using handover_records_pkey",
		}, "Seq Scan", "Bitmap")
		_, err = db.ExecContext(ctx, "DEALLOCATE stated")
		require.NoError(t, err)
	}
}

func requirePlan(t *testing.T, call, plan string, want map[string]string, unwanted ...string) {
	t.Helper()
	require.Contains(t, plan, want[call], call)
	for _, words := range unwanted {
		if call == "Find" && words == "TEMP B-TREE" {
			continue // the few records of one conversation
		}
		require.NotContains(t, plan, words, call)
	}
	if call == "Due" || strings.HasPrefix(call, "All") {
		require.NotContains(t, plan, "Sort", call)
	}
}

// parameters is the highest number of a parameter.
func parameters(statement string) int {
	for n := 9; n > 0; n-- {
		if strings.Contains(statement, "?"+strconv.Itoa(n)) {
			return n
		}
	}
	return 0
}

// explain is the last column of the plan's lines.
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
