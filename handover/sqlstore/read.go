package sqlstore

import (
	"cmp"
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

// Find returns a record of the channel with conversationID as stored by its last Put, or
// [handover.ErrNotFound]. An empty channel means every channel. If several records match, it
// returns the one with the highest revision.
func (s *Store) Find(ctx context.Context, channel, conversationID string) (handover.Record, error) {
	if conversationID == "" || !storable(conversationID) || !storable(channel) {
		return handover.Record{}, handover.ErrNotFound
	}
	if channel == "" {
		return s.one(ctx, "Find", s.sql.find, conversationID)
	}
	return s.one(ctx, "Find", s.sql.findInChannel, conversationID, channel)
}

// Due returns a page of the records that are due, ordered by WakeAt and key.
func (s *Store) Due(ctx context.Context, q handover.DueQuery) ([]handover.Record, error) {
	if q.Limit <= 0 || !storable(q.Channel) {
		return nil, ctx.Err()
	}
	after := q.After.Key
	if !storable(after.Channel) || !storable(after.Customer) {
		return nil, errors.New("sqlstore: Due: DueQuery.After.Key contains a zero byte or invalid UTF-8, which no stored key does: " +
			"use the key of a record that Due returned")
	}
	now, at := q.Now.UnixMicro(), q.After.WakeAt.UnixMicro()
	if q.Channel == "" {
		return s.many(ctx, "Due", s.sql.due, now, at, after.Channel, after.Customer, q.Limit)
	}
	// Within the channel, a cursor of another channel lies before or behind every customer with its
	// WakeAt.
	if order := cmp.Compare(after.Channel, q.Channel); order != 0 {
		after.Customer = ""
		if order > 0 {
			at++
		}
	}
	return s.many(ctx, "Due", s.sql.dueInChannel, q.Channel, now, at, after.Customer, q.Limit)
}

// All ranges over the records of the channel in the order of their keys; empty: over those of every
// channel. It reads pages of 64 and holds no connection while the loop body runs. It also returns
// records that are put behind the current page.
func (s *Store) All(ctx context.Context, channel string) iter.Seq2[handover.Record, error] {
	return func(yield func(handover.Record, error) bool) {
		if !storable(channel) {
			return
		}
		last, page := handover.Key{Channel: channel}, s.sql.all
		if channel != "" {
			page = s.sql.allInChannel
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

// many reads records and returns the connection to the pool.
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
		r.Revision = uint64(revision) //nolint:gosec // the table has positive ones only
		if wake > 0 {
			r.WakeAt = time.UnixMicro(wake).UTC()
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// storable reports whether PostgreSQL can store a text. Put refuses other texts for SQLite, too.
func storable(text string) bool {
	for i := range len(text) {
		if text[i] == 0 {
			return false
		}
	}
	return utf8.ValidString(text)
}
