package record

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A Watched conversation is one in Genesys, other than that of the open session, in which the
// customer may still be or of which messages may be missing: a message opened or revived it, its
// session is over, or a person wrote in it without an open session. One task, TaskWatch, handles
// all of them: it reads the conversation and fetches missing messages. Then it adopts the
// conversation, closes it, or stops watching it.
type Watched struct {
	machine.Listing
	machine.Legs

	ID   string `json:"id"`
	From string `json:"from"` // the identity that it was opened under
	// Its session; empty: none, a person wrote in it.
	Handover string `json:"handover,omitempty"`
	// Older messages belong to an earlier session; by Genesys' clock.
	Since machine.Time `json:"since"`
	Close bool         `json:"close,omitempty"` // no session needs it: disconnect it
	// The host or one of its timers ended it, even if an agent is there.
	Requested bool `json:"asked,omitempty"`
	// Our side ended its session then, by Genesys' clock: only a later message of an agent opens
	// another one.
	EndedAt machine.Time `json:"endedAt,omitempty"`
	// The last message of a person, by Genesys' clock.
	WroteAt  machine.Time `json:"spokeAt,omitempty"`
	At       machine.Time `json:"at"`                 // the next look
	ReadAt   machine.Time `json:"readAt,omitempty"`   // when the last one began
	Requests uint64       `json:"requests,omitempty"` // of looks
	Tries    int          `json:"tries,omitempty"`    // looks that found messages missing
	Failures int          `json:"failures,omitempty"` // consecutive looks that could not read
	Closings int          `json:"closings,omitempty"` // attempts to disconnect it
	Unclosed int          `json:"unclosed,omitempty"` // consecutive ones without a definite answer
	ClosedAt machine.Time `json:"closedAt,omitempty"` // Genesys accepted the last one
	QueuedAt machine.Time `json:"queuedAt,omitempty"` // since when looks show it in a queue
	AloneAt  machine.Time `json:"aloneAt,omitempty"`  // since when looks show only the customer
	// The last look showed an agent, or an alerted one.
	Agent bool `json:"agent,omitempty"`
	// Its session ended while messages of it were missing.
	Incomplete bool `json:"repair,omitempty"`
	// Messages that the last look listed and that have not arrived.
	Unseen []unseen `json:"unseen,omitempty"`
	More   int      `json:"more,omitempty"` // such messages beyond maxUnseen
	// When the first of the looks that were forbidden began.
	Denied machine.Time `json:"denied,omitempty"`
	Gone   machine.Time `json:"gone,omitempty"` // since when looks find nothing
	Until  machine.Time `json:"until"`          // when watching ends
}

// An unseen message is one that a read lists.
type unseen struct {
	ID string       `json:"id"`
	At machine.Time `json:"at"` // by Genesys' clock
}

const (
	maxWatched    = 8
	maxUnseen     = 32
	maxLooks      = 5
	maxClosings   = 3
	lookPause     = 30 * time.Second // between looks that find messages missing
	closePause    = 5 * time.Second  // between attempts to disconnect
	queuePatience = 30 * time.Second // a conversation that no session needs is in a queue
	watchedLife   = 73 * time.Hour   // Genesys continues a thread for 72 h
	// How long an opening waits for another conversation to be closed, because it would join it.
	gatePatience = 30 * time.Second
)

// watch returns the entry of a conversation, creates it if there is none, and makes sure that it is
// read by a time. A new entry has the legs that the last session of the conversation knew, and the
// end of that session by our side.
func (tx *Transaction) watch(id, from string, since, at machine.Time) *Watched {
	w := tx.watching(id)
	if w == nil {
		tx.boundWatched()
		tx.Watched = append(tx.Watched, Watched{Listing: tx.listed(id), ID: id, From: from, Since: since, At: at, Until: tx.Now.Add(watchedLife)})
		w = &tx.Watched[len(tx.Watched)-1]
		if legs, ownEnd := tx.endedIn(id); legs != nil {
			w.Legs, w.EndedAt = *legs, ownEnd
		}
		return w
	}
	w.At = machine.Earlier(w.At, machine.Later(at, w.ReadAt.Add(machine.ReadPause)))
	w.Tries, w.Failures, w.Unclosed, w.Until = 0, 0, 0, tx.Now.Add(watchedLife)
	w.Requests++
	return w
}

