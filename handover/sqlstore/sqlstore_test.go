package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
)

func record() handover.Record {
	return handover.Record{Key: handover.Key{Channel: "shop", Customer: "c"}, Revision: 2, Data: []byte("what she wrote")}
}

func store(t *testing.T, s *stub, d sqlstore.Dialect) *sqlstore.Store {
	t.Helper()
	made, err := sqlstore.New(s.open(t), d)
	require.NoError(t, err)
	return made
}

func TestNew(t *testing.T) {
	t.Parallel()
	s := &stub{}
	db := s.open(t)
	for name, c := range map[string]struct {
		db      *sql.DB
		dialect sqlstore.Dialect
		opts    []sqlstore.Option
		want    string
	}{
		"no db":      {nil, sqlstore.SQLite, nil, "db is nil"},
		"no dialect": {db, "", nil, `unknown dialect ""`},
		"MySQL":      {db, "mysql", nil, "use sqlstore.Postgres or sqlstore.SQLite"},
		"nil option": {db, sqlstore.SQLite, []sqlstore.Option{nil}, "Option is nil"},
		"no prefix":  {db, sqlstore.SQLite, []sqlstore.Option{sqlstore.WithPrefix("")}, "is empty"},
		"long":       {db, sqlstore.SQLite, []sqlstore.Option{sqlstore.WithPrefix(strings.Repeat("a", 33))}, "longer than 32"},
		"quote":      {db, sqlstore.SQLite, []sqlstore.Option{sqlstore.WithPrefix(`a"; DROP TABLE x; --`)}, "only a-z, 0-9 and _"},
		"upper case": {db, sqlstore.Postgres, []sqlstore.Option{sqlstore.WithPrefix("Bot_")}, "only a-z, 0-9 and _"},
		"schema":     {db, sqlstore.Postgres, []sqlstore.Option{sqlstore.WithPrefix("bot.handover_")}, "only a-z, 0-9 and _"},
		"digit":      {db, sqlstore.Postgres, []sqlstore.Option{sqlstore.WithPrefix("1_")}, "begin with a letter"},
		"reserved":   {db, sqlstore.SQLite, []sqlstore.Option{sqlstore.WithPrefix("sqlite_")}, "the database reserves names that begin so"},
	} {
		made, err := sqlstore.New(c.db, c.dialect, c.opts...)
		require.ErrorContains(t, err, c.want, name)
		require.Nil(t, made, name)
	}
	for _, prefix := range []string{"a", "_", "bot_2_", strings.Repeat("a", 32)} {
		_, err := sqlstore.New(db, sqlstore.Postgres, sqlstore.WithPrefix(prefix))
		require.NoError(t, err)
	}
	require.Zero(t, s.count(), "New makes no call")
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	for _, d := range []sqlstore.Dialect{sqlstore.Postgres, sqlstore.SQLite} {
		text, err := fs.ReadFile(sqlstore.Migrations(d), "0001_records.up.sql")
		require.NoError(t, err)
		require.Contains(t, string(text), "CREATE TABLE IF NOT EXISTS handover_records")
	}
	for _, d := range []sqlstore.Dialect{"", "mysql", "../sqlite"} {
		names, err := fs.Glob(sqlstore.Migrations(d), "*")
		require.NoError(t, err)
		require.Empty(t, names, "dialect %q", d)
	}
}

