package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

//go:embed migrations
var files embed.FS

// Migrations returns the files that [Store.Migrate] executes, for use with another migration tool:
// 0001_….up.sql and so on, in this order, for the default prefix. Executing a file again is safe.
// The result is empty for an unknown dialect.
func Migrations(d Dialect) fs.FS {
	if sub, err := fs.Sub(files, path.Join("migrations", string(d))); err == nil && (d == Postgres || d == SQLite) {
		return sub
	}
	return embed.FS{}
}

// Migrate creates the tables, or updates those of an earlier release, in one transaction. It holds
// a lock, so any number of replicas may call it when they start. If the tables are up to date, it
// only reads. It leaves the tables of a newer release unchanged, so that two releases can use one
// database during a deploy.
func (s *Store) Migrate(ctx context.Context) error {
	steps, err := s.steps()
	if err != nil {
		return err
	}
	err = s.persist(ctx, func() error {
		if done, err := s.version(ctx, s.db); err != nil || done >= len(steps) {
			return err
		}
		if s.dialect == SQLite {
			return s.migrateSQLite(ctx, steps)
		}
		return s.migratePostgres(ctx, steps)
	})
	if err != nil {
		return s.failed(ctx, "Migrate", err)
	}
	return nil
}

// steps returns the migrations in order: number n is steps[n-1].
func (s *Store) steps() ([]string, error) {
	dir := Migrations(s.dialect)
	names, err := fs.Glob(dir, "*.up.sql") // sorted
	if err != nil {
		return nil, fmt.Errorf("sqlstore: Migrate: %w", err)
	}
	var steps []string
	for i, name := range names {
		number, _, _ := strings.Cut(name, "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("sqlstore: Migrate: the file %s does not have the number %d", name, i+1)
		}
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("sqlstore: Migrate: %w", err)
		}
		steps = append(steps, strings.ReplaceAll(string(text), defaultPrefix, s.prefix))
	}
	return steps, nil
}

// An executor is a sql.DB, sql.Conn or sql.Tx.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// version returns the number of the last migration; 0 if the table of migrations does not exist.
func (s *Store) version(ctx context.Context, in executor) (int, error) {
	var n int
	err := in.QueryRowContext(ctx, s.sql.version).Scan(&n)
	if err != nil && (state(err) == "42P01" || says(err, "no such table")) {
		return 0, nil
	}
	return n, err
}

// apply executes the missing migrations. The caller has begun a transaction and holds the lock.
func (s *Store) apply(ctx context.Context, in executor, steps []string) error {
	const table = "CREATE TABLE IF NOT EXISTS handover_migrations (version bigint PRIMARY KEY)"
	if _, err := in.ExecContext(ctx, adapt(s.dialect, s.prefix, table)); err != nil {
		return err
	}
	done, err := s.version(ctx, in)
	if err != nil {
		return err
	}
	for n := done + 1; n <= len(steps); n++ {
		if _, err := in.ExecContext(ctx, steps[n-1]); err != nil {
			return fmt.Errorf("migration %d: %w", n, err)
		}
		const note = "INSERT INTO handover_migrations (version) VALUES ($1)"
		if _, err := in.ExecContext(ctx, adapt(s.dialect, s.prefix, note), n); err != nil {
			return err
		}
	}
	return nil
}

// migratePostgres holds a lock that ends with the transaction, which poolers such as PgBouncer keep
// on one connection.
func (s *Store) migratePostgres(ctx context.Context, steps []string) (err error) {
	// With a stricter default of the server, the transaction would not see what the holder of the
	// lock before has committed.
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback() // err is the cause
		}
	}()
	name := fnv.New64a()
	// Never fails.
	_, _ = name.Write([]byte("genesyshandover " + s.prefix))
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(name.Sum64())); err != nil { //nolint:gosec // any number
		return err
	}
	if err := s.apply(ctx, tx, steps); err != nil {
		return err
	}
	return tx.Commit()
}

// migrateSQLite begins with the write lock: a transaction that reads first cannot wait for it.
func (s *Store) migrateSQLite(ctx context.Context, steps []string) error {
	return s.alone(ctx, func(c *sql.Conn) error {
		if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
			return err
		}
		err := s.apply(ctx, c, steps)
		if err == nil {
			_, err = c.ExecContext(ctx, "COMMIT")
		}
		if err == nil {
			return nil
		}
		// Roll back even after the end of the context, because the connection returns to the pool.
		_, undo := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		if undo != nil && !says(undo, "no transaction is active") {
			return errors.Join(err, undo)
		}
		return err
	})
}
