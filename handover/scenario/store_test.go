package scenario_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
)

func record(customer string, revision uint64) handover.Record {
	return handover.Record{
		Key: handover.Key{Channel: "a", Customer: customer}, Revision: revision, Data: []byte("data of " + customer),
	}
}

func TestStoreGetPutDelete(t *testing.T) {
	t.Parallel()
	s, ctx := handover.NewMemoryStore(), t.Context()
	r := record("c", 10)
	_, err := s.Get(ctx, r.Key)
	require.ErrorIs(t, err, handover.ErrNotFound)
	require.ErrorIs(t, s.Put(ctx, r, 9), handover.ErrConflict, "there is nothing to replace")
	require.NoError(t, s.Put(ctx, r, 0))
	require.ErrorIs(t, s.Put(ctx, r, 0), handover.ErrConflict, "it is there")
	next := record("c", 20)
	require.ErrorIs(t, s.Put(ctx, next, 9), handover.ErrConflict)
	require.NoError(t, s.Put(ctx, next, 10))
	got, err := s.Get(ctx, r.Key)
	require.NoError(t, err)
	require.Equal(t, next, got)
	require.ErrorIs(t, s.Delete(ctx, r.Key, 10), handover.ErrConflict)
	require.NoError(t, s.Delete(ctx, r.Key, 20))
	require.NoError(t, s.Delete(ctx, r.Key, 20), "an absent record is no error")
	_, err = s.Get(ctx, r.Key)
	require.ErrorIs(t, err, handover.ErrNotFound)
}

// TestStoreRefusesAPausedWriter checks that revisions never repeat, so that a writer that
// paused during a delete and a create gets a conflict.
func TestStoreRefusesAPausedWriter(t *testing.T) {
	t.Parallel()
	s, ctx := handover.NewMemoryStore(), t.Context()
	require.NoError(t, s.Put(ctx, record("c", 10), 0))
	require.NoError(t, s.Delete(ctx, record("c", 10).Key, 10))
	require.NoError(t, s.Put(ctx, record("c", 30), 0))
	require.ErrorIs(t, s.Put(ctx, record("c", 11), 10), handover.ErrConflict)
	require.ErrorIs(t, s.Delete(ctx, record("c", 10).Key, 10), handover.ErrConflict)
}

// TestStoreCompareAndSwap checks that of concurrent writers with the same revision exactly one
// succeeds.
func TestStoreCompareAndSwap(t *testing.T) {
	t.Parallel()
	const writers, each = 64, 20
	s, ctx := handover.NewMemoryStore(), t.Context()
	require.NoError(t, s.Put(ctx, record("c", 1), 0))
	var conflicts atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for won := 0; won < each; {
				r, err := s.Get(ctx, record("c", 0).Key)
				if err != nil {
					t.Error(err)
					return
				}
				prev := r.Revision
				r.Revision++
				if err := s.Put(ctx, r, prev); err == nil {
					won++
				} else {
					conflicts.Add(1)
				}
			}
		})
	}
	wg.Wait()
	r, err := s.Get(ctx, record("c", 0).Key)
	require.NoError(t, err)
	require.EqualValues(t, 1+writers*each, r.Revision, "no write was lost, after %d conflicts", conflicts.Load())
}

// TestStoreCopies checks that records are copied in both directions.
func TestStoreCopies(t *testing.T) {
	t.Parallel()
	s, ctx := handover.NewMemoryStore(), t.Context()
	in := record("c", 1)
	in.ConversationID, in.WakeAt = "v", time.UnixMicro(1).UTC()
	require.NoError(t, s.Put(ctx, in, 0))
	want := slices.Clone(in.Data)
	in.Data[0] = 'X'
	get := func() []handover.Record {
		a, err := s.Get(ctx, in.Key)
		require.NoError(t, err)
		b, err := s.Find(ctx, "", "v")
		require.NoError(t, err)
		due, err := s.Due(ctx, handover.DueQuery{Now: time.Now(), Limit: 1})
		require.NoError(t, err)
		out := append([]handover.Record{a, b}, due...)
		for r, err := range s.All(ctx, "") {
			require.NoError(t, err)
			out = append(out, r)
		}
		return out
	}
	for _, r := range get() {
		require.Equal(t, want, r.Data)
		r.Data[0] = 'Y'
	}
	for _, r := range get() {
		require.Equal(t, want, r.Data)
	}
}

