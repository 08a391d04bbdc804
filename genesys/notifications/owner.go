package notifications

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	lease    = 30 * time.Second // what is asked of an Owner
	keep     = lease / 3        // how often, and how often a replica that stands by asks
	keepSoon = lease / 10       // after an error, since two more tries fit in then
	ownTime  = keep             // of one call
	giveTime = 5 * time.Second  // of the last one, which the end of a process waits for
)

// An Owner says which replica holds the channel, by means of something that all of them share, such as a row of a
// database. The SocketOwner of a handover.Manager keeps it in the Store.
//
// One that is a [Reporter] too hears whether the socket works. It serves one channel: use another for another OAuth client. Each replica has its own, and one replica's value always
// counts as the same holder. A [Listener] makes one call at a time.
type Owner interface {
	// Own takes or keeps ownership for d from now on and stores state. It must be atomic, and end soon after ctx does.
	//
	//  * held is true if this replica is the owner until d has passed. It becomes so where nobody is: never taken, given
	//    back or expired, and stays so where it is already. held is false where another one is; then nothing is changed.
	//  * state is kept, also beyond expiry and release, for whoever comes next. A nil state leaves what is stored alone.
	//    It has some hundred bytes, and is enough to listen to the channel: store it as you would a token.
	//  * last is what was stored before this call, nil if nothing was, also where held is false.
	//  * d of 0 gives ownership back if this replica has it, and is nothing otherwise; held is false then.
	//  * After an error nobody knows what was stored. The listener counts as the owner until the time of the last call
	//    that succeeded is over, reckoned from that call's beginning, and asks again meanwhile.
	//
	// Two owners at a time, as clocks that differ would make, do no harm beyond lost events: Genesys lets one
	// socket of a channel live, the newest.
	Own(ctx context.Context, state []byte, d time.Duration) (held bool, last []byte, err error)
}

var (
	errTaken       = errors.New("notifications: another replica holds the channel")
	errUnconfirmed = errors.New("notifications: ownership could not be confirmed before it expired")
)

// A tenure is the time for which this replica is the owner. The zero one, without an Owner, lasts as long as Run.
type tenure struct {
	l      *Listener
	last   []byte // as stored by whoever held the channel before
	end    context.CancelCauseFunc
	expiry *time.Timer

	pulse   pulse
	turn    chan struct{} // holds one token: whoever has it may call Own and touch pending
	pending []byte        // not known to be stored
}

// whileOwner stands by until this replica is the owner, runs f and gives ownership back. f's context ends with ownership.
func (l *Listener) whileOwner(ctx context.Context, f func(context.Context, *tenure)) {
	if l.owner == nil {
		f(ctx, &tenure{l: l})
		return
	}
	began, last, ok := l.standBy(ctx)
	if !ok {
		return
	}
	held, end := context.WithCancelCause(ctx)
	t := &tenure{l: l, last: last, end: end, turn: make(chan struct{}, 1)}
	t.expiry = time.AfterFunc(lease-time.Since(began), func() { end(errUnconfirmed) })
	l.tell(ctx, Event{Kind: Owned})
	var keeper sync.WaitGroup
	keeper.Go(func() { t.keep(held) })
	f(held, t)
	cause := context.Cause(held)
	end(nil)
	keeper.Wait()
	t.expiry.Stop()
	if !errors.Is(cause, errTaken) && !errors.Is(cause, errUnconfirmed) {
		t.release(context.WithoutCancel(ctx))
	}
	l.tell(ctx, Event{Kind: Disowned, Err: cause})
}

// standBy asks until this replica is the owner; began is when the call that made it so did.
func (l *Listener) standBy(ctx context.Context) (began time.Time, last []byte, ok bool) {
	for ctx.Err() == nil {
		began = time.Now()
		held, last, err := l.own(ctx, nil, lease)
		switch {
		case err != nil && ctx.Err() == nil:
			l.tell(ctx, Event{Kind: Failed, Err: err})
		case err == nil && held:
			return began, last, true
		}
		wait(ctx, around(keep))
	}
	return time.Time{}, nil, false
}

func (l *Listener) own(ctx context.Context, state []byte, d time.Duration) (held bool, last []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, ownTime)
	defer cancel()
	if held, last, err = l.owner.Own(ctx, state, d); err != nil {
		return false, nil, fmt.Errorf("notifications: ask the owner: %w", err)
	}
	return held, last, nil
}

func (t *tenure) keep(ctx context.Context) {
	for pause := around(keep); wait(ctx, pause); {
		pause = around(keep)
		if t.confirm(ctx, nil) != nil {
			pause = around(keepSoon)
			continue
		}
		t.report(ctx)
	}
}

// store keeps state for the next owner. Without an Owner it is kept by the Listener anyway.
func (t *tenure) store(ctx context.Context, state []byte) {
	if t.turn != nil {
		_ = t.confirm(ctx, state) // told there, and tried again by keep
	}
}

// confirm keeps the ownership for another lease and stores what has not been stored.
func (t *tenure) confirm(ctx context.Context, state []byte) error {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if state != nil {
		t.pending = state
	}
	began := time.Now()
	held, _, err := t.l.own(ctx, t.pending, lease)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		t.l.tell(ctx, Event{Kind: Failed, Err: err})
		return err
	case !held:
		t.end(errTaken)
		return errTaken
	}
	t.pending = nil
	t.expiry.Reset(lease - time.Since(began))
	return nil
}

// release lets another replica take over without waiting; what is stored stays, with the channel to be used again.
func (t *tenure) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, giveTime)
	defer cancel()
	if _, _, err := t.l.own(ctx, t.pending, 0); err != nil {
		t.l.tell(ctx, Event{Kind: Failed, Err: err})
	}
}
