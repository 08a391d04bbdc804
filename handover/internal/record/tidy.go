package record

import (
	"slices"
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// returnHold is how long a Return waits for agents' messages that Genesys has not posted yet.
const returnHold = 2 * time.Second

// Tidy makes the changes that follow from the state alone, without an event. Every transaction ends
// with it.
func (tx *Transaction) Tidy() {
	tx.abandonPost()
	if c := tx.Open(); c != nil && c.State == machine.StateEnding {
		tx.tidyEnding(c)
	}
	if tx.Handover != nil && tx.Handover.State == machine.StateEnded {
		tx.tidyEnded(tx.Handover)
	}
	tx.dropEntries(func(x Entry) bool { return tx.Open() == nil || x.Handover != tx.Handover.ID })
	tx.distribute()
	tx.hasten()
}

// tidyEnding waits for the messages of a session that is ending, for at most DrainPatience.
func (tx *Transaction) tidyEnding(c *machine.Handover) {
	if !tx.Now.Before(c.EndRequestedAt.Add(machine.DrainPatience)) {
		tx.drain(c)
	}
	switch {
	case tx.Sends():
	case c.LeftSent:
		tx.Apply(machine.Event{Kind: machine.EvReleased, Code: machine.CodeNotDisconnected, Detail: "the conversation stays open at Genesys: " +
			"the OAuth client may not disconnect it; Channel.LeftText was sent to the agent"})
	case c.ConversationID == "":
		tx.Apply(machine.Event{
			Kind: machine.EvReleased, Code: machine.CodeNotDisconnected,
			Detail: "Genesys sent no definite answer to the opening; a conversation may remain in the bot queue",
		})
	}
}

// drain removes entries and words without a running attempt. The text that the customer has left
// remains, because nothing else informs the agent.
func (tx *Transaction) drain(c *machine.Handover) {
	tx.dropEntries(func(x Entry) bool { return x.Kind != kindLeft })
	for i := range tx.Words {
		if w := &tx.Words[i]; w.Handover == c.ID && w.State != wordSent && !tx.posting(w, tx.Now) {
			w.release()
		}
	}
}

// dropEntries removes entries of the lane to Genesys. It keeps an entry while an attempt of it
// runs, because the outcome of the attempt decides.
func (tx *Transaction) dropEntries(which func(Entry) bool) {
	first := 0
	if tx.Out.busy(tx.Now) {
		first = 1
	}
	for i := first; i < len(tx.Out.Entries); {
		if which(tx.Out.Entries[i]) {
			tx.Out.remove(i)
			continue
		}
		i++
	}
}

// tidyEnded queues the first Return of a session, once. Later words are in another Return.
func (tx *Transaction) tidyEnded(c *machine.Handover) {
	if c.HandedBack {
		return
	}
	c.HandedBack = true
	tx.answeredByEnd(c)
	if !tx.Forget.IsZero() {
		tx.forgetWords()
	}
	if !c.AgentRequestedAt.IsZero() || !c.Connected.IsZero() || tx.returnable() {
		tx.pushReturn(false)
	}
	tx.leave(c)
	for i := range tx.Watched { // an agent there has the turn next, before the Return gives it to the bot
		if w := &tx.Watched[i]; w.Agent {
			w.At = machine.Earlier(w.At, tx.Now.Add(adoptPause))
		}
	}
}

// delivers reports whether a message for the customer waits or is being delivered.
func (f *Record) delivers() bool {
	return slices.ContainsFunc(f.In.Entries, func(x Entry) bool { return x.Kind == KindDelivery })
}

// returns reports whether a Return waits or runs.
func (f *Record) returns() bool {
	return slices.ContainsFunc(f.In.Entries, func(x Entry) bool { return x.Kind == KindReturn })
}

// returnRuns reports whether the host's Return callback may be running.
func (f *Record) returnRuns(now time.Time) bool {
	return f.In.busy(now) && f.In.Entries[0].Kind == KindReturn
}

// Turn returns who may speak. The bot may not speak between the end of a session and the first
// attempt of its Return.
func (f *Record) Turn(now time.Time) machine.Turn {
	switch {
	case f.Agents() != nil:
		return machine.TurnAgent
	case !f.returnRuns(now) && slices.ContainsFunc(f.In.Entries, func(x Entry) bool { return x.Kind == KindReturn && !x.Unsure && !x.Later }):
		return machine.TurnAgent
	default:
		return machine.TurnBot
	}
}

// forgetWords drops the customer's messages up to the call of Forget, except one that is being
// sent.
func (tx *Transaction) forgetWords() {
	tx.Words = slices.DeleteFunc(tx.Words, func(w Word) bool { return w.Seq <= tx.Forgot && !tx.posting(&w, tx.Now) })
}

// ForgetContent drops all messages of the customer. A Return still reports the end of the session.
func (tx *Transaction) ForgetContent() {
	tx.Forgot = tx.Seq
	tx.dropEntries(func(Entry) bool { return true })
	tx.forgetWords()
	tx.Watched = slices.DeleteFunc(tx.Watched, func(w Watched) bool { return !w.Close })
}
