package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
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

// noon returns a time in whole microseconds, like all times of the contract.
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

// same compares all fields of two records.
func (s *suite) same(got, want handover.Record, why string) {
	s.Helper()
	if got.Key != want.Key || got.Revision != want.Revision || got.ConversationID != want.ConversationID ||
		!got.WakeAt.Equal(want.WakeAt) || !bytes.Equal(got.Data, want.Data) {
		s.Errorf("got %s, want %s: %s", show(got), show(want), why)
	}
}

// absent fails unless Get returns ErrNotFound.
func (s *suite) absent(k handover.Key, why string) {
	s.Helper()
	r, err := s.store.Get(s.Context(), k)
	if err == nil {
		s.Errorf("Get(%q) returned %s; want ErrNotFound: %s", k, show(r), why)
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

// due returns the records of Due for every channel, ten at most.
func (s *suite) due(now time.Time) []handover.Record {
	s.Helper()
	return s.ask(handover.DueQuery{Now: now, Limit: 10})
}

// ask returns the records of a Due that must not fail.
func (s *suite) ask(q handover.DueQuery) []handover.Record {
	s.Helper()
	list, err := s.store.Due(s.Context(), q)
	if err != nil {
		s.Fatalf("Due(%s) = %v; want the records that are due, possibly none", showQuery(q), err)
	}
	return list
}

func showQuery(q handover.DueQuery) string {
	after := "the beginning"
	if q.After != (handover.DueCursor{}) {
		after = fmt.Sprintf("%s %q", q.After.WakeAt.Format(time.RFC3339Nano), q.After.Key)
	}
	return fmt.Sprintf("channel %q, now %s, after %s, limit %d", q.Channel, q.Now.Format(time.RFC3339Nano), after, q.Limit)
}

// all returns every record of an All that must not fail.
func (s *suite) all(channel string) []handover.Record {
	s.Helper()
	var list []handover.Record
	for r, err := range s.store.All(s.Context(), channel) {
		if err != nil {
			s.Fatalf("All(%q) returned the error %v; want every record", channel, err)
		}
		list = append(list, r)
	}
	return list
}

// fill creates n records with many concurrent writers, because a durable store is faster with them.
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
		s.Fatalf("Put of a new key = %v, while %d writers created different keys; want nil: they do not block each other, "+
			"and Put must wait for a busy database", err, writers)
		return false
	})
}

// show formats a record in one line.
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

// tb is the part of testing.T that the contract needs, so that the tests of this package can
// replace it.
type tb interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// A guard lets another goroutine fail the test, until the test stops waiting for it.
type guard struct {
	tb

	mu     sync.Mutex
	closed bool
}

func (g *guard) Errorf(format string, args ...any) {
	g.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.tb.Errorf(format, args...)
	}
}

// Fatalf ends the goroutine of the contract; testing.T can only end that of the test.
func (g *guard) Fatalf(format string, args ...any) {
	g.Helper()
	g.Errorf(format, args...)
	runtime.Goexit()
}

func (g *guard) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}
