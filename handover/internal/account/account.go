package account

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// An Account belongs to a set of credentials: the client with its token, a breaker, and the slots
// of its requests. Channels with the same credentials share one.
type Account struct {
	environment.Environment
	*Budget

	Client *genesys.Client // sends once and never waits: the engine schedules the retries
	// On the same token, with the retries of Config.ClientOptions, for the host.
	Patient   *genesys.Client
	Slots     chan struct{} // to be received
	questions chan struct{} // to be received, see Ask

	Broken int       // failures of the channel in a row
	Retry  time.Time // when the breaker lets one request through

	Socket    record.SocketState // whether a replica listens
	AskSocket time.Time          // when the store is read again

	noFetch  time.Time // until then messages may not be read
	fetchErr error     // of that refusal
}

// A Budget counts the requests of one OAuth client in a region, as Genesys does. It does not depend
// on the secret: a new secret has a new account and the same budget. Its mutex also guards the
// state of its accounts.
type Budget struct {
	Mu      sync.Mutex
	allowed int           // requests in a window, as an answer in this window stated
	used    int           // requests in this window, at least
	reset   time.Time     // the end of the window
	closed  time.Time     // nothing is sent before, as a 429 asked
	limited bool          // the wait of a 429 has not been tested by a request yet
	probe   time.Time     // until then the outcome of the request that tests it is awaited
	polls   map[int64]int // reserved, in each PollPeriod
	Offset  clockOffset
}

// The limits of an account.
const (
	accountEffects   = 16
	accountQuestions = 4 // so that slots are left for messages
	defaultAllowed   = 300
	BudgetWindow     = time.Minute
	BreakerFailures  = 5
	breakerFirst     = 5 * time.Second
	breakerLast      = time.Minute
	PollPeriod       = 10 * time.Second
)

// NewAccount returns an account. Accounts may share a budget.
func NewAccount(s environment.Environment, b *Budget) *Account {
	return &Account{Environment: s, Budget: b, Slots: environment.Tokens(accountEffects), questions: environment.Tokens(accountQuestions)}
}

// NewBudget returns the budget of an OAuth client that has not been used yet.
func NewBudget() *Budget { return &Budget{allowed: defaultAllowed, polls: map[int64]int{}} }

// A Share is the part of the budget that a kind of request may use, in percent.
type Share int

// The shares of the budget.
const (
	ShareMessages Share = 100 // messages, transfer, disconnect, failed receipts
	ShareReads    Share = 90
	ShareCourtesy Share = 80 // delivered receipts, typing, availability
	SharePolls    Share = 30
)

// Do performs one call within the budget. It waits for a free slot until EffectStart at most, and
// for nothing else. For a request that must wait longer it returns a *WaitError.
func (a *Account) Do(ctx context.Context, s Share, call func(context.Context) error) error {
	if !a.holdsSlot(ctx) {
		switch free, err := a.Await(ctx, record.EffectStart, a.Slots); {
		case err != nil: // nothing was sent
			return &record.WaitError{After: record.BackoffFirst, Why: "no time is left"}
		case !free:
			return &record.WaitError{After: record.BackoffFirst, Why: "too many requests at once"}
		}
		defer func() { a.Slots <- struct{}{} }()
	}
	if err := a.Take(s); err != nil {
		return err
	}
	err := call(ctx)
	a.Judge(err)
	return err
}

// Ask performs a call that no message depends on. Its failures do not count for the breaker,
// because a missing permission of an optional feature must not stop messages. It is never the
// request that tests whether Genesys works again. At most accountQuestions run at once.
func (a *Account) Ask(ctx context.Context, call func(context.Context) error) error {
	if free, err := a.Await(ctx, LookupTime, a.questions); err != nil || !free {
		return &record.WaitError{After: record.BackoffFirst, Why: "too many questions at once"}
	}
	defer func() { a.questions <- struct{}{} }()
	a.Mu.Lock()
	shaky := a.Broken >= BreakerFailures
	a.Mu.Unlock()
	if shaky {
		return &record.WaitError{After: breakerFirst, Why: "Genesys failed repeatedly"}
	}
	return a.Do(ctx, ShareCourtesy, Uncounted(call))
}

