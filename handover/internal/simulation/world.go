package simulation

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/engine"
)

// A plantedBug changes what the engine gets from its store, its calls or its signals. With it a
// test shows that the checks find a bug.
type plantedBug struct {
	store func(s engine.Store, r *replica) engine.Store
	calls func(t http.RoundTripper, r *replica) http.RoundTripper

	signal func(r *replica, conversation string)
}

// A world is everything in one history.
type world struct {
	scheduler

	plan      plan
	bug       plantedBug
	healed    bool // no fault happens any more
	healedAt  time.Duration
	store     *store
	genesys   *cloud
	host      *host
	ledger    *ledger
	replicas  []*replica
	customers []*customer

	socketState socketState
	chaos       random // which faults happen
	tracing     bool
	trace       []line
	failed      *failure
}

func newWorld(p plan, bug plantedBug, tracing bool) *world {
	w := &world{plan: p, bug: bug, tracing: tracing, chaos: newRandom(p.seed, "chaos")}
	w.order, w.socketState.goneAt = newRandom(p.seed, "order"), never
	w.panics = func(text string) { w.fail("no panic", "", "%s", text) }
	w.onStep = func(t *task) {
		if t != nil && t.process != nil {
			t.process.wakeWaiters()
		}
	}
	w.store, w.genesys, w.ledger = newStore(w), newCloud(w), newLedger(w)
	w.host = newHost(w)
	for i := range p.replicas {
		w.replicas = append(w.replicas, newReplica(w, i))
	}
	for i := range p.customers {
		w.customers = append(w.customers, newCustomer(w, i))
	}
	return w
}

// simulate runs a plan. It returns the first invariant that did not hold, or nil, and the trace if
// tracing is set.
func simulate(p plan, bug plantedBug, tracing bool) (*failure, []line) {
	w := newWorld(p, bug, tracing)
	w.runWithFaults()
	if w.failed == nil {
		w.runHealed()
	}
	if w.failed == nil {
		w.ledger.checkEnd()
	}
	for _, r := range w.replicas {
		r.crash()
	}
	w.unwind()
	if w.failed != nil {
		w.failed.trace = w.trace
	}
	return w.failed, w.trace
}

func (w *world) stopped() bool { return w.failed != nil }

// runWithFaults runs the first part of a history, in which faults happen.
func (w *world) runWithFaults() {
	for _, r := range w.replicas {
		r.start()
	}
	w.genesys.signalReturns()
	w.start("socket", nil, w.runSocket)
	for _, c := range w.customers {
		w.start("customer "+c.key.Customer, nil, c.run)
	}
	for _, r := range w.replicas {
		w.start("fate of "+r.name, nil, r.runLifecycle)
	}
	for w.now < w.plan.duration && w.failed == nil {
		w.run(min(w.now+restCheck, w.plan.duration), w.stopped)
		w.ledger.checkSeenInTime()
	}
}

// Limits of the second part of a history.
const (
	// Within which all work is done when customers end what is open.
	restTime      = 10 * time.Minute
	remoteEndTime = 100 * time.Minute // the same when agents and Genesys end it, at some time
	// The same with a channel that was removed: Managers leave its records alone for 10 minutes.
	removedTime = 40 * time.Minute
	restCheck   = 5 * time.Second // how often that is checked
)

// runHealed runs the second part, in which no fault happens any more, until no work is left.
func (w *world) runHealed() {
	w.healed, w.healedAt = true, w.now
	w.logf("", "healed")
	for _, r := range w.replicas {
		r.frozenUntil = min(r.frozenUntil, w.now)
		if !r.serves() {
			r.restart()
		}
	}
	for _, c := range w.customers {
		w.start("end of "+c.key.Customer, nil, c.finish)
	}
	end := w.now + restTime
	if w.plan.has(faultRemoved) {
		end = w.now + removedTime
	}
	if w.plan.remoteEnd {
		end = w.now + remoteEndTime
		w.after(w.genesys.d.between(3*time.Minute, 15*time.Minute), w.genesys.endAll)
	}
	for w.now < end && w.failed == nil {
		w.run(w.now+restCheck, w.stopped)
		w.ledger.checkSeenInTime()
		if w.idle() {
			return
		}
	}
	if w.failed == nil {
		k, why := w.store.unfinished()
		w.fail("nothing is stuck", k.Customer, "%s", why)
	}
}

// recovered reports whether faults ended so long ago that nothing may fail because of them.
func (w *world) recovered() bool { return w.healed && w.now > w.healedAt+time.Minute }

// idle reports whether no work is left. The loops of the replicas continue.
func (w *world) idle() bool {
	for _, c := range w.customers {
		if !c.finished {
			return false
		}
	}
	_, why := w.store.unfinished()
	return why == "" && w.genesys.delayedRequests == 0
}

// serving returns a random replica that serves a channel, or nil. An empty channel means any.
func (w *world) serving(channel string) *replica {
	var list []*replica
	for _, r := range w.replicas {
		if r.serves() && r.servesChannel(channel) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return pick(w.order, list...)
}

// happens reports whether a fault happens now, at random.
func (w *world) happens(f fault) bool { return !w.healed && w.chaos.chance(w.plan.rates[f]) }

// stamp returns the virtual time by the clock of Genesys and the host.
func (w *world) stamp() time.Time { return epoch.Add(w.now) }

// time returns a virtual time as a time.Time.
func (w *world) time(at time.Duration) time.Time { return epoch.Add(at) }

// ident returns the nth id of a kind.
func ident(kind string, n int) string { return fmt.Sprintf("%s%d", kind, n) }

// A line is an entry of the trace.
type line struct {
	at   time.Duration
	key  string // the customer, or empty if it concerns all
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

// traceLines is the maximum number of trace lines in the text of a failure.
const traceLines = 400

// String returns the invariant, the command that repeats the history, and the end of the trace of
// the customer concerned.
func (f *failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, after %s of virtual time: %s\n%s\n", f.plan.seed, f.at, f.invariant, f.detail)
	fmt.Fprintf(&b, "go test ./handover/internal/simulation -run TestSimulation -seeds 1 -seed %d -only %s\n", f.plan.seed, f.plan.flagOnly())
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

// concerned returns the lines of the customer concerned, and those without a customer.
func (f *failure) concerned() []line {
	var lines []line
	for _, l := range f.trace {
		if f.key == "" || l.key == "" || l.key == f.key {
			lines = append(lines, l)
		}
	}
	return lines
}

// logf adds a line to the trace, if there is one.
func (w *world) logf(key, format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, line{w.now, key, fmt.Sprintf(format, args...)})
	}
}

// fail records the first invariant that does not hold. The history ends with it.
func (w *world) fail(invariant, key, format string, args ...any) {
	if w.failed != nil || w.finished {
		return
	}
	w.failed = &failure{plan: w.plan, invariant: invariant, detail: fmt.Sprintf(format, args...), key: key, at: w.now}
	w.logf(key, "FAILED %s: %s", invariant, w.failed.detail)
}
