package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/record"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// A host receives the callbacks of all replicas. It is the customer's channel, the bot and a
// dashboard.
type host struct {
	w         *world
	d         random
	panics    random
	callbacks effectLanes
}

func newHost(w *world) *host {
	return &host{w: w, d: newRandom(w.plan.seed, "host"), panics: newRandom(w.plan.seed, "panics"), callbacks: newEffectLanes("one callback of a customer at a time")}
}

func (r *replica) deliver(ctx context.Context, d record.Delivery) error {
	h, k := r.w.host, d.Session.Key.Customer
	poison := r.w.plan.has(faultPoison) && len(d.ID)%2 == 0 && d.ID[len(d.ID)-1] == '7'
	return h.callback(ctx, r, k, "Delivery "+d.ID, func() bool {
		return h.w.ledger.delivery(r, d)
	}, func() error {
		if poison {
			h.w.ledger.undeliverable[d.ID] = true
			return record.Undeliverable(openmessaging.ReasonGeneralError, nil)
		}
		h.w.ledger.delivered(d)
		r.callBack(ctx, k)
		if h.w.plan.reportsLater && h.d.chance(0.5) {
			h.w.start("report of "+d.ID, nil, func() { h.reportLater(k, d.ID) })
			return record.Pending
		}
		return nil
	})
}

func (r *replica) returned(ctx context.Context, x record.Return) error {
	h, k := r.w.host, x.Session.Key.Customer
	return h.callback(ctx, r, k, "Return "+x.ID, func() bool {
		return h.w.ledger.returning(r, x)
	}, func() error {
		h.w.ledger.returned(x)
		r.answer(ctx, k, x)
		r.callBack(ctx, k)
		h.wakeSometimes(k, 0)
		return nil
	})
}

func (r *replica) notify(ctx context.Context, n record.Notice) error {
	h, k := r.w.host, n.Session.Key.Customer
	return h.callback(ctx, r, k, "Notice "+n.ID+" "+string(n.Kind), func() bool {
		return h.w.ledger.notifying(n)
	}, func() error {
		h.w.ledger.notified(n)
		r.callBack(ctx, k)
		return nil
	})
}

// callback runs one callback. begin records and checks the attempt. effect is what the host does if
// nothing fails.
func (h *host) callback(ctx context.Context, r *replica, k, what string, begin func() bool, effect func() error) error {
	if r.dead || h.w.finished {
		return errDead
	}
	h.w.logf(k, "%s: %s begins", r.name, what)
	h.w.ledger.checkLease(r, k, what, func(v *view) viewLane { return v.In })
	deaf := h.w.happens(faultDeaf)
	defer h.callbacks.start(r, k, what, deaf)()
	begin()
	took := h.duration()
	if strings.HasPrefix(what, "Return") && h.w.plan.slowBot && h.d.chance(0.5) {
		took += h.d.between(500*time.Millisecond, 6*time.Second)
		h.wakeSometimes(k, took)
	}
	left, late := r.untilDeadline(ctx, took)
	if deaf {
		left, late = h.d.between(9*time.Second, 90*time.Second), false
	}
	if !r.yieldPoint(left) {
		return errDead
	}
	if late {
		return context.DeadlineExceeded
	}
	before, after := h.w.happens(faultHost), h.w.happens(faultHost)
	if before {
		h.mayPanic()
		return errHost
	}
	err := effect()
	h.w.logf(k, "%s: %s: %v", r.name, what, err)
	if !r.yieldPoint(0) {
		return errDead
	}
	if after && err == nil {
		h.mayPanic()
		return errHost
	}
	return err
}

// wakeSometimes sometimes lets a customer act within a time.
func (h *host) wakeSometimes(k string, within time.Duration) {
	if c := h.w.customer(k); c != nil && h.d.chance(0.5) {
		h.w.after(h.d.between(0, within), c.wakeUp)
	}
}

// mayPanic panics in some of the callbacks that fail.
func (h *host) mayPanic() {
	if h.w.plan.panics && h.panics.chance(0.3) {
		panic(errHost)
	}
}

func (h *host) duration() time.Duration {
	if h.w.happens(faultSlowHost) {
		return h.d.between(time.Second, 12*time.Second)
	}
	return h.d.between(time.Millisecond, 80*time.Millisecond)
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// errHost is the result of a callback that fails.
var errHost = errors.New("simulation: the host failed")
