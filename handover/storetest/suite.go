package storetest

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A suite is one store under test.
type suite struct {
	tb

	store handover.Store
	many  int // records in the test of Due
}

// noon is a moment in whole microseconds, as all of the contract.
func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 123_456_000, time.UTC) }

func key(customer string) handover.Key { return handover.Key{Channel: "shop", Customer: customer} }

func record(customer string, revision uint64) handover.Record {
	return handover.Record{Key: key(customer), Revision: revision, Data: []byte("data of " + customer)}
}

// put, remove and get are the calls that must succeed.
func (s *suite) put(r handover.Record, prev uint64) {
	s.Helper()
	if err := s.store.Put(s.Context(), r, prev); err != nil {
		s.Fatalf("Put(%s, prev %d) = %v; want nil: the stored revision is prev (0: there is none)", show(r), prev, err)
	}
}

func (s *suite) remove(k handover.Key, prev uint64) {
	s.Helper()
	if err := s.store.Delete(s.Context(), k, prev); err != nil {
		s.Fatalf("Delete(%q, prev %d) = %v; want nil: the stored revision is prev, or there is no record", k, prev, err)
	}
}

func (s *suite) get(k handover.Key) handover.Record {
	s.Helper()
	r, err := s.store.Get(s.Context(), k)
	if err != nil {
		s.Fatalf("Get(%q) = %v; want the record, which was put and not removed", k, err)
	}
	return r
}

// holds fails unless the store has exactly this record.
func (s *suite) holds(want handover.Record, why string) {
	s.Helper()
	s.same(s.get(want.Key), want, why)
}

// same compares all that a record has.
func (s *suite) same(got, want handover.Record, why string) {
	s.Helper()
	if got.Key != want.Key || got.Revision != want.Revision || got.ConversationID != want.ConversationID ||
		!got.WakeAt.Equal(want.WakeAt) || !bytes.Equal(got.Data, want.Data) {
		s.Errorf("got %s, want %s: %s", show(got), show(want), why)
	}
}

// absent fails unless Get says ErrNotFound.
func (s *suite) absent(k handover.Key, why string) {
	s.Helper()
	r, err := s.store.Get(s.Context(), k)
	if err == nil {
		s.Errorf("Get(%q) gave %s; want ErrNotFound: %s", k, show(r), why)
		return
	}
	s.notFound(err, "Get", why)
}

func (s *suite) notFound(err error, call, why string) {
	s.Helper()
	if !errors.Is(err, handover.ErrNotFound) || errors.Is(err, handover.ErrConflict) {
		s.Errorf("%s = %v; want an error that is handover.ErrNotFound (errors.Is) and no other of its errors: %s", call, err, why)
	}
}

func (s *suite) conflict(err error, call, why string) {
	s.Helper()
	if !errors.Is(err, handover.ErrConflict) || errors.Is(err, handover.ErrNotFound) {
		s.Errorf("%s = %v; want an error that is handover.ErrConflict (errors.Is) and no other of its errors: %s", call, err, why)
	}
}

// due is what Due gives, which must not fail.
func (s *suite) due(now time.Time, limit int) []handover.Record {
	s.Helper()
	list, err := s.store.Due(s.Context(), now, limit)
	if err != nil {
		s.Fatalf("Due(%s, limit %d) = %v; want what is due, which may be nothing", now.Format(time.RFC3339Nano), limit, err)
	}
	return list
}

// all is what All gives to the end, which must not fail.
func (s *suite) all(channel string) []handover.Record {
	s.Helper()
	var list []handover.Record
	for r, err := range s.store.All(s.Context(), channel) {
		if err != nil {
			s.Fatalf("All(%q) gave the error %v; want every record", channel, err)
		}
		list = append(list, r)
	}
	return list
}

// fill creates n records through many writers at once, which is how a durable store is fast.
func (s *suite) fill(n int, each func(i int) handover.Record) {
	s.Helper()
	const writers = 64
	var failed sync.Map
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := w; i < n; i += writers {
				if err := s.store.Put(s.Context(), each(i), 0); err != nil {
					failed.Store(w, err)
					return
				}
			}
		})
	}
	group.Wait()
	failed.Range(func(_, err any) bool {
		s.Fatalf("Put of a new key = %v, while %d writers created different keys; want nil: they are not in each other's way, "+
			"and a busy database has to be waited for inside of Put", err, writers)
		return false
	})
}

// show is a record in a line.
func show(r handover.Record) string {
	data := strconv.Quote(string(r.Data[:min(len(r.Data), 40)]))
	if len(r.Data) > 40 {
		data += "… (" + strconv.Itoa(len(r.Data)) + " bytes)"
	}
	wake := "never"
	if !r.WakeAt.IsZero() {
		wake = r.WakeAt.Format(time.RFC3339Nano)
	}
	return strings.Join([]string{
		"record", strconv.Quote(r.Key.Channel) + "/" + strconv.Quote(r.Key.Customer), "revision", strconv.FormatUint(r.Revision, 10),
		"conversation", strconv.Quote(r.ConversationID), "wake", wake, "data", data,
	}, " ")
}
