package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/genesyshandover/genesyshandover/handover"
)

// The largest values that Put takes, in bytes. The Manager's records have at most 1.5 MiB, and encryption adds a little.
const (
	maxKeyPart      = 512
	maxConversation = 1024 // an index of PostgreSQL has 2,704 bytes for an entry
	maxData         = 16 << 20
)

// Put stores r if the stored revision is prev, or if there is none and prev is 0; else it returns [handover.ErrConflict], which
// is certain. After any other error nobody knows, except that one that names a field of r stored nothing. A record is stored whole or not
// at all. Deadlocks and serialization failures (40P01, 40001), after which PostgreSQL has stored nothing, and a busy
// SQLite file are tried again for up to 10 seconds.
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

// Delete removes the record of k if its revision is prev, else it returns [handover.ErrConflict]. An absent record is no error.
func (s *Store) Delete(ctx context.Context, k handover.Key, prev uint64) error {
	if !storable(k.Channel) || !storable(k.Customer) {
		return nil // it cannot be there
	}
	if prev <= math.MaxInt64 {
		err := s.compare(ctx, "Delete", s.sql.remove, k.Channel, k.Customer, int64(prev))
		if !errors.Is(err, handover.ErrConflict) {
			return err
		}
	}
	// Nothing was removed: because there is nothing, or because it has another revision.
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
	defer func() { _ = c.Close() }() // it goes back to the pool, or is broken
	return execOn(ctx, c, statement, args...)
}

// execOn executes a statement once. sql.DB repeats it where a driver says driver.ErrBadConn, and some say that of a connection
// that broke after the statement was sent: the repeat would find its own write, and answer "conflict" for what is stored.
func execOn(ctx context.Context, c *sql.Conn, statement string, args ...any) (int64, error) {
	result, err := c.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// check names what the database could not keep as it is.
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
			return bad("%s contains a zero byte or invalid UTF-8: text in a database cannot", part.name)
		}
		if len(part.text) > part.limit {
			return bad("%s has %d bytes: at most %d can be stored", part.name, len(part.text), part.limit)
		}
	}
	switch {
	case r.Key.Customer == "":
		return bad("Key.Customer is empty: give the customer's id")
	case r.Revision == 0:
		return bad("Revision is 0, which means that there is no record: use 1 or more")
	case r.Revision > math.MaxInt64:
		return bad("Revision is %d: a database counts to %d", r.Revision, int64(math.MaxInt64))
	case !r.WakeAt.IsZero() && r.WakeAt.UnixMicro() <= 0:
		return bad("WakeAt is before 1970: use the zero time for never")
	case len(r.Data) > maxData:
		return bad("Data has %d bytes: at most %d can be stored", len(r.Data), maxData)
	}
	return nil
}

// wakeAt is in microseconds since 1970, 0 for never.
func wakeAt(r handover.Record) int64 {
	if r.WakeAt.IsZero() {
		return 0
	}
	return r.WakeAt.UnixMicro()
}
