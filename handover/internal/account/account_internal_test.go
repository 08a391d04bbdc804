package account

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/handover/internal/environment"
	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
	"github.com/genesyshandover/genesyshandover/handover/internal/recordtest"
	"github.com/genesyshandover/genesyshandover/region"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// clocked is an account with a clock that the test moves.
func clocked() (*Account, *time.Time) {
	now := noon().Std()
	return NewAccount(environment.Environment{Now: func() time.Time { return now }, Until: context.WithDeadline, Wait: environment.Wait}, NewBudget()), &now
}

// spend takes as often as it may and counts.
func spend(a *Account, s Share) int {
	n := 0
	for a.Take(s) == nil {
		n++
	}
	return n
}

func apiFault(status int) error { return &genesys.Error{Op: "openmessaging.send", StatusCode: status} }

// Messages, transfer, disconnect may use 100% of the budget; reads 90%; Delivered receipts and
// typing 80%; polls 30%.
func TestShares(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	require.Equal(t, 90, spend(a, SharePolls))
	require.Equal(t, 150, spend(a, ShareCourtesy))
	require.Equal(t, 30, spend(a, ShareReads))
	require.Equal(t, 30, spend(a, ShareMessages))
	var wait *record.WaitError
	require.ErrorAs(t, a.Take(ShareMessages), &wait)
	require.Equal(t, time.Minute, wait.After)
	*now = now.Add(time.Minute)
	require.Equal(t, 300, spend(a, ShareMessages), "another window")
}

// Headers are authoritative, so replicas converge without coordination.
func TestHeadersAreAuthoritative(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	heed := func(l genesys.RateLimit) { a.Observe(genesys.Call{RateLimit: l}) }
	heed(genesys.RateLimit{})
	require.Equal(t, 300, a.allowed, "no header changes nothing")
	heed(genesys.RateLimit{Allowed: 100, Used: 95, Reset: 20 * time.Second})
	require.Equal(t, 5, spend(a, ShareMessages), "other replicas spent the rest")
	heed(genesys.RateLimit{Allowed: 100, Used: 97, Reset: 20 * time.Second})
	require.Zero(t, spend(a, ShareMessages), "a late answer returns nothing to the budget")
	*now = now.Add(20 * time.Second)
	heed(genesys.RateLimit{Allowed: 100, Used: 1, Reset: time.Minute})
	require.Equal(t, 99, spend(a, ShareMessages))
	*now = now.Add(30 * time.Second)
	heed(genesys.RateLimit{Allowed: 100, Used: 1, Reset: time.Minute})
	require.Equal(t, 99, spend(a, ShareMessages), "a new window, as Genesys counts")
}

func Test429Closes(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	a.Judge(&genesys.Error{StatusCode: http.StatusTooManyRequests, RetryAfter: 7 * time.Second})
	var wait *record.WaitError
	for _, s := range []Share{ShareMessages, SharePolls} {
		require.ErrorAs(t, a.Take(s), &wait)
		require.Equal(t, 8*time.Second, wait.After, "Retry-After + 1 s")
	}
	a.Judge(&genesys.Error{StatusCode: http.StatusTooManyRequests, RetryAfter: time.Second})
	*now = now.Add(8*time.Second - 1)
	require.Error(t, a.Take(ShareMessages), "a later answer does not open it")
	*now = now.Add(1)
	require.NoError(t, a.Take(ShareMessages))
	require.Zero(t, a.Broken, "429 is no fault")
}

