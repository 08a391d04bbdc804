package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	persistence = 10 * time.Second // of retries
	firstPause  = time.Millisecond
	lastPause   = 64 * time.Millisecond
)

// persist retries f after errors that store nothing and may pass.
func (s *Store) persist(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	end := time.Now().Add(persistence)
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		err := f()
		if err == nil || !s.passing(err) || time.Now().After(end) || !pause(ctx, wait) {
			return err
		}
	}
}

// passing reports whether err stored nothing and a retry may succeed: a deadlock or a serialization
// failure of PostgreSQL
// (https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html), or a locked
// SQLite file.
func (s *Store) passing(err error) bool {
	if s.dialect == Postgres {
		code := state(err)
		return code == "40P01" || code == "40001"
	}
	return says(err, "database is locked") || says(err, "table is locked") || says(err, "SQLITE_BUSY")
}

// failed wraps an error of the database and adds how to fix it. It contains no value of a record.
func (s *Store) failed(ctx context.Context, call string, err error) error {
	if says(err, "cannot parse") && state(err) == "" { // the driver quotes the DSN
		return fmt.Errorf("sqlstore: %s: the DSN cannot be parsed; it is not shown, because it may contain a password", call)
	}
	if end := ctx.Err(); end != nil && !errors.Is(err, end) {
		err = fmt.Errorf("%w: %w", end, err) // some drivers report only an interruption
	}
	if fix := s.fix(err); fix != "" {
		return fmt.Errorf("sqlstore: %s: %s: %w", call, fix, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", call, err)
}

// state returns the five characters of a PostgreSQL error code. Every driver has this method.
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
func state(err error) string {
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return e.SQLState()
	}
	return ""
}

// says searches the text of err: drivers of SQLite have no common type, but contain the text of
// SQLite.
func says(err error, words string) bool { return strings.Contains(err.Error(), words) }

func (s *Store) fix(err error) string {
	if s.dialect == Postgres {
		return s.fixPostgres(state(err))
	}
	return s.fixSQLite(err)
}

func (s *Store) fixPostgres(code string) string {
	switch code {
	case "42P01", "3F000":
		return s.missing()
	case "42501":
		return "the database user lacks a privilege: grant SELECT, INSERT, UPDATE and DELETE on the tables " + s.prefix + "*, and CREATE " +
			"on the schema to the user that calls Migrate"
	case "25006":
		return "the database is read-only: use the primary in the DSN, not a replica"
	case "28P01", "28000":
		return "the database rejects the user or the password of the DSN"
	case "3D000":
		return "the database of the DSN does not exist: create it"
	case "53100":
		return "the disk of the database is full: free space"
	case "53300":
		return "the database has no free connection: lower db.SetMaxOpenConns, or use a pooler"
	case "55P03":
		return "another transaction has locked the record for longer than lock_timeout: look for long transactions"
	}
	return ""
}

func (s *Store) fixSQLite(err error) string {
	switch {
	case says(err, "no such table"):
		return s.missing()
	case says(err, "readonly database"):
		return "the file or its folder cannot be written: check owner, permissions and the mode in the DSN"
	case says(err, "disk is full"):
		return "the disk is full or the file has reached max_page_count: free space"
	case says(err, "unable to open database file"):
		return "the file cannot be opened: its folder must exist and be writable"
	case says(err, "not a database"):
		return "the file is not a SQLite database, or is encrypted: check the path"
	case says(err, "is locked"):
		return "another process has locked the file: look for a long transaction in it"
	}
	return ""
}

func (s *Store) missing() string {
	return "the table " + s.prefix + "records is missing: call Migrate first, or check database, search_path and prefix"
}
