package torture

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// A book records what was observed outside of the replicas. Safe for concurrent use.
type book struct {
	mu sync.Mutex
	f  facts
	// By text; an agent's line is accepted when its webhook is answered 200.
	accepted map[string]acceptance
	reached  map[string]bool // texts that arrived, or were handed back
	problems []string
}

type acceptance struct {
	at time.Time
	by string
}

func newBook() *book {
	return &book{
		f:        facts{died: map[string]time.Time{}, sessions: map[string]bool{}, returned: map[string]bool{}},
		accepted: map[string]acceptance{}, reached: map[string]bool{},
	}
}

// customerWrote records a line of a customer, before the first attempt to send it.
func (b *book) customerWrote(l line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.toGenesys.lines = append(b.f.toGenesys.lines, l)
}

// agentWrote records a line of an agent.
func (b *book) agentWrote(l line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.toHost.lines = append(b.f.toHost.lines, l)
}

// accept records that a replica accepted a line. Only the first time counts.
func (b *book) accept(text, by string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.accepted[text]; !known {
		b.accepted[text] = acceptance{time.Now(), by}
	}
}

// attempted records that a request of a replica has arrived and has no effect yet.
func (b *book) attempted(d func(*facts) *direction, a arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := d(&b.f)
	x.attempts = append(x.attempts, a)
}

func toGenesys(f *facts) *direction { return &f.toGenesys }
func toHost(f *facts) *direction    { return &f.toHost }

// posted records that a line reached Genesys.
func (b *book) posted(a arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.toGenesys.arrivals = append(b.f.toGenesys.arrivals, a)
	b.reached[a.text] = true
}

// delivered records that a line reached the customers' channel.
func (b *book) delivered(a arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.toHost.arrivals = append(b.f.toHost.arrivals, a)
	b.reached[a.text] = true
}

// handedBack records a Return and the lines in it.
func (b *book) handedBack(r handedBack, by string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.sessions[r.Session], b.f.returned[r.Session] = true, true
	for _, text := range r.Texts {
		b.f.toGenesys.backs = append(b.f.toGenesys.backs, arrival{text: text, id: r.ID, at: time.Now(), by: by})
		b.reached[text] = true
	}
}

// session records that a handover exists.
func (b *book) session(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id != "" {
		b.f.sessions[id] = true
	}
}

// died records that a replica was killed.
func (b *book) died(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.died[name] = time.Now()
}

// lastDeath returns when the last replica was killed, or the zero time.
func (b *book) lastDeath() (last time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, at := range b.f.died {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// problem records a failure that is not about a message.
func (b *book) problem(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

// settled reports whether all n lines of a customer were accepted, and arrived or were handed back.
func (b *book) settled(customer string, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range n {
		text := marker(byCustomer, customer, i)
		if _, ok := b.accepted[text]; !ok || !b.reached[text] {
			return false
		}
	}
	return true
}

// open returns what is still missing: texts of lines and ids of sessions.
func (b *book) open() (lines, sessions []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range slices.Concat(b.f.toGenesys.lines, b.f.toHost.lines) {
		if !b.reached[l.text] {
			lines = append(lines, l.text)
		}
	}
	for id := range b.f.sessions {
		if !b.f.returned[id] {
			sessions = append(sessions, id)
		}
	}
	return lines, sessions
}

// A progress counts what has happened in a run.
type progress struct{ accepted, arrived, said, delivered, kills, sessions, returned int }

func (b *book) progress() progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := progress{
		said: len(b.f.toHost.lines), kills: len(b.f.died),
		sessions: len(b.f.sessions), returned: len(b.f.returned),
	}
	for text := range b.accepted {
		if isMarker(text, byCustomer) {
			p.accepted++
		}
	}
	for text := range b.reached {
		switch {
		case isMarker(text, byCustomer):
			p.arrived++
		case isMarker(text, byAgent):
			p.delivered++
		}
	}
	return p
}

// facts returns a copy of the observations, with the acceptance of each line, and the problems.
func (b *book) facts() (facts, []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.f
	f.toGenesys, f.toHost = b.copied(f.toGenesys), b.copied(f.toHost)
	f.died, f.sessions, f.returned = maps.Clone(f.died), maps.Clone(f.sessions), maps.Clone(f.returned)
	return f, slices.Clone(b.problems)
}

func (b *book) copied(d direction) direction {
	d.lines, d.attempts = slices.Clone(d.lines), slices.Clone(d.attempts)
	d.arrivals, d.backs = slices.Clone(d.arrivals), slices.Clone(d.backs)
	for i, l := range d.lines {
		if a, ok := b.accepted[l.text]; ok {
			d.lines[i].accepted, d.lines[i].by = a.at, a.by
		}
	}
	return d
}

// facts are the observations of a run. The report is computed from them alone.
type facts struct {
	toGenesys direction            // messages of customers
	toHost    direction            // messages of agents
	died      map[string]time.Time // replicas that were killed, by name
	sessions  map[string]bool      // every known handover
	returned  map[string]bool      // those with a Return that arrived
}

// A direction counts the messages from customers to agents, or from agents to customers.
type direction struct {
	lines []line
	// Requests of replicas, in order of their arrival; some have no effect because the replica
	// died.
	attempts []arrival
	arrivals []arrival // in order
	backs    []arrival // lines that were handed back to the bot; the id is the id of the Return
}

// A line is a message of a customer or an agent. Its text is a marker, which is unique.
type line struct {
	text     string
	customer string
	n        int // its number among the lines of this customer and direction
	began    time.Time
	accepted time.Time // zero if it was not
	by       string    // the replica that accepted it
}

// An arrival is one time that a line reached the other side. There should be one for each line.
type arrival struct {
	text  string
	id    string // channel.messageId at Genesys, Delivery.ID at the host
	at    time.Time
	by    string // the replica that sent it
	stray bool   // its Delivery.OutOfOrder is set
}
