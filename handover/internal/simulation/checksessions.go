package simulation

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// checkReason checks that the reason of an ended session has happened at Genesys since its opening
// arrived, and that a read has shown it. c is its conversation, or nil.
func (l *ledger) checkReason(r *replica, k string, before, v *view, c *conversation) {
	own := !v.Now.EndAsked.IsZero()
	if v.Now.Leaves == "asked" && before != nil && before.Now != nil && before.Now.State == machine.StateBot {
		return // in the bot's turn the host's end takes effect at once
	}
	switch v.Now.Ending.Reason {
	case machine.EndByAgent, machine.EndByGenesys, machine.EndByCustomer:
	default:
		if !own {
			return // a refusal, or no certain answer in time; the reason says that
		}
	}
	switch code := v.Now.Ending.Code; {
	case c == nil: // the conversation is unknown
	case v.Now.Ending.Reason == machine.EndFailed && code == machine.CodeNoAnswer:
		// Given up, and the code says that.
	case code == machine.CodeNotDisconnected && own:
		// Not confirmed by a read, and the code says that.
		if since := l.w.healthy(); since != never && since < v.Now.EndAsked.Sub(epoch) && !l.w.plan.any(faultDenied, faultRemoved) {
			l.w.fail("an end is confirmed when nothing fails", k, "%s in %s", v.Now.ID, c.id)
		}
	case code == machine.CodeConversationMoved:
		if c.live("customer") != nil {
			l.w.fail("no session ends while its customer is in the conversation", k, "%s moved, and the customer is in %s", v.Now.ID, c.id)
		}
	case code == machine.CodeConversationGone:
		if !own && c.readAt != never && l.w.now-c.readAt < notFoundTime {
			l.w.fail("no session ends while its customer is in the conversation", k, "%s is gone, and a read showed %s at %.3f",
				v.Now.ID, c.id, c.readAt.Seconds())
		}
	case code == machine.CodeLeftOpen:
		at := l.w.now - effectTime
		if x, read := c.lastReads[r]; read { // the process may not have run since
			at = min(at, x.shows)
		}
		if left := c.leftAlone(at); left == never || l.w.now-left < aloneTime-clockSlack {
			l.w.fail("only an abandoned customer is left", k, "%s is left open, and the customer of %s is not alone", v.Now.ID, c.id)
		}
	default:
		l.checkShown(k, before, v, c)
	}
}

// aloneTime is for how long a customer must be alone before the session ends.
const aloneTime = 2 * time.Minute

// clockSlack is by how much the clocks of replicas differ, and how old what a read shows may be.
const clockSlack = 5 * time.Second

// leftAlone returns when the last leg but the customer's ended, of those that had begun at a time,
// or never if one of them is live.
func (c *conversation) leftAlone(at time.Duration) time.Duration {
	last := never
	for _, x := range c.legs {
		switch {
		case x.purpose == "customer" || x.monitors != "" || x.startedAt > at:
		case x.live():
			return never
		default:
			last = max(last, x.endedAt)
		}
	}
	return last
}

// notFoundTime is for how long reads must find no conversation, a minute, less the time between the
// first read and its storing.
const notFoundTime = 55 * time.Second

// checkShown checks that a session ended because of a read since its last change that showed the
// end.
func (l *ledger) checkShown(k string, before, v *view, c *conversation) {
	began := v.Now.Started.Sub(epoch)
	if before != nil && before.Now != nil && before.Now.ID == v.Now.ID {
		began = before.Now.Changed.Sub(epoch)
	}
	began -= 3 * time.Second // the clocks of replicas
	opened := l.openedAt(v, c)
	left, back := c.customerLeft(opened), c.returnedToBot(opened)
	if !left && !back {
		l.w.fail("no session ends while its customer is in the conversation", k, "%s ends by the %s, and the customer is in %s since %.3f",
			v.Now.ID, v.Now.Ending.Reason, c.id, opened.Seconds())
	}
	if back && !left && !v.Now.EndAsked.IsZero() {
		l.w.fail("an end that is asked for is confirmed", k, "%s has ended, and the customer is in %s", v.Now.ID, c.id)
	}
	if c.customerGoneAt < began && (c.onlyBotQueueAt < began || !back) {
		l.w.fail("only a read ends a session", k, "%s ends by the %s, and no read of %s has shown it", v.Now.ID, v.Now.Ending.Reason, c.id)
	}
}

