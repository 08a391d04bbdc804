package notifications

import (
	"context"
	"sync"
	"time"
)

// A Reporter is an Owner that wants to know whether the socket works, as the SocketOwner of a handover.Manager does: what it hears of
// by the socket it need not ask for often.
type Reporter interface {
	// Report is called by the owner: with true once there is a connection, with false when there has been none for a minute, each within
	// some ten seconds. One that fails is made again.
	Report(ctx context.Context, alive bool) error
}

// A pulse is what is known of the socket of one tenure.
type pulse struct {
	mu        sync.Mutex
	connected bool
	since     time.Time // it is so
	told      *bool     // what was reported last
}

func (p *pulse) set(connected bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connected != connected || p.since.IsZero() {
		p.connected, p.since = connected, time.Now()
	}
}

// news is what has to be reported, nil if nothing.
func (p *pulse) news() *bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	alive := p.connected
	if p.since.IsZero() || !alive && time.Since(p.since) < goneTime || p.told != nil && *p.told == alive {
		return nil
	}
	return &alive
}

func (p *pulse) reported(alive *bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = alive
}

// report tells an owner that wants to know.
func (t *tenure) report(ctx context.Context) {
	r, wants := t.l.owner.(Reporter)
	if !wants {
		return
	}
	news := t.pulse.news()
	if news == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, ownTime)
	defer cancel()
	if err := r.Report(ctx, *news); err != nil {
		t.l.tell(ctx, Event{Kind: Failed, Err: err})
		return
	}
	t.pulse.reported(news)
}
