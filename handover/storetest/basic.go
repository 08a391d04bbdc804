package storetest

import (
	"math"

	"github.com/genesyshandover/genesyshandover/handover"
)

func notFound(s *suite) {
	s.absent(key("absent"), "nothing was put")
	if list := s.all(""); len(list) != 0 {
		s.Fatalf("All returned %d records of a new store; want none: each call of open must return an empty store", len(list))
	}
	if err := s.store.Delete(s.Context(), key("absent"), 7); err != nil {
		s.Errorf("Delete of an absent record = %v; want nil: an absent record is no error", err)
	}
	s.put(record("somebody", 1), 0)
	s.absent(key("absent"), "another key was put")
	s.absent(handover.Key{Channel: "other", Customer: "somebody"}, "the same customer of another channel is another key")
}

func createAndReplace(s *suite) {
	first := record("c", 10)
	first.ConversationID, first.WakeAt = "conversation-1", noon()
	s.put(first, 0)
	s.holds(first, "a record is returned as it was put")
	next := record("c", 25)
	next.Data = []byte("longer data than before, and nothing of the old must stay")
	s.put(next, 10)
	s.holds(next, "a Put replaces all of the record, also what is now empty: the conversation and WakeAt")
	next.Revision, next.Data = 26, []byte("short")
	s.put(next, 25)
	s.holds(next, "a Put replaces all of the record")
}

func createOnlyOnce(s *suite) {
	first := record("c", 10)
	s.put(first, 0)
	again := record("c", 20)
	s.conflict(s.store.Put(s.Context(), again, 0), "Put(prev 0) of a key that exists", "prev 0 stores only if there is none")
	s.holds(first, "ErrConflict means that nothing was stored")
}

func putComparesRevisions(s *suite) {
	first := record("c", 10)
	s.put(first, 0)
	for _, prev := range []uint64{1, 9, 11, 20, math.MaxInt64} {
		next := record("c", 20)
		next.ConversationID, next.WakeAt, next.Data = "conversation-1", noon(), []byte("not stored")
		s.conflict(s.store.Put(s.Context(), next, prev), "Put with a prev that is not the stored revision", "Put compares and swaps")
	}
	s.holds(first, "ErrConflict means that nothing was stored")
	if list := s.due(noon()); len(list) != 0 {
		s.Errorf("Due returned %s; want nothing: ErrConflict means that nothing was stored, in no index either", show(list[0]))
	}
	_, err := s.store.Find(s.Context(), "shop", "conversation-1")
	s.notFound(err, "Find", "ErrConflict means that nothing was stored, in no index either")
	s.put(record("c", 20), 10)
	s.conflict(s.store.Put(s.Context(), record("c", 30), 10), "Put with the revision before the last", "Put compares and swaps")
}

func putOfAnAbsentRecord(s *suite) {
	r := record("c", 20)
	s.conflict(s.store.Put(s.Context(), r, 10), "Put(prev 10) without a record", "only prev 0 creates: there is no record")
	s.absent(r.Key, "ErrConflict means that nothing was stored")
}

func deleteComparesRevisions(s *suite) {
	r := record("c", 10)
	s.put(r, 0)
	for _, prev := range []uint64{0, 9, 11, math.MaxInt64} {
		s.conflict(s.store.Delete(s.Context(), r.Key, prev), "Delete with a prev that is not the stored revision", "Delete compares")
	}
	s.holds(r, "ErrConflict means that nothing was removed")
	s.put(record("d", 10), 0)
	s.remove(r.Key, 10)
	s.absent(r.Key, "it was removed")
	s.holds(record("d", 10), "Delete removes only its key")
	s.remove(r.Key, 10)
}

// A writer that pauses during a delete and a create has a revision that never repeats.
func pausedWriter(s *suite) {
	s.put(record("c", 10), 0)
	s.remove(key("c"), 10)
	created := record("c", 30)
	s.put(created, 0)
	s.conflict(s.store.Put(s.Context(), record("c", 11), 10), "Put by a writer that read before a delete and a create",
		"the record is another one now")
	s.conflict(s.store.Delete(s.Context(), key("c"), 10), "Delete by a writer that read before a delete and a create",
		"the record is another one now")
	s.holds(created, "an old revision never touches the new record")
}

// Neighbouring revisions that are equal as 64-bit floating-point numbers.
func largestRevisions(s *suite) {
	for i, top := range []uint64{1 << 53, 1<<53 + 2, math.MaxInt64 - 1} {
		r := record("c"+string(rune('0'+i)), top)
		s.put(r, 0)
		s.holds(r, "revisions are exact up to math.MaxInt64")
		s.conflict(s.store.Put(s.Context(), record(r.Key.Customer, top+1), top-1), "Put with prev one below the stored revision",
			"revisions are compared as whole numbers")
		s.conflict(s.store.Put(s.Context(), record(r.Key.Customer, top+1), top+1), "Put with prev one above the stored revision",
			"revisions are compared as whole numbers")
		s.conflict(s.store.Delete(s.Context(), r.Key, top+1), "Delete with prev one above the stored revision",
			"revisions are compared as whole numbers")
		s.put(record(r.Key.Customer, top+1), top)
		s.holds(record(r.Key.Customer, top+1), "revisions are exact up to math.MaxInt64")
		s.remove(r.Key, top+1)
	}
}