// Uncounted wraps a call so that its failures do not count for the breaker. After a 429 the account
// still waits.
func Uncounted(call func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := call(ctx); err != nil {
			return &uncountedError{err}
		}
		return nil
	}
}

type uncountedError struct{ err error }

func (e *uncountedError) Error() string { return e.err.Error() }

func (e *uncountedError) Unwrap() error { return e.err }

// Take spends one request if the share of the budget has one left. Otherwise it returns a
// *WaitError.
func (a *Account) Take(s Share) error {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	now := a.Now()
	switch {
	case now.Before(a.closed):
		return &record.WaitError{After: a.closed.Sub(now), Why: "rate limited by Genesys"}
	case now.Before(a.probe):
		return &record.WaitError{After: min(a.probe.Sub(now), record.EffectStart), Why: "rate limited by Genesys, and one request tests it"}
	case now.Before(a.Retry):
		return &record.WaitError{After: a.Retry.Sub(now), Why: "Genesys failed repeatedly"}
	}
	a.beginWindow(now)
	if a.used >= a.allowed*int(s)/100 {
		return &record.WaitError{After: a.reset.Sub(now), Why: "the share of the rate limit is spent"}
	}
	a.used++
	if a.limited {
		a.probe = now.Add(record.EffectTime)
	}
	if a.Broken >= BreakerFailures {
		// One request is let through, the others wait for its outcome.
		a.Retry = now.Add(record.EffectTime)
	}
	return nil
}

// beginWindow begins a new window of the budget if the last one is over. The headers of answers
// from the last window do not apply to the new one. The caller holds the mutex.
func (a *Account) beginWindow(now time.Time) (began bool) {
	if now.Before(a.reset) {
		return false
	}
	a.allowed, a.used, a.reset = defaultAllowed, 0, now.Add(BudgetWindow)
	return true
}

// Judge opens and closes the breaker, and closes the account after a 429.
func (a *Account) Judge(err error) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	now := a.Now()
	e, answered := record.APIError(err)
	if answered && e.StatusCode == http.StatusTooManyRequests {
		a.closed, a.limited, a.probe = machine.Later(a.closed, now.Add(record.LimitedWait(e))), true, time.Time{}
		return
	}
	if !now.Before(a.closed) { // an answer from before the wait of a 429 does not end it
		a.limited, a.probe = false, time.Time{}
	}
	if _, uncounted := errors.AsType[*uncountedError](err); uncounted {
		return
	}
	if !record.ChannelFault(err) {
		a.Broken, a.Retry = 0, time.Time{}
		return
	}
	if a.Broken++; a.Broken >= BreakerFailures {
		d := breakerFirst << min(a.Broken-BreakerFailures, 4)
		a.Retry = now.Add(min(d, breakerLast))
	}
}

// Observe applies an answer that the client reports.
func (a *Account) Observe(call genesys.Call) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	a.updateBudget(call.RateLimit)
	a.Offset.add(call.Sent, call.Received, call.Date)
}

// updateBudget applies the rate-limit headers of an answer, so that replicas converge without
// coordination. They count until the end of their window, and for one window at most. The caller
// holds the mutex.
func (a *Account) updateBudget(l genesys.RateLimit) {
	if l.Allowed <= 0 {
		return
	}
	now := a.Now()
	began := a.beginWindow(now)
	a.allowed = l.Allowed
	// Genesys writes 61 for a window that has just begun.
	end := now.Add(min(l.Reset, BudgetWindow+time.Second))
	if l.Reset > 0 && (began || end.Sub(a.reset).Abs() > BudgetWindow/4) {
		a.reset, a.used = end, l.Used
	}
	a.used = max(a.used, l.Used)
}

// A clockOffset measures how far Genesys' clock is ahead of this machine's. The zero value has
// measured nothing.
//
// An answer's Date is a whole second of Genesys' clock at some time between Sent and Received, so
// Genesys was ahead by Date - Received at least and by Date + 1 s - Sent at most. The last
// offsetTrips round trips together bound it further.
type clockOffset struct {
	trips []roundTrip
	// The last answer, if it contradicts them: a clock was set, or its Date is wrong. The next
	// answer decides.
	doubt []roundTrip
}

// A roundTrip bounds the offset: it is ahead, give or take within.
type roundTrip struct{ ahead, within time.Duration }

const (
	offsetTrips = 16
)

