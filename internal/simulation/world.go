package simulation

import (
	"fmt"
	"net/http"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A saboteur is a planted bug: it stands between the engine and what the engine relies on.
type saboteur struct {
	store func(s handover.Store, r *replica) handover.Store
	calls func(t http.RoundTripper, r *replica) http.RoundTripper

	signal func(r *replica, conversation string)
}

// A world is one history.
type world struct {
	scheduler

	plan      plan
	bug       saboteur
	healed    bool // nothing fails any more
	healedAt  time.Duration
	store     *store
	genesys   *cloud
	host      *host
	ledger    *ledger
	replicas  []*replica
	customers []*customer

	ear     ear
	chaos   dice // what fails
	tracing bool
	trace   []line
	failed  *failure
}

func newWorld(p plan, bug saboteur, tracing bool) *world {
	w := &world{plan: p, bug: bug, tracing: tracing, chaos: newDice(p.seed, "chaos")}
	w.order, w.ear.gone = newDice(p.seed, "order"), never
	w.panics = func(text string) { w.fail("no panic", "", "%s", text) }
	w.onStep = func(t *task) {
		if t != nil && t.process != nil {
			t.process.notice()
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

// simulate runs a plan and gives what did not hold, or nil.
func simulate(p plan, bug saboteur, tracing bool) (*failure, []line) {
	w := newWorld(p, bug, tracing)
	w.lives()
	if w.failed == nil {
		w.heals()
	}
	if w.failed == nil {
		w.ledger.checkEnd()
	}
	for _, r := range w.replicas {
		r.die()
	}
	w.unwind()
	if w.failed != nil {
		w.failed.trace = w.trace
	}
	return w.failed, w.trace
}

func (w *world) stopped() bool { return w.failed != nil }

// lives is the time in which anything may happen.
func (w *world) lives() {
	for _, r := range w.replicas {
		r.begin()
	}
	w.genesys.gaps()
	w.start("socket", nil, w.listen)
	for _, c := range w.customers {
		w.start("customer "+c.key.Customer, nil, c.live)
	}
	for _, r := range w.replicas {
		w.start("fate of "+r.name, nil, r.fate)
	}
	for w.now < w.plan.lasts && w.failed == nil {
		w.run(min(w.now+restCheck, w.plan.lasts), w.stopped)
		w.ledger.watch()
	}
}

// The most that it takes to come to rest when nothing fails any more, or until everything has ended by itself, and how often that
// is looked at.
const (
	restTime    = 10 * time.Minute
	patientTime = 100 * time.Minute
	restCheck   = 5 * time.Second
)

// heals lets everything succeed until nothing is left to do.
func (w *world) heals() {
	w.healed, w.healedAt = true, w.now
	w.tell("", "healed")
	for _, r := range w.replicas {
		r.frozen = min(r.frozen, w.now)
		if !r.serves() {
			r.again()
		}
	}
	for _, c := range w.customers {
		w.start("end of "+c.key.Customer, nil, c.leave)
	}
	end := w.now + restTime
	if w.plan.patient {
		end = w.now + patientTime
		w.after(w.genesys.d.between(3*time.Minute, 15*time.Minute), w.genesys.close)
	}
	for w.now < end && w.failed == nil {
		w.run(w.now+restCheck, w.stopped)
		w.ledger.watch()
		if w.rests() {
			return
		}
	}
	if w.failed == nil {
		k, why := w.store.unrest()
		w.fail("nothing is stuck", k.Customer, "%s", why)
	}
}

// recovered reports whether nothing has failed for so long that nothing may.
func (w *world) recovered() bool { return w.healed && w.now > w.healedAt+time.Minute }

// rests reports whether nobody has anything to do but the loops.
func (w *world) rests() bool {
	for _, c := range w.customers {
		if !c.left {
			return false
		}
	}
	_, why := w.store.unrest()
	return why == "" && w.genesys.posting == 0
}

func (w *world) serving() *replica {
	var list []*replica
	for _, r := range w.replicas {
		if r.serves() {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return pick(w.order, list...)
}

// happens draws whether a fault strikes now.
func (w *world) happens(f fault) bool { return !w.healed && w.chaos.chance(w.plan.rates[f]) }

// stamp is a virtual time as Genesys and the host see it.
func (w *world) stamp() time.Time { return epoch.Add(w.now) }

func ident(kind string, n int) string { return fmt.Sprintf("%s%d", kind, n) }
