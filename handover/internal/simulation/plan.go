package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// A fault is a kind of failure.
type fault string

// Each fault is on in some seeds.
const (
	// A replica dies at a write, a call or a callback, and starts again later.
	faultCrash fault = "crash"
	// A replica is stopped and started again, as a deploy does.
	faultStop    fault = "stop"
	faultStall   fault = "stall"   // a process does not run for 5 to 25 s
	faultSkew    fault = "skew"    // clocks differ by up to 4 s
	faultSlow    fault = "slow"    // the store takes seconds
	faultFails   fault = "fails"   // the store returns an error and stores nothing
	faultUnknown fault = "unknown" // the store returns an error and stores the record
	faultOld     fault = "old"     // the store returns an old record
	// Genesys is not reached, or answers 5xx without an effect.
	faultDown fault = "down"
	// A request has its effect at once, late or never, and its answer is lost or a 5xx.
	faultLost fault = "lost"
	// Genesys takes seconds for a request, before or after its effect.
	faultSluggish fault = "sluggish"
	// For a time requests have their effects and almost all answers are lost.
	faultSilence       fault = "silence"
	faultTwice         fault = "twice"    // a request arrives twice
	faultLimited       fault = "limited"  // 429
	faultStale         fault = "stale"    // a read shows an earlier state
	faultWebhook       fault = "webhook"  // webhooks arrive twice or late, or their answer is lost
	faultHost          fault = "host"     // callbacks fail
	faultSlowHost      fault = "slowhost" // callbacks take seconds
	faultFormats       fault = "formats"  // some replicas are of the next release
	faultForget        fault = "forget"   // customers ask to be forgotten
	faultExpire        fault = "expire"   // records are kept for minutes only
	faultPoison        fault = "poison"   // some messages are refused permanently
	faultDenied        fault = "denied"   // the OAuth client may not disconnect
	faultOutage        fault = "outage"   // no webhook reaches the host, for minutes
	faultWebhookLost   fault = "letter"   // all attempts of single webhooks are lost
	faultNoMessageView fault = "unseen"   // the OAuth client may not read messages
	faultFetch         fault = "fetch"    // requests for messages fail
	faultDeaf          fault = "deaf"     // callbacks ignore that their contexts have ended
	// Config.Channels does not know the second channel for a time.
	faultRemoved fault = "removed"
)

func allFaults() []fault {
	return []fault{
		faultCrash, faultStop, faultStall, faultSkew, faultSlow, faultFails, faultUnknown, faultOld, faultDown, faultLost, faultTwice,
		faultLimited, faultStale, faultWebhook, faultHost, faultSlowHost, faultFormats, faultForget, faultExpire, faultPoison, faultDenied,
	}
}

// drawnFaults are drawn separately, see withGaps and newPlan.
func drawnFaults() []fault {
	return []fault{faultOutage, faultWebhookLost, faultNoMessageView, faultFetch, faultDeaf, faultRemoved, faultSluggish, faultSilence}
}

func everyFault() []fault { return append(allFaults(), drawnFaults()...) }

// A plan is the part of a seed's decisions that can be reduced.
type plan struct {
	seed      uint64
	replicas  int
	customers int
	duration  time.Duration
	rates     map[fault]float64 // of the faults that are on

	routing  machine.Routing
	identity machine.Identity
	timers   machine.Timers
	bot      bool // a bot queue is configured
	dedupe   bool // Genesys drops a message with a known id and time
	// A message after the end revives the conversation instead of opening another.
	revive bool
	// Which messages are answered without a conversation id: new (the first of a conversation),
	// reused (others), or none.
	omitsID      string
	slowToAnswer bool // agents often take minutes to answer
	// In the second part agents or Genesys end what is open, at some time, instead of the
	// customers.
	remoteEnd bool
	workers   int
	pace      time.Duration // mean time between two steps of a customer
	eager     bool          // customers answer agents at once

	// How the ids of messages in reads differ from those of webhooks, or empty if they do not.
	foreignIDs string
	outage     outage
	silences   []outage          // times in which answers of Genesys are lost
	socket     string            // state of the notification socket, or empty if there is none
	sources    []source          // of signals
	endReports bool              // signals report the ends of conversations with their times
	habits     map[habit]float64 // of agents

	ahead   time.Duration // of Genesys' clock
	panics  bool          // some callbacks that fail panic
	tenants string        // how the second channel is served, or empty if there is none
	removal removal

	bots         string // how the bot answers what a Return contains
	slowBot      bool   // a Return takes seconds
	callsBack    bool   // callbacks call the Manager
	reportsLater bool   // some deliveries are Pending
}

