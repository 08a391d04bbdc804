package genesystest

import (
	"slices"
	"time"
)

// A clock runs things later, one after the other in a fixed order: by time, then as they were planned. With a timer each,
// what falls due together would run in any order, and tests would depend on it.
type clock struct {
	plan  []planned
	timer *time.Timer
	run   func()
}

type planned struct {
	at time.Time
	do func()
}

// after plans do, which runs with the lock. Call it with the lock.
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

// tick runs what is due.
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
