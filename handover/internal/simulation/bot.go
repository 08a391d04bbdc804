package simulation

import (
	"context"
	"errors"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"

	"github.com/genesyshandover/genesyshandover/genesys/openmessaging"
)

// How the bot answers what a Return contains.
const (
	botSilent  = ""        // it does not
	botReplies = "replies" // inside Return, with Reply
	// Inside Return: it asks for the turn, and passes the message to Forward if the agents have it.
	botAsks   = "asks"
	botQueues = "queues" // later, with Reply
)

// customer returns the customer with a name.
func (w *world) customer(name string) *customer {
	for _, c := range w.customers {
		if c.key.Customer == name {
			return c
		}
	}
	return nil
}

// mayCall reports whether a callback has enough time left for a call.
func (r *replica) mayCall(ctx context.Context) bool {
	const least = 7 * time.Second
	_, late := r.untilDeadline(ctx, least)
	return !late && !r.dead && !r.w.finished
}

// answer lets the bot answer what a Return contains.
func (r *replica) answer(ctx context.Context, k string, x record.Return) {
	c := r.w.customer(k)
	for _, u := range x.Unanswered {
		switch {
		case c == nil || !r.mayCall(ctx):
			return
		case r.w.plan.bots == botReplies:
			c.reply(u.ID)
		case r.w.plan.bots == botAsks:
			if c.turn() == machine.TurnAgent {
				c.forward(u.ID)
			}
		case r.w.plan.bots == botQueues && !c.stopped:
			c.toAnswer = append(c.toAnswer, u.ID)
		}
	}
}

// callBack makes calls of the Manager from a callback.
func (r *replica) callBack(ctx context.Context, k string) {
	c := r.w.customer(k)
	if !r.w.plan.callsBack || c == nil || c.stopped || r.w.healed || !c.d.chance(0.2) || !r.mayCall(ctx) {
		return
	}
	switch c.d.IntN(7) {
	case 0:
		c.handOver(false)
	case 1:
		c.handOver(true)
	case 2:
		c.end()
	case 3:
		c.write()
	case 4:
		_ = c.call("Session", func(r *replica) error { // asked again later
			_, err := r.manager.Session(background, c.called())
			return notFoundIsFine(err)
		})
	case 5:
		_ = c.call("Explain", func(r *replica) error { // asked again later
			_, err := r.manager.Explain(background, c.called())
			return notFoundIsFine(err)
		})
	default:
		c.turn()
	}
}

// notFoundIsFine returns nil for ErrNotFound: the record may be removed.
func notFoundIsFine(err error) error {
	if errors.Is(err, record.ErrNotFound) {
		return nil
	}
	return err
}

// reply lets the bot answer a message with Reply.
func (c *customer) reply(id string) {
	began := c.w.now
	defer c.give(id)()
	var turn machine.Turn
	err := c.call("Reply "+id, func(r *replica) (err error) {
		said, look := 0, c.w.ledger.beginTurnCheck(c)
		turn, err = r.manager.Reply(background, c.called(), record.Message{ID: id, Text: id}, func(context.Context) error {
			said++
			if !r.dead {
				look.answered("Reply", machine.TurnBot)
			}
			if c.w.plan.callsBack && c.d.chance(0.3) {
				c.turn()
			}
			return nil
		})
		if r.dead || c.w.finished || err != nil {
			return err
		}
		c.w.logf(c.key.Customer, "%s answers: turn of the %s", r.name, turn)
		if turn == machine.TurnBot && said != 1 || turn == machine.TurnAgent && said != 0 {
			c.w.fail("the bot speaks if it has the turn", c.key.Customer, "Reply %s returns the turn of the %s, and the bot spoke %d times", id, turn, said)
		}
		return nil
	})
	switch {
	case err != nil:
		c.w.ledger.unclear[id] = true
	case turn == machine.TurnAgent:
		c.w.ledger.replied(c.key.Customer, id, began)
	default:
		c.w.ledger.notStored(id)
	}
}

// reportLater reports what became of a delivery that was Pending.
func (h *host) reportLater(k, delivery string) {
	h.w.pause(h.d.between(0, 20*time.Second))
	c, fails := h.w.customer(k), h.d.chance(0.2)
	if c == nil || h.w.finished {
		return
	}
	// The engine stops waiting after 10 minutes.
	_ = c.call("Report "+delivery, func(r *replica) error {
		if fails {
			return r.manager.Fail(background, c.called(), delivery, openmessaging.ReasonGeneralError)
		}
		return r.manager.Delivered(background, c.called(), delivery)
	})
}