// TestStoreDue checks Due against a sorted list while records change: due up to now, oldest
// first, within the limit.
func TestStoreDue(t *testing.T) {
	t.Parallel()
	const n = 10_000
	s, ctx, random := handover.NewMemoryStore(), t.Context(), rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable
	now := time.UnixMicro(1_700_000_000_000_000).UTC()
	model := map[handover.Key]handover.Record{}
	for i := range 3 * n {
		r := record(strconv.Itoa(random.IntN(n)), uint64(i)+1)
		if random.IntN(4) > 0 {
			// Many at the same time.
			r.WakeAt = now.Add(time.Duration(random.IntN(200)-100) * time.Second)
		}
		prev := model[r.Key].Revision
		if prev != 0 && random.IntN(8) == 0 {
			require.NoError(t, s.Delete(ctx, r.Key, prev))
			delete(model, r.Key)
			continue
		}
		require.NoError(t, s.Put(ctx, r, prev))
		model[r.Key] = r
	}
	var want []handover.Record
	for _, r := range model {
		if !r.WakeAt.IsZero() && !r.WakeAt.After(now) {
			want = append(want, r)
		}
	}
	slices.SortFunc(want, func(a, b handover.Record) int {
		return cmp.Or(a.WakeAt.Compare(b.WakeAt), cmp.Compare(a.Key.Customer, b.Key.Customer))
	})
	require.Greater(t, len(want), n/4)
	for _, limit := range []int{0, 1, 64, len(want), n * 2} {
		due, err := s.Due(ctx, handover.DueQuery{Now: now, Limit: limit})
		require.NoError(t, err)
		require.Len(t, due, min(limit, len(want)))
		require.True(t, slices.EqualFunc(due, want[:len(due)], func(a, b handover.Record) bool {
			return a.Key == b.Key && a.Revision == b.Revision && a.WakeAt.Equal(b.WakeAt)
		}), "limit %d", limit)
	}
	due, err := s.Due(ctx, handover.DueQuery{Now: want[0].WakeAt.Add(-time.Microsecond), Limit: n})
	require.NoError(t, err)
	require.Empty(t, due)
}

// TestStoreFind checks that Find uses the conversation of the last Put.
func TestStoreFind(t *testing.T) {
	t.Parallel()
	s, ctx := handover.NewMemoryStore(), t.Context()
	r := record("c", 1)
	require.NoError(t, s.Put(ctx, r, 0))
	_, err := s.Find(ctx, "", "")
	require.ErrorIs(t, err, handover.ErrNotFound, "no conversation is not one")
	for i, id := range []string{"v1", "v2", ""} {
		r.Revision, r.ConversationID = uint64(i)+2, id
		require.NoError(t, s.Put(ctx, r, uint64(i)+1))
		for _, other := range []string{"v1", "v2"} {
			got, err := s.Find(ctx, "", other)
			if other != id {
				require.ErrorIs(t, err, handover.ErrNotFound, other)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, r, got)
		}
	}
	// A conversation moves to another key. The next Put of the first key does not take it back.
	other := record("d", 1)
	other.ConversationID, r.ConversationID = "v", "v"
	r.Revision = 10
	require.NoError(t, s.Put(ctx, r, 4))
	require.NoError(t, s.Put(ctx, other, 0))
	r.Revision, r.ConversationID = 11, "w"
	require.NoError(t, s.Put(ctx, r, 10))
	got, err := s.Find(ctx, "", "v")
	require.NoError(t, err)
	require.Equal(t, other.Key, got.Key)
	require.NoError(t, s.Delete(ctx, other.Key, 1))
	_, err = s.Find(ctx, "", "v")
	require.ErrorIs(t, err, handover.ErrNotFound)
}

