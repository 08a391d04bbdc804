package handover

import "time"

// A duty is something to do for Genesys that follows from the state, not from an entry: it is done again until the state says
// otherwise. Each begins with a read, receipts excepted.
type dutyKind string

const (
	dutyNone    dutyKind = ""
	dutyLook    dutyKind = "look"    // read, then transfer or disconnect if that is what the state wants
	dutyReceipt dutyKind = "receipt" // tell Genesys what became of its message
	dutyAdopt   dutyKind = "adopt"   // a person wrote although no session is open: who is there?
	dutyCleanup dutyKind = "cleanup" // disconnect a conversation that nobody should be in
	dutyCheck   dutyKind = "check"   // look once more at a conversation that has ended
)

// adoptPause lets a message that arrived around an end find the conversation settled.
const adoptPause = time.Second

// duty is the next thing to do and when; dutyNone if there is nothing.
func (f *file) duty() (dutyKind, time.Time) {
	kind, at := dutyNone, time.Time{}
	consider := func(k dutyKind, t time.Time) {
		if !t.IsZero() && (kind == dutyNone || t.Before(at)) {
			kind, at = k, t
		}
	}
	c := f.open()
	if c != nil {
		consider(dutyLook, f.lookAt(c))
	}
	if r := f.nextReceipt(); r != nil {
		consider(dutyReceipt, r.due())
	}
	if c == nil && f.Adopt != nil {
		consider(dutyAdopt, f.Adopt.At)
	}
	if f.Check != nil {
		consider(dutyCheck, f.Check.At)
	}
	if c == nil && f.Next == nil && len(f.Orphans) > 0 {
		consider(dutyCleanup, f.Orphans[0].At)
	}
	if kind == dutyNone {
		return kind, at
	}
	at = later(at, f.Control.NotBefore)
	if c != nil { // a timer waits for Genesys, but not as long as Genesys likes
		if k, t := c.timer(); k != timerNone && t.Add(timerPatience).Before(at) {
			return dutyLook, t.Add(timerPatience)
		}
	}
	return kind, at
}

func (r *receipt) due() time.Time { return later(r.Time, r.At) }

// nextReceipt is the one to send first, or nil.
func (f *file) nextReceipt() *receipt {
	var next *receipt
	for i := range f.Receipts {
		if r := &f.Receipts[i]; next == nil || r.due().Before(next.due()) {
			next = r
		}
	}
	return next
}

// lookAt is when the open session wants to be looked at: by its schedule, or because a timer is due.
func (f *file) lookAt(c *core) time.Time {
	at := time.Time{}
	if f.conversation() != "" && (!c.Blind || c.State != StateEnding || !c.LeftSent) {
		at = c.PollAt
		if drained := c.EndAsked.Add(drainPatience); c.State == StateEnding && len(f.Out.Entries) > 0 && at.Before(drained) {
			at = drained
		}
	}
	if _, t := c.timer(); !t.IsZero() && (at.IsZero() || t.Before(at)) {
		at = t
	}
	return at
}

// conversation is the one to read: that of the session or, while nobody has named it, the customer's last one, because the
// opening may have revived it (whether the answer then names it is uncertain).
func (f *file) conversation() string {
	c := f.Now
	switch {
	case c.ConversationID != "" || c.Accepted.IsZero() || c.State == StateBot || c.State == StateEnding:
		return c.ConversationID
	case len(f.Past) > 0 && f.Past[0].From == c.From:
		return f.Past[0].Session.ConversationID
	}
	return ""
}

// mustDisconnect: again only when a read still shows it after the last time, and not for ever.
func (c *core) mustDisconnect(now time.Time) bool {
	return c.Disconnects < maxDisconnects && now.Sub(c.Disconnected) >= settlePeriod
}

type timerKind string

const (
	timerNone timerKind = ""
	timerWarn timerKind = "warn"
	timerEnd  timerKind = "end"  // an end waits no longer for Genesys
	timerWork timerKind = "work" // an end waits no longer for after-call work
	timerLost timerKind = "lost" // Genesys took the opening, and nobody says into which conversation
)

