package record

// ClaimHead notes in the record that the head of a lane is about to be attempted, and returns the
// head. If the last attempt was not settled, because its process died or could not store the
// outcome, the head may have taken effect.
func (tx *Transaction) ClaimHead(n LaneName) Entry {
	switch n {
	case ToGenesys:
		head, _ := tx.head()
		w := tx.word(head.Seq)
		if tx.Out.Lease.Owner != "" && tx.Out.Lease.Seq == head.Seq {
			head.Unsure = true
		}
		switch {
		case w == nil:
			x := &tx.Out.Entries[0]
			if x.Unsure = head.Unsure; x.First.IsZero() {
				x.First = tx.Now
			}
		case head.Unsure && w.State == WordWaiting:
			w.State = WordUnsure
		}
		if w != nil && w.First.IsZero() {
			w.First = tx.Now
		}
		if head.Kind == KindOpen && tx.Handover.OpeningTriedAt.IsZero() {
			// From now on Genesys may have received it.
			tx.Handover.OpeningTriedAt, tx.Handover.TriedByHost = tx.genesysNow(), tx.Clock.Unmeasured
		}
		return head
	case ToHost:
		x := &tx.In.Entries[0]
		if tx.In.begun() && x.Kind != KindReturn {
			x.Unsure = true
		}
		head := *x // the state before this attempt
		if x.Kind == KindReturn {
			tx.freeze(x)
		}
		return head
	default:
		return Entry{}
	}
}

// Ready reports whether a lane has something to perform now.
func (tx *Transaction) Ready(n LaneName) bool {
	if n == Control {
		kind, at := tx.NextTask()
		return kind != TaskNone && !tx.Now.Before(at)
	}
	if n == ToHost {
		at, ok := tx.In.ready()
		return ok && !tx.Now.Before(at)
	}
	at, ok := tx.headReady()
	if ok && tx.closes() {
		// Otherwise the disconnect would hit the conversation that the opening joins.
		if h, _ := tx.head(); h.Kind == KindOpen {
			return false
		}
	}
	return ok && !tx.Now.Before(at) && !tx.paused()
}