// noteAsked records which conversations the host or its timers have ended.
func (l *ledger) noteAsked(v *view) {
	if v.Now != nil && !v.Now.EndAsked.IsZero() {
		l.askedAt[v.Now.Conversation] = l.w.now
	}
	for _, w := range v.Watched {
		if w.Asked {
			l.askedAt[w.ID] = l.w.now
		}
	}
}

// checkDisconnect checks that a conversation is disconnected because its end was requested, or
// after a read of the same process that shows no agent.
func (l *ledger) checkDisconnect(r *replica, c *conversation) {
	k := customerOf(c.customer)
	l.checkOpeningUnanswered(r, k, c)
	if cell := l.w.store.cells[keyOf(k)]; cell != nil && cell.view != nil && cell.view.Now.open() && r.steady() &&
		cell.view.Now.Conversation == c.id && cell.view.Now.EndAsked.IsZero() {
		l.w.fail("the conversation of an open session is not disconnected", k, "%s disconnects %s, and %s is %s", r.name, c.id, cell.view.Now.ID, cell.view.Now.State)
	}
	if at, asked := l.askedAt[c.id]; asked && l.w.now-at <= effectTime+startTime {
		return
	}
	if cell := l.w.store.cells[keyOf(k)]; cell != nil && cell.view != nil && cell.view.asked(c.id) || !r.steady() {
		return
	}
	read, is := c.lastReads[r]
	if !is || l.w.now-read.at > effectTime {
		l.w.fail("no conversation is disconnected without a read", k, "%s disconnects %s", r.name, c.id)
	}
	if read.task == l.w.current && read.agent != "" {
		l.w.fail("no agent is disconnected", k, "%s disconnects %s, and its read showed agent %s at %.3f", r.name, c.id, read.agent, read.shows.Seconds())
	}
	if a := c.served(); a != nil && a.connectedAt+readAge < read.shows {
		l.w.fail("no agent is disconnected", k, "%s disconnects %s, and agent %s is there since %.3f", r.name, c.id, a.user, a.connectedAt.Seconds())
	}
}

// readAge is how old what a read shows may be.
const readAge = 5 * time.Second

// asked reports whether the host or one of its timers has ended a conversation.
func (v *view) asked(id string) bool {
	return v.Now != nil && v.Now.Conversation == id && !v.Now.EndAsked.IsZero() ||
		slices.ContainsFunc(v.Watched, func(w viewWatched) bool { return w.ID == id && w.Asked })
}

// openedAt returns when the opening of a session arrived in its conversation. If it never arrived
// (an agent's message began the session, or another request returned the conversation), it returns
// when the engine first tried, by the clock of a replica.
func (l *ledger) openedAt(v *view, c *conversation) time.Duration {
	for _, p := range c.posts {
		if v.Now.Request != "" && strings.Contains(p.text, v.Now.Request) {
			return p.at
		}
	}
	if v.Now.Tried.IsZero() {
		return 0
	}
	return v.Now.Tried.Sub(epoch) - 6*time.Second
}

// customerLeft reports whether the customer has left a conversation since a time. The customer may
// have returned.
func (c *conversation) customerLeft(since time.Duration) bool {
	for _, x := range c.legs {
		if x.purpose == "customer" && !x.live() && x.endedAt >= since {
			return true
		}
	}
	return false
}

// returnedToBot reports whether a conversation moved from the agents to the bot queue since a time.
func (c *conversation) returnedToBot(since time.Duration) bool {
	for _, bot := range c.legs {
		if bot.purpose != "acd" || bot.queue != botQueue {
			continue
		}
		for _, x := range c.legs {
			agents := x.purpose == "agent" && x.monitors == "" || x.purpose == "acd" && x.queue != botQueue
			if agents && !x.live() && x.endedAt >= since && x.endedAt <= bot.startedAt {
				return true
			}
		}
	}
	return false
}

