package notifications

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	maxCalls   = 8
	maxWaiting = 10_000
	hintTime   = time.Minute // of one call
	sweepPause = time.Minute // between two calls with ""
	goneTime   = time.Minute // without a connection, until something is said to have been missed
)

// delays are those before a call and before each of its repeats.
func delays() [4]time.Duration {
	return [4]time.Duration{0, time.Second, 5 * time.Second, 25 * time.Second}
}

// A hint is one conversation that waits for its call, or has it.
type hint struct {
	id      string
	try     int // the lane it waits in
	due     time.Time
	running bool
	again   bool // another event came while it ran
}

// hints make the calls of changed. Only run starts them; whoever adds one waits for nothing.
type hints struct {
	changed func(context.Context, string) error
	tell    func(context.Context, Event)
	wake    chan struct{}
	calls   sync.WaitGroup

	mu      sync.Mutex // never held while anything waits
	known   map[string]*hint
	lanes   [4][]*hint // by tries, each in the order of due
	running int

	sweep, sweeping bool      // changed("") is asked for, is running
	swept           time.Time // when it last began
	alarm           time.Time // when it is to be asked for, without a connection until then; zero: never
}

func newHints(changed func(context.Context, string) error, tell func(context.Context, Event)) *hints {
	return &hints{changed: changed, tell: tell, wake: make(chan struct{}, 1), known: map[string]*hint{}}
}

// add says that a conversation may have changed.
func (h *hints) add(id string) {
	h.mu.Lock()
	switch k := h.known[id]; {
	case k != nil:
		k.again = k.running
	case len(h.known) >= maxWaiting:
		h.sweep = true
	default:
		k = &hint{id: id}
		h.known[id] = k
		h.lanes[0] = append(h.lanes[0], k)
	}
	h.mu.Unlock()
	signal(h.wake)
}

// missed says that something may have been missed.
func (h *hints) missed() { h.set(func() { h.sweep = true }) }

// gone begins a time without a connection.
func (h *hints) gone() { h.set(func() { h.alarm = time.Now().Add(goneTime) }) }

// back ends it. What happened meanwhile nobody told.
func (h *hints) back() { h.set(func() { h.alarm, h.sweep = time.Time{}, true }) }

// idle ends it too: another replica has to know now.
func (h *hints) idle() { h.set(func() { h.alarm = time.Time{} }) }

func (h *hints) set(f func()) {
	h.mu.Lock()
	f()
	h.mu.Unlock()
	signal(h.wake)
}

// run makes the calls until ctx ends, and waits for them.
func (h *hints) run(ctx context.Context) {
	defer h.calls.Wait()
	for ctx.Err() == nil {
		timer := time.NewTimer(h.start(ctx))
		select {
		case <-ctx.Done():
		case <-h.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// start begins every call that can begin and returns how long nothing else will, unless woken.
func (h *hints) start(ctx context.Context) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	next := time.Hour
	if !h.alarm.IsZero() {
		if d := h.alarm.Sub(now); d > 0 {
			next = min(next, d)
		} else {
			h.alarm, h.sweep = time.Time{}, true
		}
	}
	if h.sweep && !h.sweeping {
		if d := sweepPause - now.Sub(h.swept); d > 0 && !h.swept.IsZero() {
			next = min(next, d)
		} else {
			h.sweep, h.sweeping, h.swept = false, true, now
			h.calls.Go(func() { h.all(ctx) })
		}
	}
	for i := range h.lanes {
		for h.running < maxCalls && len(h.lanes[i]) > 0 {
			k := h.lanes[i][0]
			if d := k.due.Sub(now); d > 0 {
				next = min(next, d)
				break
			}
			h.lanes[i] = h.lanes[i][1:]
			k.running = true
			h.running++
			h.calls.Go(func() { h.one(ctx, k) })
		}
	}
	return next
}

// one calls changed for a conversation and says what becomes of it.
func (h *hints) one(ctx context.Context, k *hint) {
	timed, cancel := context.WithTimeout(ctx, hintTime)
	err := h.call(timed, k.id)
	cancel()
	if err != nil && ctx.Err() == nil {
		h.tell(ctx, Event{Kind: Failed, Err: err})
	}
	h.set(func() {
		h.running--
		k.running = false
		switch again := k.again; {
		case err != nil && k.try+1 < len(h.lanes):
			k.try++
		case err == nil && again:
			k.try = 0
		default:
			delete(h.known, k.id)
			h.sweep = h.sweep || err != nil
			return
		}
		k.again = false
		k.due = time.Now().Add(delays()[k.try])
		h.lanes[k.try] = append(h.lanes[k.try], k)
	})
}

// all calls changed with "".
func (h *hints) all(ctx context.Context) {
	h.tell(ctx, Event{Kind: Missed})
	err := h.call(ctx, "")
	if err != nil && ctx.Err() == nil {
		h.tell(ctx, Event{Kind: Failed, Err: err})
	}
	h.set(func() {
		h.sweeping = false
		h.sweep = h.sweep || err != nil
	})
}

var errPanic = errors.New("notifications: changed panicked")

func (h *hints) call(ctx context.Context, id string) (err error) {
	defer func() {
		if recover() != nil { // its value may hold anything, so it is not shown
			err = errPanic
		}
	}()
	if err := h.changed(ctx, id); err != nil {
		return fmt.Errorf("notifications: changed: %w", err)
	}
	return nil
}
