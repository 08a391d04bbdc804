package storetest

import (
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
			s.Errorf("WakeAt was put as %s and came back as %s; want the same to the microsecond, and zero as zero",
				at.Format(time.RFC3339Nano), got.WakeAt.Format(time.RFC3339Nano))
		}
		if got.WakeAt.Location() != time.UTC {
			s.Errorf("WakeAt came back in %s; want UTC: use time.UnixMicro(n).UTC()", got.WakeAt.Location())
		}
	}
	far := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	if list := s.due(far, 10); len(list) != 4 {
		s.Errorf("Due gave %d records, want 4: WakeAt zero means that there is nothing to do, it is never due", len(list))
	}
	for _, r := range s.due(far, 10) {
		if r.WakeAt.Location() != time.UTC {
			s.Errorf("Due gave WakeAt in %s; want UTC", r.WakeAt.Location())
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
		list := s.due(noon().Add(c.after), 10)
		if len(list) != c.want {
			s.Errorf("Due at WakeAt %+d ns gave %d records, want %d: what wakes now is due, to the microsecond", c.after, len(list), c.want)
			continue
		}
		if len(list) == 1 {
			s.same(list[0], r, "Due gives whole records")
		}
	}
	elsewhere := noon().In(time.FixedZone("elsewhere", 5*3600))
	if list := s.due(elsewhere, 10); len(list) != 1 {
		s.Errorf("Due of the same moment in another time zone gave %d records, want 1: a moment has no zone", len(list))
	}
	if list := s.due(time.Time{}, 10); len(list) != 0 {
		s.Errorf("Due of the zero time gave %d records, want none", len(list))
	}
}

func dueFollowsChanges(s *suite) {
	r := record("c", 1)
	r.WakeAt = noon()
	s.put(r, 0)
	expect := func(at time.Time, want int, why string) {
		s.Helper()
		list := s.due(at, 10)
		if len(list) != want {
			s.Errorf("Due gave %d records, want %d: %s", len(list), want, why)
		} else if want == 1 {
			s.same(list[0], r, "Due gives the record as it was last put")
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
	expect(noon(), 1, "Due claims nothing: it gives the same as long as the record is the same")
	s.remove(r.Key, 5)
	expect(noon(), 0, "the record was removed")
}

// Thousands of records, in an order that no index has by chance, a quarter of them asleep for good.
func dueOrderAndLimit(s *suite) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same numbers each time
	wake := make([]time.Time, s.many)
	var want []time.Time
	for i := range wake {
		if i%4 == 0 {
			continue
		}
		wake[i] = noon().Add(time.Duration(random.IntN(s.many/2)-s.many/4) * time.Microsecond) // some at the same
		if !wake[i].After(noon()) {
			want = append(want, wake[i])
		}
	}
	slices.SortFunc(want, time.Time.Compare)
	s.fill(s.many, func(i int) handover.Record {
		r := record(strconv.Itoa(i), uint64(i)+1) //nolint:gosec // not negative
		r.WakeAt = wake[i]
		return r
	})
	for _, limit := range []int{0, 1, 2, 64, len(want) - 1, len(want), s.many * 2} {
		s.inOrder(s.due(noon(), limit), want[:min(limit, len(want))], limit)
	}
}

func (s *suite) inOrder(got []handover.Record, want []time.Time, limit int) {
	s.Helper()
	if len(got) != len(want) {
		s.Errorf("Due(limit %d) gave %d records, want %d: all that is due up to the limit, and nothing that is not", limit, len(got), len(want))
		return
	}
	seen := map[handover.Key]bool{}
	for i, r := range got {
		if seen[r.Key] {
			s.Errorf("Due(limit %d) gave %s twice; want each record once", limit, show(r))
		}
		seen[r.Key] = true
		if !r.WakeAt.Equal(want[i]) {
			s.Errorf("Due(limit %d) gave as number %d what wakes at %s, want %s: oldest first (records of one moment in any order)",
				limit, i, r.WakeAt.Format(time.RFC3339Nano), want[i].Format(time.RFC3339Nano))
			return
		}
		if string(r.Data) != "data of "+r.Key.Customer || strconv.FormatUint(r.Revision-1, 10) != r.Key.Customer {
			s.Errorf("Due(limit %d) gave %s; want each record whole and with its own data", limit, show(r))
			return
		}
	}
}
