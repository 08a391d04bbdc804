package storetest

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/genesyshandover/genesyshandover/handover"
)

// locked makes All hold a lock that Put needs. careless: also after the loop was left.
func locked(careless bool) func(*mutant) {
	return func(m *mutant) {
		var mu sync.Mutex
		m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
			mu.Lock()
			defer mu.Unlock()
			return m.Store.Put(ctx, r, prev)
		}
		m.all = func(ctx context.Context, channel string) iter.Seq2[handover.Record, error] {
			return func(yield func(handover.Record, error) bool) {
				mu.Lock()
				for r, err := range m.Store.All(ctx, channel) {
					if !yield(r, err) {
						if !careless {
							mu.Unlock()
						}
						return
					}
				}
				mu.Unlock()
			}
		}
	}
}

// paged makes All read pages with LIMIT and OFFSET, so that removing a record shifts the pages
// behind it.
func paged(m *mutant) {
	const size = 50
	m.all = func(ctx context.Context, channel string) iter.Seq2[handover.Record, error] {
		return func(yield func(handover.Record, error) bool) {
			for offset := 0; ; offset += size {
				n, page := 0, []handover.Record{}
				for r, err := range m.Store.All(ctx, channel) {
					if err != nil {
						yield(r, err)
						return
					}
					if n++; n > offset && n <= offset+size {
						page = append(page, r)
					}
				}
				if len(page) == 0 {
					return
				}
				for _, r := range page {
					if !yield(r, nil) {
						return
					}
				}
			}
		}
	}
}

// only changes which records All returns.
func only(keep func(r handover.Record, channel string) bool) func(*mutant) {
	return func(m *mutant) {
		m.all = func(ctx context.Context, channel string) iter.Seq2[handover.Record, error] {
			return func(yield func(handover.Record, error) bool) {
				for r, err := range m.Store.All(ctx, "") {
					if (err != nil || keep(r, channel)) && !yield(r, err) {
						return
					}
				}
			}
		}
	}
}

// sorted makes All return its records in another order.
func sorted(compare func(a, b handover.Record) int) func(*mutant) {
	return func(m *mutant) {
		m.all = func(ctx context.Context, channel string) iter.Seq2[handover.Record, error] {
			return func(yield func(handover.Record, error) bool) {
				var list []handover.Record
				for r, err := range m.Store.All(ctx, channel) {
					if err != nil {
						yield(r, err)
						return
					}
					list = append(list, r)
				}
				slices.SortStableFunc(list, compare)
				for _, r := range list {
					if !yield(r, nil) {
						return
					}
				}
			}
		}
	}
}

func ranging() []mistake {
	return []mistake{
		{"AllByChannel", "every channel", only(func(handover.Record, string) bool { return true })},
		{"AllByChannel", "any order", sorted(func(a, b handover.Record) int { return strings.Compare(b.Key.Customer, a.Key.Customer) })},
		{"AllByChannel", "the order of a dictionary", sorted(func(a, b handover.Record) int {
			return strings.Compare(strings.ToLower(a.Key.Channel)+a.Key.Customer, strings.ToLower(b.Key.Channel)+b.Key.Customer)
		})},
		{"AllByChannel", "channels that begin so", only(func(r handover.Record, channel string) bool {
			return strings.HasPrefix(r.Key.Channel, channel)
		})},
		{"AllByChannel", "upper and lower case are the same", only(func(r handover.Record, channel string) bool {
			return channel == "" || strings.EqualFold(r.Key.Channel, channel)
		})},
		{"AllDuringChanges", "LIMIT and OFFSET", func(m *mutant) {
			paged(m)
			// Records that are added and removed before the page is read shift it: here one is
			// added for good.
			passing := m.all
			m.all = func(ctx context.Context, channel string) iter.Seq2[handover.Record, error] {
				return func(yield func(handover.Record, error) bool) {
					n := 0
					for r, err := range passing(ctx, channel) {
						if n++; n == 10 {
							_ = m.Store.Put(ctx, record("0", 1), 0)
						}
						if !yield(r, err) {
							return
						}
					}
				}
			}
		}},
		{"AllAndItsLoopBody", "LIMIT and OFFSET", paged},
		{"AllAndItsLoopBody", "a lock while the body runs", locked(false)},
		{"AllDuringChanges", "a lock while the body runs", locked(false)},
		{"AllLeftEarly", "a lock after the loop was left", locked(true)},
	}
}

