package simulation

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// A ledger records what was promised and what happened. The checks compare the two.
type ledger struct {
	w *world

	messages       map[string]*customerMessage  // that Forward accepted, by id
	messageOrder   []*customerMessage           // the same in order
	forwardCount   int                          // messages passed to Forward
	arrived        map[string][]*post           // at Genesys, by text
	webhooks       map[string]*acceptedOutbound // that Receive accepted, by id
	outboundOrder  []*acceptedOutbound          // accepted by a webhook or a fetch, in order
	outbound       []*outbound                  // all messages to customers, in order
	outboundByText map[string]*outbound         // the same by text
	// Number of messages reported as missing, by customer.
	reportedMissing map[string]int
	reportedGaps    map[gap]bool             // for which a notice has reported missing messages
	contents        map[string]string        // content of attempts, by kind and id
	settledAt       map[string]time.Duration // when a success was stored, by kind and id
	// Attempts that succeeded at the host, by kind and id.
	succeeded map[string]bool
	// Deliveries that the host refused permanently, by id.
	undeliverable  map[string]bool
	reportedFailed map[string]bool             // messages that were reported as failed, by id
	returns        map[string]*returnHistory   // by Return.ID
	sessions       map[string]*handoverHistory // by handover id
	sessionOrder   []*handoverHistory          // the same in order
	customers      map[string]*customerHistory
	forwardedAt    map[string]time.Duration // last call of Forward, by id
	// Number of the message among those passed to Forward, by id.
	forwardOrder map[string]int
	// Last record that shows that our side ended the conversation, by id.
	askedAt map[string]time.Duration
	// Last record that shows that a Return is about to begin, by id.
	claimedAt map[string]time.Duration
	owner     map[string]*replica // the replica with this owner id of leases
	// Highest number that arrived, by customer id at Genesys.
	lastArrived map[string]int
	handedBack  map[string]bool // messages that were in a Return, by id
	// Last record that shows the message in a Return, even if the process died before it began, by
	// id.
	claimed    map[string]time.Duration
	unclear    map[string]bool     // messages for which a call of Forward failed, by id
	promised   map[string]*promise // by id of the request
	staleReads map[*task]bool      // tasks that read an old record in their present call

	deliveredAt  map[string]time.Duration // last success of a delivery
	answers      []*arrival               // that a replica has received and not stored
	firstReturns map[string]uint64        // the first Return of a session, by its id
}

// A customerMessage is a customer's message for which Forward returned TurnAgent.
type customerMessage struct {
	key, id string
	at      time.Duration // of the acceptance
	began   time.Duration // of the call of Forward
	// Of the last call of Reply that gave it to the agents; then earlier Returns do not count.
	again time.Duration
}

// An acceptedOutbound is a message for the customer that the engine has accepted.
type acceptedOutbound struct {
	key, id string
	at      time.Duration
}

// A returnHistory is one Return with the content of its first attempt.
type returnHistory struct {
	r         record.Return
	firstAt   time.Duration
	succeeded bool
}

// A gap is a conversation of a session. Without a session it is one in which agents wrote
// unprompted.
type gap struct{ session, conversation string }

// A promise is the session that HandOver or Open returned for a request.
type promise struct {
	key, session string
	at           time.Duration
}

// A handoverHistory is one handover as the stored records have shown it.
type handoverHistory struct {
	key, id   string
	requested bool
	ended     bool
	returned  bool // an attempt of its Return has begun
	replaced  bool // another session with agents has begun
	forgotten bool // Forget was called

	open     *conversation // where it is open
	endedIn  *conversation // where it ended
	openedAt time.Duration // when its opening arrived there
	endRead  time.Duration // time that the read that ended it shows, or never if no read ended it
	compared bool          // no webhook arrived, or one arrived with an id that a read has listed
	due      []*outbound   // must be delivered before its Return

	begunAt time.Duration // when it was stored first
	triedAt time.Duration // when its opening was first attempted, by the clock of a replica
	notices noticeState

	conversation string        // where it ended
	ownEndAt     time.Duration // when our side ended it, or never
}

// A customerHistory is the history of one customer. A time that has not been reached is never.
type customerHistory struct {
	forgotAt     time.Duration // last call of Forget, or its return
	removedAt    time.Duration // last removal of the record
	agentsAt     time.Duration // last record that shows an agent session
	forgetRuns   bool          // Forget runs
	endAskedAt   time.Duration // last call of End
	newestPosted time.Time     // newest channel.time that arrived
	newestTried  time.Time     // newest time of a delivery that the host was given
	// A notice failed for so long that later ones may be sent before it.
	noticesReordered bool
}

func newLedger(w *world) *ledger {
	return &ledger{
		w: w, messages: map[string]*customerMessage{}, arrived: map[string][]*post{}, webhooks: map[string]*acceptedOutbound{}, contents: map[string]string{},
		settledAt: map[string]time.Duration{}, succeeded: map[string]bool{}, undeliverable: map[string]bool{}, reportedFailed: map[string]bool{}, returns: map[string]*returnHistory{},
		sessions: map[string]*handoverHistory{}, customers: map[string]*customerHistory{}, staleReads: map[*task]bool{},
		askedAt: map[string]time.Duration{}, forwardedAt: map[string]time.Duration{}, forwardOrder: map[string]int{}, claimedAt: map[string]time.Duration{}, owner: map[string]*replica{}, lastArrived: map[string]int{}, handedBack: map[string]bool{}, claimed: map[string]time.Duration{}, unclear: map[string]bool{},
		promised: map[string]*promise{}, outboundByText: map[string]*outbound{}, reportedMissing: map[string]int{}, reportedGaps: map[gap]bool{},
		firstReturns: map[string]uint64{}, deliveredAt: map[string]time.Duration{},
	}
}

