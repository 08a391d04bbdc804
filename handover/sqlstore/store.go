package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/genesyshandover/genesyshandover/handover"
)

// Dialect selects the SQL of a database.
type Dialect string

// The supported dialects.
const (
	Postgres Dialect = "postgres" // PostgreSQL 12 and later
	SQLite   Dialect = "sqlite"   // SQLite 3.24 and later
)

const (
	defaultPrefix = "handover_" // also in the migration files
	maxPrefix     = 32          // PostgreSQL cuts names at 63 bytes, and the longest name adds 23
)

// A Store is a [handover.Store] in a database. It is safe for concurrent use by any number of
// goroutines and processes.
type Store struct {
	db      *sql.DB
	dialect Dialect
	prefix  string
	sql     statements
	writing chan struct{} // held by the writer of a SQLite file; nil: PostgreSQL

	doubtful sync.Map // keys with an unknown outcome of their last Put
}

var _ handover.Store = (*Store)(nil)

// New returns a store on db. It does not connect, so a wrong DSN causes an error at the first use.
// The caller closes db, and calls [Store.Migrate] before the first use. New returns an error for a
// nil db, an unknown dialect and an invalid option.
func New(db *sql.DB, d Dialect, opts ...Option) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlstore: db is nil: pass the result of sql.Open")
	}
	if d != Postgres && d != SQLite {
		return nil, fmt.Errorf("sqlstore: unknown dialect %q: use sqlstore.Postgres or sqlstore.SQLite", string(d))
	}
	s := &Store{db: db, dialect: d, prefix: defaultPrefix}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("sqlstore: an Option is nil: leave it out")
		}
		if err := o(s); err != nil {
			return nil, err
		}
	}
	s.sql = newStatements(d, s.prefix)
	if d == SQLite {
		s.writing = make(chan struct{}, 1)
	}
	return s, nil
}

// An Option configures a store.
type Option func(*Store) error

// WithPrefix replaces "handover_" in the names of the tables handover_records and
// handover_migrations. A prefix has 1 to 32 of the characters a-z, 0-9 and _, and begins with a
// letter or _. Stores with different prefixes are independent. To use another schema of PostgreSQL,
// set search_path in the DSN instead.
func WithPrefix(prefix string) Option {
	return func(s *Store) error {
		if err := checkPrefix(prefix); err != nil {
			return err
		}
		s.prefix = prefix
		return nil
	}
}

func checkPrefix(prefix string) error {
	bad := func(what string) error { return fmt.Errorf("sqlstore: WithPrefix(%.40q): %s", prefix, what) }
	switch {
	case prefix == "":
		return bad("it is empty: omit the option for \"" + defaultPrefix + "\"")
	case len(prefix) > maxPrefix:
		return bad(fmt.Sprintf("it is longer than %d characters: PostgreSQL would cut the table names", maxPrefix))
	case strings.Trim(prefix, "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return bad("use only a-z, 0-9 and _: table names contain it unquoted")
	case prefix[0] >= '0' && prefix[0] <= '9':
		return bad("begin with a letter or _")
	case strings.HasPrefix(prefix, "sqlite_"), strings.HasPrefix(prefix, "pg_"):
		return bad("use another prefix: the database reserves names that begin so")
	}
	return nil
}
