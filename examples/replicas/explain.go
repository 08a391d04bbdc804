package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// mostExplained is how many lines with trouble are told in full.
const mostExplained = 10

// explain tells the story of each line that was lost, reordered or doubled under a new id: what the developer needs first.
func (d direction) explain(out io.Writer, began time.Time, died map[string]time.Time) {
	attempts, arrivals, backs := byText(d.attempts), byText(d.arrivals), byText(d.backs)
	lines := d.index()
	bad := map[string]string{}
	for _, l := range d.lines {
		switch {
		case len(arrivals[l.text])+len(backs[l.text]) == 0 && !l.accepted.IsZero():
			bad[l.text] = "lost"
		case distinct(arrivals[l.text]) > 1, distinct(backs[l.text]) > 1:
			bad[l.text] = "came under several ids"
		}
	}
	held := map[string]bool{}
	d.firsts(func(l line, a arrival, last int) {
		if l.n < last && !a.stray && !d.stoodStill(l, a, died, held) {
			bad[l.text] = fmt.Sprintf("was first tried behind number %d", last)
		}
	})
	at := func(t time.Time) string { return fmt.Sprintf("%.3f", t.Sub(began).Seconds()) }
	for _, text := range slices.Sorted(maps.Keys(bad))[:min(len(bad), mostExplained)] {
		l := lines[text]
		_, _ = fmt.Fprintf(out, "%q %s:\n", text, bad[text])
		for _, near := range d.lines {
			if near.lane != l.lane || near.n < l.n-2 || near.n > l.n+3 {
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