// Within what time the engine must notice a change when nothing fails. It polls each minute, or
// every five minutes if a source has signalled lately. An end is noticed within ten minutes even
// if the source does not signal it. An hour is promised.
const (
	unseenPolls  = 2 * time.Minute
	unseenSource = 6 * time.Minute
	unseenEnd    = 10 * time.Minute
)

// healthy returns since when nothing fails, or never.
func (w *world) healthy() time.Duration {
	switch {
	case len(w.plan.rates) == 0:
		return 0
	case w.healed:
		return w.healedAt + time.Minute
	default:
		return never
	}
}

// checkSeenInTime runs every few seconds. It checks that the engine notices changes at Genesys in
// time, whether or not there are signals.
func (l *ledger) checkSeenInTime() {
	l.checkGapsInTime()
	l.checkWritersSeen()
	since := l.w.healthy()
	if since == never || since > l.w.now {
		return
	}
	unseen := unseenPolls
	if len(l.w.plan.sources) > 0 {
		unseen = unseenSource
	}
	for _, k := range l.w.store.order {
		v := l.w.store.cells[k].view
		if v == nil || !v.Now.agents() || l.w.lost(k.Channel) {
			continue // the engine does not read while it is the bot's turn
		}
		c := l.w.genesys.find(v.Now.Conversation)
		if c == nil {
			continue
		}
		// The engine does not read before the hand-over.
		from := max(since, v.Now.Started.Sub(epoch), v.Now.Asked.Sub(epoch), l.w.returned(k.Channel))
		if end := c.ended(); end != never && l.w.now-max(from, end) > unseenEnd {
			l.w.fail("no session is open after the end of its conversation", k.Customer, "%s is %s, and %s has ended at %.3f",
				v.Now.ID, v.Now.State, c.id, end.Seconds())
		}
		if a := c.served(); c.live("customer") != nil && a != nil && l.w.now-max(from, a.connectedAt) > unseen {
			l.checkAgentSeen(k.Customer, v, c, a)
		}
	}
}

// checkAgentSeen checks that the engine has noticed an agent who has been connected for a while.
func (l *ledger) checkAgentSeen(k string, v *view, c *conversation, a *leg) {
	switch v.Now.State {
	case machine.StateRequested, machine.StateQueued, machine.StateAlerting:
		l.w.fail("an agent who is there is seen", k, "%s is %s, and agent %s is in %s since %.3f", v.Now.ID, v.Now.State, a.user, c.id,
			a.connectedAt.Seconds())
	default:
	}
}

// checkNoAgentTimer checks that the timer NoAgent ends a session only after a read.
func (l *ledger) checkNoAgentTimer(k string, v *view, c *conversation) {
	since := l.w.healthy()
	if v.Now.State != machine.StateEnding || v.Now.Ending.Reason != machine.EndNoAgent || c == nil || since == never || since > l.w.now {
		return
	}
	if a := c.served(); a != nil && l.w.now-a.connectedAt > noAgentTime {
		l.w.fail("no session ends for want of an agent who is there", k, "%s ends because no agent joined, and agent %s is in %s since %.3f",
			v.Now.ID, a.user, c.id, a.connectedAt.Seconds())
	}
}

// noAgentTime is the maximum time between a read and the end by a timer: an effect, and the write
// of its result.
const noAgentTime = effectTime + time.Second

// ended returns when a conversation ended, or never if the customer is in it.
func (c *conversation) ended() time.Duration {
	end := never
	for _, x := range c.legs {
		switch {
		case x.purpose != "customer":
		case x.live():
			return never
		default:
			end = max(end, x.endedAt)
		}
	}
	return end
}

// A turnCheck records who had the turn when a call of the customer began.
type turnCheck struct {
	l             *ledger
	c             *customer
	waitingReturn string // a Return that has not begun
	agentSession  string // the session in which it was the agents' turn, or empty
	began         time.Duration
}

