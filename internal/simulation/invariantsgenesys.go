package simulation

import (
	"strings"
)

// posted: a message of the customer arrives at Genesys; late: its sender has given up on it, and nobody can fence Genesys.
func (l *ledger) posted(r *replica, p *post, again, late bool) {
	k := customerOf(p.customer)
	l.same(k, "message "+p.messageID, p.text)
	if !strings.HasPrefix(p.text, "summary") && p.text != "left" {
		l.same(k, "text "+p.text+" of "+p.customer, p.messageID)
	}
	l.arrived[p.text] = append(l.arrived[p.text], p)
	p.under = !late && l.underLease(r, k, p)
	who := l.person(k)
	if again {
		return
	}
	if p.wire.Before(who.wire) && p.under {
		l.w.fail("messages reach Genesys in order", k, "%q was accepted before one that arrived before it", p.text)
	}
	if p.wire.After(who.wire) {
		who.wire = p.wire
	}
}

// underLease reports whether a message is posted by who has the lane: a process that stood still may be late, and nobody can
// fence Genesys.
func (l *ledger) underLease(r *replica, k string, p *post) bool {
	if r.dead || !r.calm() {
		return false
	}
	c := l.w.store.cells[keyOf(k)]
	if c == nil || c.file == nil {
		return false
	}
	lane := c.file.Out
	for _, x := range lane.Entries {
		if x.Seq == lane.Lease.Seq {
			return l.w.stamp().Before(lane.Lease.Until) && (x.Message == nil || x.Message.ID == p.text)
		}
	}
	return false
}
