package torture

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A strike kills replicas at the same time. Each starts again after its pause.
type strike struct {
	at     time.Duration
	pauses []time.Duration // one for each replica to kill
}

// Limits of the pause before a killed replica starts again.
const (
	minPause = 200 * time.Millisecond
	maxPause = 3 * time.Second
)

// strikes plans kills at random times, except at the very beginning. About one strike in five kills
// two replicas at once.
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

// killAll executes the plan and returns when every replica runs again. A strike kills replicas that
// are alive at its time, and waits for one if all are dead.
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

// victim kills a replica that is alive and returns its slot. ok is false if ctx ended before there
// was one.
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

// reviveAgain is revive with several attempts: the database may be restarting.
func (f *fleet) reviveAgain(ctx context.Context, slot int) (err error) {
	for range 10 {
		if err = f.revive(ctx, slot); err == nil || !pause(ctx, time.Second) {
			return err
		}
	}
	return err
}

// pause waits for d. It returns false at once when ctx ends.
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
