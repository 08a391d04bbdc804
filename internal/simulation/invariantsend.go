package simulation

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

func uitoa(n uint64) string { return strconv.FormatUint(n, 10) }

// String is a lane in a line of the trace.
func (l viewLane) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, x := range l.Entries {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(uitoa(x.Seq) + ":" + x.Kind)
		if x.Message != nil {
			b.WriteString("=" + x.Message.ID)
		}
		if x.Delivery != nil {
			b.WriteString("=" + x.Delivery.ID)
		}
		if x.Maybe {
			b.WriteByte('?')
		}
	}
	b.WriteByte(']')
	if l.Lease.Owner != "" {
		b.WriteString(l.Lease.Owner[:4] + "/" + uitoa(l.Lease.N) + " until " + l.Lease.Until.Sub(epoch).String())
	}
	return b.String()
}

// checkEnd is made when everything has come to rest.
func (l *ledger) checkEnd() {
	for _, x := range l.asked {
		l.checkWord(x)
	}
	for _, x := range l.order {
		forgot := l.person(x.key).forgot
		if forgot != never && l.refused[x.id] {
			continue // what would be reported of it is forgotten with the rest
		}
		m := l.line[x.id]
		if m != nil && m.kept != "" && m.kept != x.id || m != nil && m.kept == "" && l.gapped[x.key] > 0 {
			continue // it came so late that it had been fetched or reported
		}
		if !l.taken["delivery "+x.id] && !l.reported[x.id] && x.at > forgot {
			l.w.fail("no message of an agent is lost", x.key, "%s was accepted at %.3f", x.id, x.at.Seconds())
		}
	}
	l.checkGaps()
	for _, request := range slices.Sorted(maps.Keys(l.promised)) {
		p := l.promised[request]
		if x := l.person(p.key); l.sessions[p.session] == nil && p.at > x.forgot && p.at > x.ended {
			l.w.fail("a session that was promised begins", p.key, "%s was to lead to %s", request, p.session)
		}
	}
	for _, s := range l.born {
		if s.asked && s.ended && !s.forgotten && !l.taken["ended "+s.id] {
			l.w.fail("every end is told", s.key, "%s", s.id)
		}
		if s.asked && !s.returned && !s.forgotten {
			l.w.fail("every handover is returned", s.key, "%s", s.id)
		}
	}
}

// checkWord: each message that was the agents' was read by one, handed back, or reported.
func (l *ledger) checkWord(x *word) {
	if l.person(x.key).forgot >= x.began || l.reported[x.id] || l.back(x.id) {
		return
	}
	for _, p := range l.arrived[x.id] {
		if p.in.attended(p.at) {
			return
		}
	}
	where := "it never arrived"
	if len(l.arrived[x.id]) > 0 {
		where = "it arrived and no agent was there"
	}
	l.w.fail("no message of a customer is lost", x.key, "%s was accepted at %.3f: %s", x.id, x.at.Seconds(), where)
}

func (l *ledger) back(id string) bool {
	for _, b := range l.returns {
		for _, u := range b.r.Unanswered {
			if u.ID == id && b.taken {
				return true
			}
		}
	}
	return false
}

// attended reports whether an agent was there at a time or came later. Whoever writes has seen what came before, even if he
// should have gone: a later agent message shows a live agent phase (engine.md, to Genesys).
func (c *conversation) attended(from time.Duration) bool {
	if c.spokenAt >= from {
		return true
	}
	for _, x := range c.legs {
		if x.agent() && (x.live() || x.end >= from) {
			return true
		}
	}
	return false
}
