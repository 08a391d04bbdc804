package record

import (
	"errors"
	"time"
)

// StuckUntil returns until when the callback of a job blocks its lane if it ignores its context.
func (j *Job) StuckUntil() time.Time { return j.Began.Add(StuckTime).UTC().Round(0) }

// SettleStuck blocks the lane to the host while a callback that ignores its context runs. Its
// outcome counts as a failure. If the callback returns later, settleLate stores its outcome.
func (tx *Transaction) SettleStuck(j *Job, o Outcome) {
	if errors.Is(o.Err, ErrStuck) && !j.Returned.Load() {
		tx.In.Stuck = j.StuckUntil()
	}
}

// Heads reports whether the entry with a seq is the head of the lane.
func (l *lane) Heads(seq uint64) bool { return len(l.Entries) > 0 && l.Entries[0].Seq == seq }
