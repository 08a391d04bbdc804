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
	l.inTurn(k, p, again)
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

// inTurn: first attempts come in the order in which the customer wrote.
func (l *ledger) inTurn(k string, p *post, again bool) {
	n := l.nth[p.text]
	if strings.HasPrefix(p.text, "m") && !strings.HasPrefix(p.text, "m"+k+"-") {
		l.w.fail("a message reaches whom it is for", k, "%s", p.text)
	}
	if n == 0 || again || !p.under || l.unclear[p.text] || l.handed[p.text] || len(l.arrived[p.text]) > 1 || l.repeats(k) {
		return
	}
	if l.latest[p.customer] > n {
		l.w.fail("messages reach Genesys in the order in which they were written", k, "%q", p.text)
	}
	l.latest[p.customer] = max(l.latest[p.customer], n)
}

// repeats reports whether an attempt of what is posted was abandoned before: a repeat may come late.
func (l *ledger) repeats(k string) bool {
	c := l.w.store.cells[keyOf(k)]
	return c != nil && c.file != nil && len(c.file.Out.Entries) > 0 && c.file.Out.Entries[0].Maybe
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
