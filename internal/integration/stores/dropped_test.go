package stores_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
)

// The connection breaks before the server gets the write: an error that is no conflict, and nothing
// is stored.
func TestCutBeforeTheWrite(t *testing.T) {
	t.Parallel()
	p, s, direct := cuttable(t)
	p.cutAt(client)
	requireFault(t, s.Put(t.Context(), record("c", 2), 1), "sqlstore: Put")
	got, err := direct.Get(t.Context(), record("c", 1).Key)
	require.NoError(t, err)
	require.Equal(t, record("c", 1), got)
	require.NoError(t, s.Put(t.Context(), record("c", 2), 1), "the next call has another connection")
}

// The connection breaks before the answer arrives: an error that is no conflict, although the
// record is stored.
func TestCutBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	p, s, direct := cuttable(t)
	p.cutAt(server)
	requireFault(t, s.Put(t.Context(), record("c", 2), 1), "sqlstore: Put")
	require.Eventually(t, func() bool {
		got, err := direct.Get(t.Context(), record("c", 2).Key)
		return err == nil && got.Revision == 2
	}, time.Minute, 10*time.Millisecond, "the server had the whole statement")
	got, err := s.Get(t.Context(), record("c", 2).Key)
	require.NoError(t, err)
	require.Equal(t, record("c", 2), got)
	require.ErrorIs(t, s.Put(t.Context(), record("c", 3), 1), handover.ErrConflict)
}

// All pooled connections break between two calls, as in a restart of the database or a pooler.
func TestHungUpBetweenCalls(t *testing.T) {
	t.Parallel()
	p, s, _ := cuttable(t)
	p.hangUp()
	err := s.Put(t.Context(), record("c", 2), 1)
	require.NotErrorIs(t, err, handover.ErrConflict)
	got, err := s.Get(t.Context(), record("c", 2).Key)
	require.NoError(t, err, "the pool has replaced what was dead")
	require.NoError(t, s.Put(t.Context(), record("c", got.Revision+1), got.Revision))
}

// cuttable returns two stores with one record. That behind the proxy has already prepared the
// statement of Put.
func cuttable(t *testing.T) (*proxy, *sqlstore.Store, *sqlstore.Store) {
	t.Helper()
	dsn := schema(t)
	p, through := behindProxy(t, dsn)
	db := open(t, "pgx", through)
	db.SetMaxOpenConns(1)
	s := migrated(t, db, sqlstore.Postgres)
	require.NoError(t, s.Put(t.Context(), record("warm", 1), 0))
	require.NoError(t, s.Put(t.Context(), record("warm", 2), 1))
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
	return p, s, unmigrated(t, open(t, "pgx", dsn), sqlstore.Postgres)
}

// held returns a record that another transaction has locked, and a store with a name on its
// connections.
type held struct {
	*sqlstore.Store

	name  string
	admin *sql.DB
	lock  *sql.Tx
}

func holding(t *testing.T, parameter, value string) held {
	t.Helper()
	dsn := schema(t)
	h := held{name: "stores " + strings.ToLower(rand.Text()), admin: open(t, "pgx", dsn)}
	h.Store = migrated(t, open(t, "pgx", with(t, with(t, dsn, parameter, value), "application_name", h.name)), sqlstore.Postgres)
	require.NoError(t, h.Put(t.Context(), record("c", 1), 0))
	var err error
	h.lock, err = h.admin.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := h.lock.Rollback(); !errors.Is(err, sql.ErrTxDone) {
			require.NoError(t, err)
		}
	})
	_, err = h.lock.ExecContext(t.Context(), "SELECT * FROM handover_records FOR UPDATE")
	require.NoError(t, err)
	return h
}

// waits waits until a statement of the store waits for the lock.
func (h held) waits(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		var n int
		err := h.admin.QueryRowContext(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'", h.name).Scan(&n)
		return err == nil && n == 1
	}, time.Minute, 10*time.Millisecond)
}

// unchanged reads the record after the lock is released.
func (h held) unchanged(t *testing.T) {
	t.Helper()
	require.NoError(t, h.lock.Rollback())
	got, err := h.Get(t.Context(), record("c", 1).Key)
	require.NoError(t, err)
	require.Equal(t, record("c", 1), got)
	require.NoError(t, h.Put(t.Context(), record("c", 3), 1))
}

// The server closes the connection in the middle of the write, as in a shutdown.
func TestTerminatedInTheWrite(t *testing.T) {
	t.Parallel()
	h := holding(t, "lock_timeout", "0")
	done := make(chan error, 1)
	go func() { done <- h.Put(t.Context(), record("c", 2), 1) }()
	h.waits(t)
	_, err := h.admin.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", h.name)
	require.NoError(t, err)
	requireFault(t, <-done, "57P01")
	h.unchanged(t)
}

func TestLockTimeout(t *testing.T) {
	t.Parallel()
	h := holding(t, "lock_timeout", "20")
	requireFault(t, h.Put(t.Context(), record("c", 2), 1), "has locked the record for longer than lock_timeout")
	h.unchanged(t)
}

// The caller's context ends in the middle of the write: its error is returned, and the record is
// the old or the new one: pgx closes the connection, and the server notices that only when it has
// the lock.
func TestCancelledInTheWrite(t *testing.T) {
	t.Parallel()
	h := holding(t, "lock_timeout", "0")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Put(ctx, record("c", 2), 1) }()
	h.waits(t)
	cancel()
	err := <-done
	require.ErrorIs(t, err, context.Canceled)
	requireFault(t, err, "sqlstore: Put")
	require.NoError(t, h.lock.Rollback())
	require.Eventually(t, func() bool {
		got, err := h.Get(t.Context(), record("c", 1).Key)
		require.NoError(t, err)
		require.Equal(t, record("c", got.Revision), got, "whole, either way")
		return h.Put(t.Context(), record("c", got.Revision+1), got.Revision) == nil
	}, time.Minute, 10*time.Millisecond)
}

// The other transaction replaces the record while Put waits for it: a conflict, also if PostgreSQL
// reports 40001.
func TestReplacedWhileWaiting(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"read committed", "repeatable read", "serializable"} {
		t.Run(isolation, func(t *testing.T) {
			t.Parallel()
			h := holding(t, "default_transaction_isolation", isolation)
			done := make(chan error, 1)
			go func() { done <- h.Put(t.Context(), record("c", 2), 1) }()
			h.waits(t)
			_, err := h.lock.ExecContext(t.Context(), "UPDATE handover_records SET revision = 7")
			require.NoError(t, err)
			require.NoError(t, h.lock.Commit())
			require.ErrorIs(t, <-done, handover.ErrConflict)
		})
	}
}
