package storetest

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

func wakeAt(s *suite) {
	for i, at := range []time.Time{
		{}, time.UnixMicro(1).UTC(), noon(), noon().Add(time.Microsecond), time.Date(2199, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
	} {
		r := record("c"+strconv.Itoa(i), 1)
		r.WakeAt = at
		s.put(r, 0)
		got := s.get(r.Key)
		if !got.WakeAt.Equal(at) || got.WakeAt.IsZero() != at.IsZero() {
			s.Errorf("WakeAt was put as %s and was returned as %s; want the same to the microsecond, and zero as zero",
				at.Format(time.RFC3339Nano), got.WakeAt.Format(time.RFC3339Nano))
		}
		if got.WakeAt.Location() != time.UTC {
			s.Errorf("WakeAt was returned in %s; want UTC: use time.UnixMicro(n).UTC()", got.WakeAt.Location())
		}
	}
	far := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	if list := s.due(far); len(list) != 4 {
		s.Errorf("Due returned %d records, want 4: WakeAt zero means that there is nothing to do, it is never due", len(list))
	}
	for _, r := range s.due(far) {
		if r.WakeAt.Location() != time.UTC {
			s.Errorf("Due returned WakeAt in %s; want UTC", r.WakeAt.Location())
		}
	}
}

func dueBoundary(s *suite) {
	r := record("c", 1)
	r.WakeAt = noon()
	s.put(r, 0)
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{-time.Hour, 0}, {-time.Microsecond, 0}, {-1, 0}, {0, 1}, {999, 1}, {time.Microsecond, 1}, {time.Hour, 1}} {
		list := s.due(noon().Add(c.after))
		if len(list) != c.want {
			s.Errorf("Due at WakeAt %+d ns returned %d records, want %d: what wakes now is due, to the microsecond", c.after, len(list), c.want)
			continue
		}
		if len(list) == 1 {
			s.same(list[0], r, "Due returns whole records")
		}
	}
	elsewhere := noon().In(time.FixedZone("elsewhere", 5*3600))
	if list := s.due(elsewhere); len(list) != 1 {
		s.Errorf("Due of the same moment in another time zone returned %d records, want 1: a moment has no zone", len(list))
	}
	if list := s.due(time.Time{}); len(list) != 0 {
		s.Errorf("Due of the zero time returned %d records, want none", len(list))
	}
}

func dueFollowsChanges(s *suite) {
	r := record("c", 1)
	r.WakeAt = noon()
	s.put(r, 0)
	expect := func(at time.Time, want int, why string) {
		s.Helper()
		list := s.due(at)
		if len(list) != want {
			s.Errorf("Due returned %d records, want %d: %s", len(list), want, why)
		} else if want == 1 {
			s.same(list[0], r, "Due returns the record as it was last put")
		}
	}
	r.Revision, r.WakeAt = 2, noon().Add(time.Hour)
	s.put(r, 1)
	expect(noon(), 0, "the record wakes later now")
	expect(noon().Add(time.Hour), 1, "it wakes then, once")
	r.Revision, r.WakeAt = 3, noon().Add(-time.Hour)
	s.put(r, 2)
	expect(noon(), 1, "the record wakes earlier now")
	r.Revision, r.WakeAt = 4, time.Time{}
	s.put(r, 3)
	expect(noon().Add(2*time.Hour), 0, "WakeAt was cleared")
	r.Revision, r.WakeAt = 5, noon()
	s.put(r, 4)
	expect(noon(), 1, "it wakes again")
	expect(noon(), 1, "Due claims nothing: it returns the record as long as it is due")
	s.remove(r.Key, 5)
	expect(noon(), 0, "the record was removed")
}

// Thousands of records are put in random order, many with the same WakeAt and a quarter of them
// never due.
func dueOrderAndLimit(s *suite) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same numbers each time
	var want []handover.Record
	all := make([]handover.Record, s.many)
	for i := range all {
		all[i] = record(strconv.Itoa(i), uint64(i)+1)
		if i%4 == 0 {
			continue
		}
		all[i].WakeAt = noon().Add(time.Duration(random.IntN(s.many/2)-s.many/4) * time.Microsecond)
		if !all[i].WakeAt.After(noon()) {
			want = append(want, all[i])
		}
	}
	slices.SortFunc(want, inDueOrder)
	s.fill(s.many, func(i int) handover.Record { return all[i] })
	for _, limit := range []int{-1, 0, 1, 2, 64, len(want) - 1, len(want), s.many * 2} {
		q := handover.DueQuery{Now: noon(), Limit: limit}
		s.inOrder(q, s.ask(q), want[:max(0, min(limit, len(want)))])
	}
	s.pages(handover.DueQuery{Now: noon(), Limit: 100}, want)
	s.pages(handover.DueQuery{Channel: "shop", Now: noon(), Limit: 100}, want)
}

// inDueOrder compares by WakeAt, then by key.
func inDueOrder(a, b handover.Record) int {
	return cmp.Or(a.WakeAt.Compare(b.WakeAt), cmp.Compare(a.Key.Channel, b.Key.Channel), cmp.Compare(a.Key.Customer, b.Key.Customer))
}

