package genesystest

import (
	"encoding/binary"
	"time"
)

// SignalFaults disturb a share of the signals that a conversation changed: calls of Signal's listeners and events on
// notification sockets, each on its own, heartbeats excepted. Shares are 0 to 1 and independent: of what is not lost some
// arrives twice, and each copy may be late. So late signals are overtaken by others.
type SignalFaults struct {
	Lost    float64
	Doubled float64
	Late    float64
	Within  time.Duration // how late at most; 0: 10 s
	Seed    uint64        // another seed hits other signals; the same seed hits the same ones, counted from DisturbSignals
}

// DisturbSignals lets signals go wrong from now on, as f says; the zero SignalFaults is the end of it. With
//
//	org.DisturbSignals(genesystest.SignalFaults{Lost: 0.3, Doubled: 0.3, Late: 0.3, Seed: 7})
//
// a program sees what Genesys does under load: events that never come, come again, or come when something else is true.
func (o *Org) DisturbSignals(f SignalFaults) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f.Within <= 0 {
		f.Within = 10 * time.Second
	}
	o.signalFaults, o.signalCount = f, 0
}

// carry brings a signal to who listens: do runs with the lock, now or later, never or twice.
func (o *Org) carry(do func()) {
	for _, d := range o.signalArrivals() {
		if d == 0 {
			do()
		} else {
			o.after(d, do)
		}
	}
}

// signalArrivals draws the fate of the next signal: how late each of its copies is.
func (o *Org) signalArrivals() []time.Duration {
	f := o.signalFaults
	o.signalCount++
	dice := digest(f.Seed, "signal", o.signalCount)
	roll := func() float64 {
		n := binary.BigEndian.Uint32(dice)
		dice = dice[4:]
		return float64(n) / (1 << 32)
	}
	if roll() < f.Lost {
		return nil
	}
	copies := make([]time.Duration, 1, 2)
	if roll() < f.Doubled {
		copies = append(copies, 0)
	}
	for i := range copies {
		late, share := roll() < f.Late, roll()
		if late {
			copies[i] = max(time.Millisecond, time.Duration(share*float64(f.Within)))
		}
	}
	return copies
}
