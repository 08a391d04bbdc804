package storetest

import (
	"bytes"
	"slices"

	"github.com/genesyshandover/genesyshandover/handover"
)

func copiesWhatItTakes(s *suite) {
	r := record("c", 10)
	r.ConversationID, r.WakeAt = "conversation-1", noon()
	want := slices.Clone(r.Data)
	s.put(r, 0)
	r.Data[0] = 'X'
	s.unchanged(want, "the caller may use the Data it gave to Put for something else afterwards")

	r.Revision, r.Data = 20, slices.Clone(want)
	s.put(r, 10)
	r.Data[0] = 'Y'
	s.unchanged(want, "the caller may use the Data it gave to Put for something else afterwards")

	for range 4 { // one buffer for many records
		copy(r.Data, "records of")
		r.Revision++
		s.put(r, r.Revision-1)
	}
	want = slices.Clone(r.Data)
	clear(r.Data)
	s.unchanged(want, "the caller may use the Data it gave to Put for something else afterwards")
}

func copiesWhatItGives(s *suite) {
	r := record("c", 10)
	r.ConversationID, r.WakeAt = "conversation-1", noon()
	s.put(r, 0)
	want := slices.Clone(r.Data)
	for name, got := range s.everyWay() {
		got.Data[0] = 'X'
		_ = append(got.Data, "beyond its end"...)
		s.unchanged(want, "the caller may change the Data that "+name+" gave it")
	}
}

// unchanged reads the record in every way there is.
func (s *suite) unchanged(want []byte, why string) {
	s.Helper()
	for name, got := range s.everyWay() {
		if !bytes.Equal(got.Data, want) {
			s.Errorf("%s gave the data %q, want %q: a store copies what it takes and gives: %s", name, got.Data, want, why)
		}
	}
}

// everyWay reads the only record, which has conversation-1 and is due.
func (s *suite) everyWay() map[string]handover.Record {
	s.Helper()
	found, err := s.store.Find(s.Context(), "conversation-1")
	if err != nil {
		s.Fatalf("Find = %v; want the record that was last put with this conversation", err)
	}
	due, all := s.due(noon(), 10), s.all("")
	if len(due) != 1 || len(all) != 1 {
		s.Fatalf("Due gave %d records and All %d; want 1 and 1", len(due), len(all))
	}
	return map[string]handover.Record{"Get": s.get(found.Key), "Find": found, "Due": due[0], "All": all[0]}
}