func (l *ledger) history(key string) *customerHistory {
	p := l.customers[key]
	if p == nil {
		p = &customerHistory{forgotAt: never, endAskedAt: never, agentsAt: never}
		l.customers[key] = p
	}
	return p
}

// forwarded records a call of Forward. notStored records its answer TurnBot, after which a repeat
// is a new message.
func (l *ledger) forwarded(id string) {
	l.forwardedAt[id] = l.w.now
	if l.forwardOrder[id] == 0 {
		l.forwardCount++
		l.forwardOrder[id] = l.forwardCount
	}
}

func (l *ledger) notStored(id string) {
	delete(l.forwardOrder, id)
	delete(l.unclear, id)
}

// forgetOrder forgets the order of a customer's messages, because the engine has removed the
// record.
func (l *ledger) forgetOrder(k string) {
	own := func(id string) bool { return strings.HasPrefix(id, "m"+k+"-") }
	maps.DeleteFunc(l.forwardOrder, func(id string, _ int) bool { return own(id) })
	maps.DeleteFunc(l.lastArrived, func(id string, _ int) bool { return customerOf(id) == k })
}

// accepted records that Forward returned TurnAgent.
func (l *ledger) accepted(key, id string, began time.Duration) {
	if l.messages[id] != nil {
		return
	}
	x := &customerMessage{key: key, id: id, at: l.w.now, began: began}
	l.messages[id] = x
	l.messageOrder = append(l.messageOrder, x)
}

// replied records that Reply returned TurnAgent: the message is the agents' until a later Return
// contains it. If the store returned an old record, the answer is that of the past: then the bot
// has it although the Return that gave it the message is over.
func (l *ledger) replied(key, id string, began time.Duration) {
	l.accepted(key, id, began)
	if l.handedBack[id] && !l.staleReads[l.w.current] {
		l.messages[id].again = began
	}
}

// received records that Receive accepted a webhook.
func (l *ledger) received(key, id string) {
	if l.webhooks[id] == nil {
		x := &acceptedOutbound{key: key, id: id, at: l.w.now}
		l.webhooks[id] = x
		l.outboundOrder = append(l.outboundOrder, x)
	}
}

// forgetCalled records that Forget is called, or has returned.
func (l *ledger) forgetCalled(key string, begins bool) {
	l.history(key).forgotAt, l.history(key).forgetRuns = l.w.now, begins
	for _, x := range l.sessionOrder {
		if x.key == key {
			x.forgotten = true
		}
	}
}

// checkPromise records the session of a request, and checks that a repeat returns the same one.
func (l *ledger) checkPromise(key, request, session string, began time.Duration) {
	p := l.promised[request]
	if p == nil {
		l.promised[request] = &promise{key, session, began}
		return
	}
	if p.session != session && p.at > l.history(key).forgotAt && !l.w.plan.has(faultExpire) {
		l.w.fail("the same request is the same session", key, "%s returned %s, and now returns %s", request, p.session, session)
	}
}

// checkError checks that a call of the host fails only because of the store, the process, or too
// many writers.
func (l *ledger) checkError(key, what string, err error) {
	if errors.Is(err, record.ErrNoChannel) && l.w.removedLately(channelOf(key)) {
		return
	}
	if strings.Contains(err.Error(), "Config.Channels") && l.w.plan.any(faultStall, faultHost) && !l.w.recovered() {
		return
	}
	for _, known := range []error{errStore, errDead, record.ErrBusy, record.ErrConflict, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			if l.w.plan.any(faultFails, faultUnknown, faultSlow, faultOld, faultStall, faultCrash, faultStop) && !l.w.recovered() {
				return
			}
		}
	}
	l.w.fail("no host call fails without a reason", key, "%s: %v", what, err)
}

func (l *ledger) endCalled(key string) { l.history(key).endAskedAt = l.w.now }

// checkSameContent checks that an id always has the same content.
func (l *ledger) checkSameContent(key, id, content string) (first bool) {
	was, known := l.contents[id]
	if known && was != content {
		l.w.fail("the same id is the same content", key, "%s was\n%s and is\n%s", id, was, content)
	}
	l.contents[id] = content
	return !known
}

// receiptPosted records a receipt of the engine for a message to the customer.
func (l *ledger) receiptPosted(id, status string) {
	if status == string(openmessaging.StatusFailed) {
		l.reportedFailed[id] = true
	}
}

func (l *ledger) notified(n record.Notice) {
	l.succeeded["notice "+n.ID] = true
	if n.Kind == machine.NoticeEnded {
		l.succeeded["ended "+n.Session.ID] = true
	}
	if n.Kind == machine.NoticeMessageFailed {
		l.reportedFailed[n.MessageID] = true
	}
}

func (l *ledger) readStale(t *task) { l.staleReads[t] = true }
