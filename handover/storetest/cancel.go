package storetest

import (
	"context"
	"errors"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A context that has ended before the call: an error, and nothing is changed.
func cancelledBefore(s *suite) {
	r := record("c", 10)
	r.ConversationID, r.WakeAt = "conversation-1", noon()
	s.put(r, 0)
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	_, getting := s.store.Get(ctx, r.Key)
	_, finding := s.store.Find(ctx, "conversation-1")
	_, due := s.store.Due(ctx, noon(), 10)
	var errs []error
	for _, err := range s.store.All(ctx, "") {
		errs = append(errs, err)
	}
	if len(errs) != 1 {
		s.Errorf("All with a cancelled context gave %d pairs; want one, with an error", len(errs))
	}
	for call, err := range map[string]error{
		"Get": getting, "Find": finding, "Due": due, "All": errors.Join(errs...),
		"Put of a new key":        s.store.Put(ctx, record("new", 1), 0),
		"Put of a stored record":  s.store.Put(ctx, record("c", 20), 10),
		"Put that would conflict": s.store.Put(ctx, record("c", 20), 11),
		"Delete":                  s.store.Delete(ctx, r.Key, 10),
	} {
		if err == nil || errors.Is(err, handover.ErrNotFound) || errors.Is(err, handover.ErrConflict) {
			s.Errorf("%s with a cancelled context = %v; want an error, best one that is context.Canceled, and neither ErrNotFound "+
				"nor ErrConflict: nobody has looked", call, err)
		}
	}
	s.holds(r, "a call whose context has ended before it began changes nothing")
	s.absent(key("new"), "a call whose context has ended before it began changes nothing")
}

// A context that ends while All is read: at most one error, and nothing after it.
func cancelledDuringAll(s *suite) {
	s.fill(someRecords, func(i int) handover.Record { return record(number(i), 1) })
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	var failed error
	n := 0
	for r, err := range s.store.All(ctx, "") {
		cancel()
		if failed != nil {
			s.Fatalf("All went on after its error %v; want that it ends after the first", failed)
		}
		if failed = err; err == nil {
			n++
			s.same(r, record(r.Key.Customer, 1), "All gives whole records")
		}
	}
	switch {
	case errors.Is(failed, handover.ErrNotFound), errors.Is(failed, handover.ErrConflict):
		s.Errorf("All gave the error %v after its context had ended; want another, best one that is context.Canceled", failed)
	case failed == nil && n != someRecords:
		s.Errorf("All ended without an error after %d of %d records, when its context had ended; want the error, or every record: "+
			"the caller must be able to tell", n, someRecords)
	}
	s.put(record("after", 1), 0)
	s.holds(record("after", 1), "the store works on after a context ended during All")
}
