package storetest

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A mutant is an in-memory store with a mistake: the methods that are set replace those of the
// store.
type mutant struct {
	handover.Store

	get    func(context.Context, handover.Key) (handover.Record, error)
	find   func(context.Context, string, string) (handover.Record, error)
	put    func(context.Context, handover.Record, uint64) error
	remove func(context.Context, handover.Key, uint64) error
	due    func(context.Context, handover.DueQuery) ([]handover.Record, error)
	all    func(context.Context, string) iter.Seq2[handover.Record, error]
}

func (m *mutant) Get(ctx context.Context, k handover.Key) (handover.Record, error) {
	if m.get != nil {
		return m.get(ctx, k)
	}
	return m.Store.Get(ctx, k)
}

func (m *mutant) Find(ctx context.Context, channel, id string) (handover.Record, error) {
	if m.find != nil {
		return m.find(ctx, channel, id)
	}
	return m.Store.Find(ctx, channel, id)
}

func (m *mutant) Put(ctx context.Context, r handover.Record, prev uint64) error {
	if m.put != nil {
		return m.put(ctx, r, prev)
	}
	return m.Store.Put(ctx, r, prev)
}

func (m *mutant) Delete(ctx context.Context, k handover.Key, prev uint64) error {
	if m.remove != nil {
		return m.remove(ctx, k, prev)
	}
	return m.Store.Delete(ctx, k, prev)
}

func (m *mutant) Due(ctx context.Context, q handover.DueQuery) ([]handover.Record, error) {
	if m.due != nil {
		return m.due(ctx, q)
	}
	return m.Store.Due(ctx, q)
}

func (m *mutant) All(ctx context.Context, channel string) iter.Seq2[handover.Record, error] {
	if m.all != nil {
		return m.all(ctx, channel)
	}
	return m.Store.All(ctx, channel)
}

// force stores a record without comparing revisions.
func (m *mutant) force(ctx context.Context, r handover.Record) error {
	old, err := m.Store.Get(ctx, r.Key)
	if err != nil && !errors.Is(err, handover.ErrNotFound) {
		return err
	}
	return m.Store.Put(ctx, r, old.Revision)
}

// A mistake, and the part of the contract that must detect it.
type mistake struct {
	part, what string
	make       func(*mutant)
}

func mistakes() []mistake {
	return slices.Concat(comparing(), copying(), waking(), finding(), ranging(), ending(), keeping())
}

func comparing() []mistake {
	return []mistake{
		{"NotFound", "Get of an absent record returns an empty one", func(m *mutant) {
			m.get = func(ctx context.Context, k handover.Key) (handover.Record, error) {
				r, err := m.Store.Get(ctx, k)
				if errors.Is(err, handover.ErrNotFound) {
					return r, nil
				}
				return r, err
			}
		}},
		{"NotFound", "Delete of nothing is an error", func(m *mutant) {
			m.remove = func(ctx context.Context, k handover.Key, prev uint64) error {
				_, err := m.Store.Get(ctx, k)
				return cmp.Or(err, m.Store.Delete(ctx, k, prev))
			}
		}},
		{"CreateAndReplace", "Put keeps the old conversation where the new record has none", func(m *mutant) {
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				old, _ := m.Store.Get(ctx, r.Key)
				r.ConversationID = cmp.Or(r.ConversationID, old.ConversationID)
				return m.Store.Put(ctx, r, prev)
			}
		}},
		{"CreateOnlyOnce", "Put with prev 0 replaces", func(m *mutant) {
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				if prev == 0 {
					return m.force(ctx, r)
				}
				return m.Store.Put(ctx, r, prev)
			}
		}},
		{"PutComparesRevisions", "Put does not compare", func(m *mutant) {
			m.put = func(ctx context.Context, r handover.Record, _ uint64) error { return m.force(ctx, r) }
		}},
		{"PutOfAnAbsentRecord", "Put with a prev creates", func(m *mutant) {
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				if _, err := m.Store.Get(ctx, r.Key); err != nil {
					prev = 0
				}
				return m.Store.Put(ctx, r, prev)
			}
		}},
		{"DeleteComparesRevisions", "Delete does not compare", func(m *mutant) {
			m.remove = func(ctx context.Context, k handover.Key, _ uint64) error {
				old, _ := m.Store.Get(ctx, k)
				return m.Store.Delete(ctx, k, old.Revision)
			}
		}},
		{"PausedWriter", "any older revision may write", func(m *mutant) {
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				old, _ := m.Store.Get(ctx, r.Key)
				if prev > 0 && prev < old.Revision {
					prev = old.Revision
				}
				return m.Store.Put(ctx, r, prev)
			}
		}},
		{"LargestRevisions", "revisions are compared as floating-point numbers", func(m *mutant) {
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				if old, _ := m.Store.Get(ctx, r.Key); float64(old.Revision) == float64(prev) {
					prev = old.Revision
				}
				return m.Store.Put(ctx, r, prev)
			}
		}},
		{"ManyWritersOfOneRecord", "every tenth update is lost", func(m *mutant) {
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				if r.Revision%10 == 0 { // the revision counts, but not the data
					old, _ := m.Store.Get(ctx, r.Key)
					r.Data = old.Data
				}
				return m.Store.Put(ctx, r, prev)
			}
		}},
		{"ManyWritersOfOneRecord", "a busy database is the caller's problem", func(m *mutant) {
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				if r.Revision == 30 {
					return errors.New("database is locked")
				}
				return m.Store.Put(ctx, r, prev)
			}
		}},
		{"ManyCreatorsOfOneRecord", "INSERT … ON CONFLICT DO NOTHING without a look at the rows affected", func(m *mutant) {
			m.put = func(ctx context.Context, r handover.Record, prev uint64) error {
				err := m.Store.Put(ctx, r, prev)
				if prev == 0 && errors.Is(err, handover.ErrConflict) {
					return nil
				}
				return err
			}
		}},
		{"PutAgainstDelete", "Delete does nothing", func(m *mutant) {
			m.remove = func(context.Context, handover.Key, uint64) error { return nil }
		}},
	}
}
