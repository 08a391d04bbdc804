package simulation

import (
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

func keyOf(customer string) handover.Key { return handover.Key{Customer: customer} }

// stored: a record was written.
func (l *ledger) stored(r *replica, before, after version) {
	k, v := after.record.Key.Customer, after.file
	l.tellStored(r, after)
	if after.record.Revision <= before.record.Revision {
		l.w.fail("revisions grow", k, "%d follows %d", after.record.Revision, before.record.Revision)
	}
	l.checkFormats(r, before, after)
	l.checkWake(k, after)
	l.checkControl(k, after)
	l.checkQueue(k, v.In)
	l.owns(r, v)
	for id, n := range v.places() {
		if n > 1 {
			l.w.fail("a message is in one place", k, "%s is in %d", id, n)
		}
	}
	l.checkSession(k, before.file, v)
	l.keeps(k, before.file, v)
	l.tellOrder(k, v.In)
	l.settle(k, before.file, v)
	if v.Now != nil {
		l.ends(r, before.file, v)
	}
}

func (l *ledger) tellStored(r *replica, after version) {
	if !l.w.tracing {
		return
	}
	v := after.file
	state, id := handover.State("none"), ""
	if v.Now != nil {
		state, id = v.Now.State, v.Now.ID
	}
	wake := "never"
	if !after.record.WakeAt.IsZero() {
		wake = after.record.WakeAt.Sub(epoch).String()
	}
	l.w.tell(after.record.Key.Customer, "%s stores %d: %s %s, out %s, in %s, control %s/%d, wakes %s", r.name, after.record.Revision, state, id,
		v.Out.String(), v.In.String(), v.Control.Lease.Owner, v.Control.Lease.N, wake)
}

// checkWake: a record with work is leased or due.
func (l *ledger) checkWake(k string, after version) {
	v, at := after.file, after.record.WakeAt
	if why := v.work(); why != "" && at.IsZero() {
		l.w.fail("a record with work is leased or due", k, "%s, and WakeAt is zero", why)
	}
	for _, lane := range []viewLane{v.Out, v.In} {
		if len(lane.Entries) == 0 || v.Now.open() && v.Now.MovedTo != "" {
			continue
		}
		head := lane.Entries[0]
		latest := head.At
		for _, t := range []time.Time{head.NotBefore, lane.NotBefore} {
			if t.After(latest) {
				latest = t
			}
		}
		if lane.Lease.Owner != "" {
			if t := lane.Lease.Until.Add(2 * time.Second); t.After(latest) {
				latest = t
			}
		}
		if at.After(latest.Add(time.Microsecond)) {
			l.w.fail("a record with work is leased or due", k, "it wakes at %s, its lane could go on at %s", at, latest)
		}
	}
}

// checkSession: ended is never left, and nothing ends on a stale read alone.
func (l *ledger) checkSession(k string, before, v *view) {
	if v.Now == nil {
		return
	}
	s := l.sessions[v.Now.ID]
	if s == nil {
		s = &life{key: k, id: v.Now.ID}
		l.sessions[v.Now.ID] = s
		l.born = append(l.born, s)
	}
	s.asked = s.asked || !v.Now.Asked.IsZero()
	if s.ended && v.Now.open() {
		l.w.fail("ended is never left", k, "%s is %s again", s.id, v.Now.State)
	}
	c := l.w.genesys.find(v.Now.Conversation)
	s.tried = v.Now.Tried.Sub(epoch)
	if v.Now.State == handover.StateConnected && c != nil && c.served() != nil {
		c.served().proven = true
	}
	if before != nil && before.Now.open() && before.Now.ID != v.Now.ID && !v.ended(before.Now.ID) && !v.newLife(before) {
		l.w.fail("one session is open at a time", k, "%s begins while %s is %s", v.Now.ID, before.Now.ID, before.Now.State)
	}
	if !v.Now.open() && !s.ended {
		l.checkReason(k, before, v, c)
	}
	if before != nil && before.Now != nil && before.Now.State != v.Now.State {
		l.checkNobody(k, v, c)
	}
	s.ended = s.ended || !v.Now.open()
}

// settle: what has left the lane to the host was taken, or given up.
func (l *ledger) settle(k string, before, v *view) {
	if before == nil {
		return
	}
	left := map[uint64]bool{}
	for _, x := range v.In.Entries {
		left[x.Seq] = true
	}
	for _, x := range before.In.Entries {
		if left[x.Seq] {
			continue
		}
		switch {
		case x.Delivery != nil && l.taken["delivery "+x.Delivery.ID]:
			l.settled["delivery "+x.Delivery.ID] = l.w.now
			if p := l.person(k); l.written[x.Delivery.ID].After(p.newest) {
				p.newest = l.written[x.Delivery.ID]
			}
		case x.Kind == "return":
			l.settleReturn(x)
		case x.Kind == "notice" && x.Handover != "" && !l.taken["notice "+x.Handover+"/"+uitoa(x.Seq)] && v.Forget.IsZero():
			l.w.fail("no notice is dropped", k, "%s/%d", x.Handover, x.Seq)
		}
	}
}

func (l *ledger) settleReturn(x viewEntry) {
	if id := x.Handover + "/" + uitoa(x.Seq); l.taken["return "+id] {
		l.settled["return "+id] = l.w.now
	}
}

// removed: a record was deleted.
func (l *ledger) removed(r *replica, key handover.Key, before version) {
	k, v := key.Customer, before.file
	l.w.tell(k, "%s removes the record", r.name)
	if v == nil {
		return
	}
	if why := l.undone(v); why != "" && !l.person(k).forgets {
		l.w.fail("a record with work is not removed", k, "%s", why)
	}
	l.person(k).removed = l.w.now
	l.forgetOrder(k)
	l.person(k).wire, l.person(k).newest = time.Time{}, time.Time{}
}

// undone is what is lost with a record. The write that removes it may also be the one that settled the last of its work.
func (l *ledger) undone(v *view) string {
	forgets := !v.Forget.IsZero()
	switch {
	case v.Now.open() && v.Now.State != handover.StateEnding:
		return "a session is open"
	case v.Now.open() && !forgets:
		return "a session is ending"
	case forgets:
		return ""
	case v.Next != nil || len(v.Held) > 0 || len(v.Out.Entries) > 1 || len(v.In.Entries) > 1:
		return v.work()
	}
	for _, x := range v.In.Entries {
		if x.Delivery != nil && !l.taken["delivery "+x.Delivery.ID] && !l.reported[x.Delivery.ID] {
			return "a delivery waits"
		}
		if x.Kind == "return" && !l.taken["return "+x.Handover+"/"+uitoa(x.Seq)] {
			return "a Return waits"
		}
	}
	return ""
}
