package handover

import (
	"slices"
	"time"
)

// An edit is one change of a file, at one time. It may be made several times before it is stored, so it is idempotent by the
// ids of what it is about.
type edit struct {
	*file

	key    Key
	now    time.Time
	notify bool // the host wants notices
	fresh  bool // the file was not there
	words  bool // a read lists words that are not here yet
	newID  func() string
	jitter func(time.Duration) time.Duration
}

// apply moves the session and puts what follows into the lanes.
func (e *edit) apply(ev event) {
	if e.Now == nil {
		return
	}
	before := *e.Now
	next, effects := apply(before, ev, e.now)
	*e.Now = next
	e.tell(&before, ev, effects)
	for _, f := range effects {
		e.notice(Notice{Kind: f.Notice, Agent: f.Agent, From: f.From, To: f.To, Detail: f.Detail, Permission: f.Permission})
	}
}

// notice queues one for the host, if it wants any.
func (e *edit) notice(n Notice) {
	if !e.notify {
		return
	}
	n.Time, n.Session = e.now, e.session(e.key)
	e.makeRoom(0)
	e.In.push(entry{Seq: e.next(), Kind: kindNotice, At: e.now, Handover: n.Session.ID, Notice: &n})
}

// makeRoom drops the oldest notices from a full lane, so that a host that takes none for hours does not stop the agent's
// messages. It reports whether there is room now.
func (e *edit) makeRoom(bytes int) bool {
	for i := 0; e.In.full(inEntries, inBytes, bytes) && i < len(e.In.Entries); {
		x := e.In.Entries[i]
		if x.Notice == nil || x.Notice.Kind == NoticeEnded || i == 0 && e.In.busy(e.now) {
			i++
			continue
		}
		e.In.remove(i)
		e.say(saidDropped, string(x.Notice.Kind))
	}
	return !e.In.full(inEntries, inBytes, bytes)
}

// install makes c the current handover: what was before it becomes the past.
func (e *edit) install(c core) {
	if e.Now != nil {
		e.Past = append([]past{{Session: e.Now.Session, From: e.Now.From}}, e.Past...)
		e.Past = e.Past[:min(len(e.Past), maxPast)]
		c.Reached, c.Proven = c.Reached || e.Now.Reached, e.Now.Proven // how reads name messages stays the same
	}
	if !e.Forget.IsZero() { // a new life: nothing stays of the one that is to be forgotten
		e.Past, e.Sent, e.Log, e.Forget = nil, nil, nil, time.Time{}
	}
	c.Started, c.Changed = e.now, e.now
	e.Now, e.Keep, e.Adopt = &c, c.Timers.Retention, nil
	e.Tail, e.Dead, e.Cut = nil, nil, nil
	e.say(string(c.State), saidBegun)
}

// begin starts a handover with its opening.
func (e *edit) begin(c core, o *opening) {
	e.install(c)
	if c.State == StateRequested {
		e.Now.Asked, e.Now.Waiting = e.now, e.now
		e.notice(Notice{Kind: NoticeRequested})
	}
	e.Out.push(entry{
		Seq: e.next(), Kind: kindOpen, Handover: c.ID, At: e.now, HostID: c.Request,
		Wire: e.wireTime(e.now, len(o.Texts)), Opening: o,
	})
	if c.State == StateRequested {
		e.takeBack()
	}
}

// takeBack gives the agents what was to be handed back and has not been: the customer asked for them again first.
func (e *edit) takeBack() {
	for i := range e.In.Entries {
		r := &e.In.Entries[i]
		if r.Kind != kindReturn || r.Maybe {
			continue
		}
		e.In.Bytes -= r.Size
		back := r.Back
		r.Back, r.Seqs = nil, nil
		for i, u := range back {
			if u.Reason != "" {
				r.giveBack([]held{{Unanswered: u, Seq: uint64(i)}})
				continue
			}
			e.requeue(len(e.Out.Entries), u)
		}
		*r = r.measured()
		e.In.Bytes += r.Size
	}
}

// release gives the agents what turned up while the bot had the word, and waited for a Return.
func (e *edit) release() {
	list := e.Held
	e.Held = nil
	e.again(list...)
}

// requeue puts a message of an earlier handover into the lane; Genesys may have taken it then. What comes behind it, and has never
// been attempted, gets a later number and time.
func (e *edit) requeue(at int, u Unanswered) {
	x := e.said(u.Message)
	x.Maybe = u.Sent
	e.Out.insert(at, x)
	if behind := e.Out.Entries[at:]; len(behind) > 1 {
		for i := range behind {
			behind[i].Seq, behind[i].Wire = e.next(), e.wireTime(e.now, behind[i].parts())
		}
	}
}

// queue puts a message of the customer into the lane to Genesys.
func (e *edit) queue(m Message) { e.Out.push(e.said(m)) }

// said is the entry of a message that the customer wrote just now.
func (e *edit) said(m Message) entry {
	kind := kindMessage
	if m.Reply != nil {
		kind = kindReply
	}
	e.Now.CustomerAt = e.now
	return entry{
		Seq: e.next(), Kind: kind, Handover: e.Now.ID, At: e.now, HostID: m.ID,
		Wire: e.wireTime(e.now, m.parts()), Message: &m,
	}
}

// deliver puts a message for the customer into the lane to the host: before later ones that were never attempted, and before
// a hand-back, but not across a notice.
func (e *edit) deliver(d delivery, notBefore time.Time) {
	first := 0
	newest := e.Given
	if e.In.begun() { // also by somebody who died meanwhile
		first = 1
		if h := e.In.Entries[0].Delivery; h != nil {
			newest = later(newest, h.Time)
		}
	}
	i := len(e.In.Entries)
	if r := e.returnOf(d.Session.ID); r >= first && !d.Late {
		i = r // whatever was put behind it
	}
	for i > first && before(d, e.In.Entries[i-1]) {
		i--
	}
	d.OutOfOrder = !d.Time.IsZero() && d.Time.Before(newest)
	e.In.insert(i, entry{Seq: e.next(), Kind: kindDelivery, Handover: d.Session.ID, At: e.now, NotBefore: notBefore, Delivery: &d})
}

// returnOf finds the Return of a handover that has not been attempted; -1: there is none.
func (f *file) returnOf(handover string) int {
	return slices.IndexFunc(f.In.Entries, func(x entry) bool { return x.Kind == kindReturn && x.Handover == handover && !x.Maybe })
}

func before(d delivery, other entry) bool {
	if other.Attempts > 0 || other.Maybe {
		return false
	}
	switch other.Kind {
	case kindReturn:
		return d.Session.ID == other.Handover
	case kindDelivery:
		return !d.Time.IsZero() && d.Time.Before(other.Delivery.Time)
	default:
		return false
	}
}

// receipt queues one for Genesys. The oldest gives way: a receipt is a courtesy, a message is not.
func (e *edit) receipt(r receipt) {
	r.Time = e.now
	e.Receipts = last(append(e.Receipts, r), maxReceipts)
}

// orphan notes a conversation that nobody should be in.
func (e *edit) orphan(conversation string) {
	if conversation == "" {
		return
	}
	for _, o := range e.Orphans {
		if o.Conversation == conversation {
			return
		}
	}
	e.Orphans = last(append(e.Orphans, orphan{Conversation: conversation, At: e.now.Add(settlePeriod)}), maxOrphans)
}
