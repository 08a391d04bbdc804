package simulation

import (
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// stored checks a record that was written.
func (l *ledger) stored(r *replica, before, after version) {
	k, v := after.record.Key.Customer, after.view
	l.logStored(r, after)
	if after.record.Key != keyOf(k) {
		l.w.fail("a record is of its customer's channel", k, "%s stores a record of %s", r.name, after.record.Key.Channel)
	}
	if !r.servesChannel(after.record.Key.Channel) {
		l.w.fail("a Manager works only on its channels", k, "%s stores a record of %s", r.name, after.record.Key.Channel)
	}
	if after.record.Revision <= before.record.Revision {
		l.w.fail("revisions grow", k, "%d follows %d", after.record.Revision, before.record.Revision)
	}
	l.checkFormats(r, before, after)
	l.checkWake(k, after)
	l.checkControl(k, after)
	l.checkQueue(k, v.In)
	l.noteOwners(r, v)
	l.checkWords(k, v)
	l.noteAsked(v)
	l.checkSession(r, k, before.view, v)
	l.checkBegins(k, before.view, v)
	l.checkReturns(k, before.view, v)
	l.checkStoredWords(k, before.view, v)
	l.noteStoredAgain(before.view, v)
	l.notePlaced(r, before.view, v)
	l.noteDropped(before.view, v)
	l.checkNewest(k, before.view, v)
	l.checkNeeded(k, v)
	l.checkAgentAdopted(r, k, before.view, v)
	l.checkSentElsewhere(k, v)
	if v.Now.agents() {
		l.history(k).agentsAt = l.w.now
	}
	l.checkStoredEntries(k, before.view, v)
	l.noteRefusedNotices(k, v.In)
	l.noteSettled(k, before.view, v)
	if v.Now != nil {
		l.noteEnd(r, before.view, v)
	}
}

func (l *ledger) logStored(r *replica, after version) {
	if !l.w.tracing {
		return
	}
	v := after.view
	state, id := machine.State("none"), ""
	if v.Now != nil {
		state, id = v.Now.State, v.Now.ID
	}
	wake := "never"
	if !after.record.WakeAt.IsZero() {
		wake = after.record.WakeAt.Sub(epoch).String()
	}
	l.w.logf(after.record.Key.Customer, "%s stores %d: %s %s, words %s, out %s, in %s, control %s/%d, watches %s, wakes %s", r.name,
		after.record.Revision, state, id, v.wordsText(), v.Out.String(), v.In.String(), v.Control.Lease.Owner, v.Control.Lease.N,
		v.watchedText(), wake)
}

// checkWake checks that a record with work is leased or due.
func (l *ledger) checkWake(k string, after version) {
	v, at := after.view, after.record.WakeAt
	if why := v.unfinished(); why != "" && at.IsZero() {
		l.w.fail("a record with work is leased or due", k, "%s, and WakeAt is zero", why)
	}
	if head, ok := v.head(); ok && !v.waits(head) {
		t := latest(head.At.Time, head.NotBefore.Time, v.Out.NotBefore.Time, v.Out.leasedUntil())
		if head.Kind == "open" {
			t = latest(t, v.gate())
		}
		if at.After(t.Add(time.Microsecond)) {
			l.w.fail("a record with work is leased or due", k, "it wakes at %s, the lane to Genesys could continue at %s", at, t)
		}
	}
	if len(v.In.Entries) > 0 {
		head := v.In.Entries[0]
		if t := latest(head.At.Time, head.NotBefore.Time, v.In.NotBefore.Time, v.In.Stuck.Time, v.In.leasedUntil()); at.After(t.Add(time.Microsecond)) {
			l.w.fail("a record with work is leased or due", k, "it wakes at %s, the lane to the host could continue at %s", at, t)
		}
	}
}

// latest returns the latest of some times.
func latest(list ...time.Time) time.Time { return slices.MaxFunc(list, time.Time.Compare) }

// checkWords checks that each message of the customer is one word, and that only a Return of the
// record holds it.
func (l *ledger) checkWords(k string, v *view) {
	seen := map[string]bool{}
	for _, w := range v.Words {
		if seen[w.ID] {
			l.w.fail("a message is in one place", k, "%s is two words", w.ID)
		}
		seen[w.ID] = true
		if v.Now.agents() && v.Now.State != machine.StateEnding && w.Handover != "" && w.Handover != v.Now.ID && w.Return == 0 && w.State != "refused" &&
			v.Out.Lease.Seq != w.Seq {
			l.w.fail("a word is for the open session", k, "%s is for %s, and %s is open", w.ID, w.Handover, v.Now.ID)
		}
		if w.Return != 0 {
			l.claimed[w.ID] = l.w.now
		}
		if r := w.Return; r != 0 && !slices.ContainsFunc(v.In.Entries, func(x viewEntry) bool { return x.Seq == r && x.Kind == "return" }) {
			l.w.fail("every word belongs to a session or a Return", k, "%s is in Return %d, which is not there", w.ID, r)
		}
	}
}

// checkBegins checks the effects that a write takes leases for: no Return begins during an agent
// session, and no opening before what is closed under its identity.
func (l *ledger) checkBegins(k string, before, v *view) {
	for _, x := range v.In.Entries {
		if x.Kind == "return" && x.Maybe {
			l.claimedAt[x.Handover+"/"+uitoa(x.Seq)] = l.w.now
		}
	}
	if before == nil || v.Now == nil {
		return
	}
	agents := v.Now.agents() && v.Now.State != machine.StateEnding
	if was, is := before.In.Lease, v.In.Lease; agents && is.Owner != "" && is.Owner != was.Owner && len(v.In.Entries) > 0 {
		if x := v.In.Entries[0]; x.Seq == is.Seq && x.Kind == "return" {
			l.w.fail("no Return begins during an agent session", k, "%s/%d, and %s is %s", x.Handover, x.Seq, v.Now.ID, v.Now.State)
		}
	}
	l.checkOpeningExcluded(k, before, v)
	tried := before.Now != nil && before.Now.ID == v.Now.ID && !before.Now.Tried.IsZero()
	slack := clockSlack
	switch { // the session is stored so much later than it begins
	case l.w.plan.has(faultStall): // its process may stand still until the wait is over
		slack += gateTime
	case l.w.plan.has(faultSlow):
		slack += 12 * time.Second
	}
	waited := l.w.now-l.sessions[v.Now.ID].begunAt > gateTime-slack
	adopted := v.Now.Request == "" // it has no opening
	if v.Now.Tried.IsZero() || adopted || tried || waited || v.Out.Lease.Owner == "" {
		return
	}
	for _, w := range v.Watched {
		if w.Close && w.Closings == 0 && w.From == v.Now.From && (w.Asked || !w.Agent) {
			l.w.fail("an opening waits for what is closed", k, "%s opens, and %s is not closed", v.Now.ID, w.ID)
		}
	}
}

// checkSession checks the change of the current session.
func (l *ledger) checkSession(r *replica, k string, before, v *view) {
	if v.Now == nil {
		return
	}
	s := l.sessions[v.Now.ID]
	if s == nil {
		s = &handoverHistory{key: k, id: v.Now.ID, begunAt: l.w.now, ownEndAt: never}
		l.sessions[v.Now.ID] = s
		l.sessionOrder = append(l.sessionOrder, s)
		l.checkAdopted(k, v)
	}
	if before != nil && before.Now != nil && before.Now.ID != s.id && v.startsOver(before) {
		l.sessions[before.Now.ID].ended = true // its end is not kept
	}
	s.requested = s.requested || !v.Now.Asked.IsZero()
	for _, p := range v.Past {
		// It may end in the write in which another begins.
		if o := l.sessions[p.Session.ID]; o != nil {
			o.ended = o.ended || p.Session.State == machine.StateEnded
		}
	}
	if v.Now.agents() {
		for _, o := range l.sessionOrder {
			o.replaced = o.replaced || o.key == k && o != s
		}
	}
	if s.ended && v.Now.open() {
		l.w.fail("ended is never left", k, "%s is %s again", s.id, v.Now.State)
	}
	c := l.w.genesys.find(v.Now.Conversation)
	s.triedAt = v.Now.Tried.Sub(epoch)
	if v.Now.State == machine.StateConnected && c != nil && c.served() != nil {
		c.served().storedConnected = true
	}
	if before != nil && before.Now.open() && before.Now.ID != v.Now.ID && !v.ended(before.Now.ID) && !v.startsOver(before) {
		l.w.fail("one session is open at a time", k, "%s begins while %s is %s", v.Now.ID, before.Now.ID, before.Now.State)
	}
	if !v.Now.open() && !s.ended {
		l.checkReason(r, k, before, v, c)
		l.noteOwnEnd(s, v)
	}
	if before != nil && before.Now != nil && before.Now.State != v.Now.State {
		l.checkNoAgentTimer(k, v, c)
	}
	s.ended = s.ended || !v.Now.open()
}

// noteSettled checks that entries leave the lane to the host only after they succeeded or were
// given up.
func (l *ledger) noteSettled(k string, before, v *view) {
	if before == nil {
		return
	}
	left := map[uint64]bool{}
	for _, x := range v.In.Entries {
		left[x.Seq] = true
	}
	for _, x := range before.In.Entries {
		if left[x.Seq] {
			continue
		}
		switch {
		case x.Delivery != nil && l.succeeded["delivery "+x.Delivery.ID]:
			l.settledAt["delivery "+x.Delivery.ID] = l.w.now
		case x.Kind == "return":
			l.noteSettledReturn(x)
		case x.Kind == "notice" && x.Handover != "" && !l.succeeded["notice "+x.Handover+"/"+uitoa(x.Seq)] && v.Forget.IsZero():
			l.w.fail("no notice is dropped", k, "%s/%d", x.Handover, x.Seq)
		}
	}
}

func (l *ledger) noteSettledReturn(x viewEntry) {
	if id := x.Handover + "/" + uitoa(x.Seq); l.succeeded["return "+id] {
		l.settledAt["return "+id] = l.w.now
	}
}

// removed checks a record that was deleted.
func (l *ledger) removed(r *replica, key machine.Key, before version) {
	k, v := key.Customer, before.view
	l.w.logf(k, "%s removes the record", r.name)
	if v == nil {
		return
	}
	if why := l.losesWork(v); why != "" && !l.history(k).forgetRuns {
		l.w.fail("a record with work is not removed", k, "%s", why)
	}
	l.history(k).removedAt = l.w.now
	l.forgetOrder(k)
	for _, c := range l.w.genesys.conversations {
		c.known = c.known && customerOf(c.customer) != k
	}
	l.history(k).newestPosted, l.history(k).newestTried = time.Time{}, time.Time{}
}

// losesWork returns what work is lost with a record, or an empty string. The write that removes a
// record may also be the one that settles its last work.
func (l *ledger) losesWork(v *view) string {
	forgets := !v.Forget.IsZero()
	switch {
	case v.Now.open() && v.Now.State != machine.StateEnding:
		return "a session is open"
	case v.Now.open() && !forgets:
		return "a session is ending"
	case forgets:
		return ""
	case len(v.Words)+len(v.Out.Entries) > 1 || len(v.In.Entries) > 1:
		return v.unfinished()
	}
	for _, x := range v.In.Entries {
		if x.Delivery != nil && !l.succeeded["delivery "+x.Delivery.ID] && !l.reportedFailed[x.Delivery.ID] {
			return "a delivery waits"
		}
		if x.Kind == "return" && !l.succeeded["return "+x.Handover+"/"+uitoa(x.Seq)] {
			return "a Return waits"
		}
	}
	return ""
}

// noteOwners records which replica an owner id of a lease belongs to. The ids are random and known
// to the engine only.
func (l *ledger) noteOwners(r *replica, v *view) {
	for _, lane := range []viewLane{v.Out, v.In, v.Control} {
		if o := lane.Lease.Owner; o != "" && l.owner[o] == nil {
			l.owner[o] = r
		}
	}
}

// checkLease checks that an effect begins under the lease of its process, and early enough to end
// before the lease does.
func (l *ledger) checkLease(r *replica, k, what string, of func(*view) viewLane) {
	c := l.w.store.cells[keyOf(k)]
	if r.dead || c == nil || c.view == nil {
		return
	}
	lease := of(c.view).Lease
	margin := leaseMargin
	switch message := strings.HasPrefix(what, "message"); {
	case message && !r.steady(): // it may not have run after the effect began
		margin = record.LeaseTime - record.EffectTime
	case message: // a read precedes it
		margin -= 4 * time.Second
	}
	switch o := l.owner[lease.Owner]; {
	case o == nil: // another replica settled it late
	case o == r && r.clock().After(lease.Until.Add(-margin)):
		l.w.fail("an effect begins under its lease", k, "%s begins %s, its lease ends at %s", r.name, what, lease.Until)
	case o != r && r.steady() && !l.w.plan.has(faultSlow):
		l.w.fail("an effect begins under its lease", k, "%s begins %s under the lease of %s", r.name, what, o.name)
	}
}

// leaseMargin is how long before the end of a lease an effect must have begun: a lease lasts 15 s,
// and an effect begins within 1 s, apart from what precedes it.
const leaseMargin = 12 * time.Second

// checkControl checks that the next read of an open session is leased or due.
func (l *ledger) checkControl(k string, after version) {
	v, at := after.view, after.record.WakeAt
	switch {
	case !v.Now.open() || v.Now.Conversation == "":
		return
	case v.Now.PollAt.IsZero():
		// The answer to the opening plans the first read.
		opens := len(v.Out.Entries) > 0 && v.Out.Entries[0].Kind == "open"
		if v.Now.State != machine.StateBot && !opens {
			l.w.fail("a session is read again", k, "it is %s, and no read is planned", v.Now.State)
		}
		return
	}
	if t := latest(v.Now.PollAt.Time, v.Control.NotBefore.Time, v.drained(), v.Control.leasedUntil()); at.After(t.Add(time.Microsecond)) {
		l.w.fail("a read is leased or due", k, "it wakes at %s, the read is due at %s", at, t)
	}
}

// drained returns until when an end waits for the lane to Genesys, or the zero time if it does not.
func (v *view) drained() time.Time {
	if _, sends := v.head(); v.Now.State != machine.StateEnding || !sends {
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

// checkQueue checks that deliveries without an attempt are sorted by time, between two notices.
func (l *ledger) checkQueue(k string, lane viewLane) {
	for i := 1; i < len(lane.Entries); i++ {
		a, b := lane.Entries[i-1], lane.Entries[i]
		tried := a.Attempts > 0 || a.Maybe || lane.Lease.Owner != "" && lane.Lease.Seq == a.Seq
		if a.Delivery != nil && b.Delivery != nil && !tried && !b.Delivery.OutOfOrder && b.Delivery.Time.Before(a.Delivery.Time.Time) {
			l.w.fail("deliveries wait in order", k, "%s before %s", a.Delivery.ID, b.Delivery.ID)
		}
	}
}

// effectLanes are the running effects of one direction, by customer.
type effectLanes struct {
	invariant string
	running   map[string]*runningEffect
}

// A runningEffect is a callback, or a message that is being sent to Genesys.
type runningEffect struct {
	replica   *replica
	what      string
	startedAt time.Duration
	deaf      bool // a callback that ignores its context
	stored    bool // there was a record when it began
}

// lasts returns for how long no other effect may run.
func (o *runningEffect) lasts() time.Duration {
	// The write that blocks the lane may fail.
	if o.deaf && !o.replica.w.plan.any(faultStall, faultSlow, faultFails, faultUnknown, faultOld) {
		return record.StuckTime - 2*clockSlack
	}
	return effectTime
}

func newEffectLanes(invariant string) effectLanes {
	return effectLanes{invariant, map[string]*runningEffect{}}
}

// start records an effect until done is called. It checks that it is the only one of its customer
// and direction, unless a process died or did not run for a time: a lease lasts 15 s, and an effect
// 10. Without a record there is no lease between replicas.
func (e effectLanes) start(r *replica, k, what string, deaf bool) (done func()) {
	now := r.w.now
	stored := r.w.store.cells[keyOf(k)] != nil && r.w.store.cells[keyOf(k)].view != nil
	if o := e.running[k]; o != nil && (stored && o.stored || o.replica == r) && !o.replica.dead && o.replica.steady() && r.steady() && now-o.startedAt <= o.lasts() {
		r.w.fail(e.invariant, k, "%s begins %s while %s is in %s since %.3f", r.name, what, o.replica.name, o.what, o.startedAt.Seconds())
	}
	return e.add(k, &runningEffect{r, what, now, deaf, stored})
}

// note records an effect until done is called.
func (e effectLanes) note(r *replica, k, what string) (done func()) {
	return e.add(k, &runningEffect{replica: r, what: what, startedAt: r.w.now})
}

func (e effectLanes) add(k string, x *runningEffect) (done func()) {
	e.running[k] = x
	return func() {
		if e.running[k] == x {
			delete(e.running, k)
		}
	}
}

// leased reports whether an effect runs under its lease: its process is alive and has always run.
func (o *runningEffect) leased(now time.Duration) bool {
	return !o.deaf && !o.replica.dead && o.replica.steady() && now-o.startedAt < effectTime
}

// effectTime is the time limit of an effect.
const effectTime = 10 * time.Second

// startTime is the time limit for an effect to begin after its lease was taken, and to reach the
// host.
const startTime = 1100 * time.Millisecond

// steady reports whether the process has always run lately, so that none of its effects outlives
// its lease.
func (r *replica) steady() bool {
	return r.stalledUntil == 0 || r.w.now-r.stalledUntil > 30*time.Second
}