// endedIn returns the legs of a conversation as its last ended session knew them, and when our side
// ended that session, or nil.
func (f *Record) endedIn(conversation string) (legs *machine.Legs, ownEnd machine.Time) {
	if c := f.Handover; c != nil && !c.Open() && c.ConversationID == conversation && conversation != "" {
		return &c.Legs, c.OwnEnd
	}
	if p := f.pastIn(conversation); p != nil {
		return &p.Legs, p.OwnEnd
	}
	return nil, 0
}

// listed returns the known messages of a newly watched conversation. For the session's conversation
// that is its listing, for any other only how reads name messages. Webhooks that an earlier session
// in the conversation got count, too.
func (f *Record) listed(id string) machine.Listing {
	switch c := f.Handover; {
	case c == nil:
		return machine.Listing{}
	case c.ConversationID == id:
		return c.Listing
	default:
		p := f.pastIn(id)
		return machine.Listing{Reached: c.Reached || p != nil && p.Reached, Proven: c.Proven}
	}
}

// watching returns the entry of a conversation, or nil.
func (f *Record) watching(id string) *Watched {
	return find(f.Watched, func(w *Watched) bool { return w.ID == id && id != "" })
}

// sessionOf returns the session that a watched conversation belongs to, or one without an id. Its
// conversation is the watched one, even if the session moved to another.
func (tx *Transaction) sessionOf(w *Watched) machine.Session {
	s := machine.Session{Key: tx.Key}
	if w.Handover != "" {
		s = tx.SessionOf(w.Handover)
	}
	s.ConversationID = w.ID
	return s
}

// boundWatched makes room for an entry. It drops the oldest one that is only read, if possible one
// without an agent, because the next session may be that agent's. Otherwise it drops the oldest
// without an agent, otherwise the oldest. If that conversation is not disconnected then, a notice
// reports it.
func (tx *Transaction) boundWatched() {
	if len(tx.Watched) < maxWatched {
		return
	}
	i := -1
	for _, which := range []func(Watched) bool{
		func(w Watched) bool { return !w.Close && !w.Agent },
		func(w Watched) bool { return !w.Close },
		func(w Watched) bool { return !w.Agent },
		func(Watched) bool { return true },
	} {
		if i < 0 {
			i = slices.IndexFunc(tx.Watched, which)
		}
	}
	w := &tx.Watched[i]
	if w.Close {
		tx.unclosed("too many conversations of the customer are to be disconnected", "")
	}
	tx.reportUnseen(w, "too many conversations of the customer are watched", "")
	tx.unwatch(w.ID)
}

// close watches a conversation that no session needs. requested means that the host or one of its
// timers ended it.
func (tx *Transaction) close(c *machine.Handover, id string, requested bool) {
	if id == "" {
		return
	}
	at := tx.Now
	switch {
	case !requested:
		at = at.Add(machine.SettlePeriod) // a read may be older than the message that opened it
	case id == c.ConversationID && c.Disconnects > 0:
		at = at.Add(closePause)
	}
	w := tx.watch(id, c.From, tx.since(c), at)
	w.Handover = cmp.Or(w.Handover, c.ID)
	w.Close, w.Requested = true, w.Requested || requested
	if id == c.ConversationID {
		w.Closings = max(w.Closings, c.Disconnects)
	}
	w.knows(c)
}