// After any 429, the account sends again within two minutes: one request, and the others once that
// one is answered.
func TestAWaitOfA429IsTwoMinutesAtMost(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"a billion seconds": "1e9", "infinity": "Inf", "a date": "Fri, 01 Jan 2100 00:00:00 GMT", "minutes": "119",
		"negative": "-1e9", "NaN": "NaN", "nonsense": "tomorrow", "none": "", "a past date": "Sat, 01 Jan 2000 00:00:00 GMT",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, now := clocked()
			err := refused429(t, header)
			a.Judge(err)
			require.LessOrEqual(t, record.Judged(err).RetryAfter, 2*time.Minute)
			require.GreaterOrEqual(t, record.Judged(err).RetryAfter, record.LimitedPause)
			var wait *record.WaitError
			require.ErrorAs(t, a.Take(ShareMessages), &wait)
			require.LessOrEqual(t, wait.After, 2*time.Minute)
			*now = now.Add(2 * time.Minute)
			require.NoError(t, a.Take(ShareMessages), "one request is let through")
			require.ErrorAs(t, a.Take(ShareMessages), &wait, "and no other")
			require.LessOrEqual(t, wait.After, record.EffectStart)
			a.Judge(err)
			require.ErrorAs(t, a.Take(ShareMessages), &wait)
			require.LessOrEqual(t, wait.After, 2*time.Minute)
			*now = now.Add(2 * time.Minute)
			require.NoError(t, a.Take(ShareMessages))
			*now = now.Add(record.EffectTime)
			require.NoError(t, a.Take(ShareMessages), "the outcome of the first is lost")
			a.Judge(nil)
			require.Greater(t, spend(a, ShareMessages), 200, "all are")
		})
	}
}

