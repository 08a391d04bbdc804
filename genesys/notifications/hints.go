package notifications

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	maxCalls        = 8
	maxWaiting      = 10_000
	changedTimeout  = time.Minute // of one call
	resyncInterval  = time.Minute // between two calls with ""
	disconnectLimit = time.Minute // without a connection, before a call with ""
)

// callDelays returns the delays before a call and before each of its retries.
func callDelays() [4]time.Duration {
	return [4]time.Duration{0, time.Second, 5 * time.Second, 25 * time.Second}
}

// A hint is one conversation with a waiting or running call.
type hint struct {
	id      string
	attempt int // index of its queue
	due     time.Time
	running bool
	again   bool // another event arrived while it ran
}

// hints calls changed. Only run starts calls; add never blocks.
type hints struct {
	changed func(context.Context, string) error
	emit    func(context.Context, Event)
	wake    chan struct{}
	calls   sync.WaitGroup

	mu      sync.Mutex // held only for short sections
	byID    map[string]*hint
	queues  [4][]*hint // by attempt, each in the order of due
	running int

	resync, resyncing bool      // a call with "" is requested, is running
	resyncedAt        time.Time // when the last call with "" began
	resyncAt          time.Time // when to request one if still disconnected; zero: never
}

func newHints(changed func(context.Context, string) error, emit func(context.Context, Event)) *hints {
	return &hints{changed: changed, emit: emit, wake: make(chan struct{}, 1), byID: map[string]*hint{}}
}

// add records that a conversation may have changed. If too many conversations wait, it requests
// a call with "" instead.
func (h *hints) add(id string) {
	h.mu.Lock()
	switch k := h.byID[id]; {
	case k != nil:
		k.again = k.running
	case len(h.byID) >= maxWaiting:
		h.resync = true
	default:
		k = &hint{id: id}
		h.byID[id] = k
		h.queues[0] = append(h.queues[0], k)
	}
	h.mu.Unlock()
	notify(h.wake)
}

// requestResync requests a call with "".
func (h *hints) requestResync() { h.update(func() { h.resync = true }) }

// disconnected starts the time without a connection.
func (h *hints) disconnected() { h.update(func() { h.resyncAt = time.Now().Add(disconnectLimit) }) }

// connected ends the time without a connection and requests a call with "", because events of
// that time are lost.
func (h *hints) connected() { h.update(func() { h.resyncAt, h.resync = time.Time{}, true }) }

// released ends the time without a connection, because another replica is now responsible.
func (h *hints) released() { h.update(func() { h.resyncAt = time.Time{} }) }

func (h *hints) update(f func()) {
	h.mu.Lock()
	f()
	h.mu.Unlock()
	notify(h.wake)
}

// run starts calls until ctx ends and then waits for the running ones.
func (h *hints) run(ctx context.Context) {
	defer h.calls.Wait()
	for ctx.Err() == nil {
		timer := time.NewTimer(h.startDue(ctx))
		select {
		case <-ctx.Done():
		case <-h.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// startDue starts every call that is due and returns the time until the next one.
func (h *hints) startDue(ctx context.Context) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	next := time.Hour
	if !h.resyncAt.IsZero() {
		if d := h.resyncAt.Sub(now); d > 0 {
			next = min(next, d)
		} else {
			h.resyncAt, h.resync = time.Time{}, true
		}
	}
	if h.resync && !h.resyncing {
		if d := resyncInterval - now.Sub(h.resyncedAt); d > 0 && !h.resyncedAt.IsZero() {
			next = min(next, d)
		} else {
			h.resync, h.resyncing, h.resyncedAt = false, true, now
			h.calls.Go(func() { h.callAll(ctx) })
		}
	}
	for i := range h.queues {
		for h.running < maxCalls && len(h.queues[i]) > 0 {
			k := h.queues[i][0]
			if d := k.due.Sub(now); d > 0 {
				next = min(next, d)
				break
			}
			h.queues[i] = h.queues[i][1:]
			k.running = true
			h.running++
			h.calls.Go(func() { h.callOne(ctx, k) })
		}
	}
	return next
}

// callOne calls changed for a conversation and then removes it, or queues it again after a
// failure or a new event.
func (h *hints) callOne(ctx context.Context, k *hint) {
	timed, cancel := context.WithTimeout(ctx, changedTimeout)
	err := h.call(timed, k.id)
	cancel()
	if err != nil && ctx.Err() == nil {
		h.emit(ctx, Event{Kind: Failed, Err: err})
	}
	h.update(func() {
		h.running--
		k.running = false
		switch again := k.again; {
		case err != nil && k.attempt+1 < len(h.queues):
			k.attempt++
		case err == nil && again:
			k.attempt = 0
		default:
			delete(h.byID, k.id)
			h.resync = h.resync || err != nil
			return
		}
		k.again = false
		k.due = time.Now().Add(callDelays()[k.attempt])
		h.queues[k.attempt] = append(h.queues[k.attempt], k)
	})
}

// callAll calls changed with "".
func (h *hints) callAll(ctx context.Context) {
	h.emit(ctx, Event{Kind: Missed})
	err := h.call(ctx, "")
	if err != nil && ctx.Err() == nil {
		h.emit(ctx, Event{Kind: Failed, Err: err})
	}
	h.update(func() {
		h.resyncing = false
		h.resync = h.resync || err != nil
	})
}

var errPanic = errors.New("notifications: changed panicked")

func (h *hints) call(ctx context.Context, id string) (err error) {
	defer func() {
		if recover() != nil { // the value may hold anything, so it is not reported
			err = errPanic
		}
	}()
	if err := h.changed(ctx, id); err != nil {
		return fmt.Errorf("notifications: changed: %w", err)
	}
	return nil
}