// knows copies the legs that the session has seen of the conversation, and our own disconnect.
func (w *Watched) knows(c *machine.Handover) {
	if w.ID != c.ConversationID {
		return
	}
	if w.ClosedAt = machine.Later(w.ClosedAt, c.DisconnectedAt); !c.Newest.Before(w.Newest) {
		w.Legs = c.Legs
	}
}

// LegsOf returns the known legs of a conversation other than that of the open session.
func (f *Record) LegsOf(conversation string) machine.Legs {
	if w := f.watching(conversation); w != nil {
		return w.Legs
	}
	if legs, _ := f.endedIn(conversation); legs != nil {
		return *legs
	}
	return machine.Legs{}
}

// leave watches the conversations that an ended session leaves in Genesys: one that its message
// opened, and that of the session, if it is still open or if the last message may have revived it.
func (tx *Transaction) leave(c *machine.Handover) {
	tx.close(c, c.MovedTo, false)
	if !c.EndRequestedAt.IsZero() || c.Leftover == machine.LeftoverRequested || c.Ending.Reason == machine.EndFailed || c.Ending.Reason == machine.EndRefused {
		if c.OwnEnd = tx.genesysNow(); tx.Clock.Unmeasured {
			// The last time of Genesys' clock that is known: an agent who writes later must count.
			c.OwnEnd = machine.Later(machine.Later(c.OpeningTriedAt, c.AgentWrote), c.Newest)
		}
	}
	id := c.ConversationID
	switch {
	case id == "" && c.OpeningTriedAt.IsZero():
		return
	case id == "": // its messages may be in the last conversation
		id = tx.lastConversation(c.From)
		tx.close(c, id, false)
	case c.Leftover != machine.LeftoverNone:
		tx.close(c, c.ConversationID, c.Leftover == machine.LeftoverRequested)
	case c.Ending.Code == machine.CodeConversationMoved || tx.Now.Sub(c.LastWriteAt) < lookPause:
		// No read has shown its end, or our last message came after that end.
		w := tx.watch(c.ConversationID, c.From, tx.since(c), machine.Later(tx.Now, c.LastWriteAt.Add(lookPause)))
		w.Handover = cmp.Or(w.Handover, c.ID)
		w.Closings = max(w.Closings, c.Disconnects)
		w.knows(c)
	}
	switch w := tx.watching(id); {
	case w == nil:
	case id == c.ConversationID: // an earlier session in it no longer counts
		w.EndedAt = c.OwnEnd
	default:
		w.EndedAt = machine.Later(w.EndedAt, c.OwnEnd)
	}
}

// wroteLate watches the conversation of an ended session after a message that Genesys accepted
// after the end, or may have, because that message may have revived it. named is the conversation
// in Genesys' answer, or "".
func (tx *Transaction) wroteLate(handover, named string) {
	s, from := tx.Handover.Session, tx.Handover.From
	if s.ID != handover {
		p := tx.pastOf(handover)
		if p == nil {
			return
		}
		s, from = p.Session, p.From
	}
	c, id := tx.Open(), s.ConversationID
	if s.Open() || id == "" || named != "" && named != id || c != nil && c.ConversationID == id {
		return
	}
	tx.watch(id, from, tx.Clock.Genesys(s.Started), tx.Now.Add(lookPause))
}

// since returns from when legs and messages of a conversation belong to a session, by Genesys'
// clock.
func (tx *Transaction) since(c *machine.Handover) machine.Time {
	if tx.Clock.Unmeasured && !c.TriedByHost {
		return c.OpeningTriedAt // the beginning is only known by the clock of a process
	}
	return machine.Later(c.OpeningTriedAt, tx.Clock.Genesys(c.Started))
}

// needed notes that a conversation belongs to the session: it is not closed, and watched only while
// older messages of it are missing.
func (tx *Transaction) needed(id string) {
	if w := tx.watching(id); w != nil && w.Incomplete {
		w.Close, w.Requested = false, false
		return
	}
	tx.unwatch(id)
}

