package simulation

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
	"github.com/genesyshandover/genesyshandover/handover/internal/record"
)

// A source signals that a conversation changed: it calls Recheck, with the conversation id only.
// Rates are probabilities.
type source struct {
	name         string
	lossRate     float64 // no signal; 1: dead
	repeatRate   float64 // the signal several times
	delayRate    float64 // the signal up to a minute later
	burstRate    float64 // the signal more than 20 times at once
	noChangeRate float64 // a signal when an agent writes, which changes nothing
	unknownRate  float64 // a further signal for an unknown conversation
	sweepRate    float64 // a further signal for all conversations
	diesAt       time.Duration
	returnsAt    time.Duration // signals all conversations then
}

// newSources draws no, one or several sources.
func newSources(seed uint64, lasts time.Duration) []source {
	d := newRandom(seed, "sources")
	var list []source
	for i := range pick(d, 0, 0, 0, 0, 1, 1, 1, 1, 2, 3) {
		s := source{
			name: string(rune('a' + i)), lossRate: pick(d, 0, 0, 0.3, 0.3, 1), repeatRate: pick(d, 0, 0, 0.3, 1), delayRate: pick(d, 0, 0, 0.3, 1),
			burstRate: pick(d, 0, 0, 0, 0.05), noChangeRate: pick(d, 0, 0, 0.5), unknownRate: pick(d, 0, 0, 0.1), sweepRate: pick(d, 0, 0, 0.02), diesAt: never, returnsAt: never,
		}
		if d.chance(0.25) {
			s.diesAt = d.between(0, lasts+5*time.Minute)
		}
		if s.diesAt != never && d.chance(0.5) {
			s.returnsAt = s.diesAt + d.between(10*time.Second, 4*time.Minute)
		}
		list = append(list, s)
	}
	return list
}

// alive reports whether the source may signal at a time.
func (s *source) alive(now time.Duration) bool {
	return s.lossRate < 1 && (s.diesAt == never || now < s.diesAt || s.returnsAt != never && now >= s.returnsAt)
}

// signalReturns lets each source that was dead signal when it returns, because it may have missed
// something.
func (g *cloud) signalReturns() {
	for i := range g.w.plan.sources {
		if s := &g.w.plan.sources[i]; s.lossRate < 1 && s.returnsAt != never {
			g.signal(s.returnsAt, "")
		}
	}
}

// signalSources lets the sources signal a conversation that changed, or in which an agent wrote.
// Sources stay unreliable after all other faults have ended, because a signal is only a hint.
func (g *cloud) signalSources(c *conversation, changed bool) {
	for i := range g.w.plan.sources {
		s, d := &g.w.plan.sources[i], g.signals
		if !s.alive(g.w.now) || d.chance(s.lossRate) || !changed && !d.chance(s.noChangeRate) {
			continue
		}
		n := 1
		if d.chance(s.repeatRate) {
			n += 1 + d.IntN(2)
		}
		if d.chance(s.burstRate) {
			n += 20
		}
		wait := d.between(0, 2*time.Second)
		if d.chance(s.delayRate) {
			wait += d.between(5*time.Second, time.Minute)
		}
		for range n {
			g.signal(wait+d.between(0, 50*time.Millisecond), c.id)
		}
		if d.chance(s.unknownRate) {
			g.signal(wait, "of no customer")
		}
		if d.chance(s.sweepRate) {
			g.signal(wait, "")
		}
	}
}

// signal calls Recheck on a random replica, later. An empty id means all conversations.
func (g *cloud) signal(wait time.Duration, id string) {
	g.w.after(wait, func() {
		channel := ""
		if c := g.find(id); c != nil {
			channel = channelOf(customerOf(c.customer))
		}
		r := g.w.serving(channel)
		if r == nil {
			return
		}
		g.w.start("signal", r, func() {
			err := r.recheck(id)
			if err != nil && !r.dead {
				g.w.ledger.checkError("", "Recheck", err)
			}
			if c := g.find(id); err == nil && c != nil {
				g.w.ledger.checkSignalled(c)
			}
		})
	})
}

// reportEnd reports the end of the customer's leg, once or twice, soon or late. Sometimes it
// reports one that has not happened, as events of other legs look like it.
func (g *cloud) reportEnd(c *conversation) {
	if !g.w.plan.endReports {
		return
	}
	d, at := g.signals, c.ended()
	if at == never && d.chance(0.05) {
		at = g.w.now
	} else if at == never || at == c.reportedEnd {
		return
	} else {
		c.reportedEnd = at
	}
	for range 1 + d.IntN(2) {
		g.w.after(d.between(0, pick(d, 2*time.Second, time.Minute)), func() {
			k := customerOf(c.customer)
			r := g.w.serving(channelOf(k))
			if r == nil {
				return
			}
			g.w.start("end of "+c.id, r, func() {
				g.w.logf(k, "%s is informed that %s ended at %.3f", r.name, c.id, at.Seconds())
				err := r.manager.Ended(background, channelOf(k), c.id, g.w.time(at+c.ahead))
				if err != nil && !r.dead {
					g.w.ledger.checkError(k, "Ended", err)
				}
			})
		})
	}
}

// recheck receives a signal.
func (r *replica) recheck(id string) error {
	if r.w.bug.signal != nil {
		r.w.bug.signal(r, id)
	}
	return r.manager.Recheck(background, id)
}

// States of the notification socket.
const (
	socketAlive = "alive" // one replica holds it, and after a crash the next
	// It works until some time; then its owner reports that, or does nothing any more.
	socketDead = "dead"
	// Its owner changes, releases it, and reports at random whether it works.
	socketChanging = "changing"
)

func newSocket(seed uint64) string {
	return pick(newRandom(seed, "socket"), "", "", "", socketAlive, socketDead, socketChanging)
}

