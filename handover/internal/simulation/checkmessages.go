package simulation

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// posted records that a message of a customer arrived at Genesys, and checks it. abandoned means
// that the sender no longer waits: Genesys cannot reject a request from a process that lost its
// lease.
func (l *ledger) posted(r *replica, p *post, again, late bool) {
	k := customerOf(p.customer)
	l.checkSameContent(k, "message "+p.messageID, p.text)
	if !strings.HasPrefix(p.text, "summary") && p.text != "left" {
		l.checkMessageID(k, p)
	}
	l.arrived[p.text] = append(l.arrived[p.text], p)
	if p.leased = !late && l.underLease(r, k, p); p.leased {
		l.checkOtherID(k, p)
		l.checkOpeningTime(k, p)
	}
	who := l.history(k)
	l.checkSendOrder(k, p, again)
	if again {
		return
	}
	if p.channelTime.Before(who.newestPosted) && p.leased && len(l.arrived[p.text]) == 1 {
		l.w.fail("messages reach Genesys in order", k, "%q was accepted before one that arrived before it", p.text)
	}
	if p.channelTime.After(who.newestPosted) {
		who.newestPosted = p.channelTime
	}
}

// checkSendOrder checks that first attempts arrive in the order of the calls of Forward.
func (l *ledger) checkSendOrder(k string, p *post, again bool) {
	n := l.forwardOrder[p.text]
	if strings.HasPrefix(p.text, "m") && !strings.HasPrefix(p.text, "m"+k+"-") {
		l.w.fail("a message reaches the conversation of its session", k, "%s", p.text)
	}
	if n == 0 || again || !p.leased || l.unclear[p.text] || l.handedBack[p.text] || len(l.arrived[p.text]) > 1 || l.sendsRetry(k) {
		return
	}
	if l.lastArrived[p.customer] > n {
		l.w.fail("messages reach Genesys in the order in which they were written", k, "%q", p.text)
	}
	l.lastArrived[p.customer] = max(l.lastArrived[p.customer], n)
}

// sendsRetry reports whether an attempt of the message that is being sent was abandoned before. A
// retry may arrive late.
func (l *ledger) sendsRetry(k string) bool {
	c := l.w.store.cells[keyOf(k)]
	if c == nil || c.view == nil {
		return false
	}
	head, _ := c.view.head()
	return head.Maybe
}

// checkMessageID checks the id of a message that arrived: the same for each attempt in a session. A
// message that was attempted in an earlier session has another one.
func (l *ledger) checkMessageID(k string, p *post) {
	if p.messageID == messageID(p, "") {
		return
	}
	for _, s := range l.sessionOrder {
		if s.key == k && p.messageID == messageID(p, s.id) {
			return
		}
	}
	l.w.fail("the same message has the same id", k, "%s has the id %s", p.text, p.messageID)
}

// messageID returns the id of a message of a customer. again is the session in which it is
// repeated.
func messageID(p *post, again string) string {
	parts := []string{"message", channelOf(p.customer), p.customer, p.text, "0"}
	if again != "" {
		parts = append(parts, again)
	}
	var b []byte
	for _, s := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s))) //nolint:gosec // short
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])[:32]
}

// underLease reports whether the sender of a message holds the lease. A process that did not run
// for a time may send late, and Genesys cannot reject that.
func (l *ledger) underLease(r *replica, k string, p *post) bool {
	if r.dead || !r.steady() {
		return false
	}
	c := l.w.store.cells[keyOf(k)]
	if c == nil || c.view == nil {
		return false
	}
	lease := c.view.Out.Lease
	if !l.w.stamp().Before(lease.Until.Time) || lease.Owner == "" {
		return false
	}
	if w := c.view.word(lease.Seq); w != nil {
		return w.ID == p.text
	}
	return slices.ContainsFunc(c.view.Out.Entries, func(x viewEntry) bool { return x.Seq == lease.Seq })
}