// unwatch stops watching a conversation. Its last session keeps what the looks showed of it, in
// case it is watched again.
func (tx *Transaction) unwatch(id string) {
	if w := tx.watching(id); w != nil {
		if legs, _ := tx.endedIn(id); legs != nil && legs.Newest.Before(w.Newest) {
			*legs = w.Legs
		}
	}
	tx.Watched = slices.DeleteFunc(tx.Watched, func(w Watched) bool { return w.ID == id })
}

// closing reports whether a conversation under an identity is to be closed: Genesys has neither
// accepted nor refused its disconnect, and no agent is in it.
func (f *Record) closing(from string) bool {
	return slices.ContainsFunc(f.Watched, func(w Watched) bool {
		return w.Close && w.From == from && w.Closings == 0 && (w.Requested || !w.Agent)
	})
}

// NextWatched returns the entry to be read next, or nil. It skips a conversation that an opening
// may be joining.
func (f *Record) NextWatched() *Watched {
	var next *Watched
	for i := range f.Watched {
		if w := &f.Watched[i]; (next == nil || f.watchedAt(w).Before(f.watchedAt(next))) && (!w.Close || !f.mayHaveJoined(w)) {
			next = w
		}
	}
	return next
}

// watchedAt returns when a watched conversation is to be read. A look that may disconnect waits
// while an opening is being sent under the same identity, also one of an earlier session.
func (f *Record) watchedAt(w *Watched) machine.Time {
	opens := func(x Entry) bool {
		return x.Seq == f.Out.Lease.Seq && x.Opening != nil && x.Opening.Customer.ID == w.From
	}
	if w.mayClose() && slices.ContainsFunc(f.Out.Entries, opens) {
		return f.Out.Lease.over(w.At)
	}
	return w.At
}

// mayClose reports whether a look may disconnect the conversation, see MayDisconnect.
func (w *Watched) mayClose() bool { return w.Close || !w.QueuedAt.IsZero() || !w.AloneAt.IsZero() }

// mayHaveJoined reports whether the opening of the session may have reached a conversation, because
// no answer has named another one yet.
func (f *Record) mayHaveJoined(w *Watched) bool {
	c := f.Open()
	return c != nil && !c.OpeningTriedAt.IsZero() && c.ConversationID == "" && w.From == c.From
}

// closes reports whether a look may be disconnecting a conversation now.
func (tx *Transaction) closes() bool {
	return !tx.Control.Lease.Free(tx.Now) && slices.ContainsFunc(tx.Watched, func(w Watched) bool { return w.mayClose() })
}

// MayDisconnect reports whether a look disconnects after a read. It never does so with an agent in
// the conversation, unless its end was requested, nor if the open session uses the conversation or
// its opening may have joined it.
func (f *Record) MayDisconnect(w *Watched, r *Reading, now machine.Time) bool {
	waits := r.Standing.Phase == genesys.PhaseQueued && !w.QueuedAt.IsZero() && r.Began.Sub(w.QueuedAt) >= queuePatience
	alone := r.alone() && !w.AloneAt.IsZero() && r.Began.Sub(w.AloneAt) >= machine.AlonePatience
	if c := f.Open(); c != nil && c.ConversationID == w.ID {
		return false // it is watched only while messages of it are missing
	}
	switch {
	case !w.Close && !waits && !alone, w.Closings >= maxClosings, now.Sub(w.ClosedAt) < closePause, f.mayHaveJoined(w):
		return false
	case w.Requested:
		return r.Blind || r.Err == nil && r.Live()
	case r.Legs.Newest.Before(w.Newest):
		return false
	default:
		return r.Err == nil && r.Live() && !r.WithAgent()
	}
}

