package simulation

import (
	"context"
	"encoding/json"
	"time"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
	"github.com/genesyshandover/genesyshandover/handover"
)

// A host is what all replicas call back: the customer's channel, the bot, a dashboard.
type host struct {
	w    *world
	d    dice
	lane effects
}

func newHost(w *world) *host {
	return &host{w: w, d: newDice(w.plan.seed, "host"), lane: newEffects("one callback of a customer at a time")}
}

func (r *replica) deliver(ctx context.Context, d handover.Delivery) error {
	h, k := r.w.host, d.Session.Key.Customer
	poison := r.w.plan.has(faultPoison) && len(d.ID)%2 == 0 && d.ID[len(d.ID)-1] == '7'
	return h.visit(ctx, r, k, "Delivery "+d.ID, func() bool {
		return h.w.ledger.delivery(r, d)
	}, func() error {
		if poison {
			h.w.ledger.refused[d.ID] = true
			return handover.Undeliverable(openmessaging.ReasonGeneralError, nil)
		}
		h.w.ledger.delivered(d)
		return nil
	})
}

func (r *replica) giveBack(ctx context.Context, x handover.Return) error {
	h, k := r.w.host, x.Session.Key.Customer
	return h.visit(ctx, r, k, "Return "+x.ID, func() bool {
		return h.w.ledger.returning(r, x)
	}, func() error {
		h.w.ledger.returned(x)
		for _, c := range h.w.customers {
			if c.key.Customer == k && h.d.chance(0.5) {
				c.called()
			}
		}
		return nil
	})
}

func (r *replica) notify(ctx context.Context, n handover.Notice) error {
	h, k := r.w.host, n.Session.Key.Customer
	return h.visit(ctx, r, k, "Notice "+n.ID+" "+string(n.Kind), func() bool {
		return h.w.ledger.notice(n)
	}, func() error {
		h.w.ledger.noticed(n)
		return nil
	})
}

// visit is one callback: begin notes and checks the attempt, effect is what the host does if nothing fails.
func (h *host) visit(ctx context.Context, r *replica, k, what string, begin func() bool, effect func() error) error {
	if r.dead || h.w.over {
		return errDead
	}
	h.w.tell(k, "%s: %s begins", r.name, what)
	h.w.ledger.leased(r, k, what, func(v *view) viewLane { return v.In })
	defer h.lane.begin(r, k, what)()
	begin()
	left, late := r.within(ctx, h.takes())
	if !r.point(left) {
		return errDead
	}
	if late {
		return context.DeadlineExceeded
	}
	before, after := h.w.happens(faultHost), h.w.happens(faultHost)
	if before {
		return errHost
	}
	err := effect()
	h.w.tell(k, "%s: %s: %v", r.name, what, err)
	if !r.point(0) {
		return errDead
	}
	if after && err == nil {
		return errHost
	}
	return err
}

func (h *host) takes() time.Duration {
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
