package simulation

import "time"

// A source says when a conversation changed, more or less: by a call of Recheck, of which nothing but the conversation counts.
type source struct {
	name    string
	loses   float64 // how often it says nothing; 1: it is dead
	doubles float64 // how often it says it more than once
	delays  float64 // how often it says it much later
	bursts  float64 // how often it says it many times at once
	idle    float64 // how often it speaks of what has not changed: what an agent writes
	strange float64 // how often it speaks of a conversation that nobody knows
	sweeps  float64 // how often it only says that it may have missed something
	dies    time.Duration
	returns time.Duration // and says then that it may have missed something
}

// newSources draws what sources there are: none, one, or several.
func newSources(seed uint64, lasts time.Duration) []source {
	d := newDice(seed, "sources")
	var list []source
	for i := range pick(d, 0, 0, 0, 0, 1, 1, 1, 1, 2, 3) {
		s := source{
			name: string(rune('a' + i)), loses: pick(d, 0, 0, 0.3, 0.3, 1), doubles: pick(d, 0, 0, 0.3, 1), delays: pick(d, 0, 0, 0.3, 1),
			bursts: pick(d, 0, 0, 0, 0.05), idle: pick(d, 0, 0, 0.5), strange: pick(d, 0, 0, 0.1), sweeps: pick(d, 0, 0, 0.02), dies: never, returns: never,
		}
		if d.chance(0.25) {
			s.dies = d.between(0, lasts+5*time.Minute)
		}
		if s.dies != never && d.chance(0.5) {
			s.returns = s.dies + d.between(10*time.Second, 4*time.Minute)
		}
		list = append(list, s)
	}
	return list
}

// alive reports whether a source may say something.
func (s *source) alive(now time.Duration) bool {
	return s.loses < 1 && (s.dies == never || now < s.dies || s.returns != never && now >= s.returns)
}

// gaps lets sources that were gone say so.
func (g *cloud) gaps() {
	for i := range g.w.plan.sources {
		if s := &g.w.plan.sources[i]; s.loses < 1 && s.returns != never {
			g.signal(s.returns, "")
		}
	}
}

// told: something changed, or only seems to have. A source is a hint, so nothing mends one when all else is healed.
func (g *cloud) told(c *conversation, changed bool) {
	for i := range g.w.plan.sources {
		s, d := &g.w.plan.sources[i], g.signals
		if !s.alive(g.w.now) || d.chance(s.loses) || !changed && !d.chance(s.idle) {
			continue
		}
		n := 1
		if d.chance(s.doubles) {
			n += 1 + d.IntN(2)
		}
		if d.chance(s.bursts) {
			n += 20
		}
		wait := d.between(0, 2*time.Second)
		if d.chance(s.delays) {
			wait += d.between(5*time.Second, time.Minute)
		}
		for range n {
			g.signal(wait+d.between(0, 50*time.Millisecond), c.id)
		}
		if d.chance(s.strange) {
			g.signal(wait, "of nobody")
		}
		if d.chance(s.sweeps) {
			g.signal(wait, "")
		}
	}
}

// signal tells any replica, later; empty: of all conversations.
func (g *cloud) signal(wait time.Duration, id string) {
	g.w.after(wait, func() {
		r := g.w.serving()
		if r == nil {
			return
		}
		g.w.start("signal", r, func() {
			err := r.recheck(id)
			if err != nil && !r.dead {
				g.w.ledger.failed("", "Recheck", err)
			}
		})
	})
}

// recheck is what a replica does with a signal.
func (r *replica) recheck(id string) error {
	if r.w.bug.signal != nil {
		r.w.bug.signal(r, id)
	}
	return r.manager.Recheck(background, id)
}
