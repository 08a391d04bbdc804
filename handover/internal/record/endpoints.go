package record

// Undelivered counts the messages that a read lists and no webhook has delivered for 2 minutes, if none that was written later has
// been delivered.
func (f *Record) Undelivered(kind TaskKind, r *Reading) int {
	if r == nil || r.Err != nil {
		return 0
	}
	if kind == TaskLook {
		return f.GapOf(r, f.Handover.OpeningTriedAt, f.Handover.Listing, false).undelivered
	}
	w := f.NextWatched()
	return f.GapOf(r, w.Since, w.Listing, false).undelivered
}
