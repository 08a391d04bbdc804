package simulation

import "time"

// effects are the ones of the lanes of one direction that are under way, by customer.
type effects struct {
	invariant string
	active    map[string]*effect
}

// An effect is a callback, or a message on its way to Genesys.
type effect struct {
	r     *replica
	what  string
	began time.Duration
}

func newEffects(invariant string) effects {
	return effects{invariant, map[string]*effect{}}
}

// begin notes an effect until done is called, and checks that it is the only one of its lane, as long as no process dies or
// stands still: a lease lasts for 15 s, an effect for 10.
func (e effects) begin(r *replica, k, what string) (done func()) {
	now := r.w.now
	if o := e.active[k]; o != nil && !o.r.dead && o.r.calm() && r.calm() && now-o.began <= effectTime {
		r.w.fail(e.invariant, k, "%s begins %s while %s is in %s since %.3f", r.name, what, o.r.name, o.what, o.began.Seconds())
	}
	x := &effect{r, what, now}
	e.active[k] = x
	return func() {
		if e.active[k] == x {
			delete(e.active, k)
		}
	}
}

// effectTime is how long an effect may take: engine.md, leases, and ARCHITECTURE.md.
const effectTime = 10 * time.Second

// startTime is how long after its lease an effect may begin, and what it takes to begin.
const startTime = 1100 * time.Millisecond

// calm: the process has not stood still lately, so that it has no effect under way whose lease ran out meanwhile.
func (r *replica) calm() bool {
	return r.stalled == 0 || r.w.now-r.stalled > 30*time.Second
}