// delivery records and checks an attempt of a delivery.
func (l *ledger) delivery(r *replica, d record.Delivery) bool {
	k := d.Session.Key.Customer
	p := l.history(k)
	first := l.checkSameContent(k, "delivery "+d.ID, d.Message.Text)
	if l.wasSettled("delivery "+d.ID) && r.steady() && !l.mayForget(k) {
		l.w.fail("what is settled is not delivered again", k, "%s", d.ID)
	}
	if first && !d.OutOfOrder && d.Time.Std().Before(p.newestTried) {
		l.w.fail("deliveries are in order", k, "%s is older than an earlier one, and is not flagged", d.ID)
	}
	stored := l.w.store.cells[keyOf(k)] != nil && l.w.store.cells[keyOf(k)].view != nil
	if at := d.Time.Std(); stored && at.After(p.newestTried) { // without a record nothing remembers it
		p.newestTried = at
	}
	if s := l.sessions[d.Session.ID]; first && s != nil && s.returned && !d.Late {
		l.w.fail("a Return follows the last delivery", k, "%s follows the Return of %s", d.ID, d.Session.ID)
	}
	if first {
		l.checkJoined(k, d)
	}
	if since, at := l.w.healthy(), l.deliveredAt[d.ID]; at != 0 && since != never && since < at {
		l.w.fail("a message is delivered once when nothing fails", k, "%s was delivered at %.3f", d.ID, at.Seconds())
	}
	return first
}

// wasSettled reports whether a success was stored before this attempt could have read the record.
// An owner that is late may store the success after another has taken the lane, and an effect
// begins within a second of its lease.
func (l *ledger) wasSettled(what string) bool {
	at, is := l.settledAt[what]
	return is && l.w.now-at > startTime
}

func (l *ledger) delivered(d record.Delivery) {
	l.succeeded["delivery "+d.ID] = true
	l.deliveredAt[d.ID] = l.w.now
}

// returning records and checks an attempt of a Return.
func (l *ledger) returning(r *replica, x record.Return) bool {
	k := x.Session.Key.Customer
	_, known := l.contents["return "+x.ID]
	// After a call of Forget messages are dropped at once.
	if p := l.history(k); !known || !p.forgetRuns && p.forgotAt < l.returns[x.ID].firstAt {
		l.checkSameReturn(k, x, known)
	}
	if !known {
		l.returns[x.ID] = &returnHistory{r: x, firstAt: l.w.now}
	}
	if l.wasSettled("return "+x.ID) && r.steady() {
		l.w.fail("what is settled is not returned again", k, "%s", x.ID)
	}
	if s := l.sessions[x.Session.ID]; s != nil {
		s.returned = true
		if !s.ended {
			l.w.fail("only ended sessions are returned", k, "%s", x.ID)
		}
		if !known {
			l.checkReturnLast(k, s)
		}
	}
	l.checkSentFlags(k, x)
	l.checkReturnOrder(k, x)
	return !known
}

// checkSameReturn checks that a Return always holds the same messages, except those that the host
// has passed to Forward since.
func (l *ledger) checkSameReturn(k string, x record.Return, known bool) {
	if !known {
		l.contents["return "+x.ID] = ""
		return
	}
	was := l.returns[x.ID].r.Unanswered
	i := 0
	for _, u := range was {
		if i < len(x.Unanswered) && asJSON(x.Unanswered[i]) == asJSON(u) {
			i++
		} else if l.forwardedAt[u.ID] < l.returns[x.ID].firstAt && !slices.Contains(l.w.customer(k).giving, u.ID) {
			l.w.fail("a Return always holds the same", k, "%s held %s, and holds\n%s", x.ID, asJSON(u), asJSON(x.Unanswered))
		}
	}
	if i < len(x.Unanswered) {
		l.w.fail("a Return always holds the same", k, "%s held\n%s\nand holds\n%s", x.ID, asJSON(was), asJSON(x.Unanswered))
	}
}

// checkReturnOrder checks that unanswered messages are in the order in which they were written,
// except those that were sent, or in a Return before.
func (l *ledger) checkReturnOrder(k string, x record.Return) {
	last := ""
	for _, u := range x.Unanswered {
		if u.Sent || l.unclear[u.ID] || l.claimed[u.ID] > 0 || l.forwardOrder[u.ID] == 0 {
			continue // the host may have passed it to Forward again
		}
		if last != "" && l.forwardOrder[u.ID] < l.forwardOrder[last] {
			l.w.fail("what is handed back is in order", k, "in Return %s %s precedes %s", x.ID, last, u.ID)
		}
		last = u.ID
	}
	for _, u := range x.Unanswered {
		l.handedBack[u.ID] = true
	}
}

