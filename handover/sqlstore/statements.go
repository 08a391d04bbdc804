package sqlstore

import "strings"

// pageSize is how many records All reads at once: records are a few KiB, and the largest 1.5 MiB.
const pageSize = 64

// Statements are all that a store says to its database, once it is migrated. Each writing one is a whole transaction.
type statements struct {
	get, find, due, pageOfAll, pageOfChannel string
	create, replace, remove, confirm         string
	version                                  string
}

const columns = "channel, customer, revision, conversation_id, wake_at, data"

// The predicates of the partial indexes are repeated literally, or the planner could not use them.
func newStatements(d Dialect, prefix string) statements {
	const from = "SELECT " + columns + " FROM handover_records WHERE "
	durable := ""
	if d == Postgres {
		durable = " AND " + durably
	}
	s := statements{
		get:           from + "channel = $1 AND customer = $2",
		find:          from + "conversation_id = $1 AND conversation_id <> '' ORDER BY revision DESC LIMIT 1",
		due:           from + "wake_at > 0 AND wake_at <= $1 ORDER BY wake_at LIMIT $2",
		pageOfAll:     from + "(channel, customer) > ($1, $2) ORDER BY channel, customer LIMIT $3",
		pageOfChannel: from + "channel = $1 AND customer > $2 ORDER BY customer LIMIT $3",
		create: "INSERT INTO handover_records (" + columns + ") " + newRow(d) + " WHERE true" + durable +
			" ON CONFLICT (channel, customer) DO NOTHING",
		replace: "UPDATE handover_records SET revision = $3, conversation_id = $4, wake_at = $5, data = $6" +
			" WHERE channel = $1 AND customer = $2 AND revision = $7" + durable,
		confirm: "UPDATE handover_records SET revision = revision WHERE channel = $1 AND customer = $2" + durable,
		remove:  "DELETE FROM handover_records WHERE channel = $1 AND customer = $2 AND revision = $3" + durable,
		version: "SELECT coalesce(max(version), 0) FROM handover_migrations",
	}
	for _, q := range []*string{
		&s.get, &s.find, &s.due, &s.pageOfAll, &s.pageOfChannel, &s.create, &s.replace, &s.remove, &s.confirm,
		&s.version,
	} {
		*q = adapt(d, prefix, *q)
	}
	return s
}

// newRow is a row of parameters. PostgreSQL does not infer their types in a SELECT.
func newRow(d Dialect) string {
	if d == SQLite {
		return "SELECT $1, $2, $3, $4, $5, $6"
	}
	return "SELECT $1::text, $2::text, $3::bigint, $4::text, $5::bigint, $6::bytea"
}

// durably is always true, and lets a transaction's COMMIT wait for the disk where the server, the role or the DSN says
// synchronous_commit = off: that would lose, in a crash of the server, what was already answered with 200. The setting ends with the
// transaction: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SET.
const durably = "(SELECT CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true)" +
	" ELSE '' END) IS NOT NULL"

// adapt writes a statement for a dialect and a prefix. SQLite numbers parameters with ?1.
func adapt(d Dialect, prefix, statement string) string {
	if d == SQLite {
		statement = strings.ReplaceAll(statement, "$", "?")
	}
	return strings.ReplaceAll(statement, defaultPrefix, prefix)
}
