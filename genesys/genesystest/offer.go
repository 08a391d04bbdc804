package genesystest

import "time"

// An Offer rings at an agent's desk until it is accepted, declined, or taken back because the customer or the conversation
// went elsewhere.
type Offer struct {
	o     *Org
	c     *Conversation
	leg   *participant
	agent *Agent
}

// Conversation is the one that rings.
func (f *Offer) Conversation() *Conversation { return f.c }

// Ringing reports whether it can still be accepted.
func (f *Offer) Ringing() bool {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	return f.leg.state == stateAlerting
}

// Decline sends the conversation to the next agent of the queue. The agent is asked again when all others have declined
// too, after a pause. An offer that no longer rings stays as it is.
//
// The leg then shows the disconnect type client, as that of an agent who ends a conversation does. Which one Genesys shows
// is UNCERTAIN; this is the one that misleads a client that looks at the leg alone.
func (f *Offer) Decline() {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	f.o.unanswered(f.c, f.leg, byClient)
}

// LetRing is an agent who is not there: the offer rings for as long as d and then goes to the next one. It returns at
// once. Genesys' usual time is 30 s.
func (f *Offer) LetRing(d time.Duration) {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	f.o.after(d, func() { f.o.unanswered(f.c, f.leg, byNoAnswer) })
}

// Accept connects the agent. If the offer no longer rings, the desk it returns is one the conversation has left: nothing
// can be said there.
func (f *Offer) Accept() *Desk {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	f.o.answered(f.c, f.leg)
	return &Desk{o: f.o, c: f.c, leg: f.leg}
}