// Adoptable reports whether a read shows a live agent without a session. If our side ended the
// session, only an agent who has written since gets a new one.
func (f *Record) Adoptable(w *Watched, r *Reading) bool {
	live := r.Err == nil && (r.Standing.Phase == genesys.PhaseConnected || r.Standing.Phase == genesys.PhaseParked)
	switch {
	case !w.ClosedAt.IsZero() && r.Began.Sub(w.ClosedAt) < machine.SettlePeriod:
		// It may be older than our disconnect.
		return false
	case f.Agents() != nil || !w.EndedAt.IsZero() && !w.WroteAt.After(w.EndedAt):
		return false
	case r.Blind || r.Err != nil && !r.Gone: // only messages show an agent
		return !w.WroteAt.IsZero() && (f.Handover == nil || w.WroteAt.Sub(r.Clock.Genesys(f.Handover.Ending.Time)) >= machine.SettlePeriod)
	default:
		return live
	}
}

// settleWatched stores the result of a look at a watched conversation.
func (tx *Transaction) settleWatched(j *Job, o Outcome) {
	was := j.Record.NextWatched()
	if was == nil {
		return
	}
	w := tx.watching(was.ID)
	if w == nil {
		return
	}
	if o.Tried {
		w.Closings++
	}
	if o.Disconnected {
		w.ClosedAt = tx.Now
	}
	r, there := o.Read, false
	if r != nil {
		w.ReadAt = machine.Later(w.ReadAt, r.Began)
		there = r.Err == nil && !r.Legs.Newest.Before(w.Newest) && tx.Adoptable(w, r)
	}
	switch {
	case w.Requests != was.Requests && !there:
		// The read may be older than what requested another one. An agent whom it shows counts.
		w.At = machine.Later(tx.Now, w.ReadAt.Add(machine.ReadPause))
		return
	case w.Requests == was.Requests && w.At != was.At:
		return // settled before
	}
	if r == nil || r.Err != nil && !r.Blind && !r.Gone {
		// An agent who wrote has no session. If the next read fails, too, the message is the proof.
		switch wrote := tx.genesysNow().Sub(w.WroteAt); {
		case r == nil || !tx.Adoptable(w, r) || !w.Agent && !tx.Clock.Unmeasured && wrote > machine.GonePatience:
			tx.notLooked(w, o)
		case !tx.Clock.Unmeasured && wrote < machine.ReadPause+adoptPause:
			w.At = tx.Now.Add(machine.ReadPause)
		default:
			tx.begin(w, r, o)
		}
		return
	}
	w.Failures = 0
	failed := o.Err != nil && !errors.Is(r.Err, o.Err) // the disconnect
	if !failed {
		w.Unclosed = 0
	}
	if w.unconfirmed(r) {
		if w.At = tx.Now.Add(closePause); r.Gone && !w.Close {
			w.At = tx.Now.Add(lookPause)
		}
		if !tx.Now.Before(w.Until) {
			tx.expire(w, o, !r.Gone)
		}
		return
	}
	tx.saw(w, r)
	fetched, all := tx.settleMissing(o, w.ID)
	if w = tx.watching(was.ID); w == nil {
		return
	}
	if w.Agent = r.WithAgent(); fetched {
		w.Tries = 0
	}
	shownSince(&w.QueuedAt, r.Standing.Phase == genesys.PhaseQueued, r.Began)
	shownSince(&w.AloneAt, r.alone(), r.Began)
	c := tx.Open()
	switch {
	case tx.Adoptable(w, r):
		tx.begin(w, r, o)
	case !tx.Now.Before(w.Until):
		tx.expire(w, o, r.Blind || r.Err == nil && r.Live())
	case o.Refused != nil && (w.Closings >= maxClosings || Forbidden(o.Refused) && w.Closings > 1):
		tx.unclosed(Explain(o.Refused), missing(o.Refused))
		if w.Close, w.Requested, w.Closings = false, false, maxClosings; all {
			tx.unwatch(w.ID)
			return
		}
		w.At = tx.Now.Add(w.pause(r)) // messages of it are still missing
	case o.Tried:
		w.At = tx.Now.Add(closePause)
	case failed:
		w.At = tx.Now.Add(max(min(closePause<<min(w.Unclosed, 3), lookPause), o.RetryAfter))
		if !postponed(o.Err) {
			w.Unclosed++
		}
	case r.Gone || r.Err == nil && !r.Live() || c != nil && c.ConversationID == w.ID:
		tx.accounted(w, o, fetched, all)
	case r.Blind && !w.Close:
		tx.giveUpOn(w, r.Err)
	default:
		w.At = tx.Now.Add(w.pause(r))
	}
}

