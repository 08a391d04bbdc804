package simulation

import (
	"errors"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A customer writes, asks for agents, ends, forgets, and comes back.
type customer struct {
	w     *world
	d     dice
	key   handover.Key
	n     int
	said  []string // lately
	task  *task
	rests bool // it does nothing just now
	done  bool // it begins nothing new
	left  bool // it has said good-bye for good
}

func newCustomer(w *world, i int) *customer {
	return &customer{w: w, d: newDice(w.plan.seed, ident("customer", i)), key: handover.Customer(ident("k", i))}
}

// customerOf is the customer behind an id at Genesys.
func customerOf(from string) string {
	customer, _, _ := strings.Cut(from, "~")
	return customer
}

func (c *customer) live() {
	c.task = c.w.current
	defer func() { c.done = true }()
	for !c.w.over && !c.w.healed {
		c.rests = true
		c.w.pause(c.d.between(0, 2*c.w.plan.pace))
		c.rests = false
		if c.w.over || c.w.healed {
			return
		}
		c.step()
	}
}

// called: the bot is back, and the customer answers it at once.
func (c *customer) called() {
	if c.rests && c.task != nil && !c.w.healed {
		c.w.wake(c.task, c.w.now+c.d.between(0, 30*time.Millisecond))
	}
}

func (c *customer) step() {
	switch n := c.d.IntN(100); {
	case n < 48:
		for range 1 + c.d.IntN(3) {
			c.write()
		}
	case n < 68:
		c.handOver(false)
	case n < 72:
		c.handOver(true)
	case n < 80:
		c.end()
	case n < 83 && c.w.plan.has(faultForget):
		c.forget()
	case n < 90:
		c.turn()
	case n < 94 && len(c.said) > 0:
		c.forward(c.said[c.d.IntN(len(c.said))])
	}
}

// patience is how often a host repeats a call that failed, with the same id.
const patience = 4

// call makes a call of some replica, again if it fails.
func (c *customer) call(what string, f func(r *replica) error) error {
	t := c.w.current
	err := errDead
	for range patience {
		r := c.w.serving()
		if r == nil || c.w.over {
			c.w.pause(time.Second)
			continue
		}
		t.process = r
		err = f(r)
		t.process = nil
		r.notice()
		if r.dead {
			err = errDead
		}
		c.w.tell(c.key.Customer, "%s: %s: %v", r.name, what, err)
		if err == nil || errors.Is(err, handover.ErrBacklog) {
			return err
		}
		c.w.ledger.failed(c.key.Customer, what, err)
		c.w.pause(c.d.between(100*time.Millisecond, 3*time.Second))
	}
	return err
}

func (c *customer) id(kind string) string {
	c.n++
	return ident(kind+c.key.Customer+"-", c.n)
}

func (c *customer) write() {
	id := c.id("m")
	if c.w.plan.has(faultPoison) && c.d.chance(0.05) {
		id += "poison"
	}
	c.said = append(c.said, id)
	c.said = c.said[max(0, len(c.said)-5):]
	c.forward(id)
}

func (c *customer) forward(id string) {
	began := c.w.now
	c.w.ledger.spoken(id)
	var turn handover.Turn
	err := c.call("Forward "+id, func(r *replica) (err error) {
		look := c.w.ledger.look(c)
		turn, err = r.manager.Forward(background, c.key, handover.Text(id, id))
		if err == nil && !r.dead {
			c.w.tell(c.key.Customer, "%s says it is the turn of the %s", r.name, turn)
			look.answered("Forward", turn)
		}
		return err
	})
	switch {
	case err != nil:
		c.w.ledger.unclear[id] = true
	case turn == handover.TurnAgent:
		c.w.ledger.accepted(c.key.Customer, id, began)
	default:
		c.w.ledger.unspoken(id)
	}
}

func (c *customer) turn() {
	_ = c.call("Turn", func(r *replica) error { // asked again some other time
		look := c.w.ledger.look(c)
		turn, err := r.manager.Turn(background, c.key)
		if err == nil && !r.dead {
			look.answered("Turn", turn)
		}
		return err
	})
}

func (c *customer) handOver(open bool) {
	id := c.id("h")
	began := c.w.now
	request := handover.Request{ID: id, Summary: "summary of " + id, Timers: c.w.plan.timers}
	ask := func(r *replica) error {
		var s handover.Session
		var err error
		if open {
			s, err = r.manager.Open(background, c.key, request)
		} else {
			s, err = r.manager.HandOver(background, c.key, request)
		}
		if err == nil && !r.dead {
			c.w.tell(c.key.Customer, "%s gives session %s, %s", r.name, s.ID, s.State)
			c.w.ledger.promise(c.key.Customer, id, s.ID, began)
		}
		return err
	}
	err := c.call("HandOver "+id, ask) // the customer asks again some other time
	if err == nil && c.d.chance(0.1) {
		_ = c.call("HandOver "+id, ask)
	}
}

func (c *customer) end() {
	c.w.ledger.ending(c.key.Customer)
	_ = c.call("End", func(r *replica) error { // the customer ends some other time
		return r.manager.End(background, c.key, handover.EndByCustomer)
	})
}

func (c *customer) forget() {
	c.w.ledger.forgetting(c.key.Customer, true)
	_ = c.call("Forget", func(r *replica) error { // the customer asks some other time
		return r.manager.Forget(background, c.key)
	})
	c.w.ledger.forgetting(c.key.Customer, false)
}

// leave ends whatever is open, until nothing is. A patient customer only ends what is not read.
func (c *customer) leave() {
	for !c.done && !c.w.over {
		c.w.pause(time.Second)
	}
	c.probe()
	for !c.w.over {
		c.w.pause(c.d.between(5*time.Second, 20*time.Second))
		if c.done && !c.open() {
			c.left = true
			return
		}
		if !c.w.plan.patient || c.unread() {
			c.end()
		}
	}
}

// probe: when nothing fails any more, all works again, and at once.
func (c *customer) probe() {
	c.w.pause(2 * time.Minute) // for leases and backoffs
	c.handOver(false)
	for range 4 {
		c.w.pause(10 * time.Second)
		cell := c.w.store.cells[c.key]
		if cell == nil || !cell.connected() {
			continue
		}
		session, id := cell.file.Now.ID, c.id("m")
		c.forward(id)
		c.w.pause(10 * time.Second)
		if cell.connected() && cell.file.Now.ID == session && len(c.w.ledger.arrived[id]) == 0 && !c.w.over {
			c.w.fail("a message arrives at once when nothing fails", c.key.Customer, "%s", id)
		}
	}
}

// open reports whether a session of the customer is, or will be.
func (c *customer) open() bool {
	cell := c.w.store.cells[c.key]
	return cell != nil && cell.file != nil && (cell.file.Now.open() || cell.file.Next != nil)
}

// unread reports whether a session is open of which no read can tell the end: the bot has the word, or nobody has named its
// conversation.
func (c *customer) unread() bool {
	cell := c.w.store.cells[c.key]
	if cell == nil || cell.file == nil || !cell.file.Now.open() {
		return false
	}
	return cell.file.Now.State == handover.StateBot || cell.file.Now.Conversation == ""
}
