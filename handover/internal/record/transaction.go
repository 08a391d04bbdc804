package record

import (
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A Transaction is one change of a file, at one time. It may be made several times before it is stored, so it is idempotent by the
// ids of what it is about.
type Transaction struct {
	*Record

	Key          machine.Key
	Now          time.Time
	Clock        machine.Clock // of the channel's account
	Notify       bool          // the host wants notices
	Fresh        bool          // the file was not there
	unseenListed bool          // a read lists words that are not here yet
	GivenUp      EntryKind     // an entry of this kind was given up: it is logged once that is stored
	Starved      LaneName      // a lane that could be performed, but for a worker
	NewID        func() string
	Jitter       func(time.Duration) time.Duration

	Leaves time.Duration // this Manager does not work on the file
}

// Apply moves the session and puts what follows into the lanes.
func (tx *Transaction) Apply(ev machine.Event) {
	if tx.Handover == nil {
		return
	}
	ev.Clock = tx.Clock
	before := *tx.Handover
	if ev.Kind == machine.EvAccepted || ev.Kind == machine.EvNamed {
		ev.Legs = tx.LegsOf(ev.Conversation)
	}
	next, effects := machine.Apply(before, ev, tx.Now)
	*tx.Handover = next
	tx.logMove(&before, ev, effects)
	for _, f := range effects {
		tx.Notice(Notice{Kind: f.Notice, Agent: f.Agent, From: f.From, To: f.To, Detail: f.Detail, Permission: f.Permission})
	}
}

// Notice queues one for the host, if it wants any.
func (tx *Transaction) Notice(n Notice) {
	if !tx.Notify {
		return
	}
	if n.Time = tx.Now; n.Session.ID == "" {
		n.Session = tx.session(tx.Key)
	}
	tx.makeRoom(0)
	tx.In.Push(Entry{Seq: tx.NextSeq(), Kind: KindNotice, At: tx.Now, Handover: n.Session.ID, Notice: &n})
}

// makeRoom drops the oldest notices from a full lane, so that a host that takes none for hours does not stop the agent's
// messages. It reports whether there is room now.
func (tx *Transaction) makeRoom(bytes int) bool {
	for i := 0; tx.In.full(inEntries, inBytes, bytes) && i < len(tx.In.Entries); {
		x := tx.In.Entries[i]
		if x.Notice == nil || x.Notice.Kind == machine.NoticeEnded || i == 0 && tx.In.busy(tx.Now) {
			i++
			continue
		}
		tx.In.remove(i)
		tx.AddLog(saidDropped, string(x.Notice.Kind))
	}
	return !tx.In.full(inEntries, inBytes, bytes)
}

// install makes c the current handover: what was before it becomes the past.
func (tx *Transaction) install(c machine.Handover) {
	if tx.Handover != nil {
		tx.Past = append([]past{{Session: tx.Handover.Session, From: tx.Handover.From, Legs: machine.Legs{Newest: tx.Handover.Newest, Ended: tx.Handover.Ended}}}, tx.Past...)
		tx.Past = tx.Past[:min(len(tx.Past), maxPast)]
		c.Reached, c.Proven = c.Reached || tx.Handover.Reached, tx.Handover.Proven // how reads name messages stays the same
	}
	if !tx.Forget.IsZero() { // a new life: nothing stays of the one that is to be forgotten
		tx.Past, tx.Sent, tx.Log, tx.Forget, tx.Forgot = nil, nil, nil, time.Time{}, 0
	}
	tx.Abandoned = time.Time{}
	c.Started, c.ChangedAt = tx.Now, tx.Now
	tx.Handover, tx.Keep = &c, c.Timers.Retention
	tx.AddLog(string(c.State), saidBegun)
}

// Begin starts a handover with its opening.
func (tx *Transaction) Begin(c machine.Handover, o *Opening) {
	tx.install(c)
	if c.State == machine.StateRequested {
		tx.Handover.AgentRequestedAt, tx.Handover.WaitingSince = tx.Now, tx.Now
		tx.Notice(Notice{Kind: machine.NoticeRequested})
	}
	tx.Out.Push(Entry{
		Seq: tx.NextSeq(), Kind: KindOpen, Handover: c.ID, At: tx.Now, HostID: c.Request,
		Wire: tx.wireTime(tx.Now, len(o.Texts)), Opening: o,
	})
}

// deliver puts a message for the customer into the lane to the host: before later ones that were never attempted, and before
// a hand-back, but not across a notice.
func (tx *Transaction) deliver(d StoredDelivery, notBefore time.Time) {
	first := 0
	newest := tx.Given
	if tx.In.begun() { // also by a process that has died since
		first = 1
		if h := tx.In.Entries[0].Delivery; h != nil {
			newest = machine.Later(newest, h.Time)
		}
	}
	i := len(tx.In.Entries)
	if r := tx.returnOf(d.Session.ID); r >= first && !d.Late {
		i = r // whatever was put behind it
	}
	for i > first && before(d, tx.In.Entries[i-1]) {
		i--
	}
	d.OutOfOrder = !d.Time.IsZero() && d.Time.Before(newest)
	tx.In.insert(i, Entry{Seq: tx.NextSeq(), Kind: KindDelivery, Handover: d.Session.ID, At: tx.Now, NotBefore: notBefore, Delivery: &d})
}

// returnOf finds the Return of a handover that has not been attempted; -1: there is none.
func (f *Record) returnOf(handover string) int {
	return slices.IndexFunc(f.In.Entries, func(x Entry) bool { return x.Kind == KindReturn && x.Handover == handover && !x.Unsure })
}

func before(d StoredDelivery, other Entry) bool {
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
