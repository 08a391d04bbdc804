package handover

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
)

// An account is what belongs to the credentials and not to a channel: the client with its token, the budget that Genesys
// grants the token, a breaker, and the slots of polls. Channels with the same credentials share one.
type account struct {
	shell

	client *genesys.Client
	slots  chan struct{} // to be received

	mu      sync.Mutex
	allowed int           // requests a window, as the last answer said
	used    int           // in this window, at least
	reset   time.Time     // its end
	closed  time.Time     // nothing before, as a 429 said
	broken  int           // failures of the channel in a row
	retry   time.Time     // the breaker lets one through
	polls   map[int64]int // reserved, in each pollPeriod

	socket    socketState // whether a replica listens
	askSocket time.Time   // when the store is asked again

	noFetch  time.Time // until then messages may not be read
	fetchErr error     // as it said
}

const (
	accountEffects  = 16
	defaultAllowed  = 300
	budgetWindow    = time.Minute
	breakerFailures = 5
	breakerFirst    = 5 * time.Second
	breakerLast     = time.Minute
	pollPeriod      = 10 * time.Second
)

func newAccount(s shell) *account {
	return &account{shell: s, slots: tokens(accountEffects), allowed: defaultAllowed, polls: map[int64]int{}}
}

// A share is the part of the budget that a kind of request may use, in percent.
type share int

const (
	shareMessages share = 100 // messages, transfer, disconnect, failed receipts
	shareReads    share = 90
	shareCourtesy share = 80 // delivered receipts, typing
	sharePolls    share = 30
)

// A waitError says that nothing was sent, and when it makes sense to try.
type waitError struct {
	after time.Duration
	why   string
}

func (e *waitError) Error() string { return fmt.Sprintf("handover: not sent: %s", e.why) }

// do performs one call within the budget. It never waits longer than an effect may need to start.
func (a *account) do(ctx context.Context, s share, call func(context.Context) error) error {
	switch free, err := a.await(ctx, effectStart, a.slots); {
	case err != nil: // nothing was sent
		return &waitError{after: backoffFirst, why: "no time is left"}
	case !free:
		return &waitError{after: backoffFirst, why: "too many requests at once"}
	}
	defer func() { a.slots <- struct{}{} }()
	if err := a.take(s); err != nil {
		return err
	}
	err := call(ctx)
	a.judge(err)
	return err
}

// take spends one request, if the share of the budget has one left.
func (a *account) take(s share) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if now.Before(a.closed) {
		return &waitError{after: a.closed.Sub(now), why: "rate limited by Genesys"}
	}
	if now.Before(a.retry) {
		return &waitError{after: a.retry.Sub(now), why: "Genesys failed repeatedly"}
	}
	if !now.Before(a.reset) {
		a.used, a.reset = 0, now.Add(budgetWindow)
	}
	if a.used >= a.allowed*int(s)/100 {
		return &waitError{after: a.reset.Sub(now), why: "the share of the rate limit is spent"}
	}
	a.used++
	if a.broken >= breakerFailures {
		a.retry = now.Add(effectTime) // one goes through, the others wait for its outcome
	}
	return nil
}

// judge opens and closes the breaker.
func (a *account) judge(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, answered := apiError(err)
	switch {
	case answered && e.StatusCode == http.StatusTooManyRequests:
		a.closed = later(a.closed, a.now().Add(e.RetryAfter+limitedPause))
	case beside(err): // says nothing of what messages need
	case !channelFault(err):
		a.broken, a.retry = 0, time.Time{}
	default:
		if a.broken++; a.broken >= breakerFailures {
			d := breakerFirst << min(a.broken-breakerFailures, 4)
			a.retry = a.now().Add(min(d, breakerLast))
		}
	}
}

// heed believes what an answer says of the budget: so replicas converge without talking.
func (a *account) heed(l genesys.RateLimit) {
	if l.Allowed <= 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	a.allowed = l.Allowed
	if end := now.Add(l.Reset); l.Reset > 0 && (!now.Before(a.reset) || end.Sub(a.reset).Abs() > budgetWindow/4) {
		a.reset, a.used = end, l.Used
	}
	a.used = max(a.used, l.Used)
}

// pollSlot gives the next free time for a poll, not before at: polls of many sessions share their part of the budget. One that
// is far off holds up none that are near.
func (a *account) pollSlot(at time.Time) time.Time {
	slot, _ := a.pollSlotBefore(at, time.Time{})
	return slot
}

// pollSlotBefore takes one only if it is before a limit, zero: none; so that nobody holds a slot who does not use it.
func (a *account) pollSlotBefore(at, limit time.Time) (slot time.Time, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	past := a.now().UnixNano() / int64(pollPeriod)
	maps.DeleteFunc(a.polls, func(p int64, _ int) bool { return p < past })
	most := max(a.allowed*int(sharePolls)*int(pollPeriod/time.Second)/int(budgetWindow/time.Second)/100, 1)
	p := at.UnixNano() / int64(pollPeriod)
	for a.polls[p] >= most {
		p++
	}
	spread := pollPeriod * time.Duration(a.polls[p]) / time.Duration(most)
	slot = later(at, time.Unix(0, p*int64(pollPeriod)).Add(spread).UTC())
	if !limit.IsZero() && !slot.Before(limit) {
		return time.Time{}, false
	}
	a.polls[p]++
	return slot, true
}

// freeSlot gives one back that no poll uses. Whichever replica took it: they all plan for the same budget.
func (a *account) freeSlot(slot time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := slot.UnixNano() / int64(pollPeriod); a.polls[p] > 0 {
		a.polls[p]--
	}
}
