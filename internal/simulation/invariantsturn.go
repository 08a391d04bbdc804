package simulation

import (
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A look notes who had the word when a customer's call began.
type look struct {
	l      *ledger
	c      *customer
	waits  string // a Return that waits
	agents string // the session in which the agents had the word; empty: none
	began  time.Duration
}

func (l *ledger) look(c *customer) *look {
	delete(l.staleBy, l.w.current)
	return &look{l: l, c: c, waits: l.waitingReturn(c.key), agents: l.withAgents(c.key), began: l.w.now}
}

// withAgents is the session that gives the agents the word, as it is stored.
func (l *ledger) withAgents(k handover.Key) string {
	if c := l.w.store.cells[k]; c != nil && c.file != nil && c.file.Now.agents() {
		return c.file.Now.ID
	}
	return ""
}

// answered: the bot may speak only if the agents have not had the word all the time. A store may show what was, see
// handover.Store, so a call that read something old is not held to it.
func (x *look) answered(call string, turn handover.Turn) {
	if turn != handover.TurnBot || x.l.staleBy[x.l.w.current] {
		return
	}
	k := x.c.key.Customer
	if now := x.l.withAgents(x.c.key); now != "" && now == x.agents {
		x.l.w.fail("the bot does not talk over an agent", k, "%s gives the bot the word while session %s is open", call, now)
	}
	if now := x.l.waitingReturn(x.c.key); now != "" && now == x.waits {
		x.l.w.fail("the bot does not overtake a hand-back", k, "%s gives the bot the word while Return %s waits", call, now)
	}
	x.check(call, k)
}

// waitingReturn is a Return that waits while no session is open and none has begun; "": there is none.
func (l *ledger) waitingReturn(k handover.Key) string {
	c := l.w.store.cells[k]
	if c == nil || c.file == nil || c.file.Now.open() {
		return ""
	}
	waits := ""
	for _, e := range c.file.In.Entries {
		if e.Kind != "return" {
			continue
		}
		id := e.Handover + "/" + uitoa(e.Seq)
		if _, begun := l.given["return "+id]; begun || e.Maybe {
			return ""
		}
		waits = id
	}
	return waits
}

// check: as long as an agent of whom the engine has known is there, and neither our side nor the host's timers ended the
// session, the agents have the word.
func (x *look) check(call, k string) {
	p := x.l.person(k)
	last, started := x.l.w.store.last(x.c.key)
	for _, c := range x.l.w.genesys.conversations {
		a := c.served()
		if customerOf(c.customer) != k || a == nil || !a.proven || c.live("customer") == nil || a.joined >= x.began {
			continue
		}
		began := started
		if c.id != last {
			began = a.joined // of an earlier session, which our side may have ended without being permitted to disconnect
		}
		if p.ended >= began || p.forgot >= a.joined || !x.lostByRead() {
			continue
		}
		x.l.w.fail("the bot does not talk over an agent", k, "%s gives the bot the word while agent %s is in %s", call, a.user, c.id)
	}
}

// lostByRead: the last session ended because a read said so; timers, refusals and failures end it with an agent there, and say so.
func (x *look) lostByRead() bool {
	c := x.l.w.store.cells[x.c.key]
	if c == nil || c.file == nil || c.file.Now == nil {
		return false
	}
	switch c.file.Now.Ending.Reason {
	case handover.EndByAgent, handover.EndByGenesys:
		return c.file.Now.Ending.Code == ""
	default:
		return false
	}
}
