// Package sqlstore keeps records of package handover in SQLite or PostgreSQL, through database/sql
// and a driver that the caller imports.
//
//	// The driver modernc.org/sqlite needs no cgo and no installation.
//	db, err := sql.Open("sqlite", "file:/var/lib/bot/handover.db")
//	store, err := sqlstore.New(db, sqlstore.SQLite)
//	err = store.Migrate(ctx)
//	desk, err := handover.New(handover.Config{Store: store, …})
//
// A [Store] satisfies the contract of package storetest; the tests of this repository run it on
// both databases. A write that returned nil is on disk. The store never holds two connections at
// once, and none while the caller's code runs, so any pool size works.
//
// # SQLite
//
// SQLite is for one machine; several processes may share the file. It is tested with
// modernc.org/sqlite; other drivers of SQLite 3.24 and later should work. The file must be on a
// local disk, because WAL does not work over a network (https://www.sqlite.org/wal.html), and its
// folder must be writable. Recommended:
//
//	db, err := sql.Open("sqlite", "file:/var/lib/bot/handover.db?_pragma=busy_timeout(10000)"+
//		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
//	db.SetMaxOpenConns(8)
//	db.SetMaxIdleConns(8) // the default of 2 opens and closes the file often
//
// A DSN without the pragmas loses nothing: the store sets WAL, synchronous=FULL and a busy timeout
// on each connection that it writes with. They then also apply to the caller's statements on that
// connection. SQLite has one writer at a time, so writes wait inside a Store, where a context can
// end the wait; reads do not wait for writes. With db.SetMaxOpenConns(1) every call waits for every
// other, and all calls work. If another process has locked the file, the store retries for 10
// seconds. ":memory:" needs SetMaxOpenConns(1), because each connection has a separate database,
// and keeps nothing.
//
// # PostgreSQL
//
// It is tested with PostgreSQL 15 and pgx:
//
//	// The driver is github.com/jackc/pgx/v5/stdlib.
//	db, err := sql.Open("pgx",
//		"postgres://bot@db.example.com/bot?sslmode=verify-full&search_path=bot")
//	db.SetMaxOpenConns(16)
//	db.SetMaxIdleConns(16)
//	db.SetConnMaxLifetime(30 * time.Minute) // follows a failover behind a DNS name
//
// Each write is one statement in a transaction of its own, so no transaction stays open. Where
// synchronous_commit is off, the store turns it on for its writes; "local" and "remote_write" are
// left as they are. The store cannot change fsync = off.
//
// A standby that may be promoted must be synchronous; otherwise a failover loses the last
// acknowledged writes:
// https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION. The DSN must
// name the primary. While no standby answers, writes fail, and a Get of the same Store waits until
// a standby has what a failed Put left on the primary. Another process may read it earlier. So run
// two standbys if one of them may be down.
//
// Behind PgBouncer in transaction mode, prepared statements need PgBouncer 1.21 with
// max_prepared_statements, or default_query_exec_mode=simple_protocol in the DSN of pgx. Set
// search_path for the role (ALTER ROLE … SET search_path), because a pooler may not pass it on. The
// lock of Migrate belongs to its transaction, which such a pooler keeps on one connection.
//
// # Errors
//
// The store returns [handover.ErrConflict] and [handover.ErrNotFound] only for what they mean.
// Every other error wraps the driver's error and says how to fix a known cause. It contains no
// value of a record and no password; the driver's error may contain the names of user, database and
// host. After such an error of Put, the outcome is unknown: the record may be stored. The Manager
// then reads the record, and answers Genesys with 503, so that Genesys posts again. If a context
// ends during a write, the server may still complete it. The Manager limits each call to 5 seconds,
// so an unreachable database delays a caller by no more.
//
// # Migrations
//
// [Store.Migrate] creates the tables and updates those of an earlier release. While it builds an
// index on PostgreSQL, writes wait. A release works on tables that are newer than its own.
//
// # Operation
//
// Monitor the duration of writes, free disk space, and the age of the oldest due record: SELECT
// min(wake_at) FROM handover_records WHERE wake_at > 0 returns microseconds since 1970. While a
// Manager runs, it is at most a few seconds in the past. On PostgreSQL also monitor n_dead_tup of
// pg_stat_user_tables (each message updates a row twice, and autovacuum must keep up) and long
// transactions, which block autovacuum. On SQLite monitor the size of the -wal file, which grows
// while a reader stays open.
//
// Until messages are delivered, the records contain their text: encrypt the disk, or wrap the store
// with [handover.Seal]. Back up PostgreSQL as usual. Copy a SQLite file with VACUUM INTO or the
// .backup command of its shell, never with cp while it is in use
// (https://www.sqlite.org/howtocorrupt.html). After a backup is restored, the Manager performs
// again what was pending in it, with the same ids. The Manager removes records when their retention
// ends; do not delete records by hand while a Manager runs.
package sqlstore
