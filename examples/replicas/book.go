package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// A book is where everybody around the replicas writes down what they saw. Safe for concurrent use.
type book struct {
	mu       sync.Mutex
	f        facts
	accepted map[string]acceptance // by text; agents' lines are accepted by the webhook
	reached  map[string]bool       // texts that are at the other side, or came back
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

// wrote notes a line of a customer, before the first attempt to send it.
func (b *book) wrote(l line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.toGenesys.lines = append(b.f.toGenesys.lines, l)
}

// said notes a line of an agent.
func (b *book) said(l line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.toHost.lines = append(b.f.toHost.lines, l)
}

// accept notes that a replica promised to keep a line. The first time counts.
func (b *book) accept(text, by string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.accepted[text]; !known {
		b.accepted[text] = acceptance{time.Now(), by}
	}
}

// attempted notes that a replica knocked at the door of the other side.
func (b *book) attempted(d func(*facts) *direction, a arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	way := d(&b.f)
	way.attempts = append(way.attempts, a)
}

func toGenesys(f *facts) *direction { return &f.toGenesys }
func toHost(f *facts) *direction    { return &f.toHost }

func (b *book) posted(a arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.toGenesys.arrivals = append(b.f.toGenesys.arrivals, a)
	b.reached[a.text] = true
}

func (b *book) delivered(a arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.toHost.arrivals = append(b.f.toHost.arrivals, a)
	b.reached[a.text] = true
}

// handedBack notes a Return and what came with it. Openings are the host's own words.
func (b *book) handedBack(r handedBack, by string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.sessions[r.Session], b.f.returned[r.Session] = true, true
	for _, text := range r.Texts {
		b.f.toGenesys.backs = append(b.f.toGenesys.backs, arrival{text: text, id: r.ID, at: time.Now(), by: by})
		b.reached[text] = true
	}
}

func (b *book) session(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id != "" {
		b.f.sessions[id] = true
	}
}

func (b *book) died(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.died[name] = time.Now()
}

// lastDeath is when the last replica was killed; zero: none was.
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

// problem notes what must not happen and is no message.
func (b *book) problem(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

// settled reports whether all n lines of a customer are where they belong.
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

// open lists what is still missing: texts of lines and ids of sessions.
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

// A progress is how far a run is.
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

// facts is a copy of what was seen. Each line gets its acceptance.
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
