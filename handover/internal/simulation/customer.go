package simulation

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// A customer writes, asks for agents, ends sessions, asks to be forgotten, and starts again.
type customer struct {
	w        *world
	d        random
	key      machine.Key
	n        int
	recent   []string // ids of the last messages
	task     *task
	waiting  bool // between two steps
	stopped  bool // takes no further step
	finished bool // has stopped, and has no open session

	next     func()   // what the customer does soon, instead of a random step
	toAnswer []string // ids of messages that the bot answers later
	giving   []string // ids of messages in calls of Forward and Reply that run now
}

// give records that a call of Forward or Reply begins, until the returned function is called. The
// order of calls that run at the same time, one in a callback, is unclear.
func (c *customer) give(id string) func() {
	c.w.ledger.forwarded(id)
	if c.giving = append(c.giving, id); len(c.giving) > 1 {
		for _, x := range c.giving {
			c.w.ledger.unclear[x] = true
		}
	}
	return func() {
		i := slices.Index(c.giving, id)
		c.giving = slices.Delete(c.giving, i, i+1)
		c.w.ledger.forwardedAt[id] = c.w.now
	}
}

func newCustomer(w *world, i int) *customer {
	name := ident("k", i)
	if w.plan.tenants != "" && i%2 == 1 {
		name = ident("x", i)
	}
	return &customer{w: w, d: newRandom(w.plan.seed, ident("customer", i)), key: keyOf(name)}
}

// customerOf returns the customer of an id at Genesys, without the suffix of a session.
func customerOf(from string) string {
	customer, _, _ := strings.Cut(from, "~")
	return customer
}

func (c *customer) run() {
	c.task = c.w.current
	defer func() { c.stopped = true }()
	for !c.w.finished && !c.w.healed {
		wait := 2 * c.w.plan.pace
		if c.next != nil {
			wait = 8 * time.Second
		}
		c.waiting = true
		c.w.pause(c.d.between(0, wait))
		c.waiting = false
		if c.w.finished || c.w.healed {
			return
		}
		if f := c.next; f != nil {
			c.next = nil
			f()
			continue
		}
		c.step()
	}
}

// wakeUp lets the customer act now if it waits between two steps.
func (c *customer) wakeUp() {
	if c.waiting && c.task != nil && !c.w.healed {
		c.w.wake(c.task, c.w.now+c.d.between(0, 30*time.Millisecond))
	}
}

func (c *customer) step() {
	if len(c.toAnswer) > 0 && c.d.chance(0.7) {
		id := c.toAnswer[0]
		c.toAnswer = c.toAnswer[1:]
		c.reply(id)
	}
	switch n := c.d.IntN(100); {
	case n < 48:
		for range 1 + c.d.IntN(3) {
			c.write()
		}
	case n < 66:
		c.handOver(false)
	case n < 72:
		c.handOver(true)
		if c.d.chance(0.5) {
			c.next = func() { c.handOver(false) }
		}
	case n < 80:
		c.end()
		if c.d.chance(0.4) {
			c.next = func() { c.handOver(false) }
		}
	case n < 83 && c.w.plan.has(faultForget):
		c.forget()
	case n < 90:
		c.turn()
	case n < 94 && len(c.recent) > 0:
		c.forward(c.recent[c.d.IntN(len(c.recent))])
	}
}

// callAttempts is how often a host makes a call that fails, with the same id.
const callAttempts = 4

// call makes a call on a random replica, and again if it fails. From a callback it makes one call
// on the replica that called.
func (c *customer) call(what string, f func(r *replica) error) error {
	t := c.w.current
	err := errDead
	if r := t.process; r != nil {
		if err = f(r); r.dead || c.w.finished {
			return errDead
		}
		c.w.logf(c.key.Customer, "%s: in a callback: %s: %v", r.name, what, err)
		if err != nil && !errors.Is(err, record.ErrBacklog) {
			c.w.ledger.checkError(c.key.Customer, what, err)
		}
		return err
	}
	for range callAttempts {
		r := c.w.serving(c.key.Channel)
		if r == nil || c.w.finished {
			c.w.pause(time.Second)
			continue
		}
		t.process = r
		err = f(r)
		t.process = nil
		r.wakeWaiters()
		if r.dead {
			err = errDead
		}
		c.w.logf(c.key.Customer, "%s: %s: %v", r.name, what, err)
		if err == nil || errors.Is(err, record.ErrBacklog) {
			return err
		}
		c.w.ledger.checkError(c.key.Customer, what, err)
		c.w.pause(c.d.between(100*time.Millisecond, 3*time.Second))
	}
	return err
}

func (c *customer) id(kind string) string {
	c.n++
	return ident(kind+c.key.Customer+"-", c.n)
}

// called returns the key as the host passes it: with one channel it may leave out the channel.
func (c *customer) called() machine.Key {
	if c.n%2 == 0 && c.w.plan.tenants != tenantsHost {
		return machine.Key{Customer: c.key.Customer}
	}
	return c.key
}