func (l *ledger) beginTurnCheck(c *customer) *turnCheck {
	delete(l.staleReads, l.w.current)
	return &turnCheck{l: l, c: c, waitingReturn: l.waitingReturn(c.key), agentSession: l.withAgents(c.key), began: l.w.now}
}

// withAgents returns the open session in which it is the agents' turn, according to the record, or
// an empty string.
func (l *ledger) withAgents(k machine.Key) string {
	if c := l.w.store.cells[k]; c != nil && c.view != nil && c.view.Now.agents() {
		return c.view.Now.ID
	}
	return ""
}

// answered checks the answer of a call: it may be the bot's turn only if it was not the agents'
// turn during the whole call. A store may return an old record, so calls that read one are not
// checked.
func (x *turnCheck) answered(call string, turn machine.Turn) {
	if turn != machine.TurnBot || x.l.staleReads[x.l.w.current] {
		return
	}
	k := x.c.key.Customer
	if now := x.l.withAgents(x.c.key); now != "" && now == x.agentSession {
		x.l.w.fail("the bot does not talk over an agent", k, "%s returns the bot's turn while session %s is open", call, now)
	}
	if now := x.l.waitingReturn(x.c.key); now != "" && now == x.waitingReturn && !x.claimed(now) {
		x.l.w.fail("the bot does not answer before a Return", k, "%s returns the bot's turn while Return %s waits", call, now)
	}
	x.checkServed(call, k)
}

// claimed reports whether a Return was about to begin during the call, and then could not.
func (x *turnCheck) claimed(id string) bool {
	at, is := x.l.claimedAt[id]
	return is && at >= x.began
}

// waitingReturn returns the first Return of a session if it has not begun while no session is open,
// or an empty string.
func (l *ledger) waitingReturn(k machine.Key) string {
	c := l.w.store.cells[k]
	if c == nil || c.view == nil || c.view.Now.open() {
		return ""
	}
	if list := c.view.In.Entries; len(list) > 0 && list[0].Kind == "return" && c.view.In.Lease.Owner != "" {
		return "" // while a Return runs, it is the bot's turn
	}
	waits := ""
	for _, e := range c.view.In.Entries {
		if e.Kind != "return" || e.Later {
			continue
		}
		id := e.Handover + "/" + uitoa(e.Seq)
		if _, begun := l.contents["return "+id]; begun || e.Maybe { // it may be about to begin
			continue
		}
		waits = id
	}
	return waits
}

// checkServed checks that it is the agents' turn while an agent is connected whom the engine knows,
// unless the host or a timer ended the session.
func (x *turnCheck) checkServed(call, k string) {
	p := x.l.history(k)
	last, started := x.l.w.store.last(x.c.key)
	for _, c := range x.l.w.genesys.conversations {
		a := c.served()
		if customerOf(c.customer) != k || a == nil || !a.storedConnected || c.live("customer") == nil || a.connectedAt >= x.began {
			continue
		}
		began := started
		if c.id != last {
			// An earlier session, which our side may have ended without the permission to
			// disconnect.
			began = a.connectedAt
		}
		if p.endAskedAt >= began || p.forgotAt >= a.connectedAt || !x.endedByRead() || x.l.ownEndSince(k, c, a.connectedAt) {
			continue
		}
		x.l.w.fail("the bot does not talk over an agent", k, "%s returns the bot's turn while agent %s is in %s", call, a.user, c.id)
	}
}

// ownEndSince reports whether our side has ended a session in a conversation since a time.
func (l *ledger) ownEndSince(k string, c *conversation, at time.Duration) bool {
	return slices.ContainsFunc(l.sessionOrder, func(s *handoverHistory) bool {
		return s.key == k && s.conversation == c.id && s.ownEndAt != never && s.ownEndAt >= at
	})
}

// endedByRead reports whether the last session ended because of a read. Timers, refusals and
// failures may end it while an agent is connected, and their reason says so.
func (x *turnCheck) endedByRead() bool {
	c := x.l.w.store.cells[x.c.key]
	if c == nil || c.view == nil || c.view.Now == nil {
		return false
	}
	switch c.view.Now.Ending.Reason {
	case machine.EndByAgent, machine.EndByGenesys:
		return c.view.Now.Ending.Code == ""
	default:
		return false
	}
}