func ending() []mistake {
	return []mistake{
		{"CancelledBefore", "Put ignores the context", func(m *mutant) {
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				return m.Store.Put(context.WithoutCancel(ctx), r, prev)
			}
		}},
		{"CancelledBefore", "Delete ignores the context", func(m *mutant) {
			m.remove = func(ctx context.Context, k handover.Key, prev uint64) error {
				return m.Store.Delete(context.WithoutCancel(ctx), k, prev)
			}
		}},
		{"CancelledBefore", "Get finds nothing", func(m *mutant) {
			m.get = func(ctx context.Context, k handover.Key) (handover.Record, error) {
				if ctx.Err() != nil {
					return handover.Record{}, handover.ErrNotFound
				}
				return m.Store.Get(ctx, k)
			}
		}},
		{"CancelledDuringAll", "All ends as if that were all", func(m *mutant) {
			m.all = func(ctx context.Context, channel string) iter.Seq2[handover.Record, error] {
				return func(yield func(handover.Record, error) bool) {
					for r, err := range m.Store.All(ctx, channel) {
						if err != nil || !yield(r, nil) {
							return
						}
					}
				}
			}
		}},
	}
}

// renamed treats different keys as the same in Get, Put and Delete.
func renamed(normal func(handover.Key) handover.Key) func(*mutant) {
	return func(m *mutant) {
		m.get = func(ctx context.Context, k handover.Key) (handover.Record, error) { return m.Store.Get(ctx, normal(k)) }
		m.remove = func(ctx context.Context, k handover.Key, prev uint64) error {
			return m.Store.Delete(ctx, normal(k), prev)
		}
		m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
			r.Key = normal(r.Key)
			return m.Store.Put(ctx, r, prev)
		}
	}
}

func keeping() []mistake {
	return []mistake{
		{"KeysByteByByte", "upper and lower case are the same", renamed(func(k handover.Key) handover.Key {
			return handover.Key{Channel: strings.ToLower(k.Channel), Customer: strings.ToLower(k.Customer)}
		})},
		{"KeysByteByByte", "spaces at the end do not count", renamed(func(k handover.Key) handover.Key {
			return handover.Key{Channel: k.Channel, Customer: strings.TrimRight(k.Customer, " ")}
		})},
		{"KeysByteByByte", "channel and customer in one text", renamed(func(k handover.Key) handover.Key {
			return handover.Key{Customer: k.Channel + k.Customer}
		})},
		{"KeysByteByByte", "channel and customer with a slash between them", renamed(func(k handover.Key) handover.Key {
			return handover.Key{Customer: k.Channel + "/" + k.Customer}
		})},
		{"ReservedKey", "All leaves reserved keys out", only(func(r handover.Record, _ string) bool { return r.Key.Customer[0] > ' ' })},
		{"DataOfAnyBytes", "text up to the first zero byte", storing(func(r *handover.Record) { r.Data, _, _ = bytes.Cut(r.Data, []byte{0}) })},
		{"DataOfAnyBytes", "valid UTF-8", storing(func(r *handover.Record) { r.Data = bytes.ToValidUTF8(r.Data, []byte("?")) })},
		{"DataOfAnyBytes", "without spaces at the end", storing(func(r *handover.Record) { r.Data = bytes.TrimRight(r.Data, " ") })},
		{"LargeData", "the first MiB", storing(func(r *handover.Record) { r.Data = r.Data[:min(len(r.Data), 1<<20)] })},
	}
}
