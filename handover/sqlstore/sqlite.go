package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// What a connection must have before it writes to a SQLite file, whatever the DSN says: commits that are on the disk when they are
// acknowledged, readers that do not wait for writers, and some patience with other processes. Setting what is set costs microseconds.
// https://www.sqlite.org/pragma.html#pragma_synchronous, https://www.sqlite.org/wal.html.
const pragmas = "PRAGMA busy_timeout = 250; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"

// execAlone executes a statement while no other goroutine of this store writes: SQLite has one writer at a time, and who
// waits here can give up, is served in order and does not poll.
func (s *Store) execAlone(ctx context.Context, statement string, args ...any) (written int64, err error) {
	err = s.alone(ctx, func(c *sql.Conn) (err error) {
		written, err = execOn(ctx, c, statement, args...)
		return err
	})
	return written, err
}

// alone calls f with a connection that may write. It holds that one connection and no other, for pools of one.
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

// pause waits, and reports whether the context still lives.
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
