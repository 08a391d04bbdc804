package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"time"
	"unicode/utf8"

	"github.com/genesyshandover/genesyshandover/handover"
)

// Get returns the record of k, or [handover.ErrNotFound].
func (s *Store) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	if !storable(k.Channel) || !storable(k.Customer) {
		return handover.Record{}, handover.ErrNotFound // Put refuses it
	}
	if err := s.confirm(ctx, k); err != nil {
		return handover.Record{}, err
	}
	return s.one(ctx, "Get", s.sql.get, k.Channel, k.Customer)
}

// Find returns the record that was last put with conversationID, of several the one with the newest revision, or
// [handover.ErrNotFound].
func (s *Store) Find(ctx context.Context, conversationID string) (handover.Record, error) {
	if conversationID == "" || !storable(conversationID) {
		return handover.Record{}, handover.ErrNotFound
	}
	return s.one(ctx, "Find", s.sql.find, conversationID)
}

// Due returns at most limit records with 0 < WakeAt <= now, oldest first.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]handover.Record, error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	return s.many(ctx, "Due", s.sql.due, now.UnixMicro(), limit)
}

// All ranges over the records of a channel, or of every channel if it is empty, in the order of their keys. It reads 64 at a
// time and holds no connection while the body of the loop runs. What is put meanwhile behind the reading is read too.
func (s *Store) All(ctx context.Context, channel string) iter.Seq2[handover.Record, error] {
	return func(yield func(handover.Record, error) bool) {
		if !storable(channel) {
			return
		}
		last, page := handover.Key{Channel: channel}, s.sql.pageOfAll
		if channel != "" {
			page = s.sql.pageOfChannel
		}
		for {
			list, err := s.many(ctx, "All", page, last.Channel, last.Customer, pageSize)
			if err != nil {
				yield(handover.Record{}, err)
				return
			}
			for _, r := range list {
				if !yield(r, nil) {
					return
				}
				last = r.Key
			}
			if len(list) < pageSize {
				return
			}
		}
	}
}

func (s *Store) one(ctx context.Context, call, query string, args ...any) (handover.Record, error) {
	list, err := s.many(ctx, call, query, args...)
	if err != nil {
		return handover.Record{}, err
	}
	if len(list) == 0 {
		return handover.Record{}, handover.ErrNotFound
	}
	return list[0], nil
}

// many reads records and gives the connection back before it returns.
func (s *Store) many(ctx context.Context, call, query string, args ...any) ([]handover.Record, error) {
	var list []handover.Record
	err := s.persist(ctx, func() error {
		list = nil
		rows, err := s.db.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		list, err = scan(rows)
		return err
	})
	if err != nil {
		return nil, s.failed(ctx, call, err)
	}
	return list, nil
}

func scan(rows *sql.Rows) (list []handover.Record, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r handover.Record
		var revision, wake int64
		if err := rows.Scan(&r.Key.Channel, &r.Key.Customer, &revision, &r.ConversationID, &wake, &r.Data); err != nil {
			return nil, err
		}
		r.Revision = uint64(revision) //nolint:gosec // the table takes positive ones only
		if wake > 0 {
			r.WakeAt = time.UnixMicro(wake).UTC()
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// storable reports whether a text can be in the database at all: PostgreSQL takes no other.
func storable(text string) bool {
	for i := range len(text) {
		if text[i] == 0 {
			return false
		}
	}
	return utf8.ValidString(text)
}
