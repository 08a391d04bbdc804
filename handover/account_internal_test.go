package handover

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/genesys"
	"github.com/genesyshandover/genesyshandover/internal/door"
)

// clocked is an account with a clock that the test moves.
func clocked() (*account, *time.Time) {
	now := noon()
	return newAccount(shell{door.Door{Now: func() time.Time { return now }, Until: context.WithDeadline, Wait: wait}}), &now
}

// spend takes as often as it may and counts.
func spend(a *account, s share) int {
	n := 0
	for a.take(s) == nil {
		n++
	}
	return n
}

func apiFault(status int) error { return &genesys.Error{Op: "openmessaging.send", StatusCode: status} }

// Messages, transfer, disconnect may use 100% of the budget; reads 90%; Delivered receipts and typing 80%; polls 30%.
func TestShares(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	require.Equal(t, 90, spend(a, sharePolls))
	require.Equal(t, 150, spend(a, shareCourtesy))
	require.Equal(t, 30, spend(a, shareReads))
	require.Equal(t, 30, spend(a, shareMessages))
	var wait *waitError
	require.ErrorAs(t, a.take(shareMessages), &wait)
	require.Equal(t, time.Minute, wait.after)
	*now = now.Add(time.Minute)
	require.Equal(t, 300, spend(a, shareMessages), "another window")
}

// Headers are the truth, so replicas converge without talking.
func TestHeadersAreHeeded(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	a.heed(genesys.RateLimit{})
	require.Equal(t, 300, a.allowed, "no header says nothing")
	a.heed(genesys.RateLimit{Allowed: 100, Used: 95, Reset: 20 * time.Second})
	require.Equal(t, 5, spend(a, shareMessages), "other replicas spent the rest")
	a.heed(genesys.RateLimit{Allowed: 100, Used: 97, Reset: 20 * time.Second})
	require.Zero(t, spend(a, shareMessages), "an answer that was under way gives nothing back")
	*now = now.Add(20 * time.Second)
	require.Equal(t, 100, spend(a, shareMessages))
	*now = now.Add(30 * time.Second)
	a.heed(genesys.RateLimit{Allowed: 100, Used: 1, Reset: time.Minute})
	require.Equal(t, 99, spend(a, shareMessages), "a new window, as Genesys counts")
}

func Test429Closes(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	a.judge(&genesys.Error{StatusCode: http.StatusTooManyRequests, RetryAfter: 7 * time.Second})
	var wait *waitError
	for _, s := range []share{shareMessages, sharePolls} {
		require.ErrorAs(t, a.take(s), &wait)
		require.Equal(t, 8*time.Second, wait.after, "Retry-After + 1 s")
	}
	a.judge(&genesys.Error{StatusCode: http.StatusTooManyRequests, RetryAfter: time.Second})
	*now = now.Add(8*time.Second - 1)
	require.Error(t, a.take(shareMessages), "a later answer does not open it")
	*now = now.Add(1)
	require.NoError(t, a.take(shareMessages))
	require.Zero(t, a.broken, "429 is no fault")
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	fault := apiFault(http.StatusServiceUnavailable)
	for range breakerFailures {
		require.NoError(t, a.take(shareMessages))
		a.judge(fault)
	}
	for _, pause := range []int{5, 10, 20, 40, 60, 60} {
		*now = now.Add(time.Duration(pause)*time.Second - 1)
		require.Error(t, a.take(shareMessages), "it is open")
		*now = now.Add(1)
		require.NoError(t, a.take(shareMessages), "one goes through")
		require.Error(t, a.take(shareMessages), "and no other")
		a.judge(fault)
	}
	*now = now.Add(time.Minute)
	require.NoError(t, a.take(shareMessages))
	a.judge(nil)
	require.NoError(t, a.take(shareMessages), "it is closed")
	a.judge(fault)
	require.NoError(t, a.take(shareMessages), "and counts anew")
}

func TestTheOneThatWentThroughMayBeLost(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	for range breakerFailures {
		a.judge(apiFault(http.StatusBadGateway))
	}
	*now = now.Add(breakerFirst)
	require.NoError(t, a.take(shareMessages))
	*now = now.Add(effectTime)
	require.NoError(t, a.take(shareMessages), "its effect is over, whatever became of it")
}

// 401, 403, 404 on the integration, 429, network and 5xx are the channel's fault; the rest is the message's.
func TestWhoseFaultItIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		channel bool
	}{
		"none": {nil, false}, "400": {apiFault(400), false}, "413": {apiFault(413), false}, "415": {apiFault(415), false}, "422": {apiFault(422), false},
		"401": {apiFault(401), true}, "403": {apiFault(403), true}, "404": {apiFault(404), true}, "429": {apiFault(429), true},
		"500": {apiFault(500), true}, "503": {apiFault(503), true}, "network": {genesys.ErrUnavailable, true},
		"404 of one conversation": {&genesys.Error{Op: "conversations.get", StatusCode: 404}, false},
		"no room in the budget":   {&waitError{}, false},
		"a wrong queue name":      {fmt.Errorf("%w: %w", ErrNoQueue, &genesys.QueueNotFoundError{}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.channel, channelFault(test.err))
		})
	}
}