// TestStoreAll checks that the loop may stop early and may change the store.
func TestStoreAll(t *testing.T) {
	t.Parallel()
	s, ctx := handover.NewMemoryStore(), t.Context()
	for _, channel := range []string{"a", "b", ""} {
		for i := range 50 {
			r := record(fmt.Sprint(i), 1)
			r.Key.Channel = channel
			require.NoError(t, s.Put(ctx, r, 0))
		}
	}
	count := func(channel string) (n int) {
		for r, err := range s.All(ctx, channel) {
			require.NoError(t, err)
			require.True(t, channel == "" || r.Key.Channel == channel)
			n++
		}
		return n
	}
	require.Equal(t, 150, count(""))
	require.Equal(t, 50, count("a"))
	require.Zero(t, count("nobody"))
	for _, err := range s.All(ctx, "") {
		require.NoError(t, err)
		break
	}
	seen := 0
	for r, err := range s.All(ctx, "a") {
		require.NoError(t, err)
		seen++
		for _, k := range []handover.Key{r.Key, {Channel: "a", Customer: "9"}} {
			require.NoError(t, s.Delete(ctx, k, 1))
		}
		r.Key.Customer, r.Revision = "new "+r.Key.Customer, 2
		require.NoError(t, s.Put(ctx, r, 0))
	}
	require.GreaterOrEqual(t, seen, 49)
	require.Equal(t, seen, count("a"))
}

// TestStoreCancelled checks that every method returns the error of a cancelled context and does
// nothing.
func TestStoreCancelled(t *testing.T) {
	t.Parallel()
	s := handover.NewMemoryStore()
	require.NoError(t, s.Put(t.Context(), record("c", 1), 0))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := map[string]func() error{
		"Get":    func() error { _, err := s.Get(ctx, record("c", 1).Key); return err },
		"Find":   func() error { _, err := s.Find(ctx, "", "v"); return err },
		"Put":    func() error { return s.Put(ctx, record("d", 1), 0) },
		"Delete": func() error { return s.Delete(ctx, record("c", 1).Key, 1) },
		"Due":    func() error { _, err := s.Due(ctx, handover.DueQuery{Now: time.Now(), Limit: 1}); return err },
		"All": func() error {
			for _, err := range s.All(ctx, "") {
				return err
			}
			return nil
		},
	}
	for name, call := range calls {
		require.ErrorIs(t, call(), context.Canceled, name)
	}
	n := 0
	for _, err := range s.All(t.Context(), "") {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 1, n)
}

// TestStoreBytes checks that keys are compared byte by byte and data may contain any byte.
func TestStoreBytes(t *testing.T) {
	t.Parallel()
	s, ctx := handover.NewMemoryStore(), t.Context()
	keys := []handover.Key{
		{Channel: "é", Customer: "Zoë 🙂"},
		{Channel: "e\u0301", Customer: "Zoë 🙂"}, // looks the same
		{Channel: "é", Customer: "zoë 🙂"},
		{Channel: "é", Customer: "Zoë 🙂 "},
		{Channel: "", Customer: "éZoë 🙂"},
		{Channel: "a", Customer: "b/c"},
		{Channel: "a/b", Customer: "c"},
	}
	for i, k := range keys {
		data := append(bytes.Repeat([]byte{0, 0xff, byte(i)}, 100), `\u0000`...)
		require.NoError(t, s.Put(ctx, handover.Record{Key: k, Revision: uint64(i) + 1, Data: data}, 0))
	}
	for i, k := range keys {
		r, err := s.Get(ctx, k)
		require.NoError(t, err)
		require.Equal(t, uint64(i)+1, r.Revision)
		require.Equal(t, append(bytes.Repeat([]byte{0, 0xff, byte(i)}, 100), `\u0000`...), r.Data)
	}
}
