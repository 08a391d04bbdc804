package record

import (
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A Watched conversation is one in Genesys, other than that of the open session, that the customer may still be in or that may still
// have missing messages: a message opened or revived it, its session is over, or a person wrote in it although no session is open.
// One task, look, handles all of them: it reads the conversation, fetches what is missing, and then adopts it, closes it, or
// stops watching it.
type Watched struct {
	machine.Listing
	machine.Legs

	ID         string    `json:"id"`
	From       string    `json:"from"`               // the identity that it was opened under
	Since      time.Time `json:"since"`              // what is older belongs to an earlier session; by Genesys' clock
	Close      bool      `json:"close,omitempty"`    // no session needs it: disconnect it
	Requested  bool      `json:"asked,omitempty"`    // the host or one of its timers ended it, even if an agent is there
	EndedAt    time.Time `json:"endedAt,omitzero"`   // our side ended its session then, by Genesys' clock: only what an agent wrote later opens another one
	WroteAt    time.Time `json:"spokeAt,omitzero"`   // the last message of a person, by Genesys' clock
	At         time.Time `json:"at"`                 // the next look
	Tries      int       `json:"tries,omitempty"`    // looks that failed, or found messages missing
	Closings   int       `json:"closings,omitempty"` // attempts to disconnect it
	ClosedAt   time.Time `json:"closedAt,omitzero"`  // Genesys took the last one
	QueuedAt   time.Time `json:"queuedAt,omitzero"`  // since when looks show it in a queue
	Agent      bool      `json:"agent,omitempty"`    // the last look showed an agent, or that it rings at one
	Incomplete bool      `json:"repair,omitempty"`   // its session ended while messages of it were missing
	Missing    int       `json:"missing,omitempty"`  // messages that were missing at the last look
	Denied     time.Time `json:"denied,omitzero"`    // when the first of the looks that were forbidden began
	Gone       time.Time `json:"gone,omitzero"`      // since when looks find nothing
	Until      time.Time `json:"until"`              // it is given up
}

const (
	maxWatched    = 8
	maxLooks      = 5
	maxClosings   = 3
	lookPause     = 30 * time.Second // between looks that find messages missing
	closePause    = 5 * time.Second  // between attempts to disconnect
	queuePatience = 30 * time.Second // a conversation that no session needs is in a queue
	watchedLife   = 73 * time.Hour   // Genesys continues a thread for 72 h
	gatePatience  = 30 * time.Second // an opening waits for another conversation to be closed, which it would join else
)

// watch returns the entry of a conversation, which it makes if there is none, and makes sure that it is looked at by a time.
func (tx *Transaction) watch(id, from string, since, at time.Time) *Watched {
	w := tx.watching(id)
	if w == nil {
		tx.boundWatched()
		tx.Watched = append(tx.Watched, Watched{Listing: tx.listed(id), ID: id, From: from, Since: since, At: at, Until: tx.Now.Add(watchedLife)})
		return &tx.Watched[len(tx.Watched)-1]
	}
	w.At, w.Tries, w.Until = machine.Earlier(w.At, at), 0, tx.Now.Add(watchedLife)
	return w
}

// listed is what is known of the messages of a conversation that begins to be watched: how far those of the session's own were compared,
// and of any other how reads name messages.
func (f *Record) listed(id string) machine.Listing {
	switch c := f.Handover; {
	case c == nil:
		return machine.Listing{}
	case c.ConversationID == id:
		return c.Listing
	default:
		return machine.Listing{Reached: c.Reached, Proven: c.Proven}
	}
}

// watching returns the entry of a conversation, or nil.
func (f *Record) watching(id string) *Watched {
	if i := slices.IndexFunc(f.Watched, func(w Watched) bool { return w.ID == id }); i >= 0 && id != "" {
		return &f.Watched[i]
	}
	return nil
}

// sessionIn returns the last session that has ended in a conversation; without an id if there is none.
func (tx *Transaction) sessionIn(conversation string) machine.Session {
	if c := tx.Handover; c != nil && !c.Open() && c.ConversationID == conversation {
		return c.Session
	}
	for _, p := range tx.Past {
		if p.Session.ConversationID == conversation {
			return p.Session
		}
	}
	return machine.Session{}
}

// boundWatched makes room for an entry. It drops the oldest one that is only read, else the oldest without an agent, else the oldest of
// all. A notice reports a conversation that is then not disconnected.
func (tx *Transaction) boundWatched() {
	if len(tx.Watched) < maxWatched {
		return
	}
	i := slices.IndexFunc(tx.Watched, func(w Watched) bool { return !w.Close })
	if i < 0 {
		i = max(slices.IndexFunc(tx.Watched, func(w Watched) bool { return !w.Agent }), 0)
	}
	if tx.Watched[i].Close {
		tx.unclosed("too many conversations of the customer are to be disconnected", "")
	}
	tx.Watched = slices.Delete(tx.Watched, i, i+1)
}

// close watches a conversation that no session needs. asked: the host or one of its timers ended it.
func (tx *Transaction) close(c *machine.Handover, id string, asked bool) {
	if id == "" {
		return
	}
	at := tx.Now
	if !asked {
		at = at.Add(machine.SettlePeriod) // a read may be older than what opened it
	}
	w := tx.watch(id, c.From, tx.since(c), at)
	w.Close, w.Requested = true, w.Requested || asked
	if id == c.ConversationID {
		w.Closings = max(w.Closings, c.Disconnects)
	}
	w.knows(c)
}

// knows takes what the session of the conversation has seen of it, and our own disconnect.
func (w *Watched) knows(c *machine.Handover) {
	if w.ID != c.ConversationID {
		return
	}
	if w.ClosedAt = machine.Later(w.ClosedAt, c.DisconnectedAt); !c.Newest.Before(w.Newest) {
		w.Legs = c.Legs
	}
}

// LegsOf returns what was seen of the legs of a conversation that is not the open session's.
func (f *Record) LegsOf(conversation string) machine.Legs {
	if w := f.watching(conversation); w != nil {
		return w.Legs
	}
	for _, p := range f.Past {
		if p.Session.ConversationID == conversation {
			return p.Legs
		}
	}
	return machine.Legs{}
}

// leave watches what a session that is over leaves behind in Genesys: the conversation that a message of it opened instead of its
// own, and its own, if it is still open, or if the message that was sent last may have revived it.
func (tx *Transaction) leave(c *machine.Handover) {
	tx.close(c, c.MovedTo, false)
	ours := !c.EndRequestedAt.IsZero() || c.Leftover == machine.LeftoverRequested || c.Ending.Reason == machine.EndFailed || c.Ending.Reason == machine.EndRefused
	switch {
	case c.ConversationID == "":
		return
	case c.Leftover != machine.LeftoverNone:
		tx.close(c, c.ConversationID, c.Leftover == machine.LeftoverRequested)
	case tx.Now.Sub(c.LastWriteAt) < lookPause:
		w := tx.watch(c.ConversationID, c.From, tx.since(c), c.LastWriteAt.Add(lookPause))
		w.Closings = c.Disconnects
		w.knows(c)
	}
	if w := tx.watching(c.ConversationID); w != nil && ours {
		w.EndedAt = tx.genesysNow()
	}
}

// since returns from when on legs and messages of a conversation belong to a session, by Genesys' clock.
func (tx *Transaction) since(c *machine.Handover) time.Time {
	return machine.Later(c.OpeningTriedAt, tx.Clock.Genesys(c.Started))
}

// needed notes that a conversation is the session's: it is not closed, and only watched as long as older messages of it are missing.
func (tx *Transaction) needed(id string) {
	if w := tx.watching(id); w != nil && w.Incomplete {
		w.Close, w.Requested = false, false
		return
	}
	tx.unwatch(id)
}

// unwatch stops watching a conversation.
func (tx *Transaction) unwatch(id string) {
	tx.Watched = slices.DeleteFunc(tx.Watched, func(w Watched) bool { return w.ID == id })
}

// closing reports whether a conversation under an identity is to be closed: Genesys has neither taken nor refused its disconnect, and no
// agent keeps it.
func (f *Record) closing(from string) bool {
	return slices.ContainsFunc(f.Watched, func(w Watched) bool {
		return w.Close && w.From == from && w.Closings == 0 && (w.Requested || !w.Agent)
	})
}

// NextWatched returns the entry to be looked at next, or nil. A conversation that an opening may join just now is left alone.
func (f *Record) NextWatched() *Watched {
	c := f.Open()
	joins := c != nil && !c.OpeningTriedAt.IsZero() && c.ConversationID == ""
	var next *Watched
	for i := range f.Watched {
		w := &f.Watched[i]
		if joins && w.Close && w.From == c.From {
			continue
		}
		if next == nil || w.At.Before(next.At) {
			next = w
		}
	}
	return next
}

// closes reports whether a look may be disconnecting a conversation just now.
func (tx *Transaction) closes() bool {
	return !tx.Control.Lease.Free(tx.Now) && slices.ContainsFunc(tx.Watched, func(w Watched) bool { return w.Close })
}

// MayDisconnect reports whether a look disconnects, after a read: never where an agent is, unless its end was asked for.
func (w *Watched) MayDisconnect(r *Reading, now time.Time) bool {
	waits := r.Standing.Phase == genesys.PhaseQueued && !w.QueuedAt.IsZero() && r.Began.Sub(w.QueuedAt) >= queuePatience
	switch {
	case !w.Close && !waits, w.Closings >= maxClosings, now.Sub(w.ClosedAt) < closePause:
		return false
	case w.Requested:
		return r.Blind || r.Err == nil && r.Live()
	case r.Legs.Newest.Before(w.Newest):
		return false
	default:
		return r.Err == nil && r.Live() && !r.WithAgent()
	}
}

// Adoptable reports whether a read shows a live agent whose conversation has to have a session. Where our side ended the session,
// only an agent who has written since wants one.
func (f *Record) Adoptable(w *Watched, r *Reading) bool {
	live := r.Err == nil && (r.Standing.Phase == genesys.PhaseConnected || r.Standing.Phase == genesys.PhaseParked)
	switch {
	case !w.ClosedAt.IsZero() && r.Began.Sub(w.ClosedAt) < machine.SettlePeriod: // it may be older than our disconnect
		return false
	case f.Agents() != nil || !w.EndedAt.IsZero() && !w.WroteAt.After(w.EndedAt):
		return false
	case r.Blind: // an agent is seen by messages only
		return !w.WroteAt.IsZero() && (f.Handover == nil || w.WroteAt.Sub(r.Clock.Genesys(f.Handover.Ending.Time)) >= machine.SettlePeriod)
	default:
		return live
	}
}

// settleWatched stores what a look at a watched conversation found and did.
func (tx *Transaction) settleWatched(j *Job, o Outcome) {
	was := j.Record.NextWatched()
	if was == nil {
		return
	}
	w := tx.watching(was.ID)
	if w == nil || !w.At.Equal(was.At) {
		return // settled before, or wanted again
	}
	if o.Tried {
		w.Closings++
	}
	if o.Disconnected {
		w.ClosedAt = tx.Now
	}
	r := o.Read
	if r == nil || r.Err != nil && !r.Blind && !r.Gone {
		tx.notLooked(w, o)
		return
	}
	if w.unconfirmed(r) {
		if w.At = tx.Now.Add(closePause); r.Gone && !w.Close {
			w.At = tx.Now.Add(lookPause)
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
	if r.Standing.Phase != genesys.PhaseQueued {
		w.QueuedAt = time.Time{}
	} else if w.QueuedAt.IsZero() {
		w.QueuedAt = r.Began
	}
	c := tx.Open()
	switch {
	case tx.Adoptable(w, r):
		tx.adopt(w, r, o.Timers.Or(machine.DefaultTimers()), o.BotQueue)
		tx.needed(was.ID)
	case !tx.Now.Before(w.Until):
		tx.unwatch(w.ID)
	case o.Refused != nil && (w.Closings >= maxClosings || Forbidden(o.Refused) && w.Closings > 1):
		tx.unclosed(Explain(o.Refused), missing(o.Refused))
		if w.Close, w.Requested, w.Closings = false, false, maxClosings; all {
			tx.unwatch(w.ID)
			return
		}
		w.At = tx.Now.Add(w.pause(r)) // messages of it are still missing
	case o.Tried:
		w.At = tx.Now.Add(closePause)
	case r.Gone || r.Err == nil && !r.Live() || c != nil && c.ConversationID == w.ID:
		tx.accounted(w, o, fetched, all)
	case r.Blind && !w.Close:
		tx.lost(&w.Listing, tx.sessionIn(w.ID), w.Missing, nil, r.Err)
		tx.unwatch(w.ID)
	default:
		w.At = tx.Now.Add(w.pause(r))
	}
}

// unconfirmed reports whether a look proves nothing yet: a 403 counts the second time, 5 s later, a 404 after a minute of them, and
// a read that is older than one before never.
func (w *Watched) unconfirmed(r *Reading) bool {
	first := func(since *time.Time) time.Time {
		if since.IsZero() {
			*since = r.Began
		}
		return *since
	}
	switch {
	case r.Blind:
		w.Gone = time.Time{}
		return r.Began.Sub(first(&w.Denied)) < machine.DeniedPause
	case r.Gone:
		w.Denied = time.Time{}
		return r.Began.Sub(first(&w.Gone)) < machine.GonePatience
	default:
		w.Denied, w.Gone = time.Time{}, time.Time{}
		return r.Legs.Newest.Before(w.Newest)
	}
}

// saw notes the legs of a conversation. If the opening of a session may have continued it before the read began, legs that ended
// since are that session's, so they are not noted.
func (tx *Transaction) saw(w *Watched, r *Reading) {
	if r.Err != nil {
		return
	}
	w.Newest = r.Legs.Newest
	if c := tx.Open(); c == nil || c.OpeningTriedAt.IsZero() || r.Began.Before(c.OpeningTriedAt) {
		w.Ended = r.Legs.Ended
	}
}

// settleMissing delivers what was fetched of a watched conversation. It reports whether there was anything, and whether all its messages
// are accounted for.
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
	if all {
		w.Listing = g.Listing
	}
	tx.lost(&w.Listing, tx.sessionIn(id), len(lost), lost, o.GapErr)
	w.Missing = tx.missingOf(w, o.Read)
	return fetched, all && !g.young && !g.more
}

// missingOf counts what is missing of a conversation, but not what the open session in it looks for.
func (tx *Transaction) missingOf(w *Watched, r *Reading) (n int) {
	until := r.genesysBegan().Add(machine.SettlePeriod)
	if x := tx.Open(); x != nil && x.ConversationID == w.ID {
		until = x.OpeningTriedAt
	}
	for _, ref := range tx.GapOf(r, w.Since, w.Listing, true).Missing {
		if ref.Time.Before(until.Add(-machine.SettlePeriod)) {
			n++
		}
	}
	return n
}

// accounted stops watching a conversation that is over, when all its messages are accounted for.
func (tx *Transaction) accounted(w *Watched, o Outcome, fetched, all bool) {
	switch {
	case all:
		tx.unwatch(w.ID)
		return
	case fetched: // one call brings some of many
		w.At = tx.Now.Add(machine.ReadPause)
		return
	}
	w.At = tx.Now.Add(lookPause)
	if !postponed(o.GapErr) {
		w.Tries++
	}
	if w.Tries >= maxLooks {
		tx.lost(&w.Listing, tx.sessionIn(w.ID), w.Missing, nil, o.GapErr)
		tx.unwatch(w.ID)
	}
}

// notLooked: the conversation could not be read. That is tried again, later and later, until it is given up.
func (tx *Transaction) notLooked(w *Watched, o Outcome) {
	if !postponed(o.Err) {
		w.Tries++
	}
	w.At = tx.Now.Add(min(lookPause<<min(w.Tries, 7), time.Hour))
	if !tx.Now.Before(w.Until) || w.Incomplete && w.Tries >= maxLooks {
		tx.lost(&w.Listing, tx.sessionIn(w.ID), w.Missing, nil, o.Err)
		tx.unwatch(w.ID)
	}
}

// pause is how long a conversation that the customer is still in is left alone.
func (w *Watched) pause(r *Reading) time.Duration {
	switch {
	case r.WithAgent(): // who will end it
		return machine.SourcePoll
	case w.Close && w.Closings < maxClosings:
		return closePause
	case r.Standing.Phase == genesys.PhaseQueued && w.Closings < maxClosings:
		return queuePatience
	default:
		return machine.SourcePoll
	}
}

// unclosed reports a conversation that stays open in Genesys, since it cannot be disconnected.
func (tx *Transaction) unclosed(why, permission string) {
	tx.AddLog(saidDisconnect, why)
	tx.Notice(Notice{
		Kind: machine.NoticeConnectionLost, Permission: permission,
		Detail: "a conversation that no session needs stays open in Genesys: " + why,
	})
}
