package record

// Undelivered counts the messages that a read has listed for 2 minutes without a webhook, if no
// later message was delivered.
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
