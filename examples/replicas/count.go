package main

import (
	"maps"
	"slices"
	"time"
)

// counts are what became of the lines of one direction.
type counts struct {
	sent        int // accepted by a replica
	arrived     int // reached the other side
	handedBack  int // did not, but came back to the bot
	lost        int // neither
	notAccepted int // refused to the end, and the writer knows; not among sent

	reordered int // first attempts behind a later line of the same customer, which did not say so
	stray     int // first attempts that said so
	sameID    int // arrivals of a line beyond its first, under the same id
	newID     int // ids of a line beyond its first
	takeovers int // see takenOver

	interrupted int // behind a later line because the first attempt died with its replica, see stoodStill
	times       []time.Duration
}

func (d direction) count(died map[string]time.Time) counts {
	var c counts
	arrivals, backs := byText(d.arrivals), byText(d.backs)
	for _, l := range d.lines {
		came := arrivals[l.text]
		switch {
		case len(came) > 0:
			c.arrived++
			c.times = append(c.times, came[0].at.Sub(l.began))
		case len(backs[l.text]) > 0:
			c.handedBack++
		case l.accepted.IsZero():
			c.notAccepted++
			continue
		default:
			c.lost++
		}
		c.sent++
		if takenOver(l, came, died) {
			c.takeovers++
		}
	}
	for _, group := range []map[string][]arrival{arrivals, backs} {
		for _, came := range group {
			ids := distinct(came)
			c.newID += ids - 1
			c.sameID += len(came) - ids
		}
	}
	c.reordered, c.stray, c.interrupted = d.order(died)
	return c
}

func byText(list []arrival) map[string][]arrival {
	m := map[string][]arrival{}
	for _, a := range list {
		m[a.text] = append(m[a.text], a)
	}
	return m
}

// distinct counts the ids that one line came under.
func distinct(came []arrival) int {
	ids := map[string]bool{}
	for _, a := range came {
		ids[a.id] = true
	}
	return len(ids)
}

// order looks at first attempts only: a repeat may come late, that is what is promised. One whose first attempt died with its
// replica is a repeat, too: nobody else can know that it never arrived.
func (d direction) order(died map[string]time.Time) (reordered, stray, interrupted int) {
	held := map[string]bool{} // by lane and dead replica: it had one line under way, no more
	d.firsts(func(l line, a arrival, last int) {
		switch {
		case l.n > last:
		case a.stray:
			stray++
		case d.stoodStill(l, a, died, held):
			interrupted++
		default:
			reordered++
		}
	})
	return reordered, stray, interrupted
}

// leaseTime is how long at least a lane stands still when its replica dies: a lease of 15 s, which began shortly before.
const leaseTime = 14 * time.Second

// stoodStill reports whether a replica had died with the first attempt of a line before anybody saw that attempt: after a kill
// nothing was tried in the lane for as long as a lease lives, and the line was written before (accepted too, but who accepted it may
// have died before it could say so). held notes it, since there was one such line in a lane.
func (d direction) stoodStill(l line, first arrival, died map[string]time.Time, held map[string]bool) bool {
	lines := d.index()
	for _, by := range slices.Sorted(maps.Keys(died)) {
		death := died[by]
		end := death.Add(leaseTime)
		if held[l.lane+" "+by] || death.Before(l.began) || first.at.Before(end) {
			continue
		}
		if !slices.ContainsFunc(d.attempts, func(a arrival) bool {
			return lines[a.text].lane == l.lane && a.at.After(death) && a.at.Before(end)
		}) {
			held[l.lane+" "+by] = true
			return true
		}
	}
	return false
}

// firsts calls f with the first attempt of each line, in the order they came, and the highest number that came before in its
// lane; -1 for none.
func (d direction) firsts(f func(l line, a arrival, last int)) {
	lines := d.index()
	seen, highest := map[string]bool{}, map[string]int{}
	for _, a := range d.attempts {
		l, known := lines[a.text]
		if !known || seen[a.text] {
			continue
		}
		seen[a.text] = true
		last, other := highest[l.lane]
		if !other {
			last = -1
		}
		f(l, a, last)
		highest[l.lane] = max(last, l.n)
	}
}

// index finds lines by their text.
func (d direction) index() map[string]line {
	m := make(map[string]line, len(d.lines))
	for _, l := range d.lines {
		m[l.text] = l
	}
	return m
}

// takenOver reports whether a replica finished what a killed one had accepted or begun: the line was brought by a process after
// the death of another one that had accepted it, or that had brought it already and could not write that down.
func takenOver(l line, came []arrival, died map[string]time.Time) bool {
	for i, a := range came {
		after := func(by string, since time.Time) bool {
			death, dead := died[by]
			return dead && by != a.by && since.Before(death) && death.Before(a.at)
		}
		if !l.accepted.IsZero() && after(l.by, l.accepted) {
			return true
		}
		if slices.ContainsFunc(came[:i], func(b arrival) bool { return after(b.by, b.at) }) {
			return true
		}
	}
	return false
}

// percentile is the time that p of 100 lines did not exceed; 0 without any.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[(len(sorted)*p+99)/100-1]
}
