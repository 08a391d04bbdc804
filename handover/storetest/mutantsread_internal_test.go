package storetest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

func copying() []mistake {
	return []mistake{
		{"CopiesWhatItTakes", "the caller's bytes are kept", func(m *mutant) {
			var given sync.Map
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				given.Store(r.Key, r.Data)
				return m.Store.Put(ctx, r, prev)
			}
			m.get = func(ctx context.Context, k handover.Key) (handover.Record, error) {
				r, err := m.Store.Get(ctx, k)
				if data, ok := given.Load(k); ok && err == nil {
					r.Data = bytes.Clone(data.([]byte))
				}
				return r, err
			}
		}},
		{"CopiesWhatItGives", "every reader gets the same bytes", func(m *mutant) {
			var first sync.Map
			m.find = func(ctx context.Context, channel, id string) (handover.Record, error) {
				r, err := m.Store.Find(ctx, channel, id)
				kept, _ := first.LoadOrStore(id, r)
				return kept.(handover.Record), err
			}
		}},
	}
}

// storing changes the records of Put.
func storing(change func(*handover.Record)) func(*mutant) {
	return func(m *mutant) {
		m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
			r.Data = bytes.Clone(r.Data)
			change(&r)
			return m.Store.Put(ctx, r, prev)
		}
	}
}

func waking() []mistake {
	reverse := func(list []handover.Record) []handover.Record { slices.Reverse(list); return list }
	// on changes the arguments and the result of Due.
	on := func(later time.Duration, more int, change func([]handover.Record) []handover.Record) func(*mutant) {
		return func(m *mutant) {
			m.due = func(ctx context.Context, q handover.DueQuery) ([]handover.Record, error) {
				q.Now, q.Limit = q.Now.Add(later), q.Limit+more
				list, err := m.Store.Due(ctx, q)
				if change != nil {
					list = change(list)
				}
				return list, err
			}
		}
	}
	return []mistake{
		{"WakeAt", "milliseconds", storing(func(r *handover.Record) { r.WakeAt = r.WakeAt.Truncate(time.Millisecond) })},
		{"WakeAt", "zero is returned as 1970", func(m *mutant) {
			m.get = func(ctx context.Context, k handover.Key) (handover.Record, error) {
				r, err := m.Store.Get(ctx, k)
				if r.WakeAt.IsZero() {
					r.WakeAt = time.Unix(0, 0).UTC()
				}
				return r, err
			}
		}},
		{"WakeAt", "never is a long time ago", storing(func(r *handover.Record) {
			if r.WakeAt.IsZero() {
				r.WakeAt = time.UnixMicro(1).UTC()
			}
		})},
		{"WakeAt", "local time", storing(func(r *handover.Record) { r.WakeAt = r.WakeAt.In(time.FixedZone("here", 3600)) })},
		{"DueBoundary", "before now only", on(-time.Microsecond, 0, nil)},
		{"DueBoundary", "up to the end of the millisecond", on(time.Millisecond, 0, nil)},
		{"DueFollowsChanges", "a cleared WakeAt stays", func(m *mutant) {
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				if old, _ := m.Store.Get(ctx, r.Key); r.WakeAt.IsZero() {
					r.WakeAt = old.WakeAt
				}
				return m.Store.Put(ctx, r, prev)
			}
		}},
		{"DueOrderAndLimit", "latest first", on(0, 0, reverse)},
		{"DueOrderAndLimit", "one more than the limit", on(0, 1, nil)},
		{"DueOrderAndLimit", "one twice, and another of the same moment not", on(0, 0, func(list []handover.Record) []handover.Record {
			for i := range max(len(list)-1, 0) {
				if list[i].WakeAt.Equal(list[i+1].WakeAt) {
					list[i+1] = list[i]
				}
			}
			return list
		})},
		{"DueOrderAndLimit", "in the order of their keys", on(0, 0, func(list []handover.Record) []handover.Record {
			slices.SortFunc(list, func(a, b handover.Record) int { return cmp.Compare(a.Key.Customer, b.Key.Customer) })
			return list
		})},
		{"DueOrderAndLimit", "records of one moment in any order", on(0, 0, func(list []handover.Record) []handover.Record {
			reverse(list)
			slices.SortStableFunc(list, func(a, b handover.Record) int { return a.WakeAt.Compare(b.WakeAt) })
			return list
		})},
		{"DueOfAChannel", "every channel", asking(func(q *handover.DueQuery) { q.Channel = "" })},
		{"DueOfAChannel", "upper and lower case are the same", filtering(func(r handover.Record, q handover.DueQuery) bool {
			return q.Channel == "" || strings.EqualFold(r.Key.Channel, q.Channel)
		})},
		{"DueOfAChannel", "channels with the same beginning", filtering(func(r handover.Record, q handover.DueQuery) bool {
			return strings.HasPrefix(r.Key.Channel, q.Channel)
		})},
		{"DueOfAChannel", "an empty channel is a channel", filtering(func(r handover.Record, q handover.DueQuery) bool {
			return r.Key.Channel == q.Channel
		})},
		{"DuePages", "no cursor", asking(func(q *handover.DueQuery) { q.After = handover.DueCursor{} })},
		{"DuePages", "the cursor is a moment, with the records of that moment", asking(func(q *handover.DueQuery) {
			q.After.Key = handover.Key{}
		})},
		{"DuePages", "the cursor is a moment, without the records of that moment", asking(func(q *handover.DueQuery) {
			q.After.Key.Channel = "\U0010ffff"
		})},
		{"DueBehindACursor", "the cursor is a customer of the channel", asking(func(q *handover.DueQuery) {
			if q.Channel != "" {
				q.After.Key.Channel = q.Channel
			}
		})},
		{"DueBehindACursor", "the cursor is looked up", func(m *mutant) {
			m.due = func(ctx context.Context, q handover.DueQuery) ([]handover.Record, error) {
				if r, err := m.Store.Get(ctx, q.After.Key); err == nil {
					q.After.WakeAt = r.WakeAt
				} else {
					q.After = handover.DueCursor{}
				}
				return m.Store.Due(ctx, q)
			}
		}},
	}
}

