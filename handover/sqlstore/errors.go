package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	persistence = 10 * time.Second // for a database that says: not now
	firstPause  = time.Millisecond
	lastPause   = 64 * time.Millisecond
)

// persist calls f again while the database certainly did nothing and only asks to try again.
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

// passing reports an error after which nothing was stored and the same may succeed: a deadlock or a serialization failure of
// PostgreSQL (https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html), a SQLite file in use.
func (s *Store) passing(err error) bool {
	if s.dialect == Postgres {
		code := state(err)
		return code == "40P01" || code == "40001"
	}
	return says(err, "database is locked") || says(err, "table is locked") || says(err, "SQLITE_BUSY")
}

// failed wraps an error of the database, with what people can do about it. It holds no value of a record.
func (s *Store) failed(ctx context.Context, call string, err error) error {
	if says(err, "cannot parse") && state(err) == "" { // a driver may quote it
		return fmt.Errorf("sqlstore: %s: the DSN cannot be parsed; it is not shown, since it may hold a password", call)
	}
	if end := ctx.Err(); end != nil && !errors.Is(err, end) {
		err = fmt.Errorf("%w: %w", end, err) // some drivers only say that they were interrupted
	}
	if fix := s.fix(err); fix != "" {
		return fmt.Errorf("sqlstore: %s: %s: %w", call, fix, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", call, err)
}

// state is the five characters with which PostgreSQL names an error; every driver has them under this method.
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

// says looks into the text: drivers of SQLite share no type, but they all give SQLite's own words.
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
		return "the database user lacks a right: grant SELECT, INSERT, UPDATE and DELETE on the tables " + s.prefix + "*, and CREATE " +
			"on the schema to whoever calls Migrate"
	case "25006":
		return "the database only reads: let the DSN name the primary, not a replica"
	case "28P01", "28000":
		return "the database refuses the user or the password of the DSN"
	case "3D000":
		return "the database that the DSN names does not exist: create it"
	case "53100":
		return "the disk of the database is full"
	case "53300":
		return "the database has no connection left: limit db.SetMaxOpenConns, or use a pooler"
	case "55P03":
		return "another transaction holds the record longer than lock_timeout allows"
	}
	return ""
}

func (s *Store) fixSQLite(err error) string {
	switch {
	case says(err, "no such table"):
		return s.missing()
	case says(err, "readonly database"):
		return "the file or its folder cannot be written: check their owner and mode, and the mode in the DSN"
	case says(err, "disk is full"):
		return "the disk is full, or the file has reached its max_page_count"
	case says(err, "unable to open database file"):
		return "the file cannot be opened: its folder must exist and be writable"
	case says(err, "not a database"):
		return "the file is something else than a SQLite database, or an encrypted one"
	case says(err, "is locked"):
		return "another process holds the file: look for a long transaction in it"
	}
	return ""
}

func (s *Store) missing() string {
	return "the table " + s.prefix + "records is missing: call Migrate first, or check the database, the search_path and the prefix"
}