// timer is the next deadline of the session. The kind of one that ends it is its reason.
func (c *core) timer() (timerKind, time.Time) {
	kind, at := timerNone, time.Time{}
	consider := func(k timerKind, from time.Time, d time.Duration) {
		if from.IsZero() || d <= 0 {
			return
		}
		if t := from.Add(d); kind == timerNone || t.Before(at) {
			kind, at = k, t
		}
	}
	if c.State == StateEnding {
		consider(timerEnd, c.EndAsked, endPatience)
		return kind, at
	}
	longest := c.Started
	if !c.Wrapup.IsZero() { // who ended it has ended it, and is only waited for
		longest = later(longest, c.Wrapup.Add(wrapupPatience-c.Timers.Max))
	}
	consider(timerKind(EndMaxDuration), longest, c.Timers.Max)
	if c.ConversationID == "" && c.State == StateRequested && !c.Accepted.IsZero() {
		c.unnamed(consider)
	}
	switch {
	case !c.Wrapup.IsZero(): // nobody has to speak any more
		consider(timerWork, c.Wrapup, wrapupPatience)
	case c.State == StateConnected:
		c.idle(consider)
	case c.State != StateBot:
		consider(timerKind(EndNoAgent), c.Waiting, c.Timers.NoAgent)
	}
	return kind, at
}

// unnamed considers how long Genesys may leave the conversation without a name. Without a transfer an agent may come all the same, and
// his first word names it; but an end would never be seen.
func (c *core) unnamed(consider func(timerKind, time.Time, time.Duration)) {
	if c.Routing == RouteByTransfer {
		consider(timerLost, later(c.Accepted, c.Asked), openingAge)
		return
	}
	consider(timerLost, later(later(c.Accepted, c.Asked), c.CustomerAt), unnamedFlow)
}

// idle considers who has to speak. Silence counts from when this agent came, since the ones before took their time with them;
// the end counts from the warning as it was given, not as it was planned.
func (c *core) idle(consider func(timerKind, time.Time, time.Duration)) {
	if said := later(c.CustomerAt, c.Asked); said.After(c.AgentAt) { // who asked for an agent has spoken
		consider(timerKind(EndAgentIdle), later(said, c.Changed), c.Timers.AgentIdle)
		return
	}
	warn, idle, from := c.Timers.CustomerWarn, c.Timers.CustomerIdle, later(c.AgentAt, c.Changed)
	switch {
	case c.AgentAt.IsZero():
	case c.Warned.After(from):
		consider(timerKind(EndCustomerIdle), c.Warned, idle-warn)
	default:
		consider(timerWarn, from, warn)
		if warn <= 0 {
			consider(timerKind(EndCustomerIdle), from, idle)
		}
	}
}

// held reports whether the lane to Genesys waits for the end of a conversation that is over: its messages would go to another.
func (f *file) held() bool {
	c := f.open()
	return c != nil && (c.MovedTo != "" || !c.Wrapup.IsZero())
}

// wakeAt is when somebody has to look at the file: a file with work is always leased or due.
func (f *file) wakeAt() time.Time {
	at := time.Time{}
	consider := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, l := range []*lane{&f.Out, &f.In} {
		if t, ok := l.ready(); ok && (l == &f.In || !f.held()) {
			consider(later(l.Lease.over(t), time.UnixMicro(1)))
		}
	}
	if kind, t := f.duty(); kind != dutyNone {
		consider(f.Control.Lease.over(t))
	}
	if at.IsZero() {
		at = f.expires()
	}
	if at.IsZero() {
		return at
	}
	return at.Add(time.Microsecond - 1).UTC().Truncate(time.Microsecond) // up, or the one who wakes would be early
}

// expires is when the file may be removed, zero while something waits.
func (f *file) expires() time.Time {
	// What is on its way to Genesys, what is to be ended there, and what an agent wrote; notices are dropped.
	waits := len(f.Out.Entries)+len(f.Orphans) > 0 || f.delivers()
	if !f.Forget.IsZero() && f.open() == nil && f.Next == nil && !f.returns() && !waits {
		at := later(f.Forget, time.UnixMicro(1))
		if f.In.begun() { // the host is still in it, and whatever comes next must not begin beside
			at = later(at, f.In.Lease.Until.Add(leaseGrace))
		}
		return at
	}
	if !f.empty() {
		return time.Time{}
	}
	keep := f.Keep
	switch {
	case keep < 0:
		return time.Time{}
	case keep == 0:
		keep = DefaultRetention
	}
	from := f.Touched
	if f.Now != nil {
		from = later(from, f.Now.Ending.Time)
	}
	return from.Add(keep)
}
