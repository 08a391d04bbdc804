package simulation

import "time"

// shrink looks for the smallest plan that still breaks the same invariant, and gives its failure with the trace.
func shrink(f *failure, bug saboteur) *failure {
	for smaller := true; smaller; {
		smaller = false
		for _, p := range f.plan.smaller() {
			if g, _ := simulate(p, bug, false); g != nil && g.invariant == f.invariant {
				f, smaller = g, true
				break
			}
		}
	}
	if g, _ := simulate(f.plan, bug, true); g != nil {
		return g
	}
	return f
}

// smaller lists plans that are one step smaller: the greatest step first.
func (p plan) smaller() []plan {
	var list []plan
	if p.customers > 1 {
		q := p
		q.customers = 1
		list = append(list, q)
		q.customers = p.customers - 1
		list = append(list, q)
	}
	for _, f := range everyFault() {
		if p.has(f) {
			list = append(list, p.without(f))
		}
	}
	for _, h := range allHabits() {
		if p.habits[h] > 0 {
			list = append(list, p.calmer(h))
		}
	}
	for i := range p.sources {
		list = append(list, p.quieter(i))
	}
	if p.foreign != "" {
		q := p
		q.foreign = ""
		list = append(list, q)
	}
	if p.socket != "" {
		q := p
		q.socket = ""
		list = append(list, q)
	}
	if p.replicas > 1 {
		q := p
		q.replicas--
		list = append(list, q)
	}
	if p.lasts > 30*time.Second {
		q := p
		q.lasts = p.lasts / 2
		list = append(list, q)
		q.lasts = p.lasts * 4 / 5
		list = append(list, q)
	}
	return list
}