// contradicts reports whether two round trips cannot both be right. Servers may differ by a little.
func (t roundTrip) contradicts(o roundTrip) bool {
	return (t.ahead - o.ahead).Abs() > t.within+o.within+machine.OffsetKnown
}

// add takes the times of one answer. It ignores answers without a Date. Two round trips that agree
// and contradict an earlier one show that a clock was set, so the earlier ones are dropped.
func (o *clockOffset) add(sent, received, date time.Time) {
	if date.IsZero() || sent.IsZero() || received.Before(sent) {
		return
	}
	least, most := date.Sub(received), date.Add(time.Second).Sub(sent)
	trip := roundTrip{ahead: least + (most-least)/2, within: (most - least) / 2}
	doubt := o.doubt
	if o.doubt = nil; slices.ContainsFunc(o.trips, trip.contradicts) {
		if len(doubt) == 0 || trip.contradicts(doubt[0]) {
			o.doubt = []roundTrip{trip}
			return
		}
		o.trips = doubt
	}
	if len(o.trips) == offsetTrips {
		o.trips = slices.Delete(o.trips, 0, 1)
	}
	o.trips = append(o.trips, trip)
}

// Get returns the offset, its uncertainty, and whether that is the required accuracy. All round
// trips agree on a range; the offset is its middle, or zero if the range contains zero. A machine
// that keeps its clock by NTP agrees with Genesys within milliseconds, and a Date header is not
// that precise.
func (o *clockOffset) Get() (ahead, within time.Duration, known bool) {
	if len(o.trips) == 0 {
		return 0, 0, false
	}
	best := slices.MinFunc(o.trips, func(a, b roundTrip) int { return cmp.Compare(a.within, b.within) })
	least, most := best.ahead-best.within, best.ahead+best.within
	for _, t := range o.trips {
		// Servers may differ by a little.
		if low, high := max(least, t.ahead-t.within), min(most, t.ahead+t.within); low <= high {
			least, most = low, high
		}
	}
	known = most-least <= 2*machine.OffsetKnown && len(o.doubt) == 0
	if least <= 0 && most >= 0 {
		return 0, max(-least, most), known
	}
	return least + (most-least)/2, (most - least) / 2, known
}

// PollSlot reserves the next free time for a poll, not before at, and returns it. The polls of all
// sessions share their part of the budget. A reservation far ahead delays no earlier poll.
func (a *Account) PollSlot(at machine.Time) machine.Time {
	slot, _ := a.PollSlotBefore(at, 0)
	return slot
}

// PollSlotBefore reserves a slot only if it is before limit (zero: no limit), so that no slot is
// held without use.
func (a *Account) PollSlotBefore(at, limit machine.Time) (slot machine.Time, ok bool) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	now := a.Now()
	a.beginWindow(now)
	past := pollPeriod(machine.TimeOf(now))
	maps.DeleteFunc(a.polls, func(p int64, _ int) bool { return p < past })
	most := max(a.allowed*int(SharePolls)*int(PollPeriod/time.Second)/int(BudgetWindow/time.Second)/100, 1)
	p := pollPeriod(at)
	for a.polls[p] >= most {
		p++
	}
	spread := PollPeriod * time.Duration(a.polls[p]) / time.Duration(most)
	slot = machine.Later(at, machine.Time(0).Add(time.Duration(p)*PollPeriod+spread))
	if !limit.IsZero() && !slot.Before(limit) {
		return 0, false
	}
	a.polls[p]++
	return slot, true
}

// FreeSlot releases a slot that no poll uses, regardless of which replica reserved it: they all
// share one budget.
func (a *Account) FreeSlot(slot machine.Time) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	if p := pollPeriod(slot); a.polls[p] > 0 {
		a.polls[p]--
	}
}

// pollPeriod returns the number of the PollPeriod that contains a time.
func pollPeriod(at machine.Time) int64 { return int64(at.Sub(0) / PollPeriod) }

// LookupTime bounds how long HandOver waits for the queue lookup.
const LookupTime = 4 * time.Second

// FetchTime limits a fetch, so that time remains for the rest of the effect.
const FetchTime = 3 * time.Second

// forbiddenTime is how long a refusal to read messages counts: a permission may be granted in
// between.
const forbiddenTime = 10 * time.Minute

