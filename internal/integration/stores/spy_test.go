package stores_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
)

// A spy is a database that only writes down what it is asked.
type spy struct{ asked string }

func (s *spy) Connect(context.Context) (driver.Conn, error) { return s, nil }
func (s *spy) Driver() driver.Driver                        { return s }
func (s *spy) Open(string) (driver.Conn, error)             { return s, nil }
func (s *spy) Prepare(string) (driver.Stmt, error)          { return nil, errors.New("not asked for") }

func (s *spy) Begin() (driver.Tx, error) { return nil, errors.New("not asked for") }
func (s *spy) Close() error              { return nil }

func (s *spy) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	s.asked = query
	return noRows{}, nil
}

func (s *spy) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	s.asked = query
	return driver.RowsAffected(1), nil
}

type noRows struct{}

func (noRows) Columns() []string         { return make([]string, 6) }
func (noRows) Close() error              { return nil }
func (noRows) Next([]driver.Value) error { return io.EOF }

// statements are what a store asks, by method.
func statements(t *testing.T, d sqlstore.Dialect) map[string]string {
	t.Helper()
	s := &spy{}
	db := sql.OpenDB(s)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	store, ctx, r := unmigrated(t, db, d), t.Context(), record("c", 2)
	asked := map[string]string{}
	_, _ = store.Get(ctx, r.Key)
	asked["Get"] = s.asked
	_, _ = store.Find(ctx, r.ConversationID)
	asked["Find"] = s.asked
	_, _ = store.Due(ctx, r.WakeAt, 64)
	asked["Due"] = s.asked
	for channel, name := range map[string]string{"": "All", "shop": "All of a channel"} {
		for _, err := range store.All(ctx, channel) {
			require.NoError(t, err)
		}
		asked[name] = s.asked
	}
	require.NoError(t, store.Put(ctx, r, 1))
	asked["Put"] = s.asked
	require.NoError(t, store.Delete(ctx, r.Key, 2))
	asked["Delete"] = s.asked
	return asked
}
