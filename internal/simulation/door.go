package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/internal/door"
)

// A waiter is a task of a replica that waits for something to be received, or for its context.
type waiter struct {
	task  *task
	done  func() bool // its context has ended
	ready <-chan struct{}
	got   bool
	woken bool
}

// door is how the engine of a replica reaches clock, chance and scheduling.
func (r *replica) door(seed uint64) door.Door {
	return door.Door{
		Now:    r.clock,
		Until:  context.WithDeadline, // asked for its deadline only, see within: real time has not come that far
		Wait:   r.wait,
		Go:     func(f func()) { r.w.start("effect of "+r.name, r, f) },
		Chance: newSource(seed, "chance of "+r.name),
	}
}

// clock is this machine's: it differs from the others'.
func (r *replica) clock() time.Time { return epoch.Add(r.w.now + r.skew) }

// wait is the one way the engine blocks.
func (r *replica) wait(ctx context.Context, d time.Duration, ready <-chan struct{}) (bool, error) {
	t := r.w.current
	if r.w.over || r.dead {
		return false, context.Canceled
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	d, late := r.within(ctx, d)
	x := &waiter{task: t, done: func() bool { return ctx.Err() != nil }, ready: ready}
	r.waiters = append(r.waiters, x)
	r.w.step(t)
	if !x.woken {
		r.w.wake(t, r.w.now+max(d, 0))
	}
	r.w.park(t)
	r.waiters = slices.DeleteFunc(r.waiters, func(o *waiter) bool { return o == x })
	switch {
	case x.got:
		return true, nil
	case r.w.over || r.dead:
		return false, context.Canceled
	case ctx.Err() != nil:
		return false, ctx.Err()
	case late:
		return false, context.DeadlineExceeded
	default:
		return false, nil
	}
}

// within shortens a wait to the deadline of its context, by this replica's clock: the context itself knows real time only.
func (r *replica) within(ctx context.Context, d time.Duration) (left time.Duration, late bool) {
	if deadline, ok := ctx.Deadline(); ok {
		if left := deadline.Sub(r.clock()); left < d {
			return max(left, 0), true
		}
	}
	return d, false
}

// notice wakes those of a replica who wait for what has happened.
func (r *replica) notice() {
	for _, x := range r.waiters {
		if x.woken {
			continue
		}
		select {
		case <-x.ready:
			x.got, x.woken = true, true
		default:
			x.woken = x.done()
		}
		if x.woken {
			r.w.wake(x.task, r.w.now)
		}
	}
}
