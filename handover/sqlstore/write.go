package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// The largest values that Put stores, in bytes. The Manager's records have at most 1.5 MiB;
// [handover.Seal] adds 33 bytes.
const (
	maxKeyPart      = 512
	maxConversation = 1024 // an index entry of PostgreSQL has at most 2,704 bytes
	maxData         = 16 << 20
)

// Put stores r if the stored revision is prev, or if prev is 0 and there is no record; otherwise it
// returns [handover.ErrConflict] and has certainly stored nothing. An error that names a field of r
// has stored nothing either. After any other error the outcome is unknown. A record is stored
// completely or not at all. Put retries for up to 10 seconds after a deadlock or a serialization
// failure of PostgreSQL (40P01, 40001), which store nothing, and while a SQLite file is locked.
func (s *Store) Put(ctx context.Context, r handover.Record, prev uint64) error {
	if err := check(r); err != nil {
		return err
	}
	data := r.Data
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	args := []any{r.Key.Channel, r.Key.Customer, int64(r.Revision), r.ConversationID, wakeAt(r), data} //nolint:gosec // checked
	statement := s.sql.create
	switch {
	case prev > math.MaxInt64:
		return handover.ErrConflict // no stored revision is as large
	case prev > 0:
		statement, args = s.sql.replace, append(args, int64(prev))
	}
	err := s.compare(ctx, "Put", statement, args...)
	s.doubt(r.Key, err)
	return err
}

// Delete removes the record of k if its revision is prev; otherwise it returns
// [handover.ErrConflict]. It returns nil if there is no record.
func (s *Store) Delete(ctx context.Context, k handover.Key, prev uint64) error {
	if !storable(k.Channel) || !storable(k.Customer) {
		return nil // Put refuses it
	}
	if prev <= math.MaxInt64 {
		err := s.compare(ctx, "Delete", s.sql.remove, k.Channel, k.Customer, int64(prev))
		if !errors.Is(err, handover.ErrConflict) {
			return err
		}
	}
	// Nothing was removed: there is no record, or it has another revision.
	_, err := s.Get(ctx, k)
	switch {
	case errors.Is(err, handover.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return handover.ErrConflict
}

// compare executes a statement that writes one record or none.
func (s *Store) compare(ctx context.Context, call, statement string, args ...any) error {
	var written int64
	err := s.persist(ctx, func() (err error) {
		written, err = s.exec(ctx, statement, args...)
		return err
	})
	if err != nil {
		return s.failed(ctx, call, err)
	}
	if written == 0 {
		return handover.ErrConflict
	}
	return nil
}

func (s *Store) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	if s.writing != nil {
		return s.execAlone(ctx, statement, args...)
	}
	c, err := s.db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }() // returns it to the pool
	return execOn(ctx, c, statement, args...)
}

// execOn executes a statement exactly once. sql.DB repeats a statement after driver.ErrBadConn, and
// some drivers return that for a connection that broke after the statement was sent. The repeat
// would find the first write, and report a conflict for a record that was stored.
func execOn(ctx context.Context, c *sql.Conn, statement string, args ...any) (int64, error) {
	result, err := c.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// check returns an error for a field that the database cannot store unchanged.
func check(r handover.Record) error {
	bad := func(format string, args ...any) error { return fmt.Errorf("sqlstore: Put: Record."+format, args...) }
	for _, part := range []struct {
		name, text string
		limit      int
	}{
		{"Key.Channel", r.Key.Channel, maxKeyPart},
		{"Key.Customer", r.Key.Customer, maxKeyPart},
		{"ConversationID", r.ConversationID, maxConversation},
	} {
		if !storable(part.text) {
			return bad("%s contains a zero byte or invalid UTF-8: use valid UTF-8 without zero bytes", part.name)
		}
		if len(part.text) > part.limit {
			return bad("%s has %d bytes, the limit is %d: use a shorter one", part.name, len(part.text), part.limit)
		}
	}
	switch {
	case r.Key.Customer == "":
		return bad("Key.Customer is empty: set the customer's id")
	case r.Revision == 0:
		return bad("Revision is 0, which means an absent record: use 1 or more")
	case r.Revision > math.MaxInt64:
		return bad("Revision is %d, the limit is %d", r.Revision, int64(math.MaxInt64))
	case !r.WakeAt.IsZero() && r.WakeAt.UnixMicro() <= 0:
		return bad("WakeAt is before 1970: use the zero time for never")
	case len(r.Data) > maxData:
		return bad("Data has %d bytes, the limit is %d", len(r.Data), maxData)
	}
	return nil
}

// wakeAt returns WakeAt in microseconds since 1970; 0 is never.
func wakeAt(r handover.Record) int64 {
	if r.WakeAt.IsZero() {
		return 0
	}
	return r.WakeAt.UnixMicro()
}

// pragmas are set on each connection before it writes to a SQLite file, because the DSN may not set
// them: commits are on disk when they are acknowledged, readers do not wait for writers, and a lock
// of another process is waited for. Setting them again costs microseconds.
// https://www.sqlite.org/pragma.html#pragma_synchronous, https://www.sqlite.org/wal.html.
const pragmas = "PRAGMA busy_timeout = 250; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"

// execAlone executes a statement while no other goroutine of this store writes. SQLite has one
// writer at a time; a goroutine that waits here is served in order, does not poll, and stops
// waiting when its context ends.
func (s *Store) execAlone(ctx context.Context, statement string, args ...any) (written int64, err error) {
	err = s.alone(ctx, func(c *sql.Conn) (err error) {
		written, err = execOn(ctx, c, statement, args...)
		return err
	})
	return written, err
}

// alone calls f with a connection that may write. It holds no second connection, so that a pool of
// one works.
func (s *Store) alone(ctx context.Context, f func(*sql.Conn) error) (err error) {
	select {
	case s.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.writing }()
	c, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.ExecContext(ctx, pragmas); err != nil {
		return err
	}
	return f(c)
}

// pause waits for d. It reports false if the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// With a synchronous standby, PostgreSQL first commits on the primary's disk and then waits for the
// standby. A caller that stops waiting leaves a row that can be read although no standby has it,
// and that a failover would lose:
// https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION. So a Get after
// a Put of unknown outcome first makes a commit that waits for the standby.

// doubt remembers a key for which a Put may have left such a row.
func (s *Store) doubt(k handover.Key, err error) {
	// PostgreSQL refused it.
	if s.dialect != Postgres || err == nil || errors.Is(err, handover.ErrConflict) || state(err) != "" {
		return
	}
	s.doubtful.Store(k, true)
}

// confirm waits until a standby has the row that a Put of unknown outcome may have left.
func (s *Store) confirm(ctx context.Context, k handover.Key) error {
	if _, is := s.doubtful.Load(k); !is {
		return nil
	}
	err := s.persist(ctx, func() error {
		_, err := s.exec(ctx, s.sql.confirm, k.Channel, k.Customer)
		return err
	})
	if err != nil {
		return s.failed(ctx, "Get", err)
	}
	s.doubtful.Delete(k)
	return nil
}
