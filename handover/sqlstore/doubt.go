package sqlstore

import (
	"context"
	"errors"

	"github.com/genesyshandover/genesyshandover/handover"
)

// With a synchronous standby, PostgreSQL commits on its own disk first and then waits. Who gives up waiting leaves a row that
// can be read although no standby has it (https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION):
// a failover would lose it. So a Get after a Put of unknown outcome waits as the Put should have, in a commit of its own.

// doubt notes that a Put may have left such a row.
func (s *Store) doubt(k handover.Key, err error) {
	if s.dialect != Postgres || err == nil || errors.Is(err, handover.ErrConflict) || state(err) != "" { // what PostgreSQL refuses is not there
		return
	}
	s.doubtful.Store(k, true)
}

// confirm makes sure of what a Put has left.
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