// inOrder fails unless got is want.
func (s *suite) inOrder(q handover.DueQuery, got, want []handover.Record) {
	s.Helper()
	if len(got) != len(want) {
		s.Errorf("Due(%s) returned %d records, want %d: all that are due up to the limit, and no others", showQuery(q), len(got), len(want))
		return
	}
	for i, r := range got {
		if r.Key != want[i].Key {
			s.Errorf("Due(%s) returned as number %d %s, want %s: ordered by WakeAt, then by channel and customer, byte by byte",
				showQuery(q), i, show(r), show(want[i]))
			return
		}
		s.same(r, want[i], "Due returns whole records")
	}
}

// place returns the cursor of a record.
func place(r handover.Record) handover.DueCursor {
	return handover.DueCursor{WakeAt: r.WakeAt, Key: r.Key}
}

// pages reads all pages of a query and fails unless they are want.
func (s *suite) pages(q handover.DueQuery, want []handover.Record) {
	s.Helper()
	for len(want) > 0 {
		page := s.ask(q)
		n := min(q.Limit, len(want))
		s.inOrder(q, page, want[:n])
		if len(page) != n || page[n-1].Key != want[n-1].Key {
			return
		}
		q.After, want = place(page[n-1]), want[n:]
	}
	s.inOrder(q, s.ask(q), nil)
}

// dueRecords puts records of several channels, three for each of some moments, and returns them in
// the order of Due.
func (s *suite) dueRecords(channels ...string) []handover.Record {
	s.Helper()
	var list []handover.Record
	for _, channel := range channels {
		for i := range 12 {
			r := record(strconv.Itoa(i*7%12), uint64(i)+1)
			r.Key.Channel, r.WakeAt = channel, noon().Add(time.Duration(i/3)*time.Microsecond)
			s.put(r, 0)
			list = append(list, r)
		}
	}
	slices.SortFunc(list, inDueOrder)
	return list
}

func ofChannel(list []handover.Record, channel string) (of []handover.Record) {
	for _, r := range list {
		if channel == "" || r.Key.Channel == channel {
			of = append(of, r)
		}
	}
	return of
}

func dueOfAChannel(s *suite) {
	channels := []string{"shop", "Shop", "shop2", "sho", "a:b", ""}
	all := s.dueRecords(channels...)
	for _, channel := range append(channels, "other", "s", "shop ", "%", "a") {
		q := handover.DueQuery{Channel: channel, Now: noon().Add(time.Hour), Limit: 100}
		s.inOrder(q, s.ask(q), ofChannel(all, channel))
		q.Now = noon().Add(time.Microsecond)
		s.inOrder(q, s.ask(q), ofChannel(all[:len(all)/2], channel))
		q.Limit = 2
		s.inOrder(q, s.ask(q), ofChannel(all, channel)[:min(2, len(ofChannel(all, channel)))])
	}
	for i, r := range all { // one channel's changes are no other's
		if r.Key.Channel == "Shop" {
			s.remove(r.Key, r.Revision)
			all[i].WakeAt = time.Time{}
		}
	}
	all = slices.DeleteFunc(all, func(r handover.Record) bool { return r.WakeAt.IsZero() })
	for _, channel := range channels {
		q := handover.DueQuery{Channel: channel, Now: noon().Add(time.Hour), Limit: 100}
		s.inOrder(q, s.ask(q), ofChannel(all, channel))
	}
}

// Pages of every size continue where the page before ended, also between records with the same
// WakeAt.
func duePages(s *suite) {
	all := s.dueRecords("shop", "b", "")
	for _, channel := range []string{"", "shop", "b"} {
		want := ofChannel(all, channel)
		for _, limit := range []int{1, 2, 5, len(want), len(want) + 1} {
			s.pages(handover.DueQuery{Channel: channel, Now: noon().Add(time.Hour), Limit: limit}, want)
		}
	}
}

// A cursor is a place in the order: there may be no record at it, and its channel may be another
// one.
func dueBehindACursor(s *suite) {
	all := s.dueRecords("shop", "b")
	gone := all[7]
	s.remove(gone.Key, gone.Revision)
	moved := all[8]
	moved.Revision, moved.WakeAt = 100, noon().Add(time.Minute)
	s.put(moved, all[8].Revision)
	left := slices.Concat(all[:7], all[9:], []handover.Record{moved})
	first, last := all[0].WakeAt, moved.WakeAt
	for _, after := range []handover.DueCursor{
		{},
		place(gone), place(all[8]), place(moved), place(all[0]),
		{WakeAt: first, Key: handover.Key{Channel: "a", Customer: "z"}},
		{WakeAt: first, Key: handover.Key{Channel: "b", Customer: "10x"}},
		{WakeAt: first, Key: handover.Key{Channel: "c"}},
		{WakeAt: first, Key: handover.Key{Channel: "z", Customer: "z"}},
		{WakeAt: first},
		{WakeAt: first.Add(time.Microsecond)},
		{WakeAt: first.Add(-time.Hour), Key: moved.Key},
		{WakeAt: last, Key: handover.Key{Channel: "z", Customer: "z"}},
		{WakeAt: last.Add(time.Hour)},
	} {
		behind := slices.DeleteFunc(slices.Clone(left), func(r handover.Record) bool {
			return inDueOrder(r, handover.Record{Key: after.Key, WakeAt: after.WakeAt}) <= 0
		})
		for _, channel := range []string{"", "shop", "b", "other"} {
			q := handover.DueQuery{Channel: channel, Now: noon().Add(24 * time.Hour), After: after, Limit: 100}
			s.inOrder(q, s.ask(q), ofChannel(behind, channel))
		}
	}
}
