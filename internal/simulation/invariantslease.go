package simulation

import (
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// owns notes whose leases those of a record are: an owner is random, and a process never tells it.
func (l *ledger) owns(r *replica, v *view) {
	for _, lane := range []viewLane{v.Out, v.In, v.Control} {
		if o := lane.Lease.Owner; o != "" && l.owner[o] == nil {
			l.owner[o] = r
		}
	}
}

// leased: an effect begins under the lease of its process, and early enough to end before it does, however long the process
// stood still or waited for the store.
func (l *ledger) leased(r *replica, k, what string, of func(*view) viewLane) {
	c := l.w.store.cells[keyOf(k)]
	if r.dead || c == nil || c.file == nil {
		return
	}
	lease := of(c.file).Lease
	switch o := l.owner[lease.Owner]; {
	case o == nil: // settled by another, who was late
	case o == r && r.clock().After(lease.Until.Add(-leaseMargin)):
		l.w.fail("an effect begins under its lease", k, "%s begins %s, its lease ends at %s", r.name, what, lease.Until)
	case o != r && r.calm() && !l.w.plan.has(faultSlow):
		l.w.fail("an effect begins under its lease", k, "%s begins %s under the lease of %s", r.name, what, o.name)
	}
}

// leaseMargin: a lease lives for 15 s, and its effect ends within 10; nothing begins later.
const leaseMargin = 4 * time.Second

// checkControl: a read that is wanted is leased or due.
func (l *ledger) checkControl(k string, after version) {
	v, at := after.file, after.record.WakeAt
	switch {
	case !v.Now.open() || v.Now.Conversation == "":
		return
	case v.Now.PollAt.IsZero():
		opens := len(v.Out.Entries) > 0 && v.Out.Entries[0].Kind == "open" // its answer plans one
		if v.Now.State != handover.StateBot && !opens {
			l.w.fail("a session is read again", k, "it is %s, and no read is planned", v.Now.State)
		}
		return
	}
	latest := v.Now.PollAt
	for _, t := range []time.Time{v.Control.NotBefore, v.drained(), v.Control.leasedUntil()} {
		if t.After(latest) {
			latest = t
		}
	}
	if at.After(latest.Add(time.Microsecond)) {
		l.w.fail("a read is leased or due", k, "it wakes at %s, the read is due at %s", at, latest)
	}
}

// drained is until when an end waits for the lane to Genesys; zero if it does not.
func (v *view) drained() time.Time {
	if v.Now.State != handover.StateEnding || len(v.Out.Entries) == 0 {
		return time.Time{}
	}
	return v.Now.EndAsked.Add(10 * time.Second)
}

func (l viewLane) leasedUntil() time.Time {
	if l.Lease.Owner == "" {
		return time.Time{}
	}
	return l.Lease.Until.Add(2 * time.Second)
}

// checkQueue: what an agent wrote and was never attempted waits by its time, but not across a notice.
func (l *ledger) checkQueue(k string, lane viewLane) {
	for i := 1; i < len(lane.Entries); i++ {
		a, b := lane.Entries[i-1], lane.Entries[i]
		tried := a.Attempts > 0 || a.Maybe || lane.Lease.Owner != "" && lane.Lease.Seq == a.Seq
		if a.Delivery != nil && b.Delivery != nil && !tried && !b.Delivery.OutOfOrder && b.Delivery.Time.Before(a.Delivery.Time) {
			l.w.fail("deliveries wait in order", k, "%s before %s", a.Delivery.ID, b.Delivery.ID)
		}
	}
}
