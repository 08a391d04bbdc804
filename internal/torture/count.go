package torture

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// counts are the results of one direction.
type counts struct {
	sent        int // accepted by a replica
	arrived     int // reached the other side
	handedBack  int // did not, but were handed back to the bot
	lost        int // neither
	notAccepted int // no replica accepted them, and the sender knows; not in sent

	// First attempts after a later line of the same customer, without the flag OutOfOrder.
	reordered int
	stray     int // the same with the flag
	sameID    int // further arrivals of a line under the same id
	newID     int // further ids of a line
	takeovers int // see takenOver

	// After a later line because the first attempt ended with its replica, see diedUnseen.
	interrupted int
	times       []time.Duration // from the first attempt to write a line until its first arrival
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

// distinct returns the number of different ids of the arrivals of one line.
func distinct(came []arrival) int {
	ids := map[string]bool{}
	for _, a := range came {
		ids[a.id] = true
	}
	return len(ids)
}

// order counts first attempts that are out of order. A retry may arrive late, so it is not counted.
// If the first attempt ended with its replica, the next one is a retry as well: no other replica
// can know that it never arrived.
func (d direction) order(died map[string]time.Time) (reordered, stray, interrupted int) {
	held := map[string]bool{} // by customer and dead replica, which was sending one line at most
	d.firsts(func(l line, a arrival, last int) {
		switch {
		case l.n > last:
		case a.stray:
			stray++
		case d.diedUnseen(l, a, died, held):
			interrupted++
		default:
			reordered++
		}
	})
	return reordered, stray, interrupted
}

// leaseTime is how long the messages of a customer wait at least when their replica dies: a lease
// of 15 s that began shortly before.
const leaseTime = 14 * time.Second

// diedUnseen reports whether a replica died during the first attempt of a line, before that attempt
// arrived anywhere. Then nothing was attempted for the customer after the kill until the lease ran
// out, and the line was written before the kill. (It was accepted before the kill, too, but the
// replica that accepted it may have died before it answered.) A replica can have had one such line
// of a customer; held records it.
func (d direction) diedUnseen(l line, first arrival, died map[string]time.Time, held map[string]bool) bool {
	lines := d.index()
	for _, by := range slices.Sorted(maps.Keys(died)) {
		death := died[by]
		end := death.Add(leaseTime)
		if held[l.customer+" "+by] || death.Before(l.began) || first.at.Before(end) {
			continue
		}
		if !slices.ContainsFunc(d.attempts, func(a arrival) bool {
			return lines[a.text].customer == l.customer && a.at.After(death) && a.at.Before(end)
		}) {
			held[l.customer+" "+by] = true
			return true
		}
	}
	return false
}

// firsts calls f with the first attempt of each line, in order of arrival, and the highest number
// of that customer that was attempted before, or -1.
func (d direction) firsts(f func(l line, a arrival, last int)) {
	lines := d.index()
	seen, highest := map[string]bool{}, map[string]int{}
	for _, a := range d.attempts {
		l, known := lines[a.text]
		if !known || seen[a.text] {
			continue
		}
		seen[a.text] = true
		last, other := highest[l.customer]
		if !other {
			last = -1
		}
		f(l, a, last)
		highest[l.customer] = max(last, l.n)
	}
}

// index returns the lines by text.
func (d direction) index() map[string]line {
	m := make(map[string]line, len(d.lines))
	for _, l := range d.lines {
		m[l.text] = l
	}
	return m
}

// takenOver reports whether a replica finished the work of a killed one: it sent the line after the
// death of another replica that had accepted the line, or that had sent it and could not store
// that.
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

// percentile returns the smallest time that p percent of the times do not exceed, or 0 if there are
// none.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[(len(sorted)*p+99)/100-1]
}

// mostExplained is the maximum number of lines that are explained.
const mostExplained = 10

// explain prints the history of lines that were lost, reordered or doubled under a new id, with the
// lines around them.
func (d direction) explain(out io.Writer, began time.Time, died map[string]time.Time) {
	attempts, arrivals, backs := byText(d.attempts), byText(d.arrivals), byText(d.backs)
	lines := d.index()
	bad := map[string]string{}
	for _, l := range d.lines {
		switch {
		case len(arrivals[l.text])+len(backs[l.text]) == 0 && !l.accepted.IsZero():
			bad[l.text] = "lost"
		case distinct(arrivals[l.text]) > 1, distinct(backs[l.text]) > 1:
			bad[l.text] = "arrived under several ids"
		}
	}
	held := map[string]bool{}
	d.firsts(func(l line, a arrival, last int) {
		if l.n < last && !a.stray && !d.diedUnseen(l, a, died, held) {
			bad[l.text] = fmt.Sprintf("was first tried behind number %d", last)
		}
	})
	at := func(t time.Time) string { return fmt.Sprintf("%.3f", t.Sub(began).Seconds()) }
	for _, text := range slices.Sorted(maps.Keys(bad))[:min(len(bad), mostExplained)] {
		l := lines[text]
		_, _ = fmt.Fprintf(out, "%q %s:\n", text, bad[text])
		for _, near := range d.lines {
			if near.customer != l.customer || near.n < l.n-2 || near.n > l.n+3 {
				continue
			}
			_, _ = fmt.Fprintf(out, "  %q written %s, accepted %s by %q\n", near.text, at(near.began), at(near.accepted), near.by)
			for _, a := range attempts[near.text] {
				_, _ = fmt.Fprintf(out, "    attempted %s by %q, id %s, flagged %t\n", at(a.at), a.by, a.id, a.stray)
			}
			for _, a := range arrivals[near.text] {
				_, _ = fmt.Fprintf(out, "    arrived %s by %q\n", at(a.at), a.by)
			}
			for _, a := range backs[near.text] {
				_, _ = fmt.Fprintf(out, "    handed back %s by %q in %s\n", at(a.at), a.by, a.id)
			}
		}
	}
}
