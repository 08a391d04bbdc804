package simulation

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// A ledger keeps what was promised and what came of it; the checks compare the two.
type ledger struct {
	w *world

	words    map[string]*word         // of customers that were accepted, by id
	asked    []*word                  // in order
	count    int                      // messages given to Forward
	arrived  map[string][]*post       // by text
	letters  map[string]*heard        // webhooks that were accepted, by id
	order    []*heard                 //
	lines    []*said                  // to customers, in order
	line     map[string]*said         // by text
	gapped   map[string]int           // messages that were reported as missing, by customer
	given    map[string]string        // what the host was given, by kind and id
	settled  map[string]time.Duration // when the store knew that the host took it
	taken    map[string]bool          // what the host took
	refused  map[string]bool          // what the host can never take
	reported map[string]bool          // what was reported as failed
	returns  map[string]*back         // by Return.ID
	sessions map[string]*life         // by handover id
	born     []*life                  // in order
	written  map[string]time.Time     // when deliveries were, by Genesys' clock
	people   map[string]*person
	nth      map[string]int      // when it was given to Forward, counted in messages
	owner    map[string]*replica // of leases
	latest   map[string]int      // the last of a customer, by his id at Genesys, that arrived
	handed   map[string]bool     // it was in a Return
	unclear  map[string]bool     // a call of Forward with it has failed
	promised map[string]*promise // sessions that HandOver and Open gave, by id of the request
	staleBy  map[*task]bool      // read what was, in the call that runs
}

// A word is a message of a customer that is the agents'.
type word struct {
	key, id string
	at      time.Duration // accepted
	began   time.Duration // Forward was called
}

// A heard is a message for the customer that was accepted.
type heard struct {
	key, id string
	at      time.Duration
}

// A back is one Return as the host was first given it.
type back struct {
	r     handover.Return
	first time.Duration
	taken bool
}

// A promise is the session that a request was told to lead to.
type promise struct {
	key, session string
	at           time.Duration
}

// A life is one handover as the store has known it.
type life struct {
	key, id   string
	asked     bool
	ended     bool
	returned  bool // its Return has begun
	forgotten bool

	open   *conversation // it is in
	of     *conversation // it ended in
	opened time.Duration // when its opening came into that
	seen   time.Duration // what the read that ended it shows; never: it was none
	due    []*said       // comes before its Return

	tried time.Duration // when Genesys first heard of it, by the clock of a replica
	story story
}

// A person is what is known of one customer.
type person struct {
	forgot  time.Duration // last asked to be forgotten; never
	removed time.Duration // the record was removed last; never
	forgets bool          // Forget runs
	ended   time.Duration // last asked for an end; never
	wire    time.Time     // newest channel.time that arrived
	newest  time.Time     // of deliveries that were settled
	mixed   bool          // the host refused a notice for so long that others were given before it
}

func newLedger(w *world) *ledger {
	return &ledger{
		w: w, words: map[string]*word{}, arrived: map[string][]*post{}, letters: map[string]*heard{}, given: map[string]string{},
		settled: map[string]time.Duration{}, taken: map[string]bool{}, refused: map[string]bool{}, reported: map[string]bool{}, returns: map[string]*back{},
		sessions: map[string]*life{}, written: map[string]time.Time{}, people: map[string]*person{}, staleBy: map[*task]bool{},
		nth: map[string]int{}, owner: map[string]*replica{}, latest: map[string]int{}, handed: map[string]bool{}, unclear: map[string]bool{},
		promised: map[string]*promise{}, line: map[string]*said{}, gapped: map[string]int{},
	}
}

func (l *ledger) person(key string) *person {
	p := l.people[key]
	if p == nil {
		p = &person{forgot: never, ended: never}
		l.people[key] = p
	}
	return p
}

// spoken: a message is given to Forward; unspoken: the bot answers it, so that a repeat is another one.
func (l *ledger) spoken(id string) {
	if l.nth[id] == 0 {
		l.count++
		l.nth[id] = l.count
	}
}

func (l *ledger) unspoken(id string) {
	delete(l.nth, id)
	delete(l.unclear, id)
}

// forgetOrder: nobody remembers any more what a customer wrote before.
func (l *ledger) forgetOrder(k string) {
	own := func(id string) bool { return strings.HasPrefix(id, "m"+k+"-") }
	maps.DeleteFunc(l.nth, func(id string, _ int) bool { return own(id) })
	maps.DeleteFunc(l.latest, func(id string, _ int) bool { return customerOf(id) == k })
}

// accepted: Forward said that it is the agents'.
func (l *ledger) accepted(key, id string, began time.Duration) {
	if l.words[id] != nil {
		return
	}
	x := &word{key: key, id: id, at: l.w.now, began: began}
	l.words[id] = x
	l.asked = append(l.asked, x)
}

// received: Receive said that it is stored.
func (l *ledger) received(key, id string) {
	if l.letters[id] == nil {
		x := &heard{key: key, id: id, at: l.w.now}
		l.letters[id] = x
		l.order = append(l.order, x)
	}
}

// forgetting: Forget is called, or has returned.
func (l *ledger) forgetting(key string, begins bool) {
	l.person(key).forgot, l.person(key).forgets = l.w.now, begins
	for _, x := range l.born {
		if x.key == key {
			x.forgotten = true
		}
	}
}

// promise: a request leads to a session, and to the same one when it is repeated.
func (l *ledger) promise(key, request, session string, began time.Duration) {
	p := l.promised[request]
	if p == nil {
		l.promised[request] = &promise{key, session, began}
		return
	}
	if p.session != session && p.at > l.person(key).forgot && !l.w.plan.has(faultExpire) {
		l.w.fail("the same request is the same session", key, "%s led to %s, and leads to %s", request, p.session, session)
	}
}

// failed: no call of the host fails but for the store, the process, or too many writers at once.
func (l *ledger) failed(key, what string, err error) {
	for _, known := range []error{errStore, errDead, handover.ErrBusy, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			if l.w.plan.any(faultFails, faultUnknown, faultSlow, faultOld, faultStall, faultCrash, faultStop) && !l.w.recovered() {
				return
			}
		}
	}
	l.w.fail("no host call fails without a reason", key, "%s: %v", what, err)
}

func (l *ledger) ending(key string) { l.person(key).ended = l.w.now }

// same: what has an id stays what it is.
func (l *ledger) same(key, id, content string) (first bool) {
	was, known := l.given[id]
	if known && was != content {
		l.w.fail("the same id is the same content", key, "%s was\n%s and is\n%s", id, was, content)
	}
	l.given[id] = content
	return !known
}

// receipt: Genesys is told that a message for the customer failed.
func (l *ledger) receipt(id, status string) {
	if status == string(openmessaging.StatusFailed) {
		l.reported[id] = true
	}
}

func (l *ledger) noticed(n handover.Notice) {
	l.taken["notice "+n.ID] = true
	if n.Kind == handover.NoticeEnded {
		l.taken["ended "+n.Session.ID] = true
	}
	if n.Kind == handover.NoticeMessageFailed {
		l.reported[n.MessageID] = true
	}
}

func (l *ledger) stale(t *task) { l.staleBy[t] = true }