func TestJudged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err       error
		effect    effectOutcome
		blameless bool
		after     time.Duration
	}{
		"400":    {apiFault(400), effectRefused, false, 0},
		"422":    {apiFault(422), effectRefused, false, 0},
		"401":    {apiFault(401), effectNotPerformed, true, 0},
		"403":    {apiFault(403), effectNotPerformed, true, 0},
		"429":    {&genesys.Error{StatusCode: 429, RetryAfter: 3 * time.Second}, effectNotPerformed, true, 4 * time.Second},
		"503":    {&genesys.Error{StatusCode: 503, RetryAfter: 3 * time.Second}, effectAmbiguous, true, 3 * time.Second},
		"500":    {apiFault(500), effectAmbiguous, true, 0},
		"budget": {&waitError{after: time.Minute}, effectNotPerformed, true, time.Minute},
		"other":  {errors.New("reset"), effectAmbiguous, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := judged(test.err)
			require.Equal(t, test.effect, o.effect)
			require.Equal(t, test.blameless, o.blameless)
			require.Equal(t, test.after, o.retryAfter)
		})
	}
}

// Each poll reserves a slot in its token's budget: 30% of 300 a minute are 15 in ten seconds.
func TestPollSlots(t *testing.T) {
	t.Parallel()
	a, now := clocked()
	require.Equal(t, noon().Add(5*time.Minute), a.pollSlot(noon().Add(5*time.Minute)))
	var slots []time.Time
	for range 40 {
		slots = append(slots, a.pollSlot(noon()))
	}
	require.Equal(t, noon(), slots[0], "one that is far off holds up none that are near")
	require.True(t, slices.IsSortedFunc(slots, time.Time.Compare))
	for i, want := range map[int]time.Duration{14: 0, 15: 10 * time.Second, 29: 10 * time.Second, 30: 20 * time.Second, 39: 20 * time.Second} {
		require.Equal(t, want, slots[i].Sub(noon()).Truncate(10*time.Second), i)
	}
	require.Equal(t, slots[39].Add(10*time.Second/15), a.pollSlot(noon().Add(20*time.Second)), "spread")
	require.Equal(t, noon().Add(29*time.Second), a.pollSlot(noon().Add(29*time.Second)), "never before it is wanted")

	*now = now.Add(time.Hour)
	require.Equal(t, noon().Add(time.Hour), a.pollSlot(*now))
	require.Len(t, a.polls, 1, "what is past is forgotten")
	a.heed(genesys.RateLimit{Allowed: 1})
	require.Equal(t, noon().Add(time.Hour+10*time.Second), a.pollSlot(*now), "a tiny budget still polls")
}

// A poll is put off at most once: only the look that scheduled it takes a slot.
func TestOnlyALookTakesASlot(t *testing.T) {
	t.Parallel()
	a, _ := clocked()
	for range 15 {
		a.pollSlot(noon())
	}
	for duty, want := range map[dutyKind]time.Time{dutyReceipt: noon().Add(time.Second), dutyLook: noon().Add(10 * time.Second)} {
		e := newEdit(fileIn(StateQueued))
		e.Now.PollAt, e.Now.Poll = noon().Add(time.Second), true
		e.reservePoll(outcome{duty: duty, known: &known{account: a}}, &reservation{})
		require.Equal(t, want, e.Now.PollAt, duty)
	}
	e := newEdit(fileIn(StateQueued))
	e.Now.PollAt = noon().Add(time.Second)
	e.reservePoll(outcome{duty: dutyLook, known: &known{account: a}}, &reservation{})
	require.Equal(t, noon().Add(time.Second), e.Now.PollAt, "a read for a reason waits for no slot")
}

// A settling edit may run many times against other writers of the record.
func TestAConflictTakesNoSecondSlot(t *testing.T) {
	t.Parallel()
	a, _ := clocked()
	other := a.pollSlot(noon().Add(30 * time.Second))
	var slot reservation
	for range 40 {
		e := newEdit(fileIn(StateQueued))
		e.Now.Slot = other
		e.Now.PollAt, e.Now.Poll = noon().Add(time.Second), true
		e.reservePoll(outcome{duty: dutyLook, known: &known{account: a}}, &slot)
		require.Equal(t, noon().Add(time.Second), e.Now.PollAt)
	}
	require.Less(t, a.pollSlot(noon()), noon().Add(pollPeriod), "one slot was spent")
	require.Equal(t, other, a.pollSlot(other), "and the needless one given back")
}

func TestSixteenEffectsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(newShell())
		release := make(chan struct{})
		for range accountEffects {
			go func() {
				_ = a.do(t.Context(), shareMessages, func(context.Context) error {
					<-release
					return nil
				})
			}()
		}
		synctest.Wait()
		began := time.Now()
		var wait *waitError
		require.ErrorAs(t, a.do(t.Context(), shareMessages, func(context.Context) error { return nil }), &wait)
		require.Equal(t, effectStart, time.Since(began), "an effect starts within a second or not at all")
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorAs(t, a.do(gone, shareMessages, nil), &wait, "nothing was sent")
		close(release)
		synctest.Wait()
		require.NoError(t, a.do(t.Context(), shareMessages, func(context.Context) error { return nil }))
	})
}