// refused429 is the error of a 429 as the client makes it.
func refused429(t *testing.T, retryAfter string) error {
	t.Helper()
	answer := func(*http.Request) (*http.Response, error) {
		h := http.Header{"Inin-Ratelimit-Allowed": {"1"}, "Inin-Ratelimit-Count": {"1"}, "Inin-Ratelimit-Reset": {retryAfter}}
		if retryAfter != "" {
			h.Set("Retry-After", retryAfter)
		}
		return &http.Response{StatusCode: http.StatusTooManyRequests, Header: h, Body: http.NoBody}, nil
	}
	c, err := genesys.New(region.EUCentral1, genesys.TokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t"})),
		genesys.WithHTTPClient(&http.Client{Transport: roundTripper(answer)}), genesys.WithRetry(genesys.RetryPolicy{}))
	require.NoError(t, err)
	err = c.Do(t.Context(), genesys.Request{Path: []string{"x"}}, nil)
	require.ErrorIs(t, err, genesys.ErrRateLimited)
	return err
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The budget that an answer states applies to one window at most.
func TestABudgetHoldsForOneWindow(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	a.Observe(genesys.Call{RateLimit: genesys.RateLimit{Allowed: 1, Used: 1, Reset: 30 * 24 * time.Hour}})
	var wait *record.WaitError
	require.ErrorAs(t, a.Take(ShareMessages), &wait)
	require.LessOrEqual(t, wait.After, BudgetWindow+time.Second)
	*now = now.Add(BudgetWindow + time.Second)
	require.Equal(t, 270, spend(a, ShareReads))
	for range 100 {
		*now = now.Add(time.Second)
		a.Observe(genesys.Call{RateLimit: genesys.RateLimit{Allowed: 300, Used: 1 << 40, Reset: time.Hour}})
	}
	*now = now.Add(BudgetWindow + time.Second)
	require.Equal(t, 300, spend(a, ShareMessages))
}

// trip returns an answer of a server whose clock is ahead. there and back are the times of the
// request and the answer.
func trip(sent time.Time, ahead, there, back time.Duration) genesys.Call {
	return genesys.Call{Sent: sent, Received: sent.Add(there + back), Date: sent.Add(there + ahead).Truncate(time.Second)}
}

// The offset of Genesys' clock is that of the narrowest of the last 16 round trips, within a
// second.
func TestOffsetOfGenesysClock(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	known := func() bool { return !a.Clock().Unmeasured }
	a.Observe(genesys.Call{})
	a.Observe(genesys.Call{Sent: *now, Received: *now})
	a.Observe(genesys.Call{Sent: now.Add(time.Second), Received: *now, Date: *now})
	require.False(t, known(), "nothing is measured")
	a.Observe(trip(*now, time.Hour, 8*time.Second, 0))
	require.False(t, known(), "not within a second")
	a.Observe(trip(*now, time.Hour, 10*time.Millisecond, 10*time.Millisecond))
	for range offsetTrips - 1 {
		a.Observe(trip(*now, time.Hour, 0, 5*time.Second))
	}
	require.True(t, known())
	require.WithinDuration(t, now.Add(time.Hour), a.Clock().Genesys(machine.TimeOf(*now)).Std(), time.Second)
	a.Observe(trip(*now, time.Hour, 0, 5*time.Second))
	require.False(t, known(), "the narrow one is the 17th")

	a.Observe(trip(*now, time.Hour, 0, 0))
	*now = now.Add(time.Hour) // this clock is set
	a.Observe(trip(*now, 0, 0, time.Second))
	require.False(t, known(), "one answer does not prove it")
	a.Observe(trip(*now, 0, 0, time.Second))
	require.True(t, known())
	require.WithinDuration(t, *now, a.Clock().Genesys(machine.TimeOf(*now)).Std(), time.Second, "what was measured before does not count")
}

// One answer with a wrong Date, of a server or of a proxy, changes no offset. Until the next answer
// the offset counts as unknown, so that no webhook is dropped as a replay.
func TestOneWrongDateIsNotBelieved(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	a.Observe(trip(*now, 0, 0, 10*time.Millisecond))
	for _, wrong := range []time.Duration{time.Hour, -time.Hour, 2 * time.Hour} {
		a.Observe(trip(*now, wrong, 0, 10*time.Millisecond))
		require.True(t, a.Clock().Unmeasured)
		require.WithinDuration(t, *now, a.Clock().Genesys(machine.TimeOf(*now)).Std(), time.Second)
	}
	a.Observe(trip(*now, 0, 0, 10*time.Millisecond))
	require.False(t, a.Clock().Unmeasured)
}

// With any clocks and any network, a known offset is right within a second.
func TestOffsetIsRightWithinASecond(t *testing.T) {
	t.Parallel()
	measured := 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // seeded, so that a failure repeats
		between := func(most time.Duration) time.Duration { return time.Duration(r.Int64N(int64(most))) }
		ahead := between(2*time.Hour) - time.Hour
		var o clockOffset
		for at := noon(); at.Before(noon().Add(time.Hour)); at = at.Add(between(10 * time.Minute)) {
			slow := []time.Duration{time.Millisecond, time.Second, 10 * time.Second}[r.IntN(3)]
			call := trip(at.Std(), ahead, between(slow), between(slow))
			o.add(call.Sent, call.Received, call.Date)
			got, within, known := o.Get()
			require.LessOrEqual(t, (got - ahead).Abs(), within, "seed %d", seed)
			if known {
				measured++
				require.LessOrEqual(t, (got - ahead).Abs(), time.Second, "seed %d", seed)
			}
		}
	}
	require.Greater(t, measured, 1000)
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	fault := apiFault(http.StatusServiceUnavailable)
	for range BreakerFailures {
		require.NoError(t, a.Take(ShareMessages))
		a.Judge(fault)
	}
	for _, pause := range []int{5, 10, 20, 40, 60, 60} {
		*now = now.Add(time.Duration(pause)*time.Second - 1)
		require.Error(t, a.Take(ShareMessages), "it is open")
		*now = now.Add(1)
		require.NoError(t, a.Take(ShareMessages), "one goes through")
		require.Error(t, a.Take(ShareMessages), "and no other")
		a.Judge(fault)
	}
	*now = now.Add(time.Minute)
	require.NoError(t, a.Take(ShareMessages))
	a.Judge(nil)
	require.NoError(t, a.Take(ShareMessages), "it is closed")
	a.Judge(fault)
	require.NoError(t, a.Take(ShareMessages), "and counts from zero")
}

func TestTheOneThatWentThroughMayBeLost(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	for range BreakerFailures {
		a.Judge(apiFault(http.StatusBadGateway))
	}
	*now = now.Add(breakerFirst)
	require.NoError(t, a.Take(ShareMessages))
	*now = now.Add(record.EffectTime)
	require.NoError(t, a.Take(ShareMessages), "its effect is over, with any result")
}