// A noticeState is the state of a session according to its notices, in the order of their first
// attempts.
type noticeState struct {
	seq      uint64 // of the last
	alerting bool
	present  bool // an agent joined and has not left
	joined   bool // one ever did
	ended    bool
}

// noticeRefusalTime is for how long a notice must fail before later ones may be sent: a minute,
// less the difference of clocks.
const noticeRefusalTime = 50 * time.Second

// noteRefusedNotices records that a notice has failed for so long that the order of notices is no
// longer promised.
func (l *ledger) noteRefusedNotices(k string, lane viewLane) {
	for _, x := range lane.Entries {
		if x.Notice != nil && !x.First.IsZero() && l.w.stamp().Sub(x.First.Time) >= noticeRefusalTime {
			l.history(k).noticesReordered = true
		}
	}
}

// checkNotice checks the first attempt of a notice: notices are in the order of the steps.
func (l *ledger) checkNotice(s *handoverHistory, n record.Notice) {
	if l.history(s.key).noticesReordered {
		return
	}
	x := &s.notices
	seq, _ := strconv.ParseUint(n.ID[strings.LastIndexByte(n.ID, '/')+1:], 10, 64)
	if seq <= x.seq {
		l.w.fail("notices are in the order of the steps", s.key, "%s %s follows %d", n.Kind, n.ID, x.seq)
	}
	x.seq = seq
	if why := x.apply(n.Kind); why != "" {
		l.w.fail("notices are consistent", s.key, "%s %s: %s", n.Kind, n.ID, why)
	}
	if n.Kind == machine.NoticeAgentJoined {
		l.checkAgentWasThere(s, n)
	}
}

// apply adds a notice. It returns what is wrong with it, or an empty string.
func (x *noticeState) apply(kind machine.NoticeKind) string {
	late := kind == machine.NoticeReturned || kind == machine.NoticeMessageFailed || kind == machine.NoticeGap ||
		kind == machine.NoticeConnectionLost // of a conversation that stays open
	if x.ended && !late {
		return "it has ended"
	}
	was := *x
	switch kind {
	case machine.NoticeAlerting:
		x.alerting = true
		if was.present {
			return "an agent is there"
		}
	case machine.NoticeQueued:
		x.alerting = false
		if was.present {
			return "an agent is there"
		}
	case machine.NoticeDeclined:
		x.alerting = false
		if !was.alerting {
			return "it did not ring"
		}
	case machine.NoticeAgentJoined:
		x.alerting, x.present, x.joined = false, true, true
		if was.present {
			return "the agent before has not left"
		}
	case machine.NoticeAgentLeft:
		x.present = false
		if !was.present {
			return "no agent has joined"
		}
	case machine.NoticeEnded:
		x.ended, x.present = true, false
	default:
	}
	return ""
}

// checkAgentWasThere checks that an agent who is reported as joined was connected since the session
// began, and not only alerted or monitoring.
func (l *ledger) checkAgentWasThere(s *handoverHistory, n record.Notice) {
	c := l.w.genesys.find(n.Session.ConversationID)
	if c == nil {
		return
	}
	// A resumed session begins with the agent's message.
	since := min(n.Session.Started.Std().Sub(epoch), s.triedAt) - 6*time.Second
	for _, x := range c.legs {
		if x.agent() && (n.Agent.ID == "" || x.user == n.Agent.ID) && (x.live() || x.endedAt >= since) {
			return
		}
	}
	l.w.fail("only who was there has joined", s.key, "%q is reported as joined to %s", n.Agent.ID, c.id)
}

// checkJoined checks that the notice that an agent joined is sent before the agent's first message.
func (l *ledger) checkJoined(k string, d record.Delivery) {
	s := l.sessions[d.Session.ID]
	if s == nil || d.Late || d.Origin == openmessaging.OriginBot || d.Session.State != machine.StateConnected || l.history(k).noticesReordered {
		return
	}
	if !s.notices.joined {
		l.w.fail("an agent joins before the first message", k, "%s", d.ID)
	}
}
