package genesystest

import (
	"maps"
	"slices"
	"time"
)

// A snapshot is a conversation as it was, for stale reads. Messages are those of the present: only a leg's list of
// them is as it was.
type snapshot struct {
	at           time.Time
	participants []*participant
	transfers    []*transfer
}

// snapshots is how many changes of a conversation are remembered.
const snapshots = 128

// remember keeps the present state. Call it with the lock, after a change.
func (c *Conversation) remember() {
	s := snapshot{at: time.Now()}
	for _, p := range c.participants {
		then := *p
		then.attributes = maps.Clone(p.attributes)
		s.participants = append(s.participants, &then)
	}
	for _, t := range c.transfers {
		s.transfers = append(s.transfers, new(*t))
	}
	c.history = append(c.history, s)
	if len(c.history) > snapshots {
		c.history = c.history[len(c.history)-snapshots:]
	}
}

// asOf is the conversation at a time; nil: there was none, or it is forgotten.
func (c *Conversation) asOf(t time.Time) *Conversation {
	for _, s := range slices.Backward(c.history) {
		if !s.at.After(t) {
			return &Conversation{
				o: c.o, via: c.via, id: c.id, customer: c.customer, started: c.started, participants: s.participants, transfers: s.transfers,
			}
		}
	}
	return nil
}
