package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/genesyshandover/genesyshandover/handover"
)

// Dialect is the SQL that a database speaks.
type Dialect string

// The dialects there are.
const (
	Postgres Dialect = "postgres" // PostgreSQL 12 and later
	SQLite   Dialect = "sqlite"   // SQLite 3.24 and later
)

const (
	defaultPrefix = "handover_" // also in the files of migrations
	maxPrefix     = 32          // PostgreSQL cuts names at 63 bytes, and the longest of ours adds 23
)

// A Store is a [handover.Store] in a database. It is safe for concurrent use, by any number of processes too.
type Store struct {
	db      *sql.DB
	dialect Dialect
	prefix  string
	sql     statements
	writing chan struct{} // held by the one writer of a SQLite file; nil: the database sorts writers out

	doubtful sync.Map // keys of which a Put had an unknown outcome
}

var _ handover.Store = (*Store)(nil)

// New makes a store on db, which stays the caller's: it calls nobody, so that a wrong DSN shows at the first use. Call
// [Store.Migrate] once before. It returns an error for a nil db, an unknown dialect and a bad option.
func New(db *sql.DB, d Dialect, opts ...Option) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlstore: db is nil: give what sql.Open returned")
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

// An Option changes what [New] makes.
type Option func(*Store) error

// WithPrefix names the tables differently than handover_records and handover_migrations: the prefix replaces "handover_". It
// takes 1 to 32 of a-z, 0-9 and _, and begins with a letter or _. Stores with different prefixes in one database know nothing of
// each other. For a schema of PostgreSQL set search_path in the DSN instead.
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
		return bad("it is empty: leave the option out for \"" + defaultPrefix + "\"")
	case len(prefix) > maxPrefix:
		return bad(fmt.Sprintf("it is longer than %d characters: PostgreSQL would cut the names of the tables off", maxPrefix))
	case strings.Trim(prefix, "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return bad("use only a-z, 0-9 and _: it becomes a part of the names of tables, unquoted")
	case prefix[0] >= '0' && prefix[0] <= '9':
		return bad("begin with a letter or _: names of tables do")
	case strings.HasPrefix(prefix, "sqlite_"), strings.HasPrefix(prefix, "pg_"):
		return bad("begin with something else: the database keeps names like this for itself")
	}
	return nil
}
