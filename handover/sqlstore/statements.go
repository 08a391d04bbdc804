package sqlstore

import "strings"

// pageSize is the number of records that All reads at once. Records have a few KiB; the largest has
// 1.5 MiB.
const pageSize = 64

// statements has every statement of a store except those of migrations. Each one that writes is a
// transaction.
type statements struct {
	get                              string
	find, findInChannel              string
	due, dueInChannel                string
	all, allInChannel                string
	create, replace, remove, confirm string
	version                          string
}

const columns = "channel, customer, revision, conversation_id, wake_at, data"

// The predicates of the partial indexes are repeated literally; otherwise the planner cannot use
// these indexes. The place where a page begins is the first condition, because SQLite takes the
// first lower bound that it finds: with "wake_at > 0" it would read everything before the page.
func newStatements(d Dialect, prefix string) statements {
	const from = "SELECT " + columns + " FROM handover_records WHERE "
	durable := ""
	if d == Postgres {
		durable = " AND " + durably
	}
	s := statements{
		get:           from + "channel = $1 AND customer = $2",
		find:          from + "conversation_id = $1 AND conversation_id <> '' ORDER BY revision DESC LIMIT 1",
		findInChannel: from + "conversation_id = $1 AND conversation_id <> '' AND channel = $2 ORDER BY revision DESC LIMIT 1",
		due: from + "(wake_at, channel, customer) > ($2, $3, $4) AND wake_at <= $1 AND wake_at > 0" +
			" ORDER BY wake_at, channel, customer LIMIT $5",
		dueInChannel: from + "channel = $1 AND (wake_at, customer) > ($3, $4) AND wake_at <= $2 AND wake_at > 0" +
			" ORDER BY wake_at, customer LIMIT $5",
		all:          from + "(channel, customer) > ($1, $2) ORDER BY channel, customer LIMIT $3",
		allInChannel: from + "channel = $1 AND customer > $2 ORDER BY customer LIMIT $3",
		create: "INSERT INTO handover_records (" + columns + ") " + newRow(d) + " WHERE true" + durable +
			" ON CONFLICT (channel, customer) DO NOTHING",
		replace: "UPDATE handover_records SET revision = $3, conversation_id = $4, wake_at = $5, data = $6" +
			" WHERE channel = $1 AND customer = $2 AND revision = $7" + durable,
		confirm: "UPDATE handover_records SET revision = revision WHERE channel = $1 AND customer = $2" + durable,
		remove:  "DELETE FROM handover_records WHERE channel = $1 AND customer = $2 AND revision = $3" + durable,
		version: "SELECT coalesce(max(version), 0) FROM handover_migrations",
	}
	for _, q := range []*string{
		&s.get, &s.find, &s.findInChannel, &s.due, &s.dueInChannel, &s.all, &s.allInChannel,
		&s.create, &s.replace, &s.remove, &s.confirm, &s.version,
	} {
		*q = adapt(d, prefix, *q)
	}
	return s
}

// newRow selects a row of parameters. PostgreSQL does not infer their types in a SELECT.
func newRow(d Dialect) string {
	if d == SQLite {
		return "SELECT $1, $2, $3, $4, $5, $6"
	}
	return "SELECT $1::text, $2::text, $3::bigint, $4::text, $5::bigint, $6::bytea"
}

// durably is a condition that is always true. Where the server, the role or the DSN sets
// synchronous_commit = off, it makes the COMMIT wait for the disk; otherwise a crash of the server
// would lose messages that were answered with 200. The setting ends with the transaction:
// https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SET.
const durably = "(SELECT CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true)" +
	" ELSE '' END) IS NOT NULL"

// adapt returns a statement for a dialect and a prefix. SQLite writes parameters as ?1.
func adapt(d Dialect, prefix, statement string) string {
	if d == SQLite {
		statement = strings.ReplaceAll(statement, "$", "?")
	}
	return strings.ReplaceAll(statement, defaultPrefix, prefix)
}