// checkSentFlags checks that a message that arrived at Genesys is marked as Sent, so that the bot
// knows that an agent may have read it.
func (l *ledger) checkSentFlags(k string, x record.Return) {
	for _, u := range x.Unanswered {
		for _, p := range l.arrived[u.ID] {
			if !u.Sent && u.Reason == "" && p.leased && p.at > l.history(k).removedAt {
				l.w.fail("what Genesys has is handed back as Sent", k, "%s in Return %s, it arrived at %.3f", u.ID, x.ID, p.at.Seconds())
			}
		}
	}
}

func (l *ledger) returned(x record.Return) {
	l.returns[x.ID].succeeded = true
	l.succeeded["return "+x.ID] = true
}

func (l *ledger) notifying(n record.Notice) bool {
	first := l.checkSameContent(n.Session.Key.Customer, "notice "+n.ID, string(n.Kind)+" "+n.Session.ID+" "+n.MessageID)
	if s := l.sessions[n.Session.ID]; first && s != nil {
		l.checkNotice(s, n)
	}
	return first
}

// mayForget reports whether the ids that prevent duplicates may be gone, because the customer was
// forgotten or the record expired.
func (l *ledger) mayForget(k string) bool {
	return l.history(k).forgotAt != never || l.w.plan.has(faultExpire)
}

// A lastRead is the last read of a conversation by a replica.
type lastRead struct {
	shows  time.Duration // the state at this time
	at     time.Duration
	task   *task
	agent  string // the agent whom it shows connected or alerted, or empty
	served bool   // it shows the customer, and an agent who is connected or has parked
	// The replica has received the answer.
	received bool
}

// wroteOutbound records that a message to a customer is written.
func (l *ledger) wroteOutbound(m *outbound) {
	l.outbound = append(l.outbound, m)
	l.outboundByText[m.id] = m
}

// noteRead records a read of a conversation that shows the state at a time.
func (l *ledger) noteRead(r *replica, c *conversation, s *snapshot, of time.Duration) {
	read := lastRead{shows: of, at: l.w.now, task: l.w.current}
	customer := slices.ContainsFunc(s.legs, func(x leg) bool { return x.purpose == "customer" && x.live() })
	for _, a := range s.legs {
		if a.purpose == "agent" && a.monitors == "" && a.live() {
			read.agent, read.served = a.user, read.served || customer && a.connectedAt != never
		}
	}
	// A disconnect reads the conversation again: only the look before it decides.
	if was, is := c.lastReads[r]; is && was.task == read.task && was.agent == "" && read.at-was.at < effectTime {
		read.agent = ""
	}
	c.lastReads[r] = read
}

// fetched records that a replica got messages from Genesys.
func (l *ledger) fetched(x *exchange) {
	var ids []string
	_ = json.Unmarshal(x.body, &ids) // Genesys has decoded it before
	for _, m := range l.outbound {
		if slices.Contains(ids, m.readID) {
			m.fetchedAt[x.r] = l.w.now
		}
	}
}

// checkStoredEntries checks new entries of the lane to the host: a message is stored once, by
// webhook or fetch, and only missing messages are reported as missing.
func (l *ledger) checkStoredEntries(k string, before, v *view) {
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
			l.noteDelivery(k, x.Delivery)
			l.checkWriterNoted(k, v, x.Delivery)
		case x.Notice != nil && x.Notice.Kind == machine.NoticeGap:
			l.checkGapNotice(k, x.Notice)
		case x.Notice != nil && x.Notice.Kind == machine.NoticeConnectionLost:
			l.checkConnectionLost(k, before, v, x.Notice)
		}
	}
}

