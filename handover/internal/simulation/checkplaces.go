package simulation

import (
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// An arrival is a message of a customer at Genesys. Its answer names the conversation.
type arrival struct {
	r      *replica
	key    string
	seq, n uint64 // of the lease it was sent under
	in     *conversation
}

// arrival returns the arrival of a message, or nil if its sender does not hold the lease.
func (l *ledger) arrival(r *replica, p *post) *arrival {
	k := customerOf(p.customer)
	if !l.underLease(r, k, p) {
		return nil
	}
	lease := l.w.store.cells[keyOf(k)].view.Out.Lease
	return &arrival{r, k, lease.Seq, lease.N, p.in}
}

// answeredPost records that a replica received the answer to a message.
func (l *ledger) answeredPost(x *exchange) { l.answers = append(l.answers, x.arrived) }

// notePlaced notes the conversations that the engine knows, because the write that settles a
// message follows an answer that names its conversation.
func (l *ledger) notePlaced(r *replica, before, v *view) {
	if before == nil {
		return
	}
	was, is := before.Out.Lease, v.Out.Lease
	l.answers = slices.DeleteFunc(l.answers, func(a *arrival) bool {
		settles := a.r == r && a.seq == was.Seq && a.n == was.N && is.N != was.N
		a.in.known = a.in.known || settles && !v.sends(a.seq)
		return settles || a.r.dead
	})
}

// sends reports whether an entry is still to be sent, as after a new lease without an outcome.
func (v *view) sends(seq uint64) bool {
	if w := v.word(seq); w != nil {
		return w.State == "" || w.State == "unsure"
	}
	return slices.ContainsFunc(v.Out.Entries, func(x viewEntry) bool { return x.Seq == seq })
}

// crowded is in the notices about a conversation that was dropped because too many are watched.
const crowded = "too many conversations of the customer"

// noteDropped notes the conversations that the engine drops, and reports, because it watches too
// many.
func (l *ledger) noteDropped(before, v *view) {
	if before == nil {
		return
	}
	notices := func(v *view) (n int) {
		for _, x := range v.In.Entries {
			if x.Notice != nil && strings.Contains(x.Notice.Detail, crowded) {
				n++
			}
		}
		return n
	}
	if notices(v) <= notices(before) {
		return
	}
	for _, w := range before.Watched {
		if c := l.w.genesys.find(w.ID); v.watched(w.ID) == nil && c != nil {
			c.known = false
		}
	}
}

// checkLeftOpen checks, after all work is done, that the customer waits in no conversation that the
// engine knows, that has no agent, and that is not watched.
func (l *ledger) checkLeftOpen() {
	if l.w.plan.any(faultDenied, faultRemoved) {
		return
	}
	for _, c := range l.w.genesys.conversations {
		k := customerOf(c.customer)
		last := c.posts[len(c.posts)-1]
		if !c.known || !last.leased || c.live("customer") == nil || c.withAgents() || l.history(k).forgotAt != never {
			continue
		}
		cell := l.w.store.cells[keyOf(k)]
		if cell != nil && cell.view != nil && slices.ContainsFunc(cell.view.Watched, func(w viewWatched) bool { return w.ID == c.id }) {
			continue
		}
		l.w.fail("no conversation is left open", k, "the customer waits in %s", c.id)
	}
}

// checkOtherID checks that a message that was attempted in an earlier session has another id in
// this one: Genesys may drop a repeated id.
func (l *ledger) checkOtherID(k string, p *post) {
	v := l.w.store.cells[keyOf(k)].view
	w := v.word(v.Out.Lease.Seq)
	if w == nil {
		return
	}
	p.session = w.Handover
	for _, q := range l.arrived[p.text] {
		if q.leased && q.session != "" && q.session != p.session && q.messageID == p.messageID && q.at > l.history(k).removedAt && l.history(k).forgotAt == never {
			l.w.fail("a message has another id in another session", k, "%s was sent in %s, and is sent in %s with the same id", p.text, q.session, p.session)
		}
	}
}

// checkOpeningTime checks that the record contains when its opening was first attempted: what is
// older in the conversation does not belong to the session.
func (l *ledger) checkOpeningTime(k string, p *post) {
	v := l.w.store.cells[keyOf(k)].view
	if v.Now.open() && strings.HasPrefix(p.text, "summary") && v.Now.Request != "" && strings.HasSuffix(p.text, " "+v.Now.Request) && v.Now.Tried.IsZero() {
		l.w.fail("the time of an opening is known before it is sent", k, "%q of %s", p.text, v.Now.ID)
	}
}

// checkTransfer checks that what an agent must know has arrived before a transfer.
func (l *ledger) checkTransfer(r *replica, c *conversation) {
	k := customerOf(c.customer)
	cell := l.w.store.cells[keyOf(k)]
	if cell == nil || cell.view == nil || !cell.view.Now.open() || cell.view.Now.Conversation != c.id || !r.steady() {
		return
	}
	if slices.ContainsFunc(cell.view.Out.Entries, func(x viewEntry) bool { return x.Kind == "context" && x.Handover == cell.view.Now.ID }) {
		l.w.fail("the context precedes the transfer", k, "%s transfers %s", r.name, c.id)
	}
}

// noteOwnEnd records that our side ended a session. A process that has not measured Genesys' clock
// stores an earlier time, so that no agent who writes later is ignored.
func (l *ledger) noteOwnEnd(s *handoverHistory, v *view) {
	s.conversation = v.Now.Conversation
	switch reason := v.Now.Ending.Reason; {
	case !v.Now.EndAsked.IsZero(), v.Now.Leaves == "asked", reason == machine.EndFailed, reason == machine.EndRefused:
		s.ownEndAt = min(l.w.now, v.Now.OwnEnd.Sub(epoch)-l.w.plan.ahead)
	default:
	}
}

// checkAdopted checks that after an end by our side an agent in that conversation begins another
// session only with a message after that end.
func (l *ledger) checkAdopted(k string, v *view) {
	c := l.w.genesys.find(v.Now.Conversation)
	if v.Now.Request != "" || c == nil {
		return
	}
	for _, s := range slices.Backward(l.sessionOrder) {
		if s.key != k || s.id == v.Now.ID || s.conversation != c.id {
			continue
		}
		if s.ownEndAt != never && c.agentWroteAt < s.ownEndAt-clockSlack && s.ownEndAt > l.history(k).removedAt && l.history(k).forgotAt == never {
			l.w.fail("our own end begins no session", k, "%s begins in %s, and our side ended %s there at %.3f", v.Now.ID, c.id, s.id, s.ownEndAt.Seconds())
		}
		return
	}
}

// checkReturns checks the Returns that a write adds, begins or removes.
func (l *ledger) checkReturns(k string, before, v *view) {
	pending := map[string]bool{}
	for i := range v.In.Entries {
		x := &v.In.Entries[i]
		if x.Kind != "return" {
			continue
		}
		if !x.Maybe && pending[x.Handover] {
			l.w.fail("one Return of a session is pending", k, "two of %s", x.Handover)
		}
		pending[x.Handover] = pending[x.Handover] || !x.Maybe
		if first := l.firstReturns[x.Handover]; !x.Later && first != 0 && first != x.Seq {
			l.w.fail("a session has one first Return", k, "%d and %d of %s", first, x.Seq, x.Handover)
		}
		if !x.Later {
			l.firstReturns[x.Handover] = x.Seq
		}
		if was := before.entry(x.Seq); x.Maybe && (was == nil || !was.Maybe) {
			l.checkHoldsAll(k, v, x)
		}
	}
	l.checkRunningReturn(k, before, v)
}

// checkHoldsAll checks that a Return that begins contains every message that waits for one.
func (l *ledger) checkHoldsAll(k string, v *view, x *viewEntry) {
	for i := range v.Words {
		w := &v.Words[i]
		if w.Return == 0 && w.Message != nil && (v.Out.Lease.Owner == "" || v.Out.Lease.Seq != w.Seq) {
			l.w.fail("a Return contains all that waits", k, "%s/%d begins without %s", x.Handover, x.Seq, w.ID)
		}
	}
}

// checkRunningReturn checks that a Return that runs stays in the record until an attempt of it has
// succeeded, and that no message is sent to the agents before it is known whether its messages are
// theirs.
func (l *ledger) checkRunningReturn(k string, before, v *view) {
	if before == nil {
		return
	}
	x := before.returning()
	if x == nil {
		return
	}
	o := l.w.host.callbacks.running[k]
	id := x.Handover + "/" + uitoa(x.Seq)
	if v.entry(x.Seq) == nil && o != nil && o.what == "Return "+id && o.leased(l.w.now) && !l.succeeded["return "+id] {
		l.w.fail("a Return that runs is kept", k, "%s is removed while %s is in it since %.3f", o.what, o.replica.name, o.startedAt.Seconds())
	}
	is := v.returning()
	if is == nil || is.Seq != x.Seq || !l.w.stamp().Before(v.In.Lease.Until.Add(-clockSlack)) {
		return
	}
	contains := func(w viewWord) bool { return w.Return == x.Seq }
	if lease := v.Out.Lease; lease.Owner != "" && lease.N != before.Out.Lease.N && v.word(lease.Seq) != nil && slices.ContainsFunc(v.Words, contains) {
		l.w.fail("messages wait for a Return that runs", k, "%s is sent during Return %s/%d", v.word(lease.Seq).ID, x.Handover, x.Seq)
	}
}

// checkStoredWords checks that what a Return gave to the bot is not stored again while the bot has
// the turn.
func (l *ledger) checkStoredWords(k string, before, v *view) {
	if before == nil || before.Now.agents() || before.returnAwaited() || l.history(k).forgotAt != never {
		return
	}
	for i := range v.Words {
		w := &v.Words[i]
		if before.word(w.Seq) != nil {
			continue
		}
		for id, x := range l.returns {
			at, settled := l.settledAt["return "+id]
			if settled && at > l.history(k).removedAt && l.w.now-at < rememberedTime &&
				slices.ContainsFunc(x.r.Unanswered, func(u record.Unanswered) bool { return u.ID == w.ID }) {
				l.w.fail("what the bot has is not stored again", k, "%s, which Return %s gave to the bot", w.ID, id)
			}
		}
	}
}

// noteStoredAgain moves a word to the end of the order that the host gave back during its Return,
// because it is stored like a new one.
func (l *ledger) noteStoredAgain(before, v *view) {
	if before == nil {
		return
	}
	for _, w := range v.Words {
		if before.word(w.Seq) == nil && slices.ContainsFunc(before.Words, func(x viewWord) bool { return x.ID == w.ID }) {
			l.forwardCount++
			l.forwardOrder[w.ID] = l.forwardCount
		}
	}
}

// rememberedTime is for how long the engine remembers ids with certainty.
const rememberedTime = 14 * time.Minute

// returnAwaited reports whether a Return is to be attempted, for the first time or again.
func (v *view) returnAwaited() bool {
	running := v.returning()
	return slices.ContainsFunc(v.In.Entries, func(x viewEntry) bool { return x.Kind == "return" && (running == nil || running.Seq != x.Seq) })
}

// entry returns the entry of the lane to the host with a seq, or nil.
func (v *view) entry(seq uint64) *viewEntry {
	if v == nil {
		return nil
	}
	for i := range v.In.Entries {
		if v.In.Entries[i].Seq == seq {
			return &v.In.Entries[i]
		}
	}
	return nil
}

// checkNewest checks that a read that is older than an earlier one of the conversation is not
// stored.
func (l *ledger) checkNewest(k string, before, v *view) {
	if before == nil || l.history(k).forgotAt != never {
		return
	}
	if was, is := before.Now, v.Now; was != nil && is != nil && was.ID == is.ID && was.Conversation == is.Conversation && is.Newest.Before(was.Newest.Time) {
		l.w.fail("an older read is ignored", k, "%s has %s and then %s", is.Conversation, was.Newest, is.Newest)
	}
	for i := range v.Watched {
		is := &v.Watched[i]
		if was := before.watched(is.ID); was != nil && is.Newest.Before(was.Newest.Time) {
			l.w.fail("an older read is ignored", k, "%s has %s and then %s", is.ID, was.Newest, is.Newest)
		}
	}
}

// checkNeeded checks that the conversation of the open session is not to be closed.
func (l *ledger) checkNeeded(k string, v *view) {
	if !v.Now.open() {
		return
	}
	if w := v.watched(v.Now.Conversation); w != nil && w.Close {
		l.w.fail("the conversation of a session is not to be closed", k, "%s of %s", w.ID, v.Now.ID)
	}
}

// checkAgentAdopted checks that a look at a watched conversation that shows a connected agent
// begins a session, unless one is open or our side ended that of the conversation. Only such a look
// makes the next one later: the end of another session makes it sooner.
func (l *ledger) checkAgentAdopted(r *replica, k string, before, v *view) {
	if before == nil || v.Now.agents() {
		return
	}
	for i := range v.Watched {
		w := &v.Watched[i]
		was, c := before.watched(w.ID), l.w.genesys.find(w.ID)
		if was == nil || c == nil || !w.At.After(was.At.Time) || !w.EndedAt.IsZero() || !w.ClosedAt.IsZero() {
			continue
		}
		if read, is := c.lastReads[r]; is && read.task == l.w.current && read.served && read.received && read.shows == read.at {
			l.w.fail("an agent who is there has a session", k, "%s read %s at %.3f, agent %s is there, and no session begins", r.name, c.id, read.at.Seconds(), read.agent)
		}
	}
}

// watched returns the entry of a watched conversation, or nil.
func (v *view) watched(id string) *viewWatched {
	i := slices.IndexFunc(v.Watched, func(w viewWatched) bool { return w.ID == id })
	if i < 0 {
		return nil
	}
	return &v.Watched[i]
}

// checkWritersSeen checks that each message of an agent who stays leads to a session.
func (l *ledger) checkWritersSeen() {
	since := l.w.healthy()
	if since == never || since > l.w.now {
		return
	}
	for _, c := range l.w.genesys.conversations {
		k, at := customerOf(c.customer), c.agentWroteAt
		a := c.served()
		if a == nil || c.live("customer") == nil || at < since || l.w.now-at < unseenSource || at < a.connectedAt || l.w.lost(channelOf(k)) {
			continue
		}
		i := slices.IndexFunc(l.outbound, func(m *outbound) bool {
			return m.conversation == c && m.at == at.Truncate(time.Millisecond) && m.storedAs != ""
		})
		if p := l.history(k); i >= 0 && p.agentsAt < at && p.forgotAt == never {
			l.w.fail("an agent who writes has a session", k, "agent %s wrote in %s at %.3f", a.user, c.id, at.Seconds())
		}
	}
}

// checkSentElsewhere checks that what another conversation accepted is sent again in that of the
// session: the agents of the session have not received it.
func (l *ledger) checkSentElsewhere(k string, v *view) {
	if !v.Now.agents() || v.Now.State == machine.StateEnding || v.Now.Conversation == "" || v.Now.MovedTo != "" {
		return
	}
	for i := range v.Words {
		w := &v.Words[i]
		if w.Handover == v.Now.ID && w.State == "sent" && !w.Again && w.Conversation != "" && w.Conversation != v.Now.Conversation {
			l.w.fail("what another conversation accepted is sent again", k, "%s was sent in %s, and %s is in %s", w.ID, w.Conversation, v.Now.ID, v.Now.Conversation)
		}
	}
}

// checkWriterNoted checks that a conversation in which an agent writes is that of the session or
// watched.
func (l *ledger) checkWriterNoted(k string, v *view, d *viewDelivery) {
	m := l.outboundByText[d.Message.Text]
	if m == nil || m.flow || len(m.fetchedAt) > 0 || l.history(k).forgotAt != never || v.watched(m.conversation.id) != nil {
		return
	}
	if id := m.conversation.id; !v.Now.open() || v.Now.Conversation != "" && v.Now.Conversation != id && v.Now.MovedTo != id {
		l.w.fail("a conversation in which an agent writes is noted", k, "%s of %s", m.id, id)
	}
}

// checkOpeningUnanswered checks that no conversation is disconnected that an opening may have
// joined: its answer is unknown.
func (l *ledger) checkOpeningUnanswered(r *replica, k string, c *conversation) {
	cell := l.w.store.cells[keyOf(k)]
	if cell == nil || cell.view == nil || !cell.view.Now.open() || !r.steady() {
		return
	}
	if x := cell.view.Now; x.Conversation == "" && !x.Tried.IsZero() && x.From == c.customer && x.EndAsked.IsZero() {
		l.w.fail("nothing is disconnected while the answer to an opening is unknown", k, "%s disconnects %s, and %s may be in it", r.name, c.id, x.ID)
	}
}

// checkOpeningExcluded checks that no opening begins while a look may disconnect a conversation.
func (l *ledger) checkOpeningExcluded(k string, before, v *view) {
	was, is := before.Out.Lease, v.Out.Lease
	if is.Owner == "" || is.N == was.N || len(v.Out.Entries) == 0 || v.Out.Entries[0].Kind != "open" || v.Out.Entries[0].Seq != is.Seq {
		return
	}
	looks := v.Control.Lease.Owner != "" && v.Control.Lease.N == before.Control.Lease.N && l.w.stamp().Before(v.Control.Lease.Until.Time)
	closes := func(w viewWatched) bool { return w.Close }
	if looks && slices.ContainsFunc(before.Watched, closes) && slices.ContainsFunc(v.Watched, closes) {
		l.w.fail("an opening waits for a look that may disconnect", k, "%s opens", v.Now.ID)
	}
}

// signalTime is within what time a signal leads to a read when nothing fails.
const signalTime = 40 * time.Second

// checkSignalled checks that a signal leads to a read of the conversation of the session.
func (l *ledger) checkSignalled(c *conversation) {
	k, at := customerOf(c.customer), l.w.now
	since := l.w.healthy()
	in := func() string {
		v := l.w.store.cells[keyOf(k)]
		if v == nil || v.view == nil || !v.view.Now.agents() || v.view.Now.State == machine.StateEnding || v.view.Now.Conversation != c.id {
			return ""
		}
		return v.view.Now.ID
	}
	session := in()
	// Managers leave the records of a channel that was removed alone for 10 minutes.
	if since == never || since > at || session == "" || l.w.plan.has(faultRemoved) {
		return
	}
	l.w.after(signalTime, func() {
		if in() == session && c.readAt < at {
			l.w.fail("a signal leads to a read", k, "%s was signalled at %.3f, and was read at %.3f", c.id, at.Seconds(), c.readAt.Seconds())
		}
	})
}
