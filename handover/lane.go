package handover

import (
	"encoding/json"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// A lane is an ordered list of effects that one worker at a time performs.
type lane struct {
	Entries   []entry   `json:"entries,omitempty"`
	Bytes     int       `json:"bytes,omitempty"`
	Lease     lease     `json:"lease,omitzero"`
	NotBefore time.Time `json:"notBefore,omitzero"`
	Failures  int       `json:"failures,omitempty"` // of the head, in a row
}

// A lease says who performs. It is not renewed.
type lease struct {
	Owner string    `json:"owner,omitempty"`
	N     uint64    `json:"n,omitempty"`
	Seq   uint64    `json:"seq,omitempty"` // of the entry it was taken for
	Until time.Time `json:"until,omitzero"`
}

const (
	leaseTime   = 15 * time.Second
	leaseGrace  = 2 * time.Second  // clocks differ
	effectTime  = 10 * time.Second // an effect ends within
	effectStart = time.Second      // and starts within, both from its lease
)

func (l lease) free(now time.Time) bool { return l.Owner == "" || !now.Before(l.Until.Add(leaseGrace)) }

// over is at, but not before somebody else may work. A lease that a dead process left wakes nobody while there is nothing to do.
func (l lease) over(at time.Time) time.Time {
	if l.Owner == "" {
		return at
	}
	return later(at, l.Until.Add(leaseGrace))
}

type entryKind string

const (
	kindOpen     entryKind = "open"
	kindMessage  entryKind = "message"
	kindReply    entryKind = "reply"
	kindLeft     entryKind = "left"
	kindDelivery entryKind = "delivery"
	kindNotice   entryKind = "notice"
	kindReturn   entryKind = "return"
)

// An entry is one effect that was stored in the same write as what caused it.
type entry struct {
	Seq       uint64    `json:"seq"`
	Kind      entryKind `json:"kind"`
	Handover  string    `json:"handover,omitempty"`
	At        time.Time `json:"at"`                 // accepted
	NotBefore time.Time `json:"notBefore,omitzero"` //
	First     time.Time `json:"first,omitzero"`     // first attempt that failed
	Attempts  int       `json:"attempts,omitempty"` // that failed and count
	Size      int       `json:"size,omitempty"`

	// To Genesys.
	HostID  string    `json:"hostId,omitempty"`
	Wire    time.Time `json:"wire,omitzero"` // channel.time of the first part
	Done    int       `json:"done,omitempty"`
	Maybe   bool      `json:"maybe,omitempty"` // an attempt may have taken effect
	Opening *opening  `json:"opening,omitempty"`
	Message *Message  `json:"message,omitempty"`
	Text    string    `json:"text,omitempty"` // kindLeft

	// To the host.
	Delivery *delivery    `json:"delivery,omitempty"`
	Notice   *Notice      `json:"notice,omitempty"`
	Session  *Session     `json:"session,omitempty"` // kindReturn
	Back     []Unanswered `json:"back,omitempty"`    // kindReturn
	Seqs     []uint64     `json:"seqs,omitempty"`    // of Back, in order
}

// A delivery is a stored Delivery.
type delivery struct {
	ID         string                `json:"id"`
	Message    openmessaging.Message `json:"message"`
	Origin     openmessaging.Origin  `json:"origin,omitempty"`
	Time       time.Time             `json:"time,omitzero"`
	From       string                `json:"from"` // as Genesys knows the customer
	Session    Session               `json:"session"`
	Late       bool                  `json:"late,omitempty"`
	OutOfOrder bool                  `json:"outOfOrder,omitempty"`
}

// parts is how many POSTs an entry to Genesys takes.
func (x *entry) parts() int {
	switch {
	case x.Opening != nil:
		return len(x.Opening.Texts)
	case x.Message != nil:
		return x.Message.parts()
	default:
		return 1
	}
}

// measured fills Size, which bounds lanes in bytes.
func (x entry) measured() entry {
	b, err := json.Marshal(x)
	if err == nil {
		x.Size = len(b)
	}
	return x
}

func (l *lane) insert(i int, e entry) {
	e = e.measured()
	l.Entries = append(l.Entries, entry{})
	copy(l.Entries[i+1:], l.Entries[i:])
	l.Entries[i] = e
	l.Bytes += e.Size
}

func (l *lane) push(e entry) { l.insert(len(l.Entries), e) }

func (l *lane) remove(i int) entry {
	e := l.Entries[i]
	l.Entries = append(l.Entries[:i], l.Entries[i+1:]...)
	l.Bytes -= e.Size
	if i == 0 {
		l.Failures, l.NotBefore = 0, time.Time{}
	}
	if len(l.Entries) == 0 {
		l.Entries, l.Bytes = nil, 0
	}
	return e
}

func (l *lane) full(entries, bytes, more int) bool {
	return len(l.Entries) >= entries || l.Bytes+more > bytes
}

// busy reports whether the head is being performed. A lease may outlive its entry: somebody else performed that, too, and was
// quicker.
func (l *lane) busy(now time.Time) bool { return l.begun() && !l.Lease.free(now) }

// begun reports whether the lease was taken for the head.
func (l *lane) begun() bool {
	return len(l.Entries) > 0 && l.Lease.Owner != "" && l.Lease.Seq == l.Entries[0].Seq
}

// abandon notes that nobody knows what became of the head, when the lease it was taken under has run out.
func (l *lane) abandon(now time.Time) {
	if l.begun() && l.Lease.free(now) {
		l.Entries[0].Maybe = true
	}
}

// ready is when the head may be performed, if nobody holds the lease. ok is false for an empty lane.
func (l *lane) ready() (at time.Time, ok bool) {
	if len(l.Entries) == 0 {
		return time.Time{}, false
	}
	h := l.Entries[0]
	return later(later(l.NotBefore, h.NotBefore), h.At), true
}