// begin opens a session in a watched conversation.
func (tx *Transaction) begin(w *Watched, r *Reading, o Outcome) {
	adopted := *w
	tx.needed(w.ID) // this may make room for the conversation that the session leaves
	tx.adopt(&adopted, r, o.Timers.Or(machine.DefaultTimers()), o.BotQueue)
}

// shownSince notes since when reads show something, after a read that began at a time.
func shownSince(at *machine.Time, shown bool, began machine.Time) {
	switch {
	case !shown:
		*at = 0
	case at.IsZero():
		*at = began
	}
}

// unconfirmed reports whether a look proves nothing yet: a 403 counts the second time, 5 s later, a
// 404 after a minute of 404s, and a read that is older than an earlier one never.
func (w *Watched) unconfirmed(r *Reading) bool {
	shownSince(&w.Denied, r.Blind, r.Began)
	shownSince(&w.Gone, r.Gone, r.Began)
	switch {
	case r.Blind:
		return r.Began.Sub(w.Denied) < machine.DeniedPause
	case r.Gone:
		return r.Began.Sub(w.Gone) < machine.GonePatience
	default:
		return r.Legs.Newest.Before(w.Newest)
	}
}

// saw notes the legs of a conversation. If the opening of a session may have continued it before
// the read began, legs that ended since belong to that session and are not noted.
func (tx *Transaction) saw(w *Watched, r *Reading) {
	if r.Err != nil {
		return
	}
	w.Newest = r.Legs.Newest
	if c := tx.Open(); c == nil || c.OpeningTriedAt.IsZero() || r.genesysBegan().Before(c.OpeningTriedAt) {
		w.Ended = r.Legs.Ended
	}
}

// settleMissing delivers the fetched messages of a watched conversation. It reports whether there
// were any, and whether all its messages are accounted for.
func (tx *Transaction) settleMissing(o Outcome, id string) (fetched, all bool) {
	w := tx.watching(id)
	if o.Read.Err != nil {
		return false, !w.Incomplete
	}
	g := tx.GapOf(o.Read, w.Since, w.Listing, true)
	fetched, all, lost := tx.acceptMissing(o, g, id, w.From)
	if w = tx.watching(id); w == nil {
		return fetched, all
	}
	if w.Proven = g.Proven; all {
		w.Listing = g.Listing
	}
	tx.reportLost(&w.Listing, tx.sessionOf(w), lost, 0, reasonOf(o.GapErr), missing(o.GapErr))
	until := o.Read.genesysBegan()
	if x := tx.Open(); x != nil && x.ConversationID == w.ID {
		until = x.OpeningTriedAt.Add(-machine.SettlePeriod) // that session looks for the later ones
	}
	tx.noteUnseen(w, o.Read, until)
	return fetched, all && !g.young && !g.more
}

// noteUnseen notes the messages of a conversation from before a time that a read lists and that
// have not arrived.
func (tx *Transaction) noteUnseen(w *Watched, r *Reading, until machine.Time) {
	w.Unseen, w.More = nil, 0
	for _, ref := range tx.GapOf(r, w.Since, w.Listing, true).unseen {
		switch {
		case !machine.TimeOf(ref.Time).Before(until):
		case len(w.Unseen) == maxUnseen:
			w.More++
		default:
			w.Unseen = append(w.Unseen, unseen{ref.ID, machine.TimeOf(ref.Time)})
		}
	}
}