func (c *customer) write() {
	id := c.id("m")
	if c.w.plan.has(faultPoison) && c.d.chance(0.05) {
		id += "poison"
	}
	c.recent = append(c.recent, id)
	c.recent = c.recent[max(0, len(c.recent)-5):]
	c.forward(id)
	if c.d.chance(0.05) { // the platform of the host repeats it
		c.w.pause(c.d.between(0, 3*time.Second))
		c.forward(id)
	}
}

func (c *customer) forward(id string) {
	began := c.w.now
	defer c.give(id)()
	var turn machine.Turn
	err := c.call("Forward "+id, func(r *replica) (err error) {
		look := c.w.ledger.beginTurnCheck(c)
		turn, err = r.manager.Forward(background, c.called(), record.Message{ID: id, Text: id})
		if err == nil && !r.dead {
			c.w.logf(c.key.Customer, "%s answers: turn of the %s", r.name, turn)
			look.answered("Forward", turn)
		}
		return err
	})
	switch {
	case err != nil:
		c.w.ledger.unclear[id] = true
	case turn == machine.TurnAgent:
		c.w.ledger.accepted(c.key.Customer, id, began)
	default:
		c.w.ledger.notStored(id)
		if c.w.plan.bots != botSilent && c.d.chance(0.3) {
			c.toAnswer = append(c.toAnswer, id)
		}
	}
}

func (c *customer) turn() (turn machine.Turn) {
	_ = c.call("Turn", func(r *replica) (err error) { // asked again later
		look := c.w.ledger.beginTurnCheck(c)
		turn, err = r.manager.Turn(background, c.called())
		if err == nil && !r.dead {
			look.answered("Turn", turn)
		}
		return err
	})
	return turn
}

func (c *customer) handOver(open bool) {
	id := c.id("h")
	began := c.w.now
	request := record.Request{ID: id, Summary: "summary of " + id, Timers: c.w.plan.timers}
	ask := func(r *replica) error {
		var s machine.Session
		var err error
		if open {
			s, err = r.manager.Open(background, c.called(), request)
		} else {
			s, err = r.manager.HandOver(background, c.called(), request)
		}
		if err == nil && !r.dead {
			c.w.logf(c.key.Customer, "%s returns session %s, %s", r.name, s.ID, s.State)
			c.w.ledger.checkPromise(c.key.Customer, id, s.ID, began)
		}
		return err
	}
	err := c.call("HandOver "+id, ask) // the customer asks again later
	if err == nil && c.d.chance(0.1) {
		_ = c.call("HandOver "+id, ask)
	}
}

func (c *customer) end() {
	c.w.ledger.endCalled(c.key.Customer)
	_ = c.call("End", func(r *replica) error { // the customer ends it later
		return r.manager.End(background, c.called(), machine.EndByCustomer)
	})
}

func (c *customer) forget() {
	c.w.ledger.forgetCalled(c.key.Customer, true)
	_ = c.call("Forget", func(r *replica) error { // the customer asks again later
		return r.manager.Forget(background, c.called())
	})
	c.w.ledger.forgetCalled(c.key.Customer, false)
}

// finish ends the customer's sessions until the history is over, because an agent in another
// conversation may begin one when no other is open. With remoteEnd it only ends unread ones.
func (c *customer) finish() {
	for !c.stopped && !c.w.finished {
		c.w.pause(time.Second)
	}
	// Managers leave the records of a channel that was removed alone for 10 minutes.
	if !c.w.plan.has(faultRemoved) {
		c.probe()
	}
	for !c.w.finished {
		c.w.pause(c.d.between(5*time.Second, 20*time.Second))
		if c.finished = !c.open() || c.w.lost(c.key.Channel); c.finished {
			continue
		}
		if !c.w.plan.remoteEnd || c.unread() {
			c.end()
		}
	}
}

// probe checks that messages arrive at once again after the faults have ended.
func (c *customer) probe() {
	c.w.pause(2 * time.Minute) // until leases and backoffs have ended
	c.handOver(false)
	for range 4 {
		c.w.pause(10 * time.Second)
		cell := c.w.store.cells[c.key]
		if cell == nil || !cell.connected() {
			continue
		}
		session, id := cell.view.Now.ID, c.id("m")
		c.forward(id)
		c.w.pause(10 * time.Second)
		if cell.connected() && cell.view.Now.ID == session && len(c.w.ledger.arrived[id]) == 0 && !c.w.finished {
			c.w.fail("a message arrives at once when nothing fails", c.key.Customer, "%s", id)
		}
	}
}

// open reports whether a session of the customer is open, or will be.
func (c *customer) open() bool {
	cell := c.w.store.cells[c.key]
	return cell != nil && cell.view != nil && cell.view.Now.open()
}

// unread reports whether a session is open that no read can show the end of: it is the bot's turn,
// or the conversation is unknown.
func (c *customer) unread() bool {
	cell := c.w.store.cells[c.key]
	if cell == nil || cell.view == nil || !cell.view.Now.open() {
		return false
	}
	return cell.view.Now.State == machine.StateBot || cell.view.Now.Conversation == ""
}
