package record

import (
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A Transaction is one change of a record, at one time. It may run several times before it is
// stored, so it is idempotent by the ids of its messages, requests and entries.
type Transaction struct {
	*Record

	Key          machine.Key
	Now          machine.Time
	Clock        machine.Clock // of the channel's account
	Notify       bool          // the host uses notices
	Fresh        bool          // the record is new
	unseenListed bool          // a read lists messages that have not arrived
	GivenUp      EntryKind     // an entry of this kind was dropped: logged once that is stored
	Starved      LaneName      // a lane with work that waits only for a worker
	Held         bool          // the job that is settled still had its lease: no other worker has begun its effect
	NewID        func() string
	Jitter       func(time.Duration) time.Duration

	Leaves time.Duration // how long this Manager ignores the record
	Freed  machine.Time  // the slot of a poll that the end of a session made unnecessary
}

// Apply applies an event to the session and queues its notices.
func (tx *Transaction) Apply(ev machine.Event) {
	if tx.Handover == nil {
		return
	}
	ev.Clock = tx.Clock
	before := *tx.Handover
	named := ev.Kind == machine.EvAccepted || ev.Kind == machine.EvNamed
	if named {
		ev.Legs = tx.LegsOf(ev.Conversation)
	}
	next, effects := machine.Apply(before, ev, tx.Now)
	*tx.Handover = next
	if named && next.ConversationID != before.ConversationID {
		tx.keepReached(tx.Handover, before.ConversationID == "")
	}
	if named && next.Open() {
		tx.needed(next.ConversationID)
	}
	tx.logMove(&before, ev, effects)
	for _, f := range effects {
		tx.Notice(Notice{Kind: f.Notice, Agent: f.Agent, From: f.From, To: f.To, Detail: f.Detail, Permission: f.Permission})
	}
}

// Notice queues a notice, if the host uses notices.
func (tx *Transaction) Notice(n Notice) {
	if !tx.Notify {
		return
	}
	n.Time = tx.Now
	switch {
	case n.Session.ID != "" || n.Session.ConversationID != "":
	case tx.Handover == nil:
		n.Session = machine.Session{Key: tx.Key}
	default:
		n.Session = tx.Handover.Session
	}
	tx.makeRoom(0)
	tx.In.Push(Entry{Seq: tx.NextSeq(), Kind: KindNotice, At: tx.Now, Handover: n.Session.ID, Notice: &n})
}

// MessageFailed queues the notice that a message failed; id is empty if it has none.
func (tx *Transaction) MessageFailed(id, detail string) {
	tx.Notice(Notice{Kind: machine.NoticeMessageFailed, MessageID: id, Detail: detail})
}

// send puts an entry into the lane to Genesys.
func (tx *Transaction) send(x Entry) {
	x.Seq, x.At, x.Wire = tx.NextSeq(), tx.Now, tx.wireTime(tx.Now, x.parts())
	tx.Out.Push(x)
}

// makeRoom drops the oldest notices from a full lane, so that a host that refuses them for hours
// does not block the agent's messages. It reports whether there is room now.
func (tx *Transaction) makeRoom(bytes int) bool {
	for i := 0; tx.In.full(inEntries, inBytes, bytes) && i < len(tx.In.Entries); {
		x := tx.In.Entries[i]
		if x.Notice == nil || x.Notice.Kind == machine.NoticeEnded || i == 0 && tx.In.busy(tx.Now) {
			i++
			continue
		}
		tx.In.remove(i)
		tx.AddLog("a notice was dropped, because too much waits for the host", string(x.Notice.Kind))
	}
	return !tx.In.full(inEntries, inBytes, bytes)
}

// install makes c the current handover and moves the last one to the past.
func (tx *Transaction) install(c machine.Handover) {
	if tx.Handover != nil {
		legs := machine.Legs{Newest: tx.Handover.Newest, Ended: tx.Handover.Ended}
		tx.Past = append([]past{{Session: tx.Handover.Session, From: tx.Handover.From, Legs: legs, Reached: tx.Handover.Reached, OwnEnd: tx.Handover.OwnEnd}}, tx.Past...)
		tx.boundPast()
		c.Proven = c.Proven || tx.Handover.Proven // how reads name messages remains the same
	}
	if !tx.Forget.IsZero() { // after Forget: keep nothing of the last session
		tx.Past, tx.Sent, tx.Log, tx.Forget, tx.Forgot = nil, nil, nil, 0, 0
	}
	tx.Abandoned = 0
	tx.Out.Failures, tx.Out.NotBefore = 0, 0 // of the last session
	tx.Control.Failures, tx.Control.NotBefore, tx.Control.First = 0, 0, 0
	c.Started, c.ChangedAt = tx.Now, tx.Now
	tx.Handover, tx.Keep = &c, c.Timers.Retention
	tx.AddLog("a session began, "+entered(tx.Handover, ""), "")
}

// boundPast drops the oldest session if there are too many. It keeps the newest one that has a
// conversation, because later openings may continue that conversation without naming it.
func (tx *Transaction) boundPast() {
	i := len(tx.Past) - 1
	if i < maxPast {
		return
	}
	if slices.IndexFunc(tx.Past, func(p past) bool { return p.Session.ConversationID != "" }) == i {
		i--
	}
	tx.Past = slices.Delete(tx.Past, i, i+1)
}

// Begin starts a handover with its opening.
func (tx *Transaction) Begin(c machine.Handover, o *Opening) {
	tx.install(c)
	if c.State == machine.StateRequested {
		tx.Handover.AgentRequestedAt, tx.Handover.WaitingSince = tx.Now, tx.Now
		tx.Notice(Notice{Kind: machine.NoticeRequested})
	}
	tx.send(Entry{Kind: KindOpen, Handover: c.ID, HostID: c.Request, Opening: o})
}

// deliver inserts a message for the customer into the lane to the host: before later ones that were
// never attempted, and before a Return, but not before a notice.
func (tx *Transaction) deliver(d Delivery, notBefore machine.Time) {
	first := 0
	newest := tx.Given
	if tx.In.begun() { // possibly by a process that has died since
		first = 1
		if h := tx.In.Entries[0].Delivery; h != nil {
			newest = machine.Later(newest, h.Time)
		}
	}
	i := len(tx.In.Entries)
	if r := tx.returnOf(d.Session.ID); r >= first && !d.Late {
		i = r // even if other entries follow
	}
	for i > first && before(d, tx.In.Entries[i-1]) {
		i--
	}
	d.OutOfOrder = !d.Time.IsZero() && d.Time.Before(newest)
	tx.In.insert(i, Entry{Seq: tx.NextSeq(), Kind: KindDelivery, Handover: d.Session.ID, At: tx.Now, NotBefore: notBefore, Delivery: &d})
}

// returnOf returns the index of the Return of a handover that has not been attempted, or -1.
func (f *Record) returnOf(handover string) int {
	return slices.IndexFunc(f.In.Entries, func(x Entry) bool { return x.Kind == KindReturn && x.Handover == handover && !x.Unsure })
}

func before(d Delivery, other Entry) bool {
	if other.Attempts > 0 || other.Unsure {
		return false
	}
	switch other.Kind {
	case KindReturn:
		return d.Session.ID == other.Handover
	case KindDelivery:
		return !d.Time.IsZero() && d.Time.Before(other.Delivery.Time)
	default:
		return false
	}
}

// join restores the order of deliveries around a place where a Return was removed: it kept the
// later deliveries of its session before it, and those of other conversations behind it.
func (l *lane) join(at int) {
	first := 0
	if l.begun() {
		first = 1
	}
	for i := max(at, first); i < len(l.Entries) && l.Entries[i].Kind == KindDelivery; i++ {
		for k := i; k > first && before(*l.Entries[k].Delivery, l.Entries[k-1]); k-- {
			l.Entries[k], l.Entries[k-1] = l.Entries[k-1], l.Entries[k]
		}
	}
}

// genesysNow returns the time of the transaction by Genesys' clock.
func (tx *Transaction) genesysNow() machine.Time { return tx.Clock.Genesys(tx.Now) }

// MeasureOpening converts the time of the opening to Genesys' clock, if the process that sent it
// did not know that clock and this one does.
func (tx *Transaction) MeasureOpening() {
	if c := tx.Handover; c != nil && c.TriedByHost && !tx.Clock.Unmeasured {
		c.OpeningTriedAt, c.TriedByHost = tx.Clock.Genesys(c.OpeningTriedAt), false
	}
}

// returnHold is how long a Return waits for agents' messages that Genesys has not posted yet.
const returnHold = 2 * time.Second

// Tidy makes the changes that follow from the state alone, without an event. Every transaction ends
// with it.
func (tx *Transaction) Tidy() {
	if tx.Out.Lease.Owner != "" && tx.Out.Lease.Free(tx.Now) {
		tx.AbandonPost() // its process died, or could not store the outcome
	}
	if c := tx.Open(); c != nil && c.State == machine.StateEnding {
		tx.tidyEnding(c)
	}
	if tx.Handover != nil && tx.Handover.State == machine.StateEnded {
		tx.tidyEnded(tx.Handover)
	}
	tx.dropEntries(func(x Entry) bool { return tx.Open() == nil || x.Handover != tx.Handover.ID })
	tx.distribute()
	tx.hasten()
}

// tidyEnding waits for the messages of a session that is ending, for at most DrainPatience.
func (tx *Transaction) tidyEnding(c *machine.Handover) {
	if !tx.Now.Before(c.EndRequestedAt.Add(machine.DrainPatience)) {
		tx.drain(c)
	}
	switch {
	case tx.Sends():
	case c.LeftSent:
		tx.stays("the conversation stays open at Genesys: the OAuth client may not disconnect it; Channel.LeftText was sent to the agent")
	case c.ConversationID == "":
		tx.stays("Genesys sent no definite answer to the opening; a conversation may remain in the bot queue")
	}
}

// stays ends a session whose conversation may stay open in Genesys.
func (tx *Transaction) stays(detail string) {
	tx.Apply(machine.Event{Kind: machine.EvReleased, Code: machine.CodeNotDisconnected, Detail: detail})
}

// drain removes entries and words without a running attempt. The text that the customer has left
// remains, because nothing else informs the agent.
func (tx *Transaction) drain(c *machine.Handover) {
	tx.dropEntries(func(x Entry) bool { return x.Kind != kindLeft })
	for i := range tx.Words {
		if w := &tx.Words[i]; w.Handover == c.ID && w.State != wordSent && !tx.posting(w, tx.Now) {
			w.release()
		}
	}
}

// dropEntries removes entries of the lane to Genesys. It keeps an entry while an attempt of it
// runs, because the outcome of the attempt decides.
func (tx *Transaction) dropEntries(which func(Entry) bool) {
	busy := tx.Out.busy(tx.Now)
	for i, x := range slices.Backward(tx.Out.Entries) {
		if which(x) && (i > 0 || !busy) {
			tx.Out.remove(i)
		}
	}
}

// tidyEnded queues the first Return of a session, once. Later words are in another Return.
func (tx *Transaction) tidyEnded(c *machine.Handover) {
	if c.Slot.After(tx.Now) {
		tx.Freed = c.Slot
	}
	if c.Slot = 0; c.HandedBack {
		return
	}
	c.HandedBack = true
	tx.answeredByEnd(c)
	if !tx.Forget.IsZero() {
		tx.forgetWords()
	}
	if !c.AgentRequestedAt.IsZero() || !c.Connected.IsZero() || tx.returnable() {
		tx.pushReturn(false)
	}
	tx.leave(c)
	for i := range tx.Watched { // an agent there has the turn next, before the Return gives it to the bot
		if w := &tx.Watched[i]; w.Agent {
			w.At = machine.Earlier(w.At, tx.Now.Add(adoptPause))
		}
	}
}

// returns reports whether a Return waits or runs.
func (f *Record) returns() bool {
	return slices.ContainsFunc(f.In.Entries, func(x Entry) bool { return x.Kind == KindReturn })
}

// returnRuns reports whether the host's Return callback may be running.
func (f *Record) returnRuns(now machine.Time) bool {
	return f.In.busy(now) && f.In.Entries[0].Kind == KindReturn
}

// Turn returns who may speak. The bot may not speak between the end of a session and the first
// attempt of its Return.
func (f *Record) Turn(now machine.Time) machine.Turn {
	switch {
	case f.Agents() != nil:
		return machine.TurnAgent
	case !f.returnRuns(now) && slices.ContainsFunc(f.In.Entries, func(x Entry) bool { return x.Kind == KindReturn && !x.Unsure && !x.Later }):
		return machine.TurnAgent
	default:
		return machine.TurnBot
	}
}

// forgetWords drops the customer's messages up to the call of Forget, except one that is being
// sent.
func (tx *Transaction) forgetWords() {
	tx.Words = slices.DeleteFunc(tx.Words, func(w Word) bool { return w.Seq <= tx.Forgot && !tx.posting(&w, tx.Now) })
}

// ForgetContent drops all messages of the customer. A Return still reports the end of the session.
func (tx *Transaction) ForgetContent() {
	tx.Forgot = tx.Seq
	tx.dropEntries(func(Entry) bool { return true })
	tx.forgetWords()
	tx.Watched = slices.DeleteFunc(tx.Watched, func(w Watched) bool { return !w.Close })
}

// HandOver begins the session c, or continues the session that Open began. asked contains the
// timers of the request, without those of the channel.
func (tx *Transaction) HandOver(c machine.Handover, o *Opening, asked machine.Timers) (machine.Session, error) {
	if id := tx.Began(c.Request); id != "" {
		return tx.SessionOf(id), nil
	}
	tx.remember(c.Request, c.ID)
	open := tx.Open()
	switch {
	case open != nil && open.State == machine.StateBot && c.State == machine.StateRequested:
		completed, err := asked.Complete(open.Timers)
		if err != nil {
			return machine.Session{}, err
		}
		tx.remember(c.Request, open.ID)
		open.Queue, open.QueueID, open.Timers = c.Queue, c.QueueID, completed
		tx.Keep = open.Timers.Retention
		if c.BotQueue != "" {
			open.BotQueue = c.BotQueue
		}
		tx.Apply(machine.Event{Kind: machine.EvHandOver})
		tx.send(Entry{Kind: KindContext, Handover: open.ID, HostID: c.Request, Opening: o.as(open.From)})
	case open != nil && open.State != machine.StateEnding:
		tx.remember(c.Request, open.ID)
		return open.Session, nil
	default:
		if _, err := asked.Complete(c.Timers); err != nil {
			return machine.Session{}, err
		}
		if open != nil {
			tx.endNow(c.State == machine.StateBot)
		}
		tx.Begin(c, o)
	}
	tx.rememberTranscript(o.lines)
	return tx.Handover.Session, nil
}

// endNow ends a session that is ending, because another session begins. Its conversation is
// still closed, and the opening of the next session waits for that. The customer's messages go
// to the agents of the next session. If returns is set, they are returned to the bot instead.
func (tx *Transaction) endNow(returns bool) {
	c := tx.Handover
	if tx.Handover.HandedBack = !returns; !c.OpeningTriedAt.IsZero() || c.ConversationID != "" {
		c.Leftover = machine.LeftoverRequested
	}
	tx.Apply(machine.Event{Kind: machine.EvReleased, Code: c.Ending.Code, Detail: c.Ending.Detail})
	if !returns {
		tx.answeredByEnd(c)
		tx.leave(c)
	}
	tx.Tidy()
}

// Began returns the id of the session that a request began, or "".
func (f *Record) Began(request string) string {
	if r := f.request(request); r != nil {
		return r.Handover
	}
	return ""
}

func (f *Record) request(id string) *requestID {
	h := hashID(id)
	return find(f.Requests, func(r *requestID) bool { return r.Hash == h })
}

// remember stores the id of the session that a request led to.
func (tx *Transaction) remember(request, handover string) {
	if r := tx.request(request); r != nil {
		r.Handover = handover
		return
	}
	tx.Requests = last(append(tx.Requests, requestID{Hash: hashID(request), Handover: handover}), maxRequests)
}

// SessionOf returns the session of a handover, if the record still has it.
func (tx *Transaction) SessionOf(handover string) machine.Session {
	if tx.Handover != nil && tx.Handover.ID == handover {
		return tx.Handover.Session
	}
	if p := tx.pastOf(handover); p != nil {
		return p.Session
	}
	return machine.Session{ID: handover, Key: tx.Key, State: machine.StateEnded}
}

// pastOf returns an earlier session, or nil.
func (f *Record) pastOf(handover string) *past {
	return find(f.Past, func(p *past) bool { return p.Session.ID == handover })
}

// pastIn returns the last of the earlier sessions in a conversation, or nil.
func (f *Record) pastIn(conversation string) *past {
	return find(f.Past, func(p *past) bool { return conversation != "" && p.Session.ConversationID == conversation })
}

// adopt opens a session that Genesys began: a live agent writes without an open session. The bot
// must not speak at the same time, and the conversation is returned when it ends.
func (tx *Transaction) adopt(a *Watched, r *Reading, defaults machine.Timers, botQueue string) {
	c := machine.Handover{
		Session: machine.Session{
			ID: tx.NewID(), Key: tx.Key, State: machine.StateConnected, ConversationID: a.ID,
			Agent: machine.AgentOf(r.Standing), Resumed: true, Connected: tx.Now,
		},
		Came:              tx.genesysNow(),
		From:              a.From,
		OpeningTriedAt:    a.Since,
		OpeningAcceptedAt: tx.Now,
		AgentRequestedAt:  tx.Now,
		QueueID:           r.Standing.QueueID,
		BotQueue:          botQueue,
		// Regardless of the channel, because nothing is transferred.
		Routing: machine.RouteByFlow,
		AgentAt: tx.Now, AgentWrote: a.Since,
		ConfirmedAt: r.genesysBegan(),
		ReadAt:      r.Began,
		Timers:      defaults,
		Listing:     machine.Listing{Reached: a.Reached, Proven: a.Proven},
		Legs:        a.Legs,
	}
	c.Queue, c.Blind = c.QueueID, r.Blind
	if o := tx.Open(); o != nil { // the bot's session continues in this conversation
		tx.Apply(machine.Event{Kind: machine.EvEnd, Reason: machine.EndByGenesys, Detail: "an agent went on with another conversation of the customer"})
		tx.Handover.Leftover = machine.LeftoverOpen // its end was not requested
		tx.Tidy()
		tx.needed(a.ID) // its opening may be in the same conversation
	}
	tx.install(c)
	tx.Notice(Notice{Kind: machine.NoticeAgentJoined, Agent: c.Agent, Detail: "the agent went on with an older conversation"})
	t := &machine.Transition{Handover: *tx.Handover, Now: tx.Now}
	t.SchedulePoll()
	*tx.Handover = t.Handover
}

// Overdue returns for how long the record has been due.
func (tx *Transaction) Overdue() time.Duration {
	if at := tx.WakeAt(); !at.IsZero() {
		return max(0, tx.Now.Sub(at))
	}
	return 0
}

// Retention returns how long the record is kept after its end.
func (f *Record) Retention() time.Duration {
	if f.Keep <= 0 {
		return machine.DefaultRetention
	}
	return f.Keep
}

// patience returns for how long a task may fail before the record is given up. A short retention is
// about a record without work: it ends no session with an agent and loses no message.
func (f *Record) patience() time.Duration { return max(f.Retention(), machine.DefaultRetention) }

// GiveUp drops the effects that wait for Genesys and can never be performed. The host gets a Return
// with the customer's messages, and a notice.
func (tx *Transaction) GiveUp(why string) {
	tx.AddLog("given up", why)
	why = "given up: " + why
	open := tx.Open() != nil
	if open {
		tx.Apply(machine.Event{Kind: machine.EvFailed, Code: machine.CodeNoAnswer, Detail: why})
		tx.Tidy()
	}
	waits := len(tx.Watched)+len(tx.Receipts)+len(tx.Out.Entries) > 0
	for len(tx.Watched) > 0 {
		w := &tx.Watched[0]
		tx.reportUnseen(w, why, "")
		tx.unwatch(w.ID)
	}
	tx.Watched, tx.Receipts = nil, nil
	tx.dropEntries(func(Entry) bool { return true })
	if waits && !open {
		tx.Notice(Notice{Kind: machine.NoticeConnectionLost, Detail: why})
	}
	tx.Control = lane{}
	tx.Abandoned = tx.Now
}
