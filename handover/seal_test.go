package handover_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/handover"
	"github.com/genesyshandover/genesyshandover/handover/storetest"
)

func oldKey() handover.Secret { return handover.NewSecret("the old key, of 26 bytes!!") }
func newKey() handover.Secret { return handover.NewSecret(strings.Repeat("new key ", 100)) }

func seal(t *testing.T, s handover.Store, keys ...handover.Secret) handover.Store {
	t.Helper()
	sealed, err := handover.Seal(s, keys...)
	require.NoError(t, err)
	return sealed
}

func sealedRecord(customer string, revision uint64) handover.Record {
	return handover.Record{
		Key: handover.Key{Channel: "shop", Customer: customer}, Revision: revision, ConversationID: "conversation of " + customer,
		WakeAt: time.UnixMicro(int64(revision)).UTC(), Data: []byte("what " + customer + " wrote"), //nolint:gosec // small
	}
}

// A sealed store keeps the contract of every store.
func TestSealedStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) handover.Store {
		t.Helper()
		t.Parallel()
		return seal(t, handover.NewMemoryStore(), newKey(), oldKey())
	})
}

func TestSealValidates(t *testing.T) {
	t.Parallel()
	s := handover.NewMemoryStore()
	for want, try := range map[string]func() (handover.Store, error){
		"the store is nil":  func() (handover.Store, error) { return handover.Seal(nil, newKey()) },
		"there are no keys": func() (handover.Store, error) { return handover.Seal(s) },
		"key 1 has 0 bytes": func() (handover.Store, error) { return handover.Seal(s, handover.Secret{}) },
		"key 2 has 15 bytes": func() (handover.Store, error) {
			return handover.Seal(s, newKey(), handover.NewSecret("fifteen bytes !"))
		},
	} {
		made, err := try()
		require.ErrorContains(t, err, "handover: Seal: "+want)
		require.NotContains(t, err.Error(), "fifteen")
		require.Nil(t, made)
	}
	_, err := handover.Seal(s, handover.NewSecret("sixteen bytes !!"))
	require.NoError(t, err)
}

// The store below sees the other fields, and nothing of Data; two writes of the same Data differ.
func TestSealHidesData(t *testing.T) {
	t.Parallel()
	below, r := handover.NewMemoryStore(), sealedRecord("c", 1)
	s := seal(t, below, newKey())
	require.NoError(t, s.Put(t.Context(), r, 0))
	first, err := below.Get(t.Context(), r.Key)
	require.NoError(t, err)
	require.NotContains(t, string(first.Data), "wrote")
	r.Revision = 2
	require.NoError(t, s.Put(t.Context(), r, 1))
	second, err := below.Get(t.Context(), r.Key)
	require.NoError(t, err)
	require.NotEqual(t, first.Data[5:], second.Data[5:])
	require.Equal(t, []byte("what c wrote"), r.Data, "the caller's Data is not changed")
	second.Data = r.Data
	require.Equal(t, r, second, "the other fields are as they were put")
}