// MayFetch returns the last refusal while it counts, or nil.
func (a *Account) MayFetch() error {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	if a.Now().Before(a.noFetch) {
		return a.fetchErr
	}
	return nil
}

// NoteFetch records that messages may not be read, if err shows that.
func (a *Account) NoteFetch(err error) {
	if !errors.Is(err, genesys.ErrForbidden) {
		return
	}
	a.Mu.Lock()
	defer a.Mu.Unlock()
	a.noFetch, a.fetchErr = a.Now().Add(forbiddenTime), err
}

// How long an answer of the store is used, and how long to wait for one.
const (
	askSocket  = 15 * time.Second
	NoSocket   = time.Minute
	SocketTime = time.Second
)

// SocketAsk returns the last answer and whether the caller has to read the store again.
func (a *Account) SocketAsk(now time.Time) (record.SocketState, bool) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	if now.Before(a.AskSocket) {
		return a.Socket, false
	}
	a.AskSocket = now.Add(askSocket)
	return a.Socket, true
}

// Clock returns the offset as it is measured now.
func (a *Account) Clock() machine.Clock {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	ahead, _, known := a.Offset.Get()
	return machine.Clock{Ahead: ahead, Unmeasured: !known}
}

// TakeSlot takes a slot of the account, if one is free.
func (a *Account) TakeSlot() bool {
	select {
	case <-a.Slots:
		return true
	default:
		return false
	}
}

// SlotKey is the key of the account whose slot the effect of a context holds.
type SlotKey struct{}

// holdsSlot reports whether the effect of a context holds a slot of the account.
func (a *Account) holdsSlot(ctx context.Context) bool {
	held, _ := ctx.Value(SlotKey{}).(*Account)
	return held == a
}

// readTime limits a read, so that time remains for the rest of the effect.
const readTime = 4 * time.Second

// Look reads a conversation. It ignores participants that ended before since, and legs with known
// marks.
func (a *Account) Look(ctx context.Context, s Share, id string, since machine.Since, known string) (*genesys.Conversation, *record.Reading) {
	ctx, cancel := a.Within(ctx, readTime)
	defer cancel()
	r := &record.Reading{Began: machine.TimeOf(a.Now())}
	var c *genesys.Conversation
	r.Err = a.Do(ctx, s, func(ctx context.Context) (err error) {
		c, err = a.Client.Conversations.Get(ctx, id)
		return err
	})
	r.Clock = a.Clock()
	switch {
	case r.Err == nil:
		r.Show(c, since, known)
	case errors.Is(r.Err, genesys.ErrForbidden):
		r.Blind = true
	case errors.Is(r.Err, genesys.ErrNotFound):
		r.Gone = true
	}
	return c, r
}

// Limits of the requests for Availability.
const (
	AvailabilityTime = LookupTime // limits the wait of a caller of Availability for Genesys
	WaitTime         = 1500 * time.Millisecond
	memberPages      = 5   // a queue with more pages is not counted
	memberPage       = 100 // members in a page
	FactTime         = 30 * time.Second
	// A caller with a shorter deadline does not count as a failure of Genesys.
	FactPatience = time.Second
	FactRoom     = 512 // beyond it, all facts are dropped
)

// CountAgents counts the members who serve a queue. It returns nil if that is uncertain or if there
// are more than 500. Each page is a request, so each spends its share of the budget.
func (a *Account) CountAgents(ctx context.Context, queueID string) (*int, error) {
	serving, seen := 0, 0
	for member, err := range a.Client.Routing.Members(ctx, queueID) {
		if err != nil {
			return nil, err
		}
		serves, known := serves(member)
		if seen++; !known || seen == memberPages*memberPage {
			return nil, nil //nolint:nilnil // unknown
		}
		if serves {
			serving++
		}
		if seen%memberPage == 0 {
			if err := a.Take(ShareCourtesy); err != nil {
				return nil, err
			}
		}
	}
	return &serving, nil
}

// serves reports whether a member takes conversations of the queue, and whether that is known.
func serves(m genesys.Member) (serves, known bool) {
	if !m.Joined {
		return false, true
	}
	switch m.RoutingStatus {
	case "IDLE", "INTERACTING", "COMMUNICATING":
		return true, true
	case "OFF_QUEUE", "NOT_RESPONDING":
		return false, true
	default:
		return false, false
	}
}