// Each poll reserves a slot in its token's budget: 30% of 300 a minute are 15 in ten seconds.
func TestPollSlots(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	require.Equal(t, noon().Add(5*time.Minute), a.PollSlot(noon().Add(5*time.Minute)))
	var slots []machine.Time
	for range 40 {
		slots = append(slots, a.PollSlot(noon()))
	}
	require.Equal(t, noon(), slots[0], "one that is far off holds up none that are near")
	require.True(t, slices.IsSorted(slots))
	for i, want := range map[int]time.Duration{14: 0, 15: 10 * time.Second, 29: 10 * time.Second, 30: 20 * time.Second, 39: 20 * time.Second} {
		require.Equal(t, want, slots[i].Sub(noon()).Truncate(10*time.Second), i)
	}
	require.Equal(t, slots[39].Add(10*time.Second/15), a.PollSlot(noon().Add(20*time.Second)), "spread")
	require.Equal(t, noon().Add(29*time.Second), a.PollSlot(noon().Add(29*time.Second)), "never before it is wanted")

	*now = now.Add(time.Hour)
	require.Equal(t, noon().Add(time.Hour), a.PollSlot(machine.TimeOf(*now)))
	require.Len(t, a.polls, 1, "what is past is forgotten")
	a.Observe(genesys.Call{RateLimit: genesys.RateLimit{Allowed: 1}})
	require.Equal(t, noon().Add(time.Hour+10*time.Second), a.PollSlot(machine.TimeOf(*now)), "a tiny budget still polls")
}

// A poll is delayed at most once: only the look that scheduled it reserves a slot.
func TestOnlyALookTakesASlot(t *testing.T) {
	t.Parallel()
	a, _ := clocked()
	for range 15 {
		a.PollSlot(noon())
	}
	for task, want := range map[record.TaskKind]machine.Time{record.TaskReceipt: noon().Add(time.Second), record.TaskLook: noon().Add(10 * time.Second)} {
		tx := recordtest.NewTransaction(recordtest.RecordIn(machine.StateQueued))
		tx.Handover.PollAt, tx.Handover.Poll = noon().Add(time.Second), true
		tx.ReservePoll(record.Outcome{Task: task, Polls: a}, &record.Reservation{})
		require.Equal(t, want, tx.Handover.PollAt, task)
	}
	tx := recordtest.NewTransaction(recordtest.RecordIn(machine.StateQueued))
	tx.Handover.PollAt = noon().Add(time.Second)
	tx.ReservePoll(record.Outcome{Task: record.TaskLook, Polls: a}, &record.Reservation{})
	require.Equal(t, noon().Add(time.Second), tx.Handover.PollAt, "a read for a reason waits for no slot")
}

// A settling transaction may run many times because of concurrent writers of the record.
func TestAConflictTakesNoSecondSlot(t *testing.T) {
	t.Parallel()
	a, _ := clocked()
	other := a.PollSlot(noon().Add(30 * time.Second))
	var slot record.Reservation
	for range 40 {
		tx := recordtest.NewTransaction(recordtest.RecordIn(machine.StateQueued))
		tx.Handover.Slot = other
		tx.Handover.PollAt, tx.Handover.Poll = noon().Add(time.Second), true
		tx.ReservePoll(record.Outcome{Task: record.TaskLook, Polls: a}, &slot)
		require.Equal(t, noon().Add(time.Second), tx.Handover.PollAt)
	}
	require.Less(t, a.PollSlot(noon()), noon().Add(PollPeriod), "one slot was spent")
	require.Equal(t, other, a.PollSlot(other), "and the needless one given back")
}

func TestSixteenEffectsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := NewAccount(environment.New(), NewBudget())
		release := make(chan struct{})
		for range accountEffects {
			go func() {
				_ = a.Do(t.Context(), ShareMessages, func(context.Context) error {
					<-release
					return nil
				})
			}()
		}
		synctest.Wait()
		began := time.Now()
		var wait *record.WaitError
		require.ErrorAs(t, a.Do(t.Context(), ShareMessages, func(context.Context) error { return nil }), &wait)
		require.Equal(t, record.EffectStart, time.Since(began), "an effect starts within a second or not at all")
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorAs(t, a.Do(gone, ShareMessages, nil), &wait, "nothing was sent")
		close(release)
		synctest.Wait()
		require.NoError(t, a.Do(t.Context(), ShareMessages, func(context.Context) error { return nil }))
	})
}
