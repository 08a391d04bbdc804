package simulation

import (
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover"
)

// A fault is one kind of thing that goes wrong.
type fault string

// The faults. Each is on in some seeds.
const (
	faultCrash    fault = "crash"    // a replica dies, at a write, a call or a callback, and comes back later
	faultStop     fault = "stop"     // a replica is stopped and started again, as a deploy does
	faultStall    fault = "stall"    // a process stands still for 20 s
	faultSkew     fault = "skew"     // clocks differ by up to 4 s
	faultSlow     fault = "slow"     // the store takes seconds
	faultFails    fault = "fails"    // the store answers with an error, and did nothing
	faultUnknown  fault = "unknown"  // the store answers with an error, and stored it
	faultOld      fault = "old"      // the store reads what was
	faultDown     fault = "down"     // Genesys is not reached, or answers 5xx and did nothing
	faultLost     fault = "lost"     // Genesys did it, and its answer is lost, a 5xx, or late
	faultTwice    fault = "twice"    // a request arrives twice
	faultLimited  fault = "limited"  // 429
	faultStale    fault = "stale"    // a read shows what was
	faultWebhook  fault = "webhook"  // webhooks come twice, late, or their answer is lost
	faultHost     fault = "host"     // callbacks fail
	faultSlowHost fault = "slowhost" // callbacks take seconds
	faultFormats  fault = "formats"  // some replicas are of the next release
	faultForget   fault = "forget"   // customers ask to be forgotten
	faultExpire   fault = "expire"   // records are kept for minutes only
	faultPoison   fault = "poison"   // some messages are refused for good
	faultDenied   fault = "denied"   // the OAuth client may not disconnect
	faultOutage   fault = "outage"   // no webhook reaches the host, for minutes
	faultLetter   fault = "letter"   // single webhooks are lost in all attempts
	faultUnseen   fault = "unseen"   // the OAuth client may not read messages
	faultFetch    fault = "fetch"    // messages cannot be fetched just now
)

func allFaults() []fault {
	return []fault{
		faultCrash, faultStop, faultStall, faultSkew, faultSlow, faultFails, faultUnknown, faultOld, faultDown, faultLost, faultTwice,
		faultLimited, faultStale, faultWebhook, faultHost, faultSlowHost, faultFormats, faultForget, faultExpire, faultPoison, faultDenied,
	}
}

// gapFaults are drawn for themselves, see gappy.
func gapFaults() []fault { return []fault{faultOutage, faultLetter, faultUnseen, faultFetch} }

func everyFault() []fault { return append(allFaults(), gapFaults()...) }

// A plan is what a seed decides, as far as it can be cut down.
type plan struct {
	seed      uint64
	replicas  int
	customers int
	lasts     time.Duration
	rates     map[fault]float64 // of those that are on

	routing  handover.Routing
	identity handover.Identity
	timers   handover.Timers
	bot      bool   // a bot queue is configured
	dedupe   bool   // Genesys knows a message by its id and time
	revive   bool   // a message after the end revives the conversation; else it opens another
	unnamed  string // which messages are answered without a conversation's id: those that begin one, those that do not, or none
	absent   bool   // agents often do not come for minutes
	patient  bool   // at the end it is not the customers who end what is open, but the agents or Genesys, some time
	workers  int
	pace     time.Duration // between two steps of a customer, in the mean

	foreign string // how the ids of messages in reads differ from those of webhooks; empty: they do not
	outage  outage
	socket  string            // what becomes of the notification socket; empty: there is none
	sources []source          // what says when a conversation changed
	habits  map[habit]float64 // of agents
}

func newPlan(seed uint64) plan {
	d := newDice(seed, "plan")
	p := plan{
		seed: seed, replicas: 2 + d.IntN(3), customers: pick(d, 1, 1, 1, 1, 1, 1, 2, 3),
		lasts:   d.between(time.Minute, 5*time.Minute),
		rates:   map[fault]float64{},
		routing: pick(d, handover.RouteByTransfer, handover.RouteByTransfer, handover.RouteByFlow),
		bot:     d.chance(0.7), dedupe: d.chance(0.5), revive: d.chance(0.5), absent: d.chance(0.2),
		identity: pick(d, handover.IdentityCustomer, handover.IdentityCustomer, handover.IdentitySession),
		workers:  pick(d, 1, 2, 8, 64), pace: pick(d, 5*time.Second, 10*time.Second, 20*time.Second),
	}
	calm := d.chance(0.1)
	for _, f := range allFaults() {
		if on, rate := d.chance(0.3), pick(d, 0.002, 0.01, 0.03, 0.1); on && !calm {
			p.rates[f] = rate
		}
	}
	seldom := newDice(seed, "seldom")
	for _, f := range []fault{faultDown, faultLost, faultTwice, faultLimited, faultStale, faultWebhook, faultHost, faultSlowHost} {
		if p.has(f) {
			p.rates[f] = pick(seldom, 0.03, 0.1, 0.3) // Genesys and the host are called far less often than the store
		}
	}
	if p.has(faultExpire) {
		p.timers.Retention = d.between(20*time.Second, 2*time.Minute)
	}
	if d.chance(0.3) {
		p.timers.NoAgent = d.between(20*time.Second, 2*time.Minute)
		p.timers.CustomerWarn, p.timers.CustomerIdle = 40*time.Second, 80*time.Second
		p.timers.AgentIdle = 2 * time.Minute
	}
	p.unnamed = pick(newDice(seed, "unnamed"), "", "", "", "reused", "new")
	p.patient = newDice(seed, "patient").chance(0.3)
	p.habits = newHabits(seed)
	p = p.longer()
	p = p.gappy()
	p.socket = newSocket(seed)
	p.sources = newSources(seed, p.lasts)
	return p
}

// longer makes one plan in twenty a long one with many customers, which shows what needs time or company.
func (p plan) longer() plan {
	d := newDice(p.seed, "longer")
	if d.chance(0.05) {
		p.customers = 4 + d.IntN(3)
		p.lasts = d.between(10*time.Minute, 20*time.Minute)
		p.pace = 30 * time.Second
	}
	return p
}

func (p *plan) has(f fault) bool { return p.rates[f] > 0 }

func (p *plan) any(list ...fault) bool { return slices.ContainsFunc(list, p.has) }
