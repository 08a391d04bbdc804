package simulation

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// What becomes of the notification socket.
const (
	socketAlive    = "alive"    // one replica keeps it, the next takes it over
	socketDead     = "dead"     // it works until some time, and its owner says so, or nothing any more
	socketChanging = "changing" // it changes hands, is given back, and works now and then
)

func newSocket(seed uint64) string {
	return pick(newDice(seed, "socket"), "", "", "", socketAlive, socketDead, socketChanging)
}

// An ear is the socket as the store knows it. What it hears comes as that of a source, or does not.
type ear struct {
	alive bool
	until time.Time
	gone  time.Duration // when it was missed last; never
	known bool
}

// reserved reports whether a record is no customer's.
func isReserved(k handover.Key) bool { return strings.HasPrefix(k.Customer, "\x01") }

// heldBy notes a write of the socket's record.
func (w *world) heldBy(record handover.Record) {
	var s struct {
		Until time.Time `json:"until"`
		Alive bool      `json:"alive"`
	}
	if err := json.Unmarshal(record.Data, &s); err != nil {
		w.fail("what is stored is JSON", "", "%v", err)
	}
	if w.ear.missed(w) {
		w.ear.gone = w.now
	}
	w.ear = ear{alive: s.Alive, until: s.Until, gone: w.ear.gone, known: true}
	w.tell("", "the socket is held until %s, alive: %t", s.Until.Sub(epoch), s.Alive)
}

// socketGrace is how long a socket that nobody holds is not missed, less what clocks differ by.
const socketGrace = time.Minute - 4*time.Second

func (e *ear) missed(w *world) bool {
	return e.known && (!e.alive || w.stamp().After(e.until.Add(socketGrace)))
}

// listen lets replicas hold the socket, as package notifications would.
func (w *world) listen() {
	if w.plan.socket == "" {
		return
	}
	d := newDice(w.plan.seed, "ear")
	dies, says := d.between(0, w.plan.lasts+5*time.Minute), d.chance(0.5)
	var holder *replica
	for !w.over {
		w.pause(d.between(5*time.Second, 20*time.Second))
		last, alive, takes := holder, true, 45*time.Second
		switch w.plan.socket {
		case socketDead:
			if alive = w.now < dies; !alive && !says {
				return
			}
		case socketChanging:
			alive = d.chance(0.8)
			switch n := d.IntN(10); {
			case n < 3:
				last = nil
			case n < 4:
				takes = 0
			case n < 5:
				w.pause(d.between(10*time.Second, 3*time.Minute))
			}
		}
		if holder = last; holder == nil || !holder.serves() {
			holder = w.serving()
		}
		if r := holder; r != nil {
			w.start("socket of "+r.name, r, func() { r.listens(takes, alive) })
		}
	}
}

// listens is one turn of a replica with the socket.
func (r *replica) listens(takes time.Duration, alive bool) {
	held, _, err := r.socket.Own(background, []byte(r.name), takes)
	if err == nil && held {
		err = r.socket.Report(background, alive)
	}
	if err != nil && !r.dead && !r.w.over {
		r.w.ledger.failed("", "Own or Report", err)
	}
}

// missedTime is how old what is known of a socket may be: it is asked for every 15 s, and an effect ends within 10.
const missedTime = 40 * time.Second

// checkLost: that a source is gone is said of none that is alive.
func (l *ledger) checkLost(k string, n *viewNotice) {
	w := l.w
	switch {
	case strings.Contains(n.Detail, "the notification socket is gone"):
		old := missedTime
		if w.plan.any(faultStall, faultSlow, faultFails, faultUnknown, faultOld) { // while the store does not answer, it is believed
			old += 5 * time.Minute
		}
		if !w.ear.missed(w) && (w.ear.gone == never || w.now-w.ear.gone > old) {
			l.w.fail("only a source that is gone is lost", k, "the socket is alive since %.3f", w.ear.gone.Seconds())
		}
	case strings.Contains(n.Detail, "signals no longer come"):
		for i := range w.plan.sources {
			if w.plan.sources[i].faithful() && w.hears() {
				l.w.fail("only a source that is gone is lost", k, "source %s says every step", w.plan.sources[i].name)
			}
		}
	default:
		l.w.fail("only a source that is gone is lost", k, "%s: reads are permitted", n.Detail)
	}
}

// faithful: it says each step within two seconds.
func (s *source) faithful() bool { return s.loses == 0 && s.delays == 0 && s.dies == never }

// hears: what a source says is heard, and at once.
func (w *world) hears() bool {
	return !w.plan.any(faultCrash, faultStop, faultStall, faultSkew, faultSlow, faultFails, faultUnknown, faultOld)
}
