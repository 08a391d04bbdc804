package redisstore

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/genesyshandover/genesyshandover/handover"
)

// How many records are read at once: typically 2-5 KiB each, 1.5 MiB at most.
const page = 64

// Due returns at most limit records with 0 < WakeAt <= now, oldest first, those of the same time by key.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]handover.Record, error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	members, err := s.client.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: s.keys.wake, Start: "-inf", Stop: strconv.FormatInt(now.UnixMicro(), 10), ByScore: true, Count: int64(limit),
	}).Result()
	if err != nil {
		return nil, failed(ctx, "due", err)
	}
	var due []handover.Record
	for some := range slices.Chunk(members, page) {
		records, err := s.fetch(ctx, some)
		if err != nil {
			return nil, failed(ctx, "due", err)
		}
		due = append(due, records...)
	}
	due = slices.DeleteFunc(due, func(r handover.Record) bool { return r.WakeAt.IsZero() || r.WakeAt.After(now) })
	slices.SortStableFunc(due, func(a, b handover.Record) int { return a.WakeAt.Compare(b.WakeAt) }) // some may have been put meanwhile
	return due, nil
}

// All ranges over the records of a channel, in the order of their keys; empty: of every channel. It reads 64 at a time, so the
// body of the loop may take long and may write: what is put or removed meanwhile may be seen or not. It ends after the first
// error.
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

// fetch reads the records of members in one round trip, without those that are gone.
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

// fields are what a record has, in the order parse wants them.
func fields() []string { return []string{"rev", "conv", "wake", "data", "unsure"} }

// parse reads the fields of a record. unsure: too few replicas may have this revision.
func parse(member string, values []any) (r handover.Record, unsure bool, err error) {
	var text [5]string
	for i := range min(len(values), len(text)) {
		text[i], _ = values[i].(string)
	}
	revision, conversation, wake, data, marked := text[0], text[1], text[2], text[3], text[4]
	if revision == "" {
		return handover.Record{}, false, handover.ErrNotFound
	}
	damaged := errors.New("a record is damaged: something else writes under the prefix of the store")
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
