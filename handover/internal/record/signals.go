package record

import (
	"time"

	"github.com/genesyshandover/genesyshandover/handover/internal/machine"
)

// Reported applies a report that a conversation ended at a time, zero if unknown. It reports
// whether there is a change to store.
func (tx *Transaction) Reported(conversation string, at time.Time) bool {
	stored := false
	if !tx.Handover.Open() && !tx.Handover.Blind {
		return false // a read has confirmed the end
	}
	if at.IsZero() {
		if stored = tx.firstReport(conversation); !stored && tx.ReceivedIDs.Recall(reportKey(conversation, tx.Handover.ID)) == UnknownID {
			return false // a duplicate: it is about an earlier session
		}
		at = tx.genesysNow()
	}
	before := *tx.Handover
	tx.Apply(machine.Event{Kind: machine.EvSignalled, Began: tx.written(at)})
	return stored || *tx.Handover != before
}

// firstReport remembers that a report without a time arrived for the current session of a
// conversation. It reports whether none arrived in the 15 minutes before.
func (tx *Transaction) firstReport(conversation string) bool {
	key := reportKey(conversation, "")
	if last, ok := tx.ReceivedIDs.minute(key); ok && tx.Now.Sub(last) < markPeriod {
		return false
	}
	tx.ReceivedIDs.Remember(key, ReceivedID, tx.Now)
	tx.ReceivedIDs.Remember(reportKey(conversation, tx.Handover.ID), ReceivedID, tx.Now)
	return true
}

func reportKey(conversation, session string) string { return "ended " + conversation + " " + session }

// ReadSoon schedules a read and reports whether there is a change to store. It changes nothing
// if a read is already due and none is in progress. Reads are at least 2 s apart, and the last
// of many signals always leads to a read.
func (tx *Transaction) ReadSoon(c *machine.Handover) bool {
	pause := machine.ReadPause
	if c.Blind {
		pause = machine.BlindPause
	}
	at := machine.Later(tx.Now, c.ReadAt.Add(pause))
	soon := at
	// A read with a reason has its best time. An earlier one delays the next by 2 s.
	if !c.Poll {
		soon = at.Add(machine.FirstRead)
	}
	if !c.PollAt.IsZero() && !c.PollAt.After(soon) && tx.Control.Lease.Free(tx.Now) && !c.Poll {
		return false // already due; a poll may wait for its share of the rate limit
	}
	c.PollAt, c.Poll, c.SignalledAt, c.Unsignalled = at, false, tx.Now, 0
	return true
}