// The steps of the documentation: no step leaves a record that a replica of the step before cannot
// read.
func TestSealRotation(t *testing.T) {
	t.Parallel()
	below, ctx := handover.NewMemoryStore(), t.Context()
	before, first := seal(t, below, oldKey()), seal(t, below, oldKey(), newKey())
	second, third := seal(t, below, newKey(), oldKey()), seal(t, below, newKey())
	reads := func(s handover.Store, want handover.Record) {
		t.Helper()
		got, err := s.Get(ctx, want.Key)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	a, b, c := sealedRecord("a", 1), sealedRecord("b", 1), sealedRecord("c", 1)
	require.NoError(t, before.Put(ctx, a, 0))
	require.NoError(t, first.Put(ctx, b, 0))
	reads(before, b)
	reads(first, a)
	require.NoError(t, second.Put(ctx, c, 0))
	reads(first, c)
	for _, r := range []handover.Record{a, b, c} {
		reads(second, r)
	}
	_, err := third.Get(ctx, a.Key)
	require.ErrorContains(t, err, "Data cannot be decrypted")
	for r, err := range second.All(ctx, "") {
		require.NoError(t, err)
		prev := r.Revision
		r.Revision++
		require.NoError(t, second.Put(ctx, r, prev))
	}
	for _, r := range []handover.Record{a, b, c} {
		r.Revision = 2
		reads(third, r)
	}
	_, err = before.Get(ctx, a.Key)
	require.ErrorContains(t, err, "Data cannot be decrypted")
}

// Data of another record, changed, cut, unsealed and of another key is refused, and hides no other
// record.
func TestSealRefuses(t *testing.T) {
	t.Parallel()
	below, ctx, good := handover.NewMemoryStore(), t.Context(), sealedRecord("good", 9)
	s := seal(t, below, newKey())
	require.NoError(t, s.Put(ctx, good, 0))
	stored, err := below.Get(ctx, good.Key)
	require.NoError(t, err)
	changed := slices.Clone(stored.Data)
	changed[len(changed)-1] ^= 1
	renamed := slices.Clone(stored.Data)
	renamed[1] ^= 1
	bad := map[string][]byte{
		"copied": stored.Data, "changed": changed, "of another key": renamed, "cut": stored.Data[:20], "header": stored.Data[:5],
		"empty": nil, "unsealed": []byte(`{"format":1,"secret":"what c wrote"}`),
	}
	for name, data := range bad {
		r := sealedRecord(name, 1)
		r.Data = data
		require.NoError(t, below.Put(ctx, r, 0))
		_, get := s.Get(ctx, r.Key)
		_, find := s.Find(ctx, "shop", r.ConversationID)
		for _, err := range []error{get, find} {
			require.ErrorContains(t, err, "handover: Seal: Data cannot be decrypted", name)
			require.NotErrorIs(t, err, handover.ErrNotFound)
			require.NotContains(t, err.Error(), "wrote")
			require.NotContains(t, err.Error(), "new key")
		}
	}
	// The same customer of another channel, and a key with parts that join to the same text.
	elsewhere := stored
	for _, k := range []handover.Key{{Channel: "other", Customer: "good"}, {Channel: "shopg", Customer: "ood"}} {
		elsewhere.Key = k
		require.NoError(t, below.Put(ctx, elsewhere, 0))
		_, err := s.Get(ctx, k)
		require.ErrorContains(t, err, "Data cannot be decrypted")
	}
	due, err := s.Due(ctx, handover.DueQuery{Channel: "shop", Now: good.WakeAt, Limit: 100})
	require.NoError(t, err)
	require.Len(t, due, len(bad)+1, "a page stays full")
	require.Equal(t, good, due[len(bad)])
	for _, r := range due[:len(bad)] {
		require.Empty(t, r.Data)
	}
	var read []handover.Record
	var last error
	for r, err := range s.All(ctx, "shop") {
		require.NoError(t, last, "All ends after its error")
		if last = err; err == nil {
			read = append(read, r)
		}
	}
	require.Equal(t, []handover.Record{good}, read)
	require.ErrorContains(t, last, "records that were skipped: 7")
}

// Get returns decrypted data or an error for any data of the store below.
func FuzzSealOpens(f *testing.F) {
	k := handover.Customer("c")
	below := handover.NewMemoryStore()
	s, err := handover.Seal(below, newKey(), oldKey())
	require.NoError(f, err)
	require.NoError(f, s.Put(context.Background(), handover.Record{Key: k, Revision: 1, Data: []byte("genuine")}, 0))
	stored, err := below.Get(context.Background(), k)
	require.NoError(f, err)
	genuine := stored.Data
	f.Add(genuine)
	f.Add(genuine[:5])
	f.Add([]byte{1})
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		store := handover.NewMemoryStore()
		require.NoError(t, store.Put(t.Context(), handover.Record{Key: k, Revision: 1, Data: data}, 0))
		r, err := seal(t, store, newKey(), oldKey()).Get(t.Context(), k)
		if bytes.Equal(data, genuine) {
			require.NoError(t, err)
		}
		if err == nil { // another process of the fuzzer has sealed it with another nonce
			require.Equal(t, "genuine", string(r.Data))
		}
	})
}