func (l *ledger) noteDelivery(k string, d *viewDelivery) {
	m := l.outboundByText[d.Message.Text]
	switch {
	case m == nil:
		l.w.fail("what is delivered was written", k, "%s", d.ID)
	case m.storedAs == "":
		m.storedAs = d.ID
		if l.webhooks[d.ID] == nil { // it was fetched, or its webhook is not answered yet
			l.outboundOrder = append(l.outboundOrder, &acceptedOutbound{key: k, id: d.ID, at: l.w.now})
		}
	case m.storedAs != d.ID && l.w.plan.any(faultStall, faultSlow):
		// A webhook that is processed late has the other id.
	case l.mayForget(k):
	default:
		l.w.fail("a message of an agent is delivered once", k, "%s was stored as %s, and is stored again as %s", m.id, m.storedAs, d.ID)
	}
}

// checkGapNotice checks a notice that messages are missing.
func (l *ledger) checkGapNotice(k string, n *viewNotice) {
	count := 0
	if _, err := fmt.Sscanf(n.Detail, "%d messages", &count); err != nil || count == 0 {
		l.w.fail("a gap has the number of missing messages", k, "%q", n.Detail)
	}
	l.reportedMissing[k] += count
	g := gap{n.Session.ID, n.Session.Conversation}
	if l.reportedGaps[g] {
		l.w.fail("one notice reports what is missing of a conversation of a session", k, "%s of %s: %s", g.conversation, g.session, n.Detail)
	}
	l.reportedGaps[g] = true
	l.checkNamed(k, g, n.Detail)
	lost := 0
	for _, m := range l.outbound {
		if customerOf(m.conversation.customer) == k && m.storedAs == "" {
			lost++
		}
	}
	// The engine stops trying at some time, or had to drop the conversation.
	fails := strings.Contains(n.Detail, crowded) || strings.Contains(n.Detail, "does not know the channel") || l.w.plan.any(faultFetch, faultDown, faultLost, faultLimited, faultSluggish, faultSilence, faultStall)
	switch {
	case !fails && !l.w.plan.has(faultNoMessageView):
		l.w.fail("what can be fetched is not reported as missing", k, "%s", n.Detail)
	case !fails && n.Permission == "" && !l.w.plan.has(faultRemoved):
		l.w.fail("a gap names the permission", k, "%s", n.Detail)
	case l.reportedMissing[k] > lost:
		l.w.fail("what is reported as missing is missing", k, "%d are reported, and %d are missing", l.reportedMissing[k], lost)
	}
}

// noteEnd records what the read that ended a session showed.
func (l *ledger) noteEnd(r *replica, before, v *view) {
	s := l.sessions[v.Now.ID]
	if s.endedIn != nil {
		return
	}
	c := l.w.genesys.find(v.Now.Conversation)
	if c == nil {
		return
	}
	s.openedAt, s.open = max(l.openedAt(v, c), v.Now.Tried.Sub(epoch)), c
	if v.Now.open() {
		return
	}
	s.endedIn, s.endRead = c, never
	x, read := c.lastReads[r]
	switch v.Now.Ending.Code {
	case machine.CodeNotDisconnected, machine.CodeNoAnswer:
		// Not confirmed by a read, and the code says that.
		return
	}
	if before == nil || !read || l.w.now-x.at > effectTime || !before.settles(v, l, r) {
		return
	}
	s.endRead, s.compared = x.shows, v.Now.Proven || !v.Now.Reached
	proven := l.w.plan.foreignIDs == "" && slices.ContainsFunc(c.outbound, func(m *outbound) bool {
		h := l.webhooks[m.id]
		return m.at >= s.openedAt && m.at <= x.shows && h != nil && h.at < x.at-effectTime
	})
	for _, m := range c.outbound {
		at, had := m.fetchedAt[r]
		if proven && m.at >= s.openedAt && m.at <= x.shows && (had && at >= x.at || l.w.onlyGaps() && !l.w.plan.has(faultNoMessageView)) {
			s.due = append(s.due, m)
		}
	}
}

// settles reports whether a write settles an effect that a replica performed under the lease of the
// control lane.
func (v *view) settles(after *view, l *ledger, r *replica) bool {
	was, is := v.Control.Lease, after.Control.Lease
	return was.Owner != "" && l.owner[was.Owner] == r && is.N != was.N
}

