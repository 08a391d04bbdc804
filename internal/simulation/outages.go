package simulation

import (
	"net/http"
	"time"
)

// How ids differ, if they do.
const (
	foreignReads = "reads" // reads have their own, what is fetched has the webhook's
	foreignAll   = "all"   // what is fetched has those of reads
)

// An outage is a time in which no webhook reaches the host.
type outage struct{ from, to time.Duration }

// gappy draws what keeps webhooks away, and what Genesys says of what they would have brought.
func (p plan) gappy() plan {
	d := newDice(p.seed, "gaps")
	if d.chance(0.25) {
		p.foreign = pick(d, foreignReads, foreignAll)
	}
	if d.chance(0.2) {
		p.rates[faultLetter] = pick(d, 0.05, 0.2, 0.5)
	}
	if p.rates[faultOutage] = 0; d.chance(0.2) {
		p.rates[faultOutage] = 1
		o := outage{from: pick(d, 0, d.between(0, p.lasts), d.between(0, p.lasts))}
		o.to = o.from + d.between(2*time.Minute, 12*time.Minute)
		p.outage = o
		p.lasts = max(p.lasts, o.to+d.between(-time.Minute, time.Minute)) // often it ends while agents write, else with all that fails
	}
	if gaps := p.any(faultLetter, faultOutage); gaps && d.chance(0.3) {
		p.rates[faultUnseen] = 1
	} else if gaps && d.chance(0.5) {
		p.rates[faultFetch] = pick(d, 0.1, 0.5, 0.9)
	}
	return p
}

// cutOff: no webhook reaches the host now.
func (w *world) cutOff() bool {
	o := w.plan.outage
	return !w.healed && w.plan.has(faultOutage) && w.now >= o.from && w.now < o.to
}

// fetches reports whether a request asks for messages that no webhook brought.
func (x *exchange) fetches() bool {
	const bulk = "/messages/bulk"
	return x.method == http.MethodPost && len(x.path) > len(bulk) && x.path[len(x.path)-len(bulk):] == bulk
}

// unfetched is a request for messages that fails.
func (x *exchange) unfetched() (*http.Response, error) {
	w := x.r.w
	w.tell("", "%s fetches in vain: %s", x.r.name, x.path)
	switch w.chaos.IntN(4) {
	case 0:
		return limited(1 + w.chaos.IntN(5)), nil
	case 1:
		return refusal(http.StatusServiceUnavailable, "service.unavailable"), nil
	case 2:
		return nil, errReset
	default:
		x.passes(time.Minute)
		return nil, x.missed()
	}
}
