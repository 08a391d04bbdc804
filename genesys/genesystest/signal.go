package genesystest

import (
	"context"
	"encoding/binary"
	"time"
)

// Signal makes the organisation call f with the conversation id after each change of a
// participant, as EventBridge or a trigger would. A Manager's Recheck can be f. Each call runs in
// a separate goroutine, with a context that ends with the organisation. Its error is ignored.
// Each call of Signal adds a listener. DisturbSignals makes calls fail, repeat and delay.
func (o *Org) Signal(f func(ctx context.Context, conversationID string) error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.signals = append(o.signals, f)
}

// touch records a change of c: it stores a snapshot, wakes waiting goroutines, and sends signals
// and notifications. The caller holds the lock.
func (o *Org) touch(c *Conversation) {
	c.addSnapshot()
	o.broadcast()
	for _, f := range o.signals {
		o.deliverSignal(func() { o.spawn(func(ctx context.Context) { _ = f(ctx, c.id) }) })
	}
	o.notify(c)
}

// SignalFaults disturb a share of the signals: calls of Signal's listeners and events on
// notification sockets, except heartbeats. Each share is from 0 to 1. The shares are independent:
// a signal that is not lost may be sent twice, and each copy may be late, so that later signals
// overtake it.
type SignalFaults struct {
	Lost    float64
	Doubled float64
	Late    float64
	Within  time.Duration // maximum delay; 0: 10 s
	Seed    uint64        // selects which signals are hit, counted from DisturbSignals
}

// DisturbSignals applies f to all signals from now on. The zero SignalFaults ends it. With
//
//	org.DisturbSignals(genesystest.SignalFaults{Lost: 0.3, Doubled: 0.3, Late: 0.3, Seed: 7})
//
// a program sees what Genesys does under load: events that are lost, repeated, or outdated when
// they arrive.
func (o *Org) DisturbSignals(f SignalFaults) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f.Within <= 0 {
		f.Within = 10 * time.Second
	}
	o.signalFaults, o.signalCount = f, 0
}

// deliverSignal calls do with the lock held: now, later, twice or never.
func (o *Org) deliverSignal(do func()) {
	for _, d := range o.signalDelays() {
		if d == 0 {
			do()
		} else {
			o.after(d, do)
		}
	}
}

// signalDelays returns the delay of each copy of the next signal.
func (o *Org) signalDelays() []time.Duration {
	f := o.signalFaults
	o.signalCount++
	random := digest(f.Seed, "signal", o.signalCount)
	draw := func() float64 {
		n := binary.BigEndian.Uint32(random)
		random = random[4:]
		return float64(n) / (1 << 32)
	}
	if draw() < f.Lost {
		return nil
	}
	copies := make([]time.Duration, 1, 2)
	if draw() < f.Doubled {
		copies = append(copies, 0)
	}
	for i := range copies {
		late, share := draw() < f.Late, draw()
		if late {
			copies[i] = max(time.Millisecond, time.Duration(share*float64(f.Within)))
		}
	}
	return copies
}
