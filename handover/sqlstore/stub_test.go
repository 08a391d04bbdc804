package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A stub is a driver that answers each statement with its next configured result.
type stub struct {
	mu    sync.Mutex
	fails []error // one for each statement; then it succeeds
	rows  int64   // that a write affects
	asked []string
}

func (s *stub) open(t *testing.T) *sql.DB {
	t.Helper()
	db := sql.OpenDB(s)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// next takes down a statement; the pragmas before a write do not count.
func (s *stub) next(statement string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(statement, "PRAGMA") {
		return nil
	}
	s.asked = append(s.asked, statement)
	if len(s.fails) == 0 {
		return nil
	}
	err := s.fails[0]
	s.fails = s.fails[1:]
	return err
}

func (s *stub) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func (s *stub) Connect(context.Context) (driver.Conn, error) { return s, nil }
func (s *stub) Driver() driver.Driver                        { return s }
func (s *stub) Open(string) (driver.Conn, error)             { return s, nil }
func (s *stub) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("the stub prepares nothing")
}

func (s *stub) Begin() (driver.Tx, error) { return nil, errors.New("the stub has no transactions") }
func (s *stub) Close() error              { return nil }

func (s *stub) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	if err := s.next(query); err != nil {
		return nil, err
	}
	return driver.RowsAffected(s.rows), nil
}

func (s *stub) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	if err := s.next(query); err != nil {
		return nil, err
	}
	return empty{}, nil
}

type empty struct{}

func (empty) Columns() []string         { return make([]string, 6) }
func (empty) Close() error              { return nil }
func (empty) Next([]driver.Value) error { return io.EOF }

// A stateError is an error like those of the PostgreSQL drivers.
type stateError string

func (e stateError) Error() string    { return "the server says " + string(e) }
func (e stateError) SQLState() string { return string(e) }
