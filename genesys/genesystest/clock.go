package genesystest

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A clock runs planned functions one after the other, ordered by time and then by when they were
// planned. With one timer for each, functions that are due at the same time would run in any
// order, and test results would vary.
type clock struct {
	plan  []planned
	timer *time.Timer
	run   func()
}

type planned struct {
	at time.Time
	do func()
}

// after plans do, which runs with the lock held. The caller holds the lock.
func (o *Org) after(d time.Duration, do func()) {
	if o.closed {
		return
	}
	at := time.Now().Add(max(d, 0))
	i, _ := slices.BinarySearchFunc(o.clock.plan, at, func(p planned, at time.Time) int {
		if p.at.After(at) {
			return 1
		}
		return -1
	})
	o.clock.plan = slices.Insert(o.clock.plan, i, planned{at, do})
	o.clock.arm()
}

// tick runs the functions that are due.
func (o *Org) tick() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.clock.plan) > 0 && !o.closed && !o.clock.plan[0].at.After(time.Now()) {
		first := o.clock.plan[0]
		o.clock.plan = o.clock.plan[1:]
		first.do()
	}
	o.clock.arm()
}

func (c *clock) arm() {
	if len(c.plan) == 0 {
		return
	}
	d := time.Until(c.plan[0].at)
	if c.timer == nil {
		c.timer = time.AfterFunc(d, c.run)
		return
	}
	c.timer.Reset(d)
}

func (c *clock) stop() {
	c.plan = nil
	if c.timer != nil {
		c.timer.Stop()
	}
}

// Until waits until ok returns true. The test fails after a day, or when its context ends. In a
// synctest bubble a day takes no time, because the clock advances whenever all goroutines of the
// bubble are blocked. Until calls ok at once, then every 10 ms, and after 10 s in steps of a
// thousandth of the time waited.
func Until(tb TB, ok func() bool) {
	tb.Helper()
	if err := await(tb.Context(), 24*time.Hour, ok); err != nil {
		tb.Fatalf("genesystest: Until: %v", err)
	}
}

// Await is Until for programs: it waits until ok returns true, without a limit, or returns the
// cause when ctx ends. It calls ok as often as Until does.
func (o *Org) Await(ctx context.Context, ok func() bool) error { return await(ctx, 0, ok) }

func await(ctx context.Context, limit time.Duration, ok func() bool) error {
	began := time.Now()
	for !ok() {
		passed := time.Since(began)
		if limit > 0 && passed >= limit {
			return fmt.Errorf("the condition was not true within %v", limit)
		}
		if !pause(ctx.Done(), max(10*time.Millisecond, passed/1000)) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// maxClockOffset limits WithClockOffset.
const maxClockOffset = time.Hour

// WithClockOffset sets the organisation's clock ahead of the host's clock, or behind it if d is
// negative, by one hour at most. Default: 0, both clocks agree.
//
// The organisation writes all times by its clock: the Date header of each answer, the times of
// participants and transfers, channel.time of webhooks, the times of messages that agents and
// flows send, detail events, and the expiry of a notification channel. A message from the
// customer keeps the time that the program sent. Request.Time, Delivery.Time and all durations
// use the host's clock.
func WithClockOffset(d time.Duration) Option {
	return func(s *settings) error {
		if d < -maxClockOffset || d > maxClockOffset {
			return fmt.Errorf("WithClockOffset: the offset is %v, allowed are -1h to 1h", d)
		}
		s.clockOffset = d
		return nil
	}
}

// SetClockOffset changes the offset of WithClockOffset at run time, as when one of the two clocks
// is corrected. It limits d to one hour in either direction. Times already written do not change.
func (o *Org) SetClockOffset(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opt.clockOffset = min(max(d, -maxClockOffset), maxClockOffset)
}

// Now returns the time by the organisation's clock, in milliseconds, the precision of the API.
func (o *Org) Now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now()
}

// now is Now for callers that hold the lock.
func (o *Org) now() time.Time {
	return time.Now().Add(o.opt.clockOffset).UTC().Truncate(time.Millisecond)
}

// stamp formats a time as Genesys does. It returns "" for the zero time, so that omitempty leaves
// it out.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
