package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A strike kills replicas at the same time. Each comes back after a pause of its own.
type strike struct {
	at     time.Duration
	pauses []time.Duration // one a victim
}

// The pauses before a dead replica starts again.
const (
	minPause = 200 * time.Millisecond
	maxPause = 3 * time.Second
)

// strikes plans kills over the middle of a time. About one strike in five hits two replicas at once.
func strikes(r *rand.Rand, kills, replicas int, within time.Duration) []strike {
	var plan []strike
	for left := kills; left > 0; {
		n := 1
		if left > 1 && replicas > 1 && r.IntN(5) == 0 {
			n = 2
		}
		left -= n
		s := strike{at: within/20 + time.Duration(r.Int64N(int64(within*9/10)+1))}
		for range n {
			s.pauses = append(s.pauses, minPause+time.Duration(r.Int64N(int64(maxPause-minPause))))
		}
		plan = append(plan, s)
	}
	slices.SortFunc(plan, func(a, b strike) int { return int(a.at - b.at) })
	return plan
}

// killAll carries the plan out and returns when every replica runs again. It never needs all of them to be alive: who is dead when
// a strike comes is left out, and another one dies.
func (f *fleet) killAll(ctx context.Context, r *rand.Rand, plan []strike) {
	began := time.Now()
	var reviving sync.WaitGroup
	defer reviving.Wait()
	for _, s := range plan {
		if !pause(ctx, time.Until(began.Add(s.at))) {
			return
		}
		for _, wait := range s.pauses {
			slot, ok := f.victim(ctx, r)
			if !ok {
				return
			}
			reviving.Go(func() {
				if !pause(ctx, wait) {
					return
				}
				if err := f.reviveAgain(ctx, slot); err != nil && ctx.Err() == nil {
					f.book.problem("%v", err)
				}
			})
		}
	}
}

// victim kills somebody who is alive, and waits for one if need be.
func (f *fleet) victim(ctx context.Context, r *rand.Rand) (slot int, ok bool) {
	for {
		for _, slot := range r.Perm(len(f.all())) {
			if f.kill(slot) {
				return slot, true
			}
		}
		if !pause(ctx, minPause) {
			return 0, false
		}
	}
}

// reviveAgain is patient: the database may be restarting.
func (f *fleet) reviveAgain(ctx context.Context, slot int) (err error) {
	for range 10 {
		if err = f.revive(ctx, slot); err == nil || !pause(ctx, time.Second) {
			return err
		}
	}
	return err
}

// pause waits, and reports whether the context still lives.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
