package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/genesyshandover/genesyshandover/handover"
)

func allByChannel(s *suite) {
	channels := []string{"a", "A", "a ", "ab", "a/b", "b", "", "%"}
	const each = 5
	s.fill(len(channels)*each, func(i int) handover.Record {
		r := record(strconv.Itoa(i%each), uint64(i)+1) //nolint:gosec // not negative
		r.Key.Channel = channels[i/each]
		r.ConversationID, r.WakeAt = "conversation-"+strconv.Itoa(i), noon()
		return r
	})
	for i, channel := range channels {
		if channel == "" {
			continue
		}
		list := s.all(channel)
		s.byKey(list)
		if len(list) != each {
			s.Errorf("All(%q) returned %d records, want %d: those of this channel, compared byte by byte", channel, len(list), each)
		}
		for _, r := range list {
			n, _ := strconv.Atoi(r.Key.Customer)
			n += i * each
			want := handover.Record{
				Key: handover.Key{Channel: channel, Customer: r.Key.Customer}, Revision: uint64(n) + 1, //nolint:gosec // not negative
				ConversationID: "conversation-" + strconv.Itoa(n), WakeAt: noon(), Data: []byte("data of " + r.Key.Customer),
			}
			s.same(r, want, "All returns whole records")
		}
	}
	list := s.all("")
	s.byKey(list)
	if n := len(list); n != len(channels)*each {
		s.Errorf("All(\"\") returned %d records, want %d: an empty channel means all of them", n, len(channels)*each)
	}
	if n := len(s.all("absent")); n != 0 {
		s.Errorf("All of a channel without records returned %d", n)
	}
}

// byKey fails unless the records are in the order of their keys.
func (s *suite) byKey(list []handover.Record) {
	for i := 1; i < len(list); i++ {
		a, b := list[i-1].Key, list[i].Key
		if a.Channel > b.Channel || a.Channel == b.Channel && a.Customer >= b.Customer {
			s.Errorf("All returned %q before %q; want the order of channels, then of customers, compared byte by byte", a, b)
		}
	}
}

// Other goroutines create, replace and remove records during All. A record that is there all the
// time is returned exactly once.
func allDuringChanges(s *suite) {
	s.fill(someRecords, func(i int) handover.Record { return record(number(i), 1) })
	for _, channel := range []string{"", "shop"} {
		written, stop := make(chan struct{}), make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() { s.churn(written, stop) })
		counts, n := map[string]int{}, 0
		for r, err := range s.store.All(s.Context(), channel) {
			if err != nil {
				s.Errorf("All(%q) returned the error %v while others wrote; want every record", channel, err)
				break
			}
			if n++; n%20 == 0 {
				<-written // so that there are changes before and behind
			}
			counts[r.Key.Customer]++
		}
		close(stop)
		group.Wait()
		for i := range someRecords {
			if c := counts[number(i)]; c != 1 {
				s.Errorf("All(%q) returned a record %d times that was there from begin to end, while others were written; want once", channel, c)
				break
			}
		}
	}
}

// churn replaces records, and creates and removes others between them, in the whole range.
func (s *suite) churn(written chan<- struct{}, stop <-chan struct{}) {
	const step = 211 // prime: it visits every record
	defer close(written)
	for i := 0; ; i = (i + step) % someRecords {
		r, err := s.store.Get(s.Context(), key(number(i)))
		prev, passing := r.Revision, record(number(i)+"+", 1)
		r.Revision++
		err = errors.Join(err, s.store.Put(s.Context(), r, prev), s.store.Put(s.Context(), passing, 0),
			s.store.Delete(s.Context(), passing.Key, 1))
		if err != nil {
			s.Errorf("Get, Put or Delete = %v, while All was read; want nil: readers are not in a writer's way", err)
			return
		}
		select {
		case written <- struct{}{}:
		case <-stop:
			return
		}
	}
}

func number(i int) string { return strconv.Itoa(10_000 + i) }

// The loop body reads, replaces, removes and creates records.
func allAndItsLoopBody(s *suite) {
	const n = someRecords
	s.fill(n, func(i int) handover.Record { return record(number(i), 1) })
	seen := 0
	for r, err := range s.store.All(s.Context(), "shop") {
		if err != nil {
			s.Errorf("All returned the error %v after %d records, while the body of the loop wrote; want every record", err, seen)
			break
		}
		i, err := strconv.Atoi(r.Key.Customer)
		if err != nil {
			continue // created by this loop: may be returned or not
		}
		seen++
		s.holds(record(r.Key.Customer, 1), "the body of the loop may read")
		switch i % 5 {
		case 0:
			s.put(record(r.Key.Customer, 2), 1)
		case 1:
			s.remove(r.Key, 1)
		case 2:
			// Behind all others: what was removed before is missing there.
			s.put(record("z"+r.Key.Customer, 1), 0)
		}
	}
	if seen != n {
		s.Errorf("All returned %d of %d records: what the body of the loop does to one record hides no other", seen, n)
	}
	if got := len(s.all("shop")); got != n {
		s.Errorf("All returned %d records afterwards, want %d: as many were created as removed", got, n)
	}
}

// Leaving the loop releases what All holds, such as a connection; otherwise a later call waits
// forever.
func allLeftEarly(s *suite) {
	s.fill(someRecords, func(i int) handover.Record { return record(number(i), 1) })
	for i := range 20 {
		count := 0
		for r, err := range s.store.All(s.Context(), "") {
			if err != nil {
				s.Fatalf("All returned the error %v; want every record", err)
			}
			s.same(r, record(r.Key.Customer, 1), "All returns whole records")
			if count++; count > i*3 {
				break
			}
		}
		if count != i*3+1 {
			s.Errorf("All returned %d records to a loop that was left at the %dth", count, i*3+1)
		}
	}
	s.put(record("after", 1), 0)
	s.holds(record("after", 1), "the store works after loops over All were left")
}

// A call with an ended context returns an error and changes nothing.
func cancelledBefore(s *suite) {
	r := record("c", 10)
	r.ConversationID, r.WakeAt = "conversation-1", noon()
	s.put(r, 0)
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	_, getting := s.store.Get(ctx, r.Key)
	_, finding := s.store.Find(ctx, "shop", "conversation-1")
	_, due := s.store.Due(ctx, handover.DueQuery{Now: noon(), Limit: 10})
	var errs []error
	for _, err := range s.store.All(ctx, "") {
		errs = append(errs, err)
	}
	if len(errs) != 1 {
		s.Errorf("All with a cancelled context returned %d pairs; want one, with an error", len(errs))
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
				"nor ErrConflict: the store has not looked for the record", call, err)
		}
	}
	s.holds(r, "a call with an ended context changes nothing")
	s.absent(key("new"), "a call with an ended context changes nothing")
}

// A context ends during All: it returns at most one error, and nothing after it.
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
			s.same(r, record(r.Key.Customer, 1), "All returns whole records")
		}
	}
	switch {
	case errors.Is(failed, handover.ErrNotFound), errors.Is(failed, handover.ErrConflict):
		s.Errorf("All returned the error %v after its context had ended; want another, best one that is context.Canceled", failed)
	case failed == nil && n != someRecords:
		s.Errorf("All ended without an error after %d of %d records, when its context had ended; want the error, or every record: "+
			"the caller must be able to distinguish them", n, someRecords)
	}
	s.put(record("after", 1), 0)
	s.holds(record("after", 1), "the store works after a context ended during All")
}
