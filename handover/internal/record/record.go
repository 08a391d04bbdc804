package record

import (
	"strconv"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Reserved is the prefix of customer ids in records that belong to no customer.
const Reserved = "\x01"

// Record is the content of Record.Data: everything about one customer of one channel. Sessions
// replace each other in it; lanes and memories outlive them.
type Record struct {
	Format  int    `json:"format"`
	Created uint64 `json:"created"` // the record's first revision
	Seq     uint64 `json:"seq"`     // of the last entry or message; only grows
	Leases  uint64 `json:"leases"`  // how many leases were taken

	// The current session or, if none is open, the last one.
	Handover *machine.Handover `json:"now,omitempty"`
	Past     []past            `json:"past,omitempty"` // earlier sessions, newest first

	Out     lane `json:"out,omitzero"`     // to Genesys
	In      lane `json:"in,omitzero"`      // to the host
	Control lane `json:"control,omitzero"` // without entries: tasks follow from the state

	WireTime machine.Time `json:"wireTime,omitempty"` // the last channel.time used
	// The ledger: unanswered messages of the customer, oldest first.
	Words []Word   `json:"words,omitempty"`
	Sent  []sentID `json:"sent,omitempty"` // ring of platform ids and their host ids

	ReceivedIDs  memory `json:"heard,omitempty"` // ids of webhooks
	ForwardedIDs memory `json:"said,omitempty"`  // ids of the customer's messages
	// Ids of requests and the sessions they led to.
	Requests []requestID `json:"requests,omitempty"`
	Receipts []Receipt   `json:"receipts,omitempty"` // not sent to Genesys yet
	Awaited  []awaited   `json:"awaited,omitempty"`  // outcome is reported later, oldest first

	// Of messages; marks in ReceivedIDs contain the index.
	Addressees []addressee `json:"addressees,omitempty"`

	// Conversations other than that of the open session.
	Watched []Watched    `json:"watched,omitempty"`
	Forget  machine.Time `json:"forget,omitempty"` // when Forget was called
	Forgot  uint64       `json:"forgot,omitempty"` // words up to this seq are to be forgotten
	// Time of the newest message of a begun delivery.
	Given machine.Time `json:"given,omitempty"`
	// The last agent's message, for the retention without a session.
	Touched machine.Time `json:"touched"`
	// How long to keep the record after the last session.
	Keep time.Duration `json:"keep,omitempty"`
	Log  []logLine     `json:"log,omitempty"`

	// Effects that waited for Genesys were dropped then.
	Abandoned machine.Time `json:"abandoned,omitempty"`

	unknown unknownFields // of a record of the next format
}

// The limits of a record.
const (
	inEntries, inBytes = 400, 512 << 10
	maxReceipts        = 64
	maxSent            = 64
	maxPast            = 3
	maxLog             = 64
	maxRequests        = 32
	maxRecord          = 3 << 19 // 1.5 MiB
)

type past struct {
	Session      machine.Session `json:"session"`
	From         string          `json:"from,omitempty"`
	machine.Legs                 // of its conversation
	Reached      bool            `json:"reached,omitempty"` // a webhook of its conversation has arrived
	OwnEnd       machine.Time    `json:"ownEnd,omitempty"`  // see machine.Handover
}

type sentID struct {
	Platform string `json:"p"`
	Host     string `json:"h"`
}

type requestID struct {
	Hash     uint64 `json:"h"`
	Handover string `json:"s"`
}

// A Receipt reports to Genesys the outcome of its message.
type Receipt struct {
	ID     string                   `json:"id"`
	Status openmessaging.Status     `json:"status"`
	Code   openmessaging.ReasonCode `json:"code,omitempty"`
	To     string                   `json:"to"`
	Time   machine.Time             `json:"time"`
	Tries  int                      `json:"tries,omitempty"`
	At     machine.Time             `json:"at,omitempty"` // no attempt before
}

// A logLine is a step without content, for Explain: a sentence, and perhaps its reason.
type logLine struct {
	At   machine.Time `json:"at"`
	What string       `json:"what"`
	Why  string       `json:"why,omitempty"`
}

// last returns the newest n elements.
func last[T any](s []T, n int) []T {
	if len(s) > n {
		return append(s[:0:0], s[len(s)-n:]...)
	}
	return s
}

// find returns the first element that a condition selects, or nil.
func find[T any](list []T, is func(*T) bool) *T {
	for i := range list {
		if is(&list[i]) {
			return &list[i]
		}
	}
	return nil
}

// Open returns the open session, or nil.
func (f *Record) Open() *machine.Handover {
	if f.Handover != nil && f.Handover.Open() {
		return f.Handover
	}
	return nil
}

// NextSeq returns the seq of a new entry or message.
func (f *Record) NextSeq() uint64 {
	f.Seq++
	return f.Seq
}

// EntryID returns the id for the host. It begins with the session id or, without a session, with
// the revision in which the record was created.
func (f *Record) EntryID(handover string, seq uint64) string {
	if handover == "" {
		handover = strconv.FormatUint(f.Created, 36)
	}
	return handover + "/" + strconv.FormatUint(seq, 10)
}

// wireTime returns the channel.time of the first of the next n messages. Times only grow,
// because Genesys identifies a message by its id and its time.
func (f *Record) wireTime(now machine.Time, n int) machine.Time {
	at := now.Truncate(time.Millisecond)
	if least := f.WireTime.Add(time.Millisecond); at.Before(least) {
		at = least
	}
	f.WireTime = at.Add(time.Duration(max(n, 1)-1) * time.Millisecond)
	return at
}

// idle reports whether no work waits and no session is open.
func (f *Record) idle() bool {
	waiting := len(f.Out.Entries) + len(f.In.Entries) + len(f.Words) + len(f.Receipts) + len(f.Watched)
	return waiting == 0 && f.Open() == nil
}

// The times of Run.
const (
	LookEvery = time.Second            // for work that other replicas left
	SkipTime  = 250 * time.Millisecond // for a record that is due and cannot be worked on
	// For a record that waits for a worker, as long as there is none.
	StarveTime = 5 * time.Second
	DueLimit   = 64
	Claimers   = 8
	TurnPages  = 16 // channels that are queried in one round
	TurnLimit  = 16 // records of one of them
	DrainTime  = EffectTime
)

// IsReserved reports whether a stored record belongs to no customer. It contains no Record, and Run
// ignores it.
func IsReserved(k machine.Key) bool { return strings.HasPrefix(k.Customer, Reserved) }