func newPlan(seed uint64) plan {
	d := newRandom(seed, "plan")
	p := plan{
		seed: seed, replicas: 2 + d.IntN(3), customers: pick(d, 1, 1, 1, 1, 1, 1, 2, 3),
		duration: d.between(time.Minute, 5*time.Minute),
		rates:    map[fault]float64{},
		routing:  pick(d, machine.RouteByTransfer, machine.RouteByTransfer, machine.RouteByFlow),
		bot:      d.chance(0.7), dedupe: d.chance(0.5), revive: d.chance(0.5), slowToAnswer: d.chance(0.2),
		identity: pick(d, machine.IdentityCustomer, machine.IdentityCustomer, machine.IdentitySession),
		workers:  pick(d, 1, 2, 8, 64), pace: pick(d, 5*time.Second, 10*time.Second, 20*time.Second),
	}
	calm := d.chance(0.1)
	for _, f := range allFaults() {
		if on, rate := d.chance(0.3), pick(d, 0.002, 0.01, 0.03, 0.1); on && !calm {
			p.rates[f] = rate
		}
	}
	seldom := newRandom(seed, "seldom")
	for _, f := range []fault{faultDown, faultLost, faultTwice, faultLimited, faultStale, faultWebhook, faultHost, faultSlowHost} {
		if p.has(f) {
			// Genesys and the host are called much less often than the store.
			p.rates[f] = pick(seldom, 0.03, 0.1, 0.3)
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
	p.omitsID = pick(newRandom(seed, "unnamed"), "", "", "", "reused", "new")
	p.remoteEnd = newRandom(seed, "patient").chance(0.3)
	p.habits = newHabits(seed)
	bots := newRandom(seed, "bots")
	p.bots, p.callsBack = pick(bots, botSilent, botReplies, botAsks, botQueues), bots.chance(0.3)
	p.reportsLater = bots.chance(0.2)
	p = p.withLongRuns()
	p = p.withGaps()
	if d := newRandom(seed, "deaf"); d.chance(0.15) {
		p.rates[faultDeaf] = pick(d, 0.02, 0.1)
	}
	p.socket = newSocket(seed)
	p.sources = newSources(seed, p.duration)
	if d := newRandom(seed, "ahead"); d.chance(0.1) {
		p.ahead = d.between(-time.Hour, time.Hour)
	}
	p.panics = newRandom(seed, "panic").chance(0.2)
	p.endReports = newRandom(seed, "ends").chance(0.4)
	p = p.withSilence()
	manners := newRandom(seed, "manners")
	p.eager, p.slowBot = manners.chance(0.4), manners.chance(0.3)
	return p.withTenants()
}

// withLongRuns makes one plan in twenty a long one with many customers. It finds what takes time or
// several customers.
func (p plan) withLongRuns() plan {
	d := newRandom(p.seed, "longer")
	if d.chance(0.05) {
		p.customers = 4 + d.IntN(3)
		p.duration = d.between(10*time.Minute, 20*time.Minute)
		p.pace = 30 * time.Second
	}
	return p
}

func (p *plan) has(f fault) bool { return p.rates[f] > 0 }

func (p *plan) any(list ...fault) bool { return slices.ContainsFunc(list, p.has) }

// Values of foreignIDs.
const (
	// Reads have other ids than webhooks, fetched messages have those of webhooks.
	foreignReads = "reads"
	foreignAll   = "all" // reads and fetched messages have other ids than webhooks
)

// An outage is a time in which nothing arrives: no webhook, or no answer of Genesys.
type outage struct{ from, to time.Duration }

// withGaps draws the faults that lose webhooks, and how Genesys answers requests for the lost
// messages.
func (p plan) withGaps() plan {
	d := newRandom(p.seed, "gaps")
	if d.chance(0.25) {
		p.foreignIDs = pick(d, foreignReads, foreignAll)
	}
	if d.chance(0.2) {
		p.rates[faultWebhookLost] = pick(d, 0.05, 0.2, 0.5)
	}
	if d.chance(0.2) {
		p.rates[faultOutage] = 1
		o := outage{from: pick(d, 0, d.between(0, p.duration), d.between(0, p.duration))}
		o.to = o.from + d.between(2*time.Minute, 12*time.Minute)
		p.outage = o
		// It often ends while agents write, and else together with all faults.
		p.duration = max(p.duration, o.to+d.between(-time.Minute, time.Minute))
	}
	if gaps := p.any(faultWebhookLost, faultOutage); gaps && d.chance(0.3) {
		p.rates[faultNoMessageView] = 1
	} else if gaps && d.chance(0.5) {
		p.rates[faultFetch] = pick(d, 0.1, 0.5, 0.9)
	}
	return p
}

// withSilence draws how slowly Genesys answers, and when it does not.
func (p plan) withSilence() plan {
	d := newRandom(p.seed, "silence")
	if len(p.rates) == 0 { // nothing fails
		return p
	}
	if d.chance(0.2) {
		p.rates[faultSluggish] = pick(d, 0.03, 0.1, 0.3)
	}
	if d.chance(0.15) {
		p.rates[faultSilence] = pick(d, 0.7, 0.95)
		for range 1 + d.IntN(4) {
			from := d.between(0, p.duration)
			p.silences = append(p.silences, outage{from, from + d.between(5*time.Second, 45*time.Second)})
		}
	}
	return p
}

// without returns the plan without a fault.
func (p plan) without(f fault) plan {
	p.rates = maps.Clone(p.rates)
	delete(p.rates, f)
	return p
}

// withoutHabit returns the plan without a habit of agents.
func (p plan) withoutHabit(h habit) plan {
	p.habits = maps.Clone(p.habits)
	delete(p.habits, h)
	return p
}

// withoutSource returns the plan without a source of signals.
func (p plan) withoutSource(i int) plan {
	p.sources = slices.Delete(slices.Clone(p.sources), i, i+1)
	return p
}

// flagOnly returns the value of the flag -only that reduces the plan of the seed to this one.
func (p *plan) flagOnly() string {
	var on []string
	for _, f := range everyFault() {
		if p.has(f) {
			on = append(on, string(f))
		}
	}
	var habits, sources []string
	for _, h := range allHabits() {
		if p.habits[h] > 0 {
			habits = append(habits, string(h))
		}
	}
	for i := range p.sources {
		sources = append(sources, p.sources[i].name)
	}
	return fmt.Sprintf("replicas=%d,customers=%d,lasts=%s,faults=%s,habits=%s,sources=%s,foreign=%s,socket=%s", p.replicas, p.customers, p.duration,
		strings.Join(on, "+"), strings.Join(habits, "+"), strings.Join(sources, "+"), p.foreignIDs, p.socket)
}

// hasAll reports whether a plan has everything in the value of the flag -with.
func (p *plan) hasAll(with string) bool {
	features := map[string]bool{
		"": true, "eager": p.eager, "slowBot": p.slowBot, "revive": p.revive, "callsBack": p.callsBack, "remoteEnd": p.remoteEnd, "unnamed": p.omitsID != "",
		"tenants": p.tenants != "", "sources": len(p.sources) > 0, "transfer": p.routing == machine.RouteByTransfer,
		"tenants=" + p.tenants: true, "bots=" + p.bots: true, "omits=" + p.omitsID: true, "identity=" + string(p.identity): true,
	}
	for _, f := range everyFault() {
		features[string(f)] = p.has(f)
	}
	for h := range p.habits {
		features["habit="+string(h)] = p.habits[h] > 0
	}
	for name := range strings.SplitSeq(with, ",") {
		name, not := strings.CutPrefix(name, "!")
		if features[name] == not {
			return false
		}
	}
	return true
}

// cut applies the value of the flag -only.
func (p *plan) cut(only string) error {
	for part := range strings.SplitSeq(only, ",") {
		name, value, _ := strings.Cut(part, "=")
		var err error
		switch name {
		case "":
		case "replicas":
			p.replicas, err = strconv.Atoi(value)
		case "customers":
			p.customers, err = strconv.Atoi(value)
		case "lasts":
			p.duration, err = time.ParseDuration(value)
		case "faults":
			on := strings.Split(value, "+")
			maps.DeleteFunc(p.rates, func(f fault, _ float64) bool { return !slices.Contains(on, string(f)) })
		case "habits":
			on := strings.Split(value, "+")
			maps.DeleteFunc(p.habits, func(h habit, _ float64) bool { return !slices.Contains(on, string(h)) })
		case "sources":
			on := strings.Split(value, "+")
			p.sources = slices.DeleteFunc(p.sources, func(s source) bool { return !slices.Contains(on, s.name) })
		case "foreign":
			p.foreignIDs = value
		case "socket":
			p.socket = value
		default:
			err = fmt.Errorf("unknown part %q", name)
		}
		if err != nil {
			return fmt.Errorf("simulation: -only: %w", err)
		}
	}
	return nil
}

// shrink looks for the smallest plan that still breaks the same invariant, and returns its failure
// with the trace.
func shrink(f *failure, bug plantedBug) *failure {
	for smaller := true; smaller; {
		smaller = false
		for _, p := range f.plan.smaller() {
			if g, _ := simulate(p, bug, false); g != nil && g.invariant == f.invariant {
				f, smaller = g, true
				break
			}
		}
	}
	if g, _ := simulate(f.plan, bug, true); g != nil {
		return g
	}
	return f
}

// smaller lists plans that are one step smaller, the largest step first.
func (p plan) smaller() []plan {
	var list []plan
	if p.customers > 1 {
		q := p
		q.customers = 1
		list = append(list, q)
		q.customers = p.customers - 1
		list = append(list, q)
	}
	for _, f := range everyFault() {
		if p.has(f) {
			list = append(list, p.without(f))
		}
	}
	for _, h := range allHabits() {
		if p.habits[h] > 0 {
			list = append(list, p.withoutHabit(h))
		}
	}
	for i := range p.sources {
		list = append(list, p.withoutSource(i))
	}
	if p.foreignIDs != "" {
		q := p
		q.foreignIDs = ""
		list = append(list, q)
	}
	if p.socket != "" {
		q := p
		q.socket = ""
		list = append(list, q)
	}
	if p.replicas > 1 {
		q := p
		q.replicas--
		list = append(list, q)
	}
	if p.duration > 30*time.Second {
		q := p
		q.duration = p.duration / 2
		list = append(list, q)
		q.duration = p.duration * 4 / 5
		list = append(list, q)
	}
	return list
}
