package simulation

import (
	"github.com/genesyshandover/genesyshandover/handover"
)

// delivery: an attempt begins.
func (l *ledger) delivery(r *replica, d handover.Delivery) bool {
	k := d.Session.Key.Customer
	p := l.person(k)
	first := l.same(k, "delivery "+d.ID, d.Message.Text)
	l.written[d.ID] = d.Time
	if l.isSettled("delivery "+d.ID) && r.calm() && !l.forgotten(k) {
		l.w.fail("what is settled is not delivered again", k, "%s", d.ID)
	}
	if first && !d.OutOfOrder && d.Time.Before(p.newest) {
		l.w.fail("deliveries come in order", k, "%s is older than one that was given before, and does not say so", d.ID)
	}
	if s := l.sessions[d.Session.ID]; first && s != nil && s.returned && !d.Late {
		l.w.fail("a Return comes after the last delivery", k, "%s comes after the Return of %s", d.ID, d.Session.ID)
	}
	if first {
		l.checkJoined(k, d)
	}
	return first
}

// isSettled reports whether whoever begins an attempt could have known that there was one that succeeded. A late owner may say so
// after another has taken the lease over, and an effect begins within a second of its lease.
func (l *ledger) isSettled(what string) bool {
	at, is := l.settled[what]
	return is && l.w.now-at > startTime
}

func (l *ledger) delivered(d handover.Delivery) {
	l.taken["delivery "+d.ID] = true
}

// returning: an attempt of a Return begins.
func (l *ledger) returning(r *replica, x handover.Return) bool {
	k := x.Session.Key.Customer
	_, known := l.given["return "+x.ID]
	if p := l.person(k); !known || !p.forgets && p.forgot < l.returns[x.ID].first { // what is to be forgotten is dropped at once
		l.same(k, "return "+x.ID, asJSON(x.Unanswered))
	}
	if !known {
		l.returns[x.ID] = &back{r: x, first: l.w.now}
	}
	if l.isSettled("return "+x.ID) && r.calm() {
		l.w.fail("what is settled is not returned again", k, "%s", x.ID)
	}
	if s := l.sessions[x.Session.ID]; s != nil {
		s.returned = true
		if !s.ended {
			l.w.fail("only what has ended is returned", k, "%s", x.ID)
		}
		if !known {
			l.overtakes(k, s)
		}
	}
	l.wasSent(k, x)
	l.inOrder(k, x)
	return !known
}

// inOrder: what is handed back comes in the order in which it was written, but for what was sent already.
func (l *ledger) inOrder(k string, x handover.Return) {
	last := ""
	for _, u := range x.Unanswered {
		if u.Sent || l.unclear[u.ID] || l.nth[u.ID] == 0 {
			continue
		}
		if last != "" && l.nth[u.ID] < l.nth[last] {
			l.w.fail("what is handed back is in order", k, "in Return %s %s comes before %s", x.ID, last, u.ID)
		}
		last = u.ID
	}
	for _, u := range x.Unanswered {
		l.handed[u.ID] = true
	}
}

// wasSent: a message that Genesys has is marked, so that the bot knows that an agent may have read it.
func (l *ledger) wasSent(k string, x handover.Return) {
	for _, u := range x.Unanswered {
		for _, p := range l.arrived[u.ID] {
			if !u.Sent && u.Reason == "" && p.under && p.at > l.person(k).removed {
				l.w.fail("what Genesys has is handed back as Sent", k, "%s in Return %s, it arrived at %.3f", u.ID, x.ID, p.at.Seconds())
			}
		}
	}
}

func (l *ledger) returned(x handover.Return) {
	l.returns[x.ID].taken = true
	l.taken["return "+x.ID] = true
}

func (l *ledger) notice(n handover.Notice) bool {
	first := l.same(n.Session.Key.Customer, "notice "+n.ID, string(n.Kind)+" "+n.Session.ID+" "+n.MessageID)
	if s := l.sessions[n.Session.ID]; first && s != nil {
		l.told(s, n)
	}
	return first
}

// forgotten: the customer has asked to be forgotten, so what was remembered against repeats may be gone.
func (l *ledger) forgotten(k string) bool {
	return l.person(k).forgot != never || l.w.plan.has(faultExpire)
}
