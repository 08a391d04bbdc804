// Package sqlstore keeps handovers in SQLite or PostgreSQL, through database/sql and the driver of your choice. It imports no
// driver itself.
//
//	db, err := sql.Open("sqlite", "file:/var/lib/bot/handover.db") // modernc.org/sqlite: no cgo, nothing to install
//	store, err := sqlstore.New(db, sqlstore.SQLite)
//	err = store.Migrate(ctx)
//	desk, err := handover.New(handover.Config{Store: store, …})
//
// A [Store] keeps the contract of package storetest, which the tests of this repository run on both databases. What it acknowledged is
// on the disk. It never holds two connections, and none while the caller works, so that a pool of any size will do.
//
// # SQLite
//
// For one machine, and several processes on it: tested with modernc.org/sqlite; other drivers of SQLite 3.24 and later should do. The
// file must be on a local disk, since WAL does not work over a network (https://www.sqlite.org/wal.html), and its folder must be
// writable. Recommended:
//
//	db, err := sql.Open("sqlite", "file:/var/lib/bot/handover.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
//	db.SetMaxOpenConns(8)
//	db.SetMaxIdleConns(8) // the default of 2 opens and closes the file all the time
//
// Forgetting the pragmas loses nothing: the store sets WAL, synchronous=FULL and a busy timeout on the connection that it writes with,
// whatever the DSN says. They then also hold for your own statements on that connection. SQLite takes one writer at a time, so
// writes queue inside of a Store, where a context can end the wait; reads do not wait for them. With db.SetMaxOpenConns(1) everything
// waits for everything, and works. A file that another process holds is tried again for 10 seconds. ":memory:" needs
// SetMaxOpenConns(1), since each connection would have a database of its own, and forgets.
//
// # PostgreSQL
//
// Tested with PostgreSQL 15 and pgx:
//
//	db, err := sql.Open("pgx", "postgres://bot@db.example.com/bot?sslmode=verify-full&search_path=bot") // github.com/jackc/pgx/v5/stdlib
//	db.SetMaxOpenConns(16)
//	db.SetMaxIdleConns(16)
//	db.SetConnMaxLifetime(30 * time.Minute) // follows a failover behind a DNS name
//
// Each write is one statement and its own transaction: no transaction stays open while anything else happens. Where
// synchronous_commit is off, the store switches it on for its own writes; "local" and "remote_write" stay as they are. fsync = off is
// beyond its reach. A standby that may be promoted must be synchronous, or a failover loses what was acknowledged last:
// https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION. Let the DSN name the primary. While no standby
// answers, writes fail, and a Get of the same Store waits for what a failed Put has left on the primary alone; another process
// may read it before a standby has it. So keep two standbys where one may be away.
//
// Behind PgBouncer in transaction mode, prepared statements need PgBouncer 1.21 with max_prepared_statements, or
// default_query_exec_mode=simple_protocol in the DSN of pgx; search_path has to be set for the role (ALTER ROLE … SET search_path),
// since a pooler may not pass it on. The lock of Migrate belongs to its transaction, which such a pooler keeps together.
//
// # Errors
//
// [handover.ErrConflict] and [handover.ErrNotFound] mean what they say and nothing else. Every other error wraps the driver's, says what
// can be done where that is known, and holds neither values of records nor a password; the driver's own may name user, database and
// host. After one of Put nobody knows whether the record is stored; the Manager reads and finds out, and answers Genesys with 503
// meanwhile, so that it posts again. If a context ends in the middle of a write, the server may still carry it out. The Manager
// gives each call 5 seconds, so a database that has vanished holds nobody up for longer.
//
// # Watching and saving
//
// Watch the time of a write, free disk space, and the age of what Due gives: SELECT min(wake_at) FROM handover_records WHERE
// wake_at > 0 is microseconds since 1970, and lies in the past for seconds only while a Manager runs. In PostgreSQL also n_dead_tup of
// pg_stat_user_tables (each message updates a row twice; autovacuum must keep up) and long transactions, which stop it; in SQLite
// the size of the -wal file, which grows while a reader stays open.
//
// The records hold what customers and agents wrote until it is delivered: encrypt the disk, or wrap the Store and encrypt
// handover.Record.Data. Back PostgreSQL up as ever. Copy a SQLite file with VACUUM INTO or the backup of its shell, never with cp while it is in use
// (https://www.sqlite.org/howtocorrupt.html). After restoring a backup the Manager performs again what was waiting then, with the
// same ids. Records are removed by the Manager's retention; delete none by hand while one runs.
package sqlstore
