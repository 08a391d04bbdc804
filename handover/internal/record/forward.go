package record

import (
	"encoding/json"
	"slices"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Reply decides who answers a message for which the bot has prepared an answer.
func (tx *Transaction) Reply(msg Message) (machine.Turn, error) {
	verdict := tx.ForwardedIDs.Recall(msg.ID)
	// A Return passes it to the bot again.
	repeated := verdict == returnedID && tx.returnAwaited() && !tx.returnRuns(tx.Now)
	if tx.Turn(tx.Now) == machine.TurnBot && verdict != forwardedID && !repeated {
		return machine.TurnBot, ErrUnchanged
	}
	return tx.Forward(msg)
}

// Forward decides who receives a message, and stores it unless that is the bot.
func (tx *Transaction) Forward(msg Message) (machine.Turn, error) {
	switch verdict := tx.ForwardedIDs.Recall(msg.ID); {
	case verdict == forwardedID:
		return machine.TurnAgent, ErrUnchanged
	case verdict == transcriptID:
		return tx.Turn(tx.Now), ErrUnchanged
	case verdict == returnedID && tx.Agents() == nil && !tx.returnAwaited():
		return machine.TurnAgent, ErrUnchanged
	case verdict != returnedID && tx.Agents() == nil && !tx.returning():
		return machine.TurnBot, ErrUnchanged
	}
	if err := msg.validate(); err != nil {
		return "", err
	}
	s := msg.Stored()
	if tx.backlog(s) {
		return "", ErrBacklog
	}
	again := tx.omitFromReturns(msg.ID) || tx.ForwardedIDs.hasReached(msg.ID)
	tx.accept(s)
	tx.Words[len(tx.Words)-1].Again = again
	tx.ForwardedIDs.replace(msg.ID, forwardedID, tx.Now)
	return machine.TurnAgent, nil
}

// returning reports whether words of the customer are in a Return or wait for one. The bot must not
// answer later messages first.
func (f *Record) returning() bool { return len(f.Words) > 0 || f.returns() }

// returnAwaited reports whether a Return is to be attempted, for the first time or again.
func (f *Record) returnAwaited() bool {
	return slices.ContainsFunc(f.In.Entries, func(x Entry) bool {
		return x.Kind == KindReturn && (!f.In.begun() || f.In.Entries[0].Seq != x.Seq)
	})
}

// omitFromReturns removes a message that the host passes to the agents from its Return, and reports
// whether Genesys may have it. A running callback has a copy.
func (tx *Transaction) omitFromReturns(id string) (attempted bool) {
	tx.Words = slices.DeleteFunc(tx.Words, func(w Word) bool {
		held := w.ID == id && w.Return != 0
		attempted = attempted || held && w.attempted()
		return held
	})
	return attempted
}

// rememberTranscript remembers the customer's messages that a transcript contains, so that they are
// not sent to the agents again. A message that was stored before keeps its verdict. Only the newest
// are remembered, so that they do not displace the ids of stored messages.
func (tx *Transaction) rememberTranscript(ids []string) {
	for _, id := range last(ids, keepMarks) {
		switch tx.ForwardedIDs.Recall(id) {
		case forwardedID, transcriptID:
		default:
			tx.omitFromReturns(id)
			tx.ForwardedIDs.replace(id, transcriptID, tx.Now)
		}
	}
}

// SizeOf returns the size of a message in the record, in bytes.
func SizeOf(m storedMessage) int {
	b, err := json.Marshal(m)
	if err != nil {
		return len(m.Text)
	}
	return len(b)
}
