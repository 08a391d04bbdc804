package simulation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A sight is what a replica was shown last of a conversation: what was at a time.
type sight struct{ of, shown time.Duration }

// said: a message to a customer is written.
func (l *ledger) said(m *said) {
	l.lines = append(l.lines, m)
	l.line[m.id] = m
}

func (l *ledger) looks(r *replica, c *conversation, of time.Duration) {
	c.looks[r] = sight{of, l.w.now}
}

// fetched: Genesys gives messages to a replica.
func (l *ledger) fetched(x *exchange) {
	var ids []string
	_ = json.Unmarshal(x.body, &ids) // Genesys could read it
	for _, m := range l.lines {
		if slices.Contains(ids, m.read) {
			m.had[x.r] = l.w.now
		}
	}
}

// keeps: what was written to a customer is stored once, whichever way it came, and what is reported as missing is missing.
func (l *ledger) keeps(k string, before, v *view) {
	had := map[uint64]bool{}
	if before != nil {
		for _, x := range before.In.Entries {
			had[x.Seq] = true
		}
	}
	for i := range v.In.Entries {
		switch x := &v.In.Entries[i]; {
		case had[x.Seq]:
		case x.Delivery != nil:
			l.kept(k, x.Delivery)
		case x.Notice != nil && x.Notice.Kind == handover.NoticeGap:
			l.gap(k, x.Notice)
		case x.Notice != nil && x.Notice.Kind == handover.NoticeConnectionLost:
			l.checkLost(k, x.Notice)
		}
	}
}

func (l *ledger) kept(k string, d *viewSaid) {
	m := l.line[d.Message.Text]
	switch {
	case m == nil:
		l.w.fail("what is delivered was written", k, "%s", d.ID)
	case m.kept == "":
		m.kept = d.ID
		if l.letters[d.ID] == nil { // fetched, or its webhook is not answered yet
			l.order = append(l.order, &heard{key: k, id: d.ID, at: l.w.now})
		}
	case m.kept != d.ID && l.w.plan.any(faultStall, faultSlow): // a webhook that is received late has the other id
	case l.forgotten(k):
	default:
		l.w.fail("a message of an agent is delivered once", k, "%s was stored as %s, and is stored again as %s", m.id, m.kept, d.ID)
	}
}

// gap: some messages are reported as missing.
func (l *ledger) gap(k string, n *viewNotice) {
	count := 0
	if _, err := fmt.Sscanf(n.Detail, "%d messages", &count); err != nil || count == 0 {
		l.w.fail("a gap says how many are missing", k, "%q", n.Detail)
	}
	l.gapped[k] += count
	lost := 0
	for _, m := range l.lines {
		if customerOf(m.in.customer) == k && m.kept == "" {
			lost++
		}
	}
	fails := l.w.plan.any(faultFetch, faultDown, faultLost, faultLimited) // for so long that it is given up
	switch {
	case !fails && !l.w.plan.has(faultUnseen):
		l.w.fail("what can be fetched is not reported as missing", k, "%s", n.Detail)
	case !fails && n.Permission == "":
		l.w.fail("a gap names the permission", k, "%s", n.Detail)
	case l.gapped[k] > lost:
		l.w.fail("what is reported as missing is", k, "%d are reported, and %d are missing", l.gapped[k], lost)
	}
}

// ends notes what the read that ended a session has shown.
func (l *ledger) ends(r *replica, before, v *view) {
	s := l.sessions[v.Now.ID]
	if s.of != nil {
		return
	}
	c := l.w.genesys.find(v.Now.Conversation)
	if c == nil {
		return
	}
	s.opened, s.open = max(l.opened(v, c), v.Now.Tried.Sub(epoch)), c
	if v.Now.open() {
		return
	}
	s.of, s.seen = c, never
	x, read := c.looks[r]
	if v.Now.Ending.Code == handover.CodeNotDisconnected { // nothing was confirmed, and it says so
		return
	}
	if before == nil || !read || l.w.now-x.shown > effectTime || !before.settles(v, l, r) {
		return
	}
	s.seen = x.of
	proven := l.w.plan.foreign == "" && slices.ContainsFunc(c.said, func(m *said) bool {
		h := l.letters[m.id]
		return m.at >= s.opened && m.at <= x.of && h != nil && h.at < x.shown-effectTime
	})
	for _, m := range c.said {
		at, had := m.had[r]
		if proven && m.at >= s.opened && m.at <= x.of && (had && at >= x.shown || l.w.onlyGaps() && !l.w.plan.has(faultUnseen)) {
			s.due = append(s.due, m)
		}
	}
}

// settles reports whether a write is one that settles what a replica did under the lease of the control lane.
func (v *view) settles(after *view, l *ledger, r *replica) bool {
	was, is := v.Control.Lease, after.Control.Lease
	return was.Owner != "" && l.owner[was.Owner] == r && is.N != was.N
}

// onlyGaps: nothing fails but webhooks.
func (w *world) onlyGaps() bool {
	for f, rate := range w.plan.rates {
		if rate > 0 && f != faultOutage && f != faultLetter && f != faultUnseen {
			return false
		}
	}
	return true
}

// overtakes: a Return comes after what its read could tell, by ids that are proven.
func (l *ledger) overtakes(k string, s *life) {
	for _, m := range s.due {
		if _, given := l.given["delivery "+m.kept]; m.kept == "" || !given && !l.reported[m.kept] {
			l.w.fail("a Return comes after what the read before it lists", k, "%s of %s, which was written at %.3f", m.id, s.id, m.at.Seconds())
		}
	}
}

// gapTime is within what a message that no webhook brought arrives when nothing fails.
const gapTime = 10 * time.Minute

// watchGaps: what no webhook brings is fetched after a while.
func (l *ledger) watchGaps() {
	since := never
	switch {
	case l.w.onlyGaps():
		since = min(l.w.plan.outage.to, max(l.w.healedAt, l.w.plan.outage.from))
	case l.w.healed:
		since = l.w.healedAt + time.Minute
	}
	if since == never || l.w.plan.has(faultUnseen) || l.w.plan.foreign != "" {
		return
	}
	for _, s := range l.born {
		cell := l.w.store.cells[keyOf(s.key)]
		if s.open == nil || cell == nil || cell.file == nil || !cell.file.Now.agents() || cell.file.Now.ID != s.id {
			continue
		}
		since := max(since, cell.file.Now.Asked.Sub(epoch)) // nobody reads for the bot
		for _, m := range s.open.said {
			if m.at >= s.opened && m.kept == "" && l.w.now-max(m.at, since) > gapTime {
				l.w.fail("what no webhook brings is fetched", s.key, "%s of %s was written at %.3f", m.id, s.id, m.at.Seconds())
			}
		}
	}
}

// checkGaps: when all has come to rest, each message of a session has come, or is counted.
func (l *ledger) checkGaps() {
	missing := map[string][]string{}
	for _, s := range l.born {
		if s.of == nil || s.forgotten || l.w.plan.foreign != "" {
			continue
		}
		for _, m := range s.of.said {
			if m.at >= s.opened && m.at <= s.seen && m.kept == "" {
				missing[s.key] = append(missing[s.key], m.id)
			}
		}
	}
	for _, c := range l.w.customers {
		k := c.key.Customer
		if list := missing[k]; len(list) > l.gapped[k] {
			l.w.fail("what no webhook brings is fetched or reported", k, "%s, and %d are reported", strings.Join(list, " "), l.gapped[k])
		}
	}
}
