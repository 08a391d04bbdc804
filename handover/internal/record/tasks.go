package record

import (
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A TaskKind is the kind of a task. A task follows from the state of the record and not from an
// entry. It repeats until the state no longer requires it. Each task first reads the conversation,
// except a receipt.
type TaskKind string

// The kinds of tasks.
const (
	TaskNone    TaskKind = ""
	TaskLook    TaskKind = "look"    // read, then transfer or disconnect if the state requires it
	TaskReceipt TaskKind = "receipt" // send a receipt for an agent's message
	TaskWatch   TaskKind = "watch"   // look at a watched conversation
)

// adoptPause delays the adoption of a conversation, so that a message that arrived around the
// end of a session is settled first.
const adoptPause = time.Second

// NextTask returns the next task and when it is due, or TaskNone.
func (f *Record) NextTask() (TaskKind, time.Time) {
	kind, at := TaskNone, time.Time{}
	consider := func(k TaskKind, t time.Time) {
		if !t.IsZero() && (kind == TaskNone || t.Before(at)) {
			kind, at = k, t
		}
	}
	c := f.Open()
	if c != nil {
		consider(TaskLook, f.lookAt(c))
	}
	if r := f.NextReceipt(); r != nil {
		consider(TaskReceipt, r.due())
	}
	if w := f.NextWatched(); w != nil {
		consider(TaskWatch, w.At)
	}
	if kind == TaskNone {
		return kind, at
	}
	at = machine.Later(at, f.Control.NotBefore)
	if c != nil { // a timer waits for a rate limit of Genesys, but at most TimerPatience
		if k, t := c.Timer(); k != machine.TimerNone && t.Add(machine.TimerPatience).Before(at) {
			return TaskLook, t.Add(machine.TimerPatience)
		}
	}
	return kind, at
}

// lookAt returns when the open session is to be read: by its schedule, or because a timer is
// due.
func (f *Record) lookAt(c *machine.Handover) time.Time {
	at := time.Time{}
	if f.Conversation() != "" && (!c.Blind || c.State != machine.StateEnding || !c.LeftSent) {
		at = c.PollAt
		if drained := c.EndRequestedAt.Add(machine.DrainPatience); c.State == machine.StateEnding && f.Sends() && at.Before(drained) {
			at = drained
		}
	}
	if _, t := c.Timer(); !t.IsZero() && (at.IsZero() || t.Before(at)) {
		at = t
	}
	return at
}

// Conversation returns the id of the conversation to read: that of the session or, before
// Genesys has named it, the customer's last one. The opening may have revived the last one, and the
// answer to it may not name it.
func (f *Record) Conversation() string {
	c := f.Handover
	switch {
	case c.ConversationID != "" || c.OpeningAcceptedAt.IsZero() || c.State == machine.StateBot || c.State == machine.StateEnding:
		return c.ConversationID
	default:
		return f.lastConversation(c.From)
	}
}

// lastConversation returns the last conversation under an identity, as far as the record knows it.
// The answers to the openings of several sessions in a row may name none.
func (f *Record) lastConversation(from string) string {
	if len(f.Past) > 0 && f.Past[0].From == from && f.Past[0].Session.ConversationID != "" {
		return f.Past[0].Session.ConversationID
	}
	for _, w := range slices.Backward(f.Watched) {
		if w.From == from {
			return w.ID
		}
	}
	for _, p := range f.Past {
		if p.From == from && p.Session.ConversationID != "" {
			return p.Session.ConversationID
		}
	}
	return ""
}

// paused reports whether the lane to Genesys has to wait. It waits for the end of a conversation
// that was replaced, because its messages would reach the other one. It also waits for a running
// Return, because the messages of that Return are sent first if the host refuses it.
func (f *Record) paused() bool {
	c := f.Open()
	return c != nil && (c.MovedTo != "" || f.waitsForReturn())
}

func (f *Record) waitsForReturn() bool {
	if !f.In.begun() || f.In.Entries[0].Kind != KindReturn {
		return false
	}
	if h, ok := f.head(); !ok || h.opens() || h.Kind == kindLeft {
		return false
	}
	return slices.ContainsFunc(f.Words, func(w Word) bool { return w.Return == f.In.Entries[0].Seq })
}

// WakeAt returns when a replica has to work on the record. A record with work is always leased or
// due.
func (f *Record) WakeAt() time.Time {
	at := time.Time{}
	consider := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if t, ok := f.headReady(); ok && !f.paused() {
		consider(machine.Later(f.Out.Lease.over(t), time.UnixMicro(1)))
	}
	if w := f.word(f.Out.Lease.Seq); w != nil && w.Handover != "" && (f.Open() == nil || w.Handover != f.Handover.ID) {
		// It is being sent, and its session is over.
		consider(f.Out.Lease.over(w.At))
	}
	if t, ok := f.In.ready(); ok {
		consider(machine.Later(f.In.Lease.over(t), time.UnixMicro(1)))
	}
	if kind, t := f.NextTask(); kind != TaskNone {
		consider(f.Control.Lease.over(t))
	}
	if at.IsZero() {
		at = f.Expires()
	}
	if at.IsZero() {
		return at
	}
	// Round up, so that a replica does not wake too early.
	return at.Add(time.Microsecond - 1).UTC().Truncate(time.Microsecond)
}

// forgetPatience is how long a record that is to be forgotten waits for its conversations to be
// closed.
const forgetPatience = 2 * time.Minute

// Expires returns when the record may be removed. It is zero while the record has work.
func (f *Record) Expires() time.Time {
	// Messages to Genesys and from agents are waited for; notices are not.
	waits := len(f.Out.Entries)+len(f.Words) > 0 || f.delivers()
	if !f.Forget.IsZero() && f.Open() == nil && !f.returns() && !waits {
		at := machine.Later(machine.Later(f.Forget, f.In.Stuck), time.UnixMicro(1))
		// The host's callback may still run. No other one may run at the same time.
		if f.In.begun() {
			at = machine.Later(at, f.In.Lease.Until.Add(LeaseGrace))
		}
		if slices.ContainsFunc(f.Watched, func(w Watched) bool { return w.Close && w.ClosedAt.IsZero() && w.Closings < maxClosings }) {
			at = at.Add(forgetPatience)
		}
		return at
	}
	if !f.idle() {
		return time.Time{}
	}
	keep := f.Keep
	switch {
	case keep < 0:
		return time.Time{}
	case keep == 0:
		keep = machine.DefaultRetention
	}
	from := f.Touched
	if f.Handover != nil {
		from = machine.Later(from, f.Handover.Ending.Time)
	}
	return from.Add(keep)
}

// A SocketState is the known state of the socket of an OAuth client.
type SocketState int

// The states of a notification socket.
const (
	SocketNone SocketState = iota // there is none, or its state is unknown
	SocketAlive
	SocketGone
)
