package simulation

import (
	"fmt"
	"strings"
	"time"
)

// A line of the trace: who did what, and for which customer.
type line struct {
	at   time.Duration
	key  string // the customer; empty: it concerns all
	text string
}

func (l line) String() string { return fmt.Sprintf("%10.3f %-4s %s", l.at.Seconds(), l.key, l.text) }

// A failure is an invariant that did not hold.
type failure struct {
	plan      plan
	invariant string
	detail    string
	key       string
	at        time.Duration
	trace     []line
}

const traceLines = 400

// String is what a person needs: the invariant, how to run it again, and the end of the history of the customer concerned.
func (f *failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, after %s of virtual time: %s\n%s\n", f.plan.seed, f.at, f.invariant, f.detail)
	fmt.Fprintf(&b, "go test ./internal/simulation -run TestSimulation -seeds 1 -seed %d -only %s\n", f.plan.seed, f.plan.only())
	lines := f.concerned()
	if cut := len(lines) - traceLines; cut > 0 {
		fmt.Fprintf(&b, "… %d lines before\n", cut)
		lines = lines[cut:]
	}
	for _, l := range lines {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

// concerned are the lines of the customer and of everybody.
func (f *failure) concerned() []line {
	var lines []line
	for _, l := range f.trace {
		if f.key == "" || l.key == "" || l.key == f.key {
			lines = append(lines, l)
		}
	}
	return lines
}

// tell adds a line to the trace, if there is one.
func (w *world) tell(key, format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, line{w.now, key, fmt.Sprintf(format, args...)})
	}
}

// fail notes the first invariant that does not hold. The rest of the history does not matter.
func (w *world) fail(invariant, key, format string, args ...any) {
	if w.failed != nil || w.over {
		return
	}
	w.failed = &failure{plan: w.plan, invariant: invariant, detail: fmt.Sprintf(format, args...), key: key, at: w.now}
	w.tell(key, "FAILED %s: %s", invariant, w.failed.detail)
}