// onlyGaps reports whether webhooks are the only thing that fails.
func (w *world) onlyGaps() bool {
	for f, rate := range w.plan.rates {
		if rate > 0 && f != faultOutage && f != faultWebhookLost && f != faultNoMessageView {
			return false
		}
	}
	return true
}

// checkReturnLast checks that a Return follows the messages that its read listed, if their ids are
// known to equal those of webhooks.
func (l *ledger) checkReturnLast(k string, s *handoverHistory) {
	for _, m := range s.due {
		if _, given := l.contents["delivery "+m.storedAs]; m.storedAs == "" || !given && !l.reportedFailed[m.storedAs] {
			l.w.fail("a Return follows the messages that the read before it lists", k, "%s of %s, which was written at %.3f", m.id, s.id, m.at.Seconds())
		}
	}
}

// gapTime is within what time a message without a webhook is fetched when nothing fails.
const gapTime = 10 * time.Minute

// checkGapsInTime checks that messages without a webhook are fetched in time.
func (l *ledger) checkGapsInTime() {
	since := never
	switch {
	case l.w.onlyGaps():
		since = min(l.w.plan.outage.to, max(l.w.healedAt, l.w.plan.outage.from))
	case l.w.healed:
		since = l.w.healedAt + time.Minute
	}
	if since == never || l.w.plan.has(faultNoMessageView) || l.w.plan.foreignIDs != "" {
		return
	}
	for _, s := range l.sessionOrder {
		cell := l.w.store.cells[keyOf(s.key)]
		if l.w.lost(channelOf(s.key)) || s.open == nil || cell == nil || cell.view == nil || !cell.view.Now.agents() || cell.view.Now.ID != s.id {
			continue
		}
		// The engine does not read while it is the bot's turn.
		since := max(since, cell.view.Now.Asked.Sub(epoch))
		for _, m := range s.open.outbound {
			if m.at >= s.openedAt && m.storedAs == "" && l.w.now-max(m.at, since) > gapTime {
				l.w.fail("what no webhook brings is fetched", s.key, "%s of %s was written at %.3f", m.id, s.id, m.at.Seconds())
			}
		}
	}
}

// reportsGapIn reports whether a notice has reported missing messages of a conversation.
func (l *ledger) reportsGapIn(c *conversation) bool {
	for g := range l.reportedGaps {
		if g.conversation == c.id {
			return true
		}
	}
	return false
}

// checkNamed checks that a notice names messages of its conversation, and each once.
func (l *ledger) checkNamed(k string, g gap, detail string) {
	_, list, _ := strings.Cut(detail, "; ids: ")
	list, _, _ = strings.Cut(list, ";")
	for id := range strings.SplitSeq(list, ", ") {
		i := slices.IndexFunc(l.outbound, func(m *outbound) bool { return m.readID == id })
		switch {
		case i < 0:
		case l.outbound[i].conversation.id != g.conversation:
			l.w.fail("a gap names messages of its conversation", k, "%s is of %s, and not of %s", id, l.outbound[i].conversation.id, g.conversation)
		case l.outbound[i].named:
			l.w.fail("a missing message is named once", k, "%s", id)
		default:
			l.outbound[i].named = true
		}
	}
}

// checkGaps checks, after all work is done, that each message of a session was stored or reported
// as missing.
func (l *ledger) checkGaps() {
	missing := map[string][]string{}
	for _, s := range l.sessionOrder {
		// What is lost with a removed channel can only be reported if ids are proven.
		if s.endedIn == nil || !s.compared || s.forgotten || l.w.plan.foreignIDs != "" || l.w.plan.has(faultRemoved) {
			continue
		}
		reported := l.reportsGapIn(s.endedIn)
		for _, m := range s.endedIn.outbound {
			// One notice reports the first, and counts for all.
			if m.at >= s.openedAt && m.at <= s.endRead && m.storedAs == "" && !reported {
				missing[s.key] = append(missing[s.key], m.id)
			}
		}
	}
	for _, c := range l.w.customers {
		k := c.key.Customer
		if list := missing[k]; len(list) > l.reportedMissing[k] {
			l.w.fail("what no webhook brings is fetched or reported", k, "%s, and %d are reported", strings.Join(list, " "), l.reportedMissing[k])
		}
	}
}