// reportUnseen reports the messages that the last look at a conversation listed and that have not
// arrived since. The conversation is no longer watched.
func (tx *Transaction) reportUnseen(w *Watched, why, permission string) {
	if w.Reached && !w.Proven { // webhooks have other ids than reads
		return
	}
	var ids []string
	for _, u := range w.Unseen {
		if tx.ReceivedIDs.Recall(u.ID) == UnknownID && tx.genesysNow().Sub(u.At) >= webhookLife {
			ids = append(ids, u.ID)
		}
	}
	tx.reportLost(&w.Listing, tx.sessionOf(w), ids, w.More, why, permission)
}

// accounted stops watching an ended conversation once all its messages are accounted for.
func (tx *Transaction) accounted(w *Watched, o Outcome, fetched, all bool) {
	switch {
	case all:
		tx.unwatch(w.ID)
		return
	case fetched: // one call fetches some of many
		w.At = tx.Now.Add(machine.ReadPause)
		return
	}
	w.At = tx.Now.Add(lookPause)
	// A look fetches nothing while webhooks may still deliver all that is missing.
	if tried := len(o.Asked) > 0 || o.Read.Err != nil; tried && !postponed(o.GapErr) {
		w.Tries++
	}
	if w.Tries >= maxLooks {
		tx.giveUpOn(w, o.GapErr)
	}
}

// notLooked handles a conversation that could not be read. The read is retried with growing pauses
// until watching ends.
func (tx *Transaction) notLooked(w *Watched, o Outcome) {
	if !postponed(o.Err) {
		w.Failures++
	}
	w.At = tx.Now.Add(min(lookPause<<min(w.Failures, 7), time.Hour))
	switch {
	case !tx.Now.Before(w.Until):
		o.GapErr = o.Err
		tx.expire(w, o, true)
	case w.Incomplete && w.Tries+w.Failures >= maxLooks:
		tx.reportUnseen(w, reasonOf(o.Err), missing(o.Err))
		if w.Incomplete, w.Unseen, w.More = false, nil, 0; !w.Close { // otherwise it is still to be closed
			tx.unwatch(w.ID)
		}
	}
}

// giveUpOn stops watching a conversation and reports what is missing of it.
func (tx *Transaction) giveUpOn(w *Watched, err error) {
	tx.reportUnseen(w, reasonOf(err), missing(err))
	tx.unwatch(w.ID)
}

// expire stops watching a conversation at its time. If it was to be disconnected and may still be
// open, a notice reports that.
func (tx *Transaction) expire(w *Watched, o Outcome, open bool) {
	tx.reportUnseen(w, reasonOf(o.GapErr), missing(o.GapErr))
	if w.Close && open {
		why := "it could not be disconnected for three days"
		if o.Err != nil {
			why += ": " + Explain(o.Err)
		}
		tx.unclosed(why, missing(o.Err))
	}
	tx.unwatch(w.ID)
}

// pause returns the pause between reads of a conversation that still has the customer.
func (w *Watched) pause(r *Reading) time.Duration {
	switch {
	case r.WithAgent(): // the agent will end it
		return machine.SourcePoll
	case w.Close && w.Closings < maxClosings:
		return closePause
	case r.Standing.Phase == genesys.PhaseQueued && w.Closings < maxClosings:
		return queuePatience
	case r.alone() && w.Closings < maxClosings:
		return machine.AlonePatience
	default:
		return machine.SourcePoll
	}
}

// unclosed reports a conversation that remains open in Genesys, because it cannot be disconnected.
func (tx *Transaction) unclosed(why, permission string) {
	tx.AddLog(saidNoDisconnect, why)
	tx.Notice(Notice{
		Kind: machine.NoticeConnectionLost, Permission: permission,
		Detail: "a conversation that no session needs stays open in Genesys: " + why,
	})
}