// What a database could not keep as it is never reaches it.
func TestPutRefuses(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*handover.Record){
		"Key.Channel contains a zero byte":  func(r *handover.Record) { r.Key.Channel = "a\x00" },
		"Key.Customer contains a zero byte": func(r *handover.Record) { r.Key.Customer = "\xff" },
		"ConversationID contains":           func(r *handover.Record) { r.ConversationID = "\x00" },
		"Key.Customer is empty":             func(r *handover.Record) { r.Key.Customer = "" },
		"Key.Customer has 513 bytes":        func(r *handover.Record) { r.Key.Customer = strings.Repeat("x", 513) },
		"ConversationID has 1025 bytes":     func(r *handover.Record) { r.ConversationID = strings.Repeat("x", 1025) },
		"Revision is 0":                     func(r *handover.Record) { r.Revision = 0 },
		"Revision is 9223372036854775808":   func(r *handover.Record) { r.Revision = math.MaxInt64 + 1 },
		"WakeAt is before 1970":             func(r *handover.Record) { r.WakeAt = time.Unix(-1, 0) },
		"Data has 16777217 bytes":           func(r *handover.Record) { r.Data = make([]byte, 16<<20+1) },
	} {
		s := &stub{rows: 1}
		r := record()
		change(&r)
		err := store(t, s, sqlstore.SQLite).Put(t.Context(), r, 1)
		require.ErrorContains(t, err, "sqlstore: Put: Record."+want)
		require.NotErrorIs(t, err, handover.ErrConflict)
		require.Zero(t, s.count())
	}
}

// What cannot be stored is not found, without a question.
func TestAbsentForSure(t *testing.T) {
	t.Parallel()
	s := &stub{rows: 1}
	all, ctx := store(t, s, sqlstore.Postgres), t.Context()
	_, err := all.Get(ctx, handover.Key{Customer: "a\x00"})
	require.ErrorIs(t, err, handover.ErrNotFound)
	_, err = all.Find(ctx, "", "\xff")
	require.ErrorIs(t, err, handover.ErrNotFound)
	_, err = all.Find(ctx, "shop", "")
	require.ErrorIs(t, err, handover.ErrNotFound)
	require.NoError(t, all.Delete(ctx, handover.Key{Channel: "\x00", Customer: "c"}, 1))
	require.ErrorIs(t, all.Put(ctx, record(), math.MaxInt64+1), handover.ErrConflict)
	due, err := all.Due(ctx, handover.DueQuery{Now: time.Now(), Limit: -1})
	require.NoError(t, err)
	require.Empty(t, due)
	_, err = all.Find(ctx, "\xff", "v")
	require.ErrorIs(t, err, handover.ErrNotFound)
	due, err = all.Due(ctx, handover.DueQuery{Channel: "\xff", Now: time.Now(), Limit: 1})
	require.NoError(t, err)
	require.Empty(t, due)
	after := handover.DueCursor{Key: handover.Customer("a\x00")}
	_, err = all.Due(ctx, handover.DueQuery{Now: time.Now(), After: after, Limit: 1})
	require.ErrorContains(t, err, "sqlstore: Due: DueQuery.After.Key contains a zero byte")
	for r, err := range all.All(ctx, "\xff") {
		t.Error("there is no such channel", r, err)
	}
	require.Zero(t, s.count())
}

// The call retries errors after which nothing was stored. It returns others unchanged.
func TestTriesAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dialect sqlstore.Dialect
		err     error
		again   bool
	}{
		{sqlstore.Postgres, stateError("40001"), true},
		{sqlstore.Postgres, stateError("40P01"), true},
		{sqlstore.Postgres, fmt.Errorf("wrapped: %w", stateError("40P01")), true},
		{sqlstore.Postgres, stateError("57P01"), false},
		{sqlstore.Postgres, errors.New("database is locked"), false},
		{sqlstore.SQLite, errors.New("database is locked (5) (SQLITE_BUSY)"), true},
		{sqlstore.SQLite, errors.New("database table is locked"), true},
		{sqlstore.SQLite, errors.New("disk I/O error"), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &stub{rows: 1, fails: slices.Repeat([]error{c.err}, 5)}
			err := store(t, s, c.dialect).Put(t.Context(), record(), 1)
			if c.again {
				require.NoError(t, err, "%v", c.err)
				require.Equal(t, 6, s.count())
				return
			}
			require.ErrorIs(t, err, c.err)
			require.NotErrorIs(t, err, handover.ErrConflict)
			require.Equal(t, 1, s.count())
		})
	}
}