// A socketState is the notification socket as the store knows it. Its signals are those of a
// source.
type socketState struct {
	alive  bool
	until  time.Time
	goneAt time.Duration // when it was found gone last, or never
	known  bool
}

// socketStored records a write of the socket's record.
func (w *world) socketStored(rec record.Stored) {
	var s struct {
		Until time.Time `json:"until"`
		Alive bool      `json:"alive"`
	}
	if err := json.Unmarshal(rec.Data, &s); err != nil {
		w.fail("what is stored is JSON", "", "%v", err)
	}
	if w.socketState.gone(w) {
		w.socketState.goneAt = w.now
	}
	w.socketState = socketState{alive: s.Alive, until: s.Until, goneAt: w.socketState.goneAt, known: true}
	w.logf("", "the socket is held until %s, alive: %t", s.Until.Sub(epoch), s.Alive)
}

// socketGrace is how long the engine does not report a socket that no replica holds, less the
// difference of clocks.
const socketGrace = time.Minute - 4*time.Second

// gone reports whether the engine may report that the socket is gone.
func (e *socketState) gone(w *world) bool {
	return e.known && (!e.alive || w.stamp().After(e.until.Add(socketGrace)))
}

// runSocket lets replicas hold the socket, as package notifications would.
func (w *world) runSocket() {
	if w.plan.socket == "" {
		return
	}
	d := newRandom(w.plan.seed, "ear")
	dies, says := d.between(0, w.plan.duration+5*time.Minute), d.chance(0.5)
	var holder *replica
	for !w.finished {
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
			holder = w.serving("")
		}
		if r := holder; r != nil {
			w.start("socket of "+r.name, r, func() { r.holdSocket(takes, alive) })
		}
	}
}

// holdSocket is one turn of a replica with the socket.
func (r *replica) holdSocket(takes time.Duration, alive bool) {
	held, _, err := r.socket.Own(background, []byte(r.name), takes)
	if err == nil && held {
		err = r.socket.Report(background, alive)
	}
	if err != nil && !r.dead && !r.w.finished {
		r.w.ledger.checkError("", "Own or Report", err)
	}
}

// socketCheckAge is the maximum age of the engine's knowledge of the socket: it reads the record
// every 15 s, and an effect ends within 10.
const socketCheckAge = 40 * time.Second

// mostWatched is the maximum number of watched conversations of a customer.
const mostWatched = 8

// checkConnectionLost checks that no source is reported as lost that is alive.
func (l *ledger) checkConnectionLost(k string, before, v *view, n *viewNotice) {
	w := l.w
	switch {
	case strings.Contains(n.Detail, "the notification socket is gone"):
		old := socketCheckAge
		// A process may stand still in between, and the store may return an old record.
		if w.plan.any(faultStall, faultSlow, faultOld) {
			old += 5 * time.Minute
		}
		if !w.socketState.gone(w) && (w.socketState.goneAt == never || w.now-w.socketState.goneAt > old) {
			l.w.fail("only a source that is gone is lost", k, "the socket is alive since %.3f", w.socketState.goneAt.Seconds())
		}
	case strings.Contains(n.Detail, "signals no longer arrive"):
		for i := range w.plan.sources {
			if w.plan.sources[i].reliable() && w.signalsArrive() {
				l.w.fail("only a source that is gone is lost", k, "source %s signals every step", w.plan.sources[i].name)
			}
		}
	case strings.Contains(n.Detail, "the channel's webhook does not deliver"):
		if w.plan.foreignIDs == "" && !w.plan.any(faultWebhookLost, faultOutage, faultRemoved, faultStall, faultSlow, faultFails, faultUnknown, faultOld, faultCrash, faultStop) {
			l.w.fail("only a webhook that does not deliver is reported", k, "%s", n.Detail)
		}
	case strings.Contains(n.Detail, "too many conversations of the customer are to be disconnected"):
		watched := len(v.Watched)
		if before != nil { // the same write may give the record up
			watched = max(watched, len(before.Watched))
		}
		if watched < mostWatched {
			l.w.fail("what may be disconnected does not stay open", k, "%d conversations are watched", watched)
		}
	case strings.Contains(n.Detail, "stays open in Genesys"):
		if !w.plan.has(faultDenied) {
			l.w.fail("what may be disconnected does not stay open", k, "%s", n.Detail)
		}
	case strings.Contains(n.Detail, "given up: Config.Channels does not know the channel"):
		if since := w.removedSince(channelOf(k)); since == never || w.now-since < w.plan.timers.Retention-clockSlack {
			l.w.fail("only what fails for the whole retention is given up", k, "%s", n.Detail)
		}
	case strings.HasPrefix(n.Detail, "given up: "):
		if w.now < l.lastBegan(k)+max(w.plan.timers.Retention, machine.DefaultRetention)-clockSlack {
			l.w.fail("only what fails for the whole retention is given up", k, "%s", n.Detail)
		}
	default:
		l.w.fail("only a source that is gone is lost", k, "%s: reads are permitted", n.Detail)
	}
}

// lastBegan returns when the newest session of a customer began.
func (l *ledger) lastBegan(k string) time.Duration {
	for _, s := range slices.Backward(l.sessionOrder) {
		if s.key == k {
			return s.begunAt
		}
	}
	return 0
}

// reliable reports whether the source signals each step within two seconds.
func (s *source) reliable() bool { return s.lossRate == 0 && s.delayRate == 0 && s.diesAt == never }

// signalsArrive reports whether each signal reaches a replica that acts at once.
func (w *world) signalsArrive() bool {
	return !w.plan.any(faultCrash, faultStop, faultStall, faultSkew, faultSlow, faultFails, faultUnknown, faultOld)
}
