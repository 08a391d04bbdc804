package record

import (
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A lane is an ordered list of effects. One worker at a time performs them.
type lane struct {
	Entries   []Entry      `json:"entries,omitempty"`
	Bytes     int          `json:"bytes,omitempty"`
	Lease     Lease        `json:"lease,omitzero"`
	NotBefore machine.Time `json:"notBefore,omitempty"`
	Failures  int          `json:"failures,omitempty"` // consecutive failures of the head
	// Control: the first of the consecutive failures.
	First machine.Time `json:"first,omitempty"`
	// Until then a callback that ignores its context blocks the lane.
	Stuck machine.Time `json:"stuck,omitempty"`
}

// A Lease reserves an effect for one worker. It is never renewed.
type Lease struct {
	Owner string       `json:"owner,omitempty"`
	N     uint64       `json:"n,omitempty"`
	Seq   uint64       `json:"seq,omitempty"` // the entry it was taken for
	Until machine.Time `json:"until,omitempty"`
}

// The times of leases and effects.
const (
	LeaseTime   = 15 * time.Second
	LeaseGrace  = 2 * time.Second  // how much longer another replica waits
	EffectTime  = 10 * time.Second // limit of an effect, from its lease
	EffectStart = time.Second      // limit for the begin of an effect, from its lease
)

// Free reports whether another process may take the lease.
func (l Lease) Free(now machine.Time) bool {
	return l.Owner == "" || !now.Before(l.Until.Add(LeaseGrace))
}

// over returns the later of at and the time when another worker may take the lease. A lease
// that a dead process left does not wake a replica unless there is work.
func (l Lease) over(at machine.Time) machine.Time {
	if l.Owner == "" {
		return at
	}
	return machine.Later(at, l.Until.Add(LeaseGrace))
}

// An EntryKind is the kind of effect of an entry.
type EntryKind string

// The kinds of entries.
const (
	KindOpen     EntryKind = "open"
	KindContext  EntryKind = "context" // of a HandOver after an Open
	KindMessage  EntryKind = "message"
	KindReply    EntryKind = "reply"
	kindLeft     EntryKind = "left"
	KindDelivery EntryKind = "delivery"
	KindNotice   EntryKind = "notice"
	KindReturn   EntryKind = "return"
)

// An Entry is one effect. It is stored in the same write as the change that caused it.
type Entry struct {
	Seq       uint64       `json:"seq"`
	Kind      EntryKind    `json:"kind"`
	Handover  string       `json:"handover,omitempty"`
	At        machine.Time `json:"at"`                  // when it was accepted
	NotBefore machine.Time `json:"notBefore,omitempty"` // no attempt before
	// First attempt; to the host: the first that failed.
	First    machine.Time `json:"first,omitempty"`
	Attempts int          `json:"attempts,omitempty"` // failed attempts that count
	Size     int          `json:"size,omitempty"`

	// To Genesys.
	HostID  string       `json:"hostId,omitempty"`
	Wire    machine.Time `json:"wire,omitempty"` // channel.time of the first part
	Done    int          `json:"done,omitempty"`
	Unsure  bool         `json:"maybe,omitempty"` // an attempt may have taken effect
	Opening *Opening     `json:"opening,omitempty"`
	Text    string       `json:"text,omitempty"` // kindLeft

	// To the host.
	Delivery *Delivery `json:"delivery,omitempty"`
	Notice   *Notice   `json:"notice,omitempty"`
	// KindReturn; its messages are in the ledger.
	Session *machine.Session `json:"session,omitempty"`
	Later   bool             `json:"later,omitempty"` // KindReturn: not the first of its session

	// A customer's message in the view of the lane to Genesys. It is stored in the ledger.
	Message *Message `json:"-"`
	Again   bool     `json:"-"`
}

// A Delivery is a message for the customer, from an agent or from an Architect flow.
type Delivery struct {
	ID         string                `json:"id"` // idempotency key: the same on every attempt, replica and restart
	Message    openmessaging.Message `json:"message"`
	Origin     openmessaging.Origin  `json:"origin,omitempty"`
	Time       machine.Time          `json:"time,omitempty"` // when it was written, by the clock of Genesys
	From       string                `json:"from"`           // the customer id that Genesys sent
	Session    machine.Session       `json:"session"`
	Late       bool                  `json:"late,omitempty"`       // its session is over, or it never had one
	OutOfOrder bool                  `json:"outOfOrder,omitempty"` // an attempt to deliver a newer message began before
	Attempt    int                   `json:"-"`                    // 1 for the first attempt; may be too low after a crash
	Verdict    *VerdictOf            `json:"verdict,omitempty"`    // reported while an attempt ran
}

// parts returns how many requests it takes to send an entry to Genesys.
func (x *Entry) parts() int {
	switch {
	case x.Opening != nil:
		return len(x.Opening.Texts)
	case x.Message != nil:
		return x.Message.parts()
	default:
		return 1
	}
}

// opens reports whether an entry is the opening, or the context of a HandOver after an Open. It
// is sent before any message of the customer.
func (x *Entry) opens() bool { return x.Kind == KindOpen || x.Kind == KindContext }

// from returns the customer id with which the entry was sent. Without an opening that is the
// session's.
func (x *Entry) from(c *machine.Handover) string {
	if x.Opening != nil {
		return x.Opening.Customer.ID
	}
	return c.From
}

// insert adds an entry. Its size counts toward the limit of the lane in bytes.
func (l *lane) insert(i int, e Entry) {
	if b, err := json.Marshal(e); err == nil {
		e.Size = len(b)
	}
	l.Entries = slices.Insert(l.Entries, i, e)
	l.Bytes += e.Size
}

func (l *lane) Push(e Entry) { l.insert(len(l.Entries), e) }

func (l *lane) remove(i int) Entry {
	e := l.Entries[i]
	l.Entries = slices.Delete(l.Entries, i, i+1)
	l.Bytes -= e.Size
	if i == 0 {
		l.Failures, l.NotBefore = 0, 0
	}
	if len(l.Entries) == 0 {
		l.Entries, l.Bytes = nil, 0
	}
	return e
}

func (l *lane) full(entries, bytes, more int) bool {
	return len(l.Entries) >= entries || l.Bytes+more > bytes
}

// busy reports whether the head may be in progress. A lease of another entry does not count:
// after it expired, another worker may have performed its entry.
func (l *lane) busy(now machine.Time) bool { return l.begun() && !l.Lease.Free(now) }

// begun reports whether the lease was taken for the head.
func (l *lane) begun() bool {
	return len(l.Entries) > 0 && l.Lease.Owner != "" && l.Lease.Seq == l.Entries[0].Seq
}

// ready returns when the head may be performed, leases aside. ok is false if the lane is empty.
func (l *lane) ready() (at machine.Time, ok bool) {
	if len(l.Entries) == 0 {
		return 0, false
	}
	h := l.Entries[0]
	return machine.Later(l.NotBefore, h.NotBefore, h.At, l.Stuck), true
}

// reopens reports whether the context of a HandOver still has to be sent as a whole. It opens the
// conversation of the session again if that has ended in the bot queue.
func (f *Record) reopens() bool {
	return slices.ContainsFunc(f.Out.Entries, func(x Entry) bool { return x.Kind == KindContext && x.Done == 0 })
}

// ContextWaits reports whether the agent's context of a HandOver is still to be sent. It precedes
// the transfer, so that no agent opens a conversation without it.
func (f *Record) ContextWaits() bool {
	return slices.ContainsFunc(f.Out.Entries, func(x Entry) bool { return x.Kind == KindContext })
}

// OutOfOrder reports whether the host received a later message before: it had arrived earlier, or
// no notice was between them.
func (f *Record) OutOfOrder(d *Delivery) bool {
	return d.OutOfOrder || !d.Time.IsZero() && d.Time.Before(f.Given)
}

// WireMessage returns the next part of an entry, without id and time.
func (x *Entry) WireMessage(c *machine.Handover) openmessaging.InboundMessage {
	var w openmessaging.InboundMessage
	switch x.Kind {
	case KindOpen, KindContext:
		return x.Opening.part(x.Done)
	case kindLeft:
		w.Text = x.Text
	default:
		w = x.Message.part(x.Done)
	}
	w.From = c.Sender()
	return w
}

// ClaimHead notes in the record that the head of a lane is about to be attempted, and returns the
// head. If the last attempt was not settled, because its process died or could not store the
// outcome, the head may have taken effect.
func (tx *Transaction) ClaimHead(n LaneName) Entry {
	switch n {
	case ToGenesys:
		head, _ := tx.head()
		if tx.Out.Lease.Owner != "" && tx.Out.Lease.Seq == head.Seq {
			head.Unsure = true
		}
		if head.Unsure {
			tx.markUnsure(head.Seq)
		}
		switch w := tx.word(head.Seq); {
		case w != nil && w.First.IsZero():
			w.First = tx.Now
		case w == nil && tx.Out.Entries[0].First.IsZero():
			tx.Out.Entries[0].First = tx.Now
		}
		if head.Kind == KindOpen && tx.Handover.OpeningTriedAt.IsZero() {
			// From now on Genesys may have received it.
			tx.Handover.OpeningTriedAt, tx.Handover.TriedByHost = tx.genesysNow(), false
			if tx.Clock.Unmeasured {
				tx.Handover.OpeningTriedAt, tx.Handover.TriedByHost = tx.Now, true
			}
		}
		return head
	case ToHost:
		x := &tx.In.Entries[0]
		if tx.In.begun() && x.Kind != KindReturn {
			x.Unsure = true
		}
		head := *x // the state before this attempt
		if x.Kind == KindReturn {
			tx.freeze(x)
		}
		return head
	default:
		return Entry{}
	}
}

// Ready reports whether a lane has something to perform now.
func (tx *Transaction) Ready(n LaneName) bool {
	var at machine.Time
	var ok bool
	switch n {
	case Control:
		var kind TaskKind
		kind, at = tx.NextTask()
		ok = kind != TaskNone
	case ToHost:
		at, ok = tx.In.ready()
	case ToGenesys:
		// An opening waits for a disconnect, which would hit the conversation that the opening
		// joins.
		at, ok = tx.headReady()
		h, _ := tx.head()
		ok = ok && !tx.paused() && (h.Kind != KindOpen || !tx.closes())
	}
	return ok && !tx.Now.Before(at)
}

// A Job is a claimed effect: its lease, and the record as it was stored with the claim. The record
// is not changed.
type Job struct {
	Key      machine.Key
	Lane     LaneName
	Lease    Lease
	Record   *Record
	Head     Entry // of a lane with entries, as it was claimed
	Began    time.Time
	Inherits bool        // its worker is that of the last job of the lane
	Seat     any         // the engine's reservation for it
	Returned atomic.Bool // its callback has returned after the worker stopped waiting for it
	Left     bool        // the lane is free inside this process
	Unknown  bool        // a write of its outcome may have been stored
	Next     *Job        // continues with the worker
}

// Release ends the lease of a job whose outcome is about to be stored: no other worker of its
// process is in the lane. It reports whether the outcome is stored already, by a write whose result
// was unknown: the lease is over, and no other process may have taken it yet.
func (tx *Transaction) Release(j *Job) (settled bool) {
	l := &tx.Lane(j.Lane).Lease
	tx.Held = l.Owner == j.Lease.Owner && l.N == j.Lease.N
	if l.Owner == j.Lease.Owner {
		*l = Lease{}
	}
	return j.Unknown && !tx.Held && !j.Lease.Free(tx.Now)
}

// A LaneName names a lane of a record.
type LaneName string

// The lanes.
const (
	ToGenesys LaneName = "toGenesys"
	ToHost    LaneName = "toHost"
	Control   LaneName = "control"
)

// Lane returns a lane by its name.
func (f *Record) Lane(n LaneName) *lane {
	switch n {
	case ToGenesys:
		return &f.Out
	case ToHost:
		return &f.In
	default:
		return &f.Control
	}
}

// ErrUnchanged is the error of a transaction that changes nothing, so that nothing is stored.
var ErrUnchanged = errors.New("handover: unchanged")

// ErrUnsure accompanies ErrConflict if it is unknown whether the store has accepted the record.
var ErrUnsure = errors.New("handover: outcome unknown")

// An Outcome is the result of an effect.
type Outcome struct {
	Effect       effectOutcome
	Err          error
	RetryAfter   time.Duration // the least pause before the next attempt
	ChannelFault bool          // the failure counts against the channel, not against the entry
	Code         string        // of an Ending, with EffectRefused
	QueueID      string        // resolved by the effect
	BotQueue     string        //
	Conversation string        // of the message, as the answer names it
	PlatformID   string
	Posted       machine.Time // when the POST began, by Genesys' clock; zero if that is not measured
	// When Genesys had accepted the message, by its clock; zero if the answer has no Date.
	Accepted     machine.Time
	Read         *Reading                // a read that the effect made
	Transferred  bool                    // Genesys accepted the transfer
	Doubtful     bool                    // Genesys may have accepted the transfer
	Refused      error                   // Genesys refused the transfer or the disconnect
	Disconnected bool                    // Genesys accepted the disconnect
	Tried        bool                    // a disconnect was tried
	LeftText     string                  // for the agent, if it may not be disconnected
	Receipt      *Receipt                // that could not be sent
	Receipted    bool                    // Genesys accepted the receipt, or never will
	Pending      bool                    // the host reports the outcome of the message later
	Asked        []genesys.MessageRef    // the missing messages that were fetched
	Stored       []genesys.StoredMessage // the found ones
	GapErr       error                   // why others are missing
	End          bool                    // the read shows the end of the session
	Task         TaskKind
	Polls        pollBudget     // reserves the slots of polls
	Timers       machine.Timers // of the channel, for a session that an agent begins
	Socket       SocketState    // whether signals are reliable
	Alarm        string         // for the host: the webhook does not deliver
}

// An effectOutcome is the certainty of the result of an effect.
type effectOutcome int

// The outcomes of an effect.
const (
	effectDone         effectOutcome = iota
	EffectRefused                    // not performed, and never will be
	EffectNotPerformed               // not performed
	EffectAmbiguous                  // the result is unknown
	EffectPostponed                  // not tried, because a read changed the state
)

// The backoff of lanes and tasks.
const (
	BackoffFirst = 500 * time.Millisecond
	backoffLast  = 30 * time.Second
	LimitedPause = time.Second // on top of Retry-After
)

// backoff returns when to retry after a number of failures in a row.
func (tx *Transaction) backoff(failures int, o Outcome) machine.Time {
	if o.RetryAfter > 0 {
		return tx.Now.Add(o.RetryAfter)
	}
	d := BackoffFirst << min(max(failures-1, 0), 13)
	return tx.Now.Add(tx.Jitter(min(d, backoffLast)))
}
