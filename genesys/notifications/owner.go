package notifications

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	leaseTime       = 30 * time.Second // that each call of Own requests
	renewEvery      = leaseTime / 3    // also how often a waiting replica asks
	retryRenewEvery = leaseTime / 10   // after an error: leaves time for two more attempts
	ownTimeout      = renewEvery       // of one call of Own
	releaseTimeout  = 5 * time.Second  // of the last call, which delays the shutdown
)

// An Owner decides which replica holds the channel. It uses state that all replicas share, such
// as a row of a database. The SocketOwner of a handover.Manager keeps it in the Store.
//
// An Owner that is also a [Reporter] is called with the state of the socket. An Owner is for
// one channel: use another one for another OAuth client. Each replica has a separate value, and
// calls on one value are always from the same holder. A [Listener] makes one call at a time.
type Owner interface {
	// Own takes or extends the ownership for d from now and stores state. It must be atomic and
	// must return soon after ctx ends.
	//
	//  * held is true if this replica is the owner until d has passed. It gets the ownership if
	//    there is no owner (never taken, released or expired) and keeps it if it has it. If
	//    another replica is the owner, held is false and nothing changes.
	//  * state is kept for the next owner, also after expiry and release. A nil state leaves
	//    the stored state unchanged. It has a few hundred bytes and is enough to listen to the
	//    channel: protect it like a token.
	//  * last is the state from before this call, also if held is false. It is nil if there was
	//    none.
	//  * d of 0 releases the ownership if this replica has it and does nothing otherwise. held
	//    is then false.
	//  * After an error the stored state is unknown. The listener acts as the owner until d has
	//    passed since the start of its last successful call, and retries.
	//
	// Two owners at a time, for example because of different clocks, cause only lost events:
	// Genesys keeps only the newest socket of a channel.
	Own(ctx context.Context, state []byte, d time.Duration) (held bool, last []byte, err error)
}

var (
	errTaken       = errors.New("notifications: another replica holds the channel")
	errUnconfirmed = errors.New("notifications: ownership could not be confirmed before it expired")
)

// An ownership is a period in which this replica is the owner. The zero value, without an
// Owner, lasts as long as Run.
type ownership struct {
	l      *Listener
	last   []byte // stored by the previous owner
	end    context.CancelCauseFunc
	expiry *time.Timer

	socket   socketState
	callSlot chan struct{} // a semaphore: the goroutine that fills it may call Own and use pending
	pending  []byte        // not yet confirmed as stored
}

// runAsOwner waits until this replica is the owner, runs f and releases the ownership. The
// context of f ends with the ownership.
func (l *Listener) runAsOwner(ctx context.Context, f func(context.Context, *ownership)) {
	if l.owner == nil {
		f(ctx, &ownership{l: l})
		return
	}
	began, last, ok := l.awaitOwnership(ctx)
	if !ok {
		return
	}
	held, end := context.WithCancelCause(ctx)
	o := &ownership{l: l, last: last, end: end, callSlot: make(chan struct{}, 1)}
	o.expiry = time.AfterFunc(leaseTime-time.Since(began), func() { end(errUnconfirmed) })
	l.emit(ctx, Event{Kind: Owned})
	var keeper sync.WaitGroup
	keeper.Go(func() { o.renew(held) })
	f(held, o)
	cause := context.Cause(held)
	end(nil)
	keeper.Wait()
	o.expiry.Stop()
	if !errors.Is(cause, errTaken) && !errors.Is(cause, errUnconfirmed) {
		o.release(context.WithoutCancel(ctx))
	}
	l.emit(ctx, Event{Kind: Disowned, Err: cause})
}

// awaitOwnership asks until this replica is the owner. began is the start of the successful
// call.
func (l *Listener) awaitOwnership(ctx context.Context) (began time.Time, last []byte, ok bool) {
	for ctx.Err() == nil {
		began = time.Now()
		held, last, err := l.own(ctx, nil, leaseTime)
		switch {
		case err != nil && ctx.Err() == nil:
			l.emit(ctx, Event{Kind: Failed, Err: err})
		case err == nil && held:
			return began, last, true
		}
		wait(ctx, jitter(renewEvery))
	}
	return time.Time{}, nil, false
}

func (l *Listener) own(ctx context.Context, state []byte, d time.Duration) (held bool, last []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, ownTimeout)
	defer cancel()
	if held, last, err = l.owner.Own(ctx, state, d); err != nil {
		return false, nil, fmt.Errorf("notifications: Owner.Own: %w", err)
	}
	return held, last, nil
}

func (o *ownership) renew(ctx context.Context) {
	for pause := jitter(renewEvery); wait(ctx, pause); {
		pause = jitter(renewEvery)
		if o.confirm(ctx, nil) != nil {
			pause = jitter(retryRenewEvery)
			continue
		}
		o.report(ctx)
	}
}

// store keeps state for the next owner. Without an Owner only the Listener keeps it.
func (o *ownership) store(ctx context.Context, state []byte) {
	if o.callSlot != nil {
		_ = o.confirm(ctx, state) // confirm reports the error and renew retries
	}
}

// confirm extends the ownership by another lease and stores pending state.
func (o *ownership) confirm(ctx context.Context, state []byte) error {
	select {
	case o.callSlot <- struct{}{}:
		defer func() { <-o.callSlot }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if state != nil {
		o.pending = state
	}
	began := time.Now()
	held, _, err := o.l.own(ctx, o.pending, leaseTime)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		o.l.emit(ctx, Event{Kind: Failed, Err: err})
		return err
	case !held:
		o.end(errTaken)
		return errTaken
	}
	o.pending = nil
	o.expiry.Reset(leaseTime - time.Since(began))
	return nil
}

// release lets another replica take over at once. The stored state remains, so that the channel
// is used again.
func (o *ownership) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, releaseTimeout)
	defer cancel()
	if _, _, err := o.l.own(ctx, o.pending, 0); err != nil {
		o.l.emit(ctx, Event{Kind: Failed, Err: err})
	}
}

// A Reporter is an [Owner] that needs the state of the socket, such as the SocketOwner of a
// handover.Manager, which polls less often while the socket works.
type Reporter interface {
	// Report is called by the owner within about ten seconds of a change: with true when there
	// is a connection, with false when there has been none for a minute. A call that returns an
	// error is retried.
	Report(ctx context.Context, alive bool) error
}

// A socketState is the state of the socket during one ownership.
type socketState struct {
	mu        sync.Mutex
	connected bool
	changedAt time.Time // of connected; zero: unknown
	reported  *bool     // the last reported state, nil if none
}

func (p *socketState) setConnected(connected bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connected != connected || p.changedAt.IsZero() {
		p.connected, p.changedAt = connected, time.Now()
	}
}

// change returns the state to report, or nil if there is none.
func (p *socketState) change() *bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	alive := p.connected
	if p.changedAt.IsZero() || !alive && time.Since(p.changedAt) < disconnectLimit || p.reported != nil && *p.reported == alive {
		return nil
	}
	return &alive
}

func (p *socketState) setReported(alive *bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reported = alive
}

// report calls Report after a change if the owner is a [Reporter].
func (o *ownership) report(ctx context.Context) {
	r, wants := o.l.owner.(Reporter)
	if !wants {
		return
	}
	alive := o.socket.change()
	if alive == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, ownTimeout)
	defer cancel()
	if err := r.Report(ctx, *alive); err != nil {
		o.l.emit(ctx, Event{Kind: Failed, Err: err})
		return
	}
	o.socket.setReported(alive)
}
