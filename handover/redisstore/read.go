package redisstore

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/genesyshandover/genesyshandover/handover"
)

// page is how many records are read at once: typically of 2 to 5 KiB each, 1.5 MiB at most.
const page = 64

// Due returns a page of the records that are due, ordered by WakeAt and key. A record that changes
// during the call is returned if it is still due behind the cursor.
func (s *Store) Due(ctx context.Context, q handover.DueQuery) ([]handover.Record, error) {
	from, to, ok, err := dueRange(q)
	if err != nil || !ok {
		return nil, cmp.Or(err, ctx.Err())
	}
	var due []handover.Record
	for len(due) < q.Limit {
		count := min(q.Limit-len(due), page)
		entries, err := s.client.ZRangeArgs(ctx, redis.ZRangeArgs{
			Key: s.keys.dueOf(q.Channel), Start: from, Stop: to, ByLex: true, Count: int64(count),
		}).Result()
		if err != nil {
			return nil, failed(ctx, "due", err)
		}
		records, err := s.entries(ctx, entries)
		if err != nil {
			return nil, failed(ctx, "due", err)
		}
		due = append(due, slices.DeleteFunc(records, func(r handover.Record) bool {
			return r.WakeAt.IsZero() || r.WakeAt.After(q.Now) || compare(placeOf(r), q.After) <= 0
		})...)
		if len(entries) < count {
			break
		}
		from = "(" + entries[count-1]
	}
	slices.SortFunc(due, func(a, b handover.Record) int { return compare(placeOf(a), placeOf(b)) })
	return due, nil
}

// entries reads the records of entries of the due records.
func (s *Store) entries(ctx context.Context, entries []string) ([]handover.Record, error) {
	members := make([]string, len(entries))
	for i, e := range entries {
		var err error
		if members[i], err = memberOf(e); err != nil {
			return nil, err
		}
	}
	return s.fetch(ctx, members)
}

func placeOf(r handover.Record) handover.DueCursor {
	return handover.DueCursor{WakeAt: r.WakeAt, Key: r.Key}
}

func compare(a, b handover.DueCursor) int {
	return cmp.Or(a.WakeAt.Compare(b.WakeAt), cmp.Compare(a.Key.Channel, b.Key.Channel), cmp.Compare(a.Key.Customer, b.Key.Customer))
}

// All ranges over the records of the channel in the order of their keys; empty: over those of every
// channel. It reads pages of 64, so the loop body may take any time and may write: records that are
// put or removed during the loop may be returned or not. It ends after the first error.
func (s *Store) All(ctx context.Context, channel string) iter.Seq2[handover.Record, error] {
	return func(yield func(handover.Record, error) bool) {
		from, to := lexRange(channel)
		for {
			members, err := s.client.ZRangeArgs(ctx, redis.ZRangeArgs{
				Key: s.keys.all, Start: from, Stop: to, ByLex: true, Count: page,
			}).Result()
			if err != nil {
				yield(handover.Record{}, failed(ctx, "all", err))
				return
			}
			records, err := s.fetch(ctx, members)
			if err != nil {
				yield(handover.Record{}, failed(ctx, "all", err))
				return
			}
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
			if len(members) < page {
				return
			}
			from = "(" + members[len(members)-1]
		}
	}
}

// fetch reads the records of members in one round trip, without those that were removed.
func (s *Store) fetch(ctx context.Context, members []string) ([]handover.Record, error) {
	if len(members) == 0 {
		return nil, ctx.Err()
	}
	replies := make([]*redis.SliceCmd, len(members))
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, m := range members {
			replies[i] = p.HMGet(ctx, s.keys.record(m), fields()...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var records []handover.Record
	for i, reply := range replies {
		r, _, err := parse(members[i], reply.Val())
		if errors.Is(err, handover.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// fields lists the fields of a record in the order of parse.
func fields() []string { return []string{"rev", "conv", "wake", "data", "unsure"} }

// parse returns the record of fields. unsure reports that too few replicas may have this revision.
func parse(member string, values []any) (r handover.Record, unsure bool, err error) {
	var text [5]string
	for i := range min(len(values), len(text)) {
		text[i], _ = values[i].(string)
	}
	revision, conversation, wake, data, marked := text[0], text[1], text[2], text[3], text[4]
	if revision == "" {
		return handover.Record{}, false, handover.ErrNotFound
	}
	damaged := errors.New("a record is damaged: something else writes under the prefix of the store: use another prefix")
	r = handover.Record{ConversationID: conversation, Data: []byte(data)}
	if r.Key, err = keyOf(member); err != nil {
		return handover.Record{}, false, err
	}
	if r.Revision, err = strconv.ParseUint(revision, 10, 63); err != nil {
		return handover.Record{}, false, damaged
	}
	at, err := strconv.ParseInt(wake, 10, 64)
	if err != nil {
		return handover.Record{}, false, damaged
	}
	if at != 0 {
		r.WakeAt = time.UnixMicro(at).UTC()
	}
	return r, marked == revision, nil
}