// asking changes the arguments of Due.
func asking(change func(*handover.DueQuery)) func(*mutant) {
	return func(m *mutant) {
		m.due = func(ctx context.Context, q handover.DueQuery) ([]handover.Record, error) {
			change(&q)
			return m.Store.Due(ctx, q)
		}
	}
}

// filtering makes Due return the records of every channel for which keep is true.
func filtering(keep func(handover.Record, handover.DueQuery) bool) func(*mutant) {
	return func(m *mutant) {
		m.due = func(ctx context.Context, q handover.DueQuery) ([]handover.Record, error) {
			every := q
			every.Channel, every.Limit = "", 1_000_000
			list, err := m.Store.Due(ctx, every)
			list = slices.DeleteFunc(list, func(r handover.Record) bool { return !keep(r, q) })
			return list[:max(0, min(len(list), q.Limit))], err
		}
	}
}

func finding() []mistake {
	// indexed makes Put maintain an index by conversation; forget removes the old entry.
	indexed := func(normal func(string) string, forget bool) func(*mutant) {
		return func(m *mutant) {
			index := map[string]handover.Key{}
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				if old, err := m.Store.Get(ctx, r.Key); err == nil && forget {
					delete(index, normal(old.ConversationID))
				}
				index[normal(r.ConversationID)] = r.Key
				return m.Store.Put(ctx, r, prev)
			}
			m.find = func(ctx context.Context, _, id string) (handover.Record, error) {
				return m.Store.Get(ctx, index[normal(id)])
			}
		}
	}
	same := func(id string) string { return id }
	return []mistake{
		{"FindFollowsChanges", "the old conversation still leads to the record", indexed(same, false)},
		{"FindOfASharedConversation", "the entry of another record is forgotten", indexed(same, true)},
		{"FindByChannel", "the channel is ignored", func(m *mutant) {
			m.find = func(ctx context.Context, _, id string) (handover.Record, error) { return m.Store.Find(ctx, "", id) }
		}},
		{"FindByChannel", "one record a conversation", func(m *mutant) {
			m.find = func(ctx context.Context, channel, id string) (handover.Record, error) {
				r, err := m.Store.Find(ctx, "", id)
				if err == nil && channel != "" && r.Key.Channel != channel {
					return handover.Record{}, handover.ErrNotFound
				}
				return r, err
			}
		}},
		{"FindMisses", "upper and lower case are the same", indexed(strings.ToLower, true)},
		{"FindMisses", "spaces at the ends do not count", indexed(strings.TrimSpace, true)},
		{"FindMisses", "no conversation is one", indexed(same, true)},
	}
}
