package simulation

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

func uitoa(n uint64) string { return strconv.FormatUint(n, 10) }

// String returns a lane as the trace shows it.
func (l viewLane) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, x := range l.Entries {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(uitoa(x.Seq) + ":" + x.Kind)
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

// wordsText returns the words as the trace shows them.
func (v *view) wordsText() string {
	list := make([]string, 0, len(v.Words))
	for i := range v.Words {
		w := &v.Words[i]
		text := uitoa(w.Seq) + ":" + w.ID + " " + w.State
		if w.Return != 0 {
			text += " in " + uitoa(w.Return)
		}
		list = append(list, strings.TrimSpace(text))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// watchedText returns the watched conversations as the trace shows them.
func (v *view) watchedText() string {
	list := make([]string, 0, len(v.Watched))
	for i := range v.Watched {
		w := &v.Watched[i]
		text := w.ID
		if w.Close {
			text += " close"
		}
		if w.Repair {
			text += " missing"
		}
		text += " at " + w.At.Sub(epoch).String()
		list = append(list, text)
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// checkEnd checks that nothing is lost, after all work is done.
func (l *ledger) checkEnd() {
	for _, x := range l.messageOrder {
		l.checkMessage(x)
	}
	for _, x := range l.outboundOrder {
		forgot := l.history(x.key).forgotAt
		if forgot != never && l.undeliverable[x.id] {
			continue // the report was removed with the record
		}
		m := l.outboundByText[x.id]
		if m != nil && m.storedAs != "" && m.storedAs != x.id || m != nil && m.storedAs == "" && l.reportedMissing[x.key] > 0 {
			continue // it arrived so late that it had been fetched or reported
		}
		if !l.succeeded["delivery "+x.id] && !l.reportedFailed[x.id] && x.at > forgot {
			l.w.fail("no message of an agent is lost", x.key, "%s was accepted at %.3f", x.id, x.at.Seconds())
		}
	}
	l.checkGaps()
	l.checkLeftOpen()
	for _, request := range slices.Sorted(maps.Keys(l.promised)) {
		p := l.promised[request]
		if x := l.history(p.key); l.sessions[p.session] == nil && p.at > x.forgotAt && p.at > x.endAskedAt {
			l.w.fail("a session that was promised begins", p.key, "%s returned %s", request, p.session)
		}
	}
	for _, s := range l.sessionOrder {
		if s.requested && s.ended && !s.forgotten && !l.succeeded["ended "+s.id] {
			l.w.fail("every end is notified", s.key, "%s", s.id)
		}
		if s.requested && !s.returned && !s.replaced && !s.forgotten {
			l.w.fail("every handover is returned", s.key, "%s", s.id)
		}
	}
}

// checkMessage checks that an accepted message was seen by an agent, returned, or reported as
// failed.
func (l *ledger) checkMessage(x *customerMessage) {
	if l.history(x.key).forgotAt >= x.began || l.reportedFailed[x.id] || l.wasReturned(x.id, x.again) {
		return
	}
	for _, p := range l.arrived[x.id] {
		// Genesys' clock, and so the time of a send, is known to the second. The answer may not
		// name the conversation that the message began.
		if p.in.agentSaw(p.at-time.Second) || l.w.plan.omitsID != "" && l.justEnded(p) {
			return
		}
	}
	where := "it never arrived"
	if len(l.arrived[x.id]) > 0 {
		where = "it arrived and no agent was there"
	}
	l.w.fail("no message of a customer is lost", x.key, "%s was accepted at %.3f: %s", x.id, x.at.Seconds(), where)
}

// justEnded reports whether agents ended a conversation of the customer in the second before a
// message.
func (l *ledger) justEnded(p *post) bool {
	return slices.ContainsFunc(l.w.genesys.conversations, func(c *conversation) bool {
		end := c.ended()
		return c.customer == p.customer && end != never && end <= p.at && c.agentSaw(p.at-time.Second)
	})
}

// wasReturned reports whether a message was in a Return that began after a time and succeeded.
func (l *ledger) wasReturned(id string, after time.Duration) bool {
	for _, b := range l.returns {
		if b.firstAt < after {
			continue
		}
		for _, u := range b.r.Unanswered {
			if u.ID == id && b.succeeded {
				return true
			}
		}
	}
	return false
}

// agentSaw reports whether an agent was connected at a time or later. An agent who wrote later has
// seen what arrived before, even if the leg is disconnected since.
func (c *conversation) agentSaw(from time.Duration) bool {
	if c.agentWroteAt >= from {
		return true
	}
	for _, x := range c.legs {
		if x.agent() && (x.live() || x.endedAt >= from) {
			return true
		}
	}
	return false
}
