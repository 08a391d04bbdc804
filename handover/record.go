package handover

import (
	"strconv"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// file is what a Record's Data holds: everything about one customer of one channel. Handovers are parts of it that are
// replaced; lanes, memories and the past outlive them.
type file struct {
	Format  int    `json:"format"`
	Created uint64 `json:"created"` // revision it was created with
	Seq     uint64 `json:"seq"`     // of entries; never goes back
	Leases  uint64 `json:"leases"`  // counter of leases taken

	Now  *core  `json:"now,omitempty"`  // the current handover, or the last
	Past []past `json:"past,omitempty"` // the ones before it, newest first
	Next *plan  `json:"next,omitempty"` // asked for while one was ending

	Out     lane `json:"out,omitzero"`     // to Genesys
	In      lane `json:"in,omitzero"`      // to the host
	Control lane `json:"control,omitzero"` // no entries: duties are derived from the state

	WireTime time.Time `json:"wireTime,omitzero"` // last channel.time used
	Tail     []sent    `json:"tail,omitempty"`    // sent, not yet known to have reached an agent
	Cut      []cut     `json:"cut,omitempty"`     // the ones before Tail, without their text
	Sent     []sentID  `json:"sent,omitempty"`    // ring: platform id → host id
	Dead     []dead    `json:"dead,omitempty"`    // refused for good
	Held     []held    `json:"held,omitempty"`    // written while the session was ending: for the Return

	Heard    memory        `json:"heard,omitempty"`    // ids of webhooks
	Said     memory        `json:"said,omitempty"`     // ids of messages of the customer
	Requests []requestID   `json:"requests,omitempty"` // ids of requests and the handovers they began
	Receipts []receipt     `json:"receipts,omitempty"` // not yet told to Genesys
	Adopt    *adoption     `json:"adopt,omitempty"`    // a person wrote although no session is open
	Orphans  []orphan      `json:"orphans,omitempty"`  // conversations nobody should be in
	Check    *check        `json:"check,omitempty"`    // a conversation that ended while words of it were missing
	Checks   []check       `json:"checks,omitempty"`   // others, that wait for this one
	Forget   time.Time     `json:"forget,omitzero"`    // asked to forget
	Given    time.Time     `json:"given,omitzero"`     // newest delivery whose attempt began, by Genesys' clock
	Touched  time.Time     `json:"touched"`            // for retention of files without a handover
	Keep     time.Duration `json:"keep,omitempty"`     // retention after the end
	Log      []logLine     `json:"log,omitempty"`

	baggage *baggage // of a newer format: what this release does not know, kept as it is
}

// The bounds of a file.
const (
	outEntries, outBytes = 100, 256 << 10
	inEntries, inBytes   = 400, 512 << 10
	tailEntries          = 20
	tailBytes            = 64 << 10
	maxCut               = 64
	maxReceipts          = 64
	maxSent              = 64
	maxDead, deadBytes   = 32, 128 << 10
	maxPast              = 3
	maxLog               = 64
	maxRequests          = 32
	maxOrphans           = 4
	maxFile              = 3 << 19 // 1.5 MiB
)

type past struct {
	Session Session `json:"session"`
	From    string  `json:"from,omitempty"`
}

// A plan is a handover that begins when the one before it has ended.
type plan struct {
	Core    core     `json:"core"`
	Opening *opening `json:"opening"`
}

type sent struct {
	Message  Message   `json:"message"`
	Handover string    `json:"handover"`
	Seq      uint64    `json:"seq"`
	At       time.Time `json:"at"`                 // our clock, when its POST returned
	Unplaced bool      `json:"unplaced,omitempty"` // the answer did not say in which conversation it is
}

// A cut message was sent, and nobody answers for it yet; its text is not kept.
type cut struct {
	Host     string    `json:"h"`
	Handover string    `json:"s"`
	At       time.Time `json:"at"`
}

type sentID struct {
	Platform string `json:"p"`
	Host     string `json:"h"`
}

type dead struct {
	Message  Message `json:"message"`
	Seq      uint64  `json:"seq"`
	Handover string  `json:"handover"`
	Reason   string  `json:"reason"`
}

type held struct {
	Unanswered Unanswered `json:"u"`
	Seq        uint64     `json:"seq"`
}

type requestID struct {
	Hash     uint64 `json:"h"`
	Handover string `json:"s"`
}

type receipt struct {
	ID     string                   `json:"id"`
	Status openmessaging.Status     `json:"status"`
	Code   openmessaging.ReasonCode `json:"code,omitempty"`
	To     string                   `json:"to"`
	Time   time.Time                `json:"time"`
	Tries  int                      `json:"tries,omitempty"`
	At     time.Time                `json:"at,omitzero"` // not to be tried before
}

type adoption struct {
	Conversation string    `json:"conversation"`
	From         string    `json:"from"`
	At           time.Time `json:"at"`
	Since        time.Time `json:"since"`
}

type orphan struct {
	Conversation string    `json:"conversation"`
	At           time.Time `json:"at"`
	Tries        int       `json:"tries,omitempty"`
}

// A logLine is a step without content, for people who ask what happened.
type logLine struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	Why  string    `json:"why,omitempty"`
}

func (f *file) note(now time.Time, what, why string) {
	f.Log = last(append(f.Log, logLine{At: now, What: what, Why: why}), maxLog)
}

// last keeps the newest n.
func last[T any](s []T, n int) []T {
	if len(s) > n {
		return append(s[:0:0], s[len(s)-n:]...)
	}
	return s
}

// open is the open session, or nil.
func (f *file) open() *core {
	if f.Now != nil && f.Now.Open() {
		return f.Now
	}
	return nil
}

func (f *file) session(k Key) Session {
	if f.Now == nil {
		return Session{Key: k}
	}
	return f.Now.Session
}

// next gives the seq of a new entry.
func (f *file) next() uint64 {
	f.Seq++
	return f.Seq
}

// entryID is the id a host sees: of the handover, or of the file where there is none.
func (f *file) entryID(handover string, seq uint64) string {
	if handover == "" {
		handover = strconv.FormatUint(f.Created, 36)
	}
	return handover + "/" + strconv.FormatUint(seq, 10)
}

// wireTime gives the channel.time of the next n messages: it never goes back and never repeats, since Genesys knows a
// message by its id and time together.
func (f *file) wireTime(now time.Time, n int) time.Time {
	at := now.UTC().Truncate(time.Millisecond)
	if least := f.WireTime.Add(time.Millisecond); at.Before(least) {
		at = least
	}
	f.WireTime = at.Add(time.Duration(max(n, 1)-1) * time.Millisecond)
	return at
}

// empty reports whether nothing waits to be done for anybody.
func (f *file) empty() bool {
	waiting := len(f.Out.Entries) + len(f.In.Entries) + len(f.Held) + len(f.Receipts) + len(f.Orphans)
	return waiting == 0 && f.Next == nil && f.Adopt == nil && f.Check == nil && f.open() == nil
}
