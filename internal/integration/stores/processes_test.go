package stores_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/sqlstore"
)

// If this variable is set, the test binary is a second process on the same SQLite file and runs no
// tests.
const childFile = "GENESYSHANDOVER_STORES_CHILD"

const (
	childWriters = 16
	childWrites  = 2 // of each writer; every one of them costs many conflicts
)

func TestMain(m *testing.M) {
	if file := os.Getenv(childFile); file != "" {
		if err := child(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child increments a counter with many writers, and prints a line after each acknowledged write.
func child(file string) error {
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		return err
	}
	s, err := sqlstore.New(db, sqlstore.SQLite)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	return errors.Join(count(context.Background(), s, func() {
		mu.Lock()
		defer mu.Unlock()
		_, _ = os.Stdout.WriteString("counted\n") // the parent may have enough
	}), db.Close())
}

// count increments the number in Data by compare-and-swap.
func count(ctx context.Context, s handover.Store, counted func()) error {
	errs := make([]error, childWriters)
	var group sync.WaitGroup
	for w := range errs {
		group.Go(func() {
			for n := 0; n < childWrites && errs[w] == nil; {
				err := add(ctx, s)
				switch {
				case err == nil:
					n++
					counted()
				case !errors.Is(err, handover.ErrConflict):
					errs[w] = err
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func add(ctx context.Context, s handover.Store) error {
	r, err := s.Get(ctx, record("counter", 1).Key)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(r.Data))
	if err != nil {
		return err
	}
	prev := r.Revision
	r.Revision, r.Data = prev+1, strconv.AppendInt(nil, int64(n)+1, 10)
	return s.Put(ctx, r, prev)
}

func counter(t *testing.T, s handover.Store) int {
	t.Helper()
	r, err := s.Get(t.Context(), record("counter", 1).Key)
	require.NoError(t, err)
	n, err := strconv.Atoi(string(r.Data))
	require.NoError(t, err)
	return n
}

// startCounter creates the record in a file that processes can share.
func startCounter(t *testing.T) (*sqlstore.Store, string) {
	t.Helper()
	file := sqliteFile(t)
	s := migrated(t, openSQLite(t, file), sqlstore.SQLite)
	r := record("counter", 1)
	r.Data = []byte("0")
	require.NoError(t, s.Put(t.Context(), r, 0))
	return s, file
}

// 64 writers in four processes use one file: no call returns SQLITE_BUSY, and no update is lost.
func TestSQLiteInProcesses(t *testing.T) {
	t.Parallel()
	s, file := startCounter(t)
	var children []*exec.Cmd
	for range 3 {
		c := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this binary
		c.Env, c.Stderr = append(os.Environ(), childFile+"="+file), os.Stderr
		require.NoError(t, c.Start())
		children = append(children, c)
	}
	require.NoError(t, count(t.Context(), s, func() {}))
	for _, c := range children {
		require.NoError(t, c.Wait())
	}
	require.Equal(t, 4*childWriters*childWrites, counter(t, s))
}

// A process is killed while it writes: its acknowledged writes are stored, and the others continue
// at once.
func TestSQLiteProcessKilled(t *testing.T) {
	t.Parallel()
	s, file := startCounter(t)
	c := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this binary
	c.Env = append(os.Environ(), childFile+"="+file)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	reported := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if reported++; reported == childWriters {
			require.NoError(t, c.Process.Kill())
		}
	}
	require.Error(t, c.Wait(), "it was killed")
	n := counter(t, s)
	require.GreaterOrEqual(t, n, reported)
	require.LessOrEqual(t, n, reported+childWriters, "at most one unreported write of each")
	require.NoError(t, count(t.Context(), s, func() {}))
	require.Equal(t, n+childWriters*childWrites, counter(t, s))
}

// Two pools in one process have 64 writers of 64 records and of one record.
func TestSQLiteTwoHandles(t *testing.T) {
	t.Parallel()
	a, file := startCounter(t)
	stores := []*sqlstore.Store{a, unmigrated(t, openSQLite(t, file), sqlstore.SQLite)}
	errs := make([]error, 64)
	var group sync.WaitGroup
	for w := range errs {
		group.Go(func() {
			own := stores[w%2]
			for i := range uint64(5) {
				errs[w] = errors.Join(errs[w], own.Put(t.Context(), record(strconv.Itoa(w), i+1), i))
			}
		})
	}
	for _, s := range stores {
		group.Go(func() {
			if err := count(t.Context(), s, func() {}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, 2*childWriters*childWrites, counter(t, a))
}

// Another transaction locks the file: writers wait, readers do not, and a writer that stops waiting
// changes nothing.
func TestSQLiteHeldByAnother(t *testing.T) {
	t.Parallel()
	s, file := startCounter(t)
	other, err := openSQLite(t, file).Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	_, err = other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)

	impatient, cancel := context.WithCancel(t.Context())
	gaveUp, written := make(chan error, 1), make(chan error, 1)
	go func() { gaveUp <- s.Put(impatient, record("impatient", 1), 0) }()
	go func() { written <- s.Put(t.Context(), record("patient", 1), 0) }()
	require.Zero(t, counter(t, s), "reading does not wait for writers")
	cancel()
	err = <-gaveUp
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, handover.ErrConflict)
	select {
	case err := <-written:
		t.Fatalf("the file was held, but Put = %v", err)
	default:
	}
	_, err = other.ExecContext(t.Context(), "COMMIT")
	require.NoError(t, err)
	require.NoError(t, <-written)
	_, err = s.Get(t.Context(), record("impatient", 1).Key)
	require.ErrorIs(t, err, handover.ErrNotFound)
}
