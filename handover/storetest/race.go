package storetest

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/genesyshandover/genesyshandover/handover"
)

const writers = 64

// Each writer increments a counter in Data, so a lost update makes the number too small.
func manyWritersOfOneRecord(s *suite) {
	const each = 2
	r := record("c", 1)
	r.Data = []byte("0")
	s.put(r, 0)
	var won sync.Map // revision that was replaced → by whom
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for range each {
				prev, ok := s.increment(r.Key)
				if !ok {
					return
				}
				if other, twice := won.LoadOrStore(prev, w); twice {
					s.Errorf("writers %d and %v both replaced revision %d; want one winner, and ErrConflict for all others", other, w, prev)
				}
			}
		})
	}
	group.Wait()
	got := s.get(r.Key)
	if want := strconv.Itoa(writers * each); string(got.Data) != want || got.Revision != 1+writers*each {
		s.Errorf("after %s increments that Put accepted the counter is %s at revision %d: updates were lost", want, got.Data, got.Revision)
	}
}

// increment adds 1 by compare-and-swap and returns the revision that it replaced.
func (s *suite) increment(k handover.Key) (replaced uint64, ok bool) {
	for {
		r, err := s.store.Get(s.Context(), k)
		if err != nil {
			s.Errorf("Get = %v, while %d writers replace the record; want it: it is there all the time", err, writers)
			return 0, false
		}
		n, err := strconv.Atoi(string(r.Data))
		if err != nil {
			s.Errorf("Get returned the data %q, which was never put", r.Data)
			return 0, false
		}
		prev := r.Revision
		r.Revision, r.Data = prev+1, strconv.AppendInt(nil, int64(n)+1, 10)
		switch err := s.store.Put(s.Context(), r, prev); {
		case err == nil:
			return prev, true
		case !errors.Is(err, handover.ErrConflict):
			s.Errorf("Put = %v, while %d writers replace one record; want nil or ErrConflict: Put must wait for a busy database", err, writers)
			return 0, false
		}
	}
}

func manyCreatorsOfOneRecord(s *suite) {
	for round := range 3 {
		customer := "c" + strconv.Itoa(round)
		var created atomic.Uint64
		var group sync.WaitGroup
		for w := range uint64(writers) {
			group.Go(func() {
				switch err := s.store.Put(s.Context(), record(customer, 100+w), 0); {
				case err == nil:
					if other := created.Swap(100 + w); other != 0 {
						s.Errorf("Put(prev 0) of one key succeeded for revisions %d and %d; want one winner", other, 100+w)
					}
				case !errors.Is(err, handover.ErrConflict):
					s.Errorf("Put(prev 0) = %v, while %d writers create one key; want nil or ErrConflict", err, writers)
				}
			})
		}
		group.Wait()
		s.holds(record(customer, created.Load()), "what the only winner put")
	}
}

// One goroutine replaces a revision while others remove it: the record is then replaced or gone, in
// every index.
func putAgainstDelete(s *suite) {
	for round := range 8 {
		r := record("c"+strconv.Itoa(round), 10)
		r.ConversationID, r.WakeAt = "conversation-"+strconv.Itoa(round), noon()
		s.put(r, 0)
		next := r
		next.Revision = 20
		var putting error
		var removing [3]error
		var group sync.WaitGroup
		group.Go(func() { putting = s.store.Put(s.Context(), next, 10) })
		for i := range removing {
			group.Go(func() { removing[i] = s.store.Delete(s.Context(), r.Key, 10) })
		}
		group.Wait()
		if putting == nil {
			s.holds(next, "Put won against Delete of the same revision")
			for _, err := range removing {
				s.conflict(err, "Delete after Put of the same revision won", "Delete compares")
			}
			s.remove(r.Key, 20)
			continue
		}
		s.conflict(putting, "Put concurrent with Delete of the same revision", "it wins or it conflicts")
		s.absent(r.Key, "Put did not win, so Delete did")
		for _, err := range removing {
			if err != nil {
				s.Errorf("Delete concurrent with another Delete = %v; want nil: it removed the record or there was none", err)
			}
		}
		_, err := s.store.Find(s.Context(), "shop", r.ConversationID)
		s.notFound(err, "Find", "the record was removed")
	}
	if list := s.due(noon()); len(list) != 0 {
		s.Errorf("Due returned %s; want nothing: every record was removed", show(list[0]))
	}
}