// Retries end after a limit, and with the context of the caller.
func TestTriesEnd(t *testing.T) {
	t.Parallel()
	for _, d := range []sqlstore.Dialect{sqlstore.Postgres, sqlstore.SQLite} {
		fails := errors.Join(stateError("40001"), errors.New("database is locked"))
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			err := store(t, &stub{fails: slices.Repeat([]error{fails}, 10_000)}, d).Put(t.Context(), record(), 1)
			require.ErrorIs(t, err, fails)
			require.InDelta(t, 10, time.Since(began).Seconds(), 0.1)
		})
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			err := store(t, &stub{fails: slices.Repeat([]error{fails}, 10_000)}, d).Put(ctx, record(), 1)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorIs(t, err, fails)
			require.Equal(t, time.Second, time.Since(began))
		})
	}
}

// A Put of unknown outcome may have left a row that no synchronous standby has: Get first waits for
// a commit.
func TestGetConfirmsWhatAPutMayHaveLeft(t *testing.T) {
	t.Parallel()
	gone := errors.New("unexpected EOF")
	for name, test := range map[string]struct {
		dialect sqlstore.Dialect
		put     error
		writes  int // after the Put
	}{
		"an answer got lost":         {sqlstore.Postgres, gone, 2},
		"the caller stopped waiting": {sqlstore.Postgres, context.DeadlineExceeded, 2},
		"the server refused it":      {sqlstore.Postgres, stateError("53100"), 0},
		"SQLite has no standbys":     {sqlstore.SQLite, gone, 0},
		"all is well":                {sqlstore.Postgres, nil, 0},
		"a server that went away":    {sqlstore.Postgres, driver.ErrBadConn, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &stub{rows: 1, fails: []error{test.put}}
			all := store(t, s, test.dialect)
			require.ErrorIs(t, all.Put(t.Context(), record(), 1), test.put)
			require.Equal(t, 1, s.count(), "once: a repeat would find its own write, and report a conflict")
			if test.writes > 0 {
				s.fails = []error{gone}
				_, err := all.Get(t.Context(), record().Key)
				require.ErrorIs(t, err, gone, "not confirmed, so not returned")
			}
			for range 2 {
				_, err := all.Get(t.Context(), record().Key)
				require.ErrorIs(t, err, handover.ErrNotFound)
			}
			writes := 0
			for _, q := range s.asked[1:] {
				if strings.HasPrefix(q, "UPDATE handover_records SET revision = revision ") {
					writes++
				}
			}
			require.Equal(t, test.writes, writes)
		})
	}
}

// A driver quotes a DSN that it cannot read.
func TestAnUnreadableDSNIsNotShown(t *testing.T) {
	t.Parallel()
	s := &stub{fails: []error{errors.New("cannot parse `host=db password = hush`: failed to parse as keyword/value")}}
	_, err := store(t, s, sqlstore.Postgres).Get(t.Context(), record().Key)
	require.ErrorContains(t, err, "the DSN cannot be parsed")
	require.NotContains(t, err.Error(), "hush")
}

// People read what to do, and nothing that is a customer's.
func TestErrorsForPeople(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]string{
		"42P01": "the table handover_records is missing: call Migrate first", "42501": "lacks a privilege: grant", "25006": "use the primary in the DSN",
		"28P01": "the user or the password", "3D000": "create it", "53100": "disk of the database is full", "53300": "SetMaxOpenConns",
		"55P03": "lock_timeout",
	} {
		s := store(t, &stub{fails: []error{stateError(state), stateError(state)}}, sqlstore.Postgres)
		err := s.Put(t.Context(), record(), 1)
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, stateError(state), "the driver's error is kept")
		require.NotContains(t, err.Error(), "she wrote")
		_, err = s.Get(t.Context(), record().Key)
		require.ErrorContains(t, err, want)
	}
	for text, want := range map[string]string{
		"no such table: handover_records (1)": "call Migrate first", "attempt to write a readonly database (8)": "cannot be written",
		"database or disk is full (13)": "the disk is full", "unable to open database file (14)": "folder must exist",
		"file is not a database (26)": "is not a SQLite database",
	} {
		err := store(t, &stub{fails: []error{errors.New(text)}}, sqlstore.SQLite).Put(t.Context(), record(), 1)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, text)
	}
}
