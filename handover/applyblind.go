package handover

import "time"

// What a read that shows nothing says: that it is forbidden, or that the conversation is not known.

func (t *turn) blind(e event) {
	t.ReadAt = later(t.ReadAt, e.Began)
	first := !t.Blind
	t.Blind = true
	t.PollAt, t.Poll = time.Time{}, true
	if t.State != StateBot {
		t.PollAt = t.now.Add(blindPoll)
	}
	switch {
	case t.MovedTo != "": // no read will tell how the old conversation ended
		t.overMoved()
	case t.State == StateEnding && !t.Disconnected.IsZero():
		t.over(t.Ending.Reason, t.Ending.Code, t.Ending.Detail, t.now)
	case t.State != StateEnding && !t.Wrapup.IsZero():
		t.waitsNoLonger()
	case t.State == StateRequested && t.Routing == RouteByTransfer && t.Transferred.IsZero():
		t.over(EndRefused, CodePermission, "the conversation may not be read, so it cannot be transferred to the agent queue: "+
			"let the OAuth client read message conversations, or route by flow", t.now)
	case !t.Told.IsZero():
		t.signalled()
	case first && t.State != StateBot && t.State != StateEnding:
		t.emit(effect{Notice: NoticeConnectionLost, Detail: blindDetail, Permission: e.Permission})
	}
}

const blindDetail = "the conversation may not be read: an agent is seen by his first message, an end only by a signal that says so, by a timer, " +
	"or when the host ends it"

// signalled: nothing can be read that would say more than the signal.
func (t *turn) signalled() {
	switch {
	case t.State == StateBot:
		return
	case !t.Blind: // a read decides, or says that it is forbidden
		t.Told = t.now
		return
	}
	if t.State == StateEnding {
		t.over(t.Ending.Reason, t.Ending.Code, t.Ending.Detail, t.now)
		return
	}
	t.unclear()
	t.over(EndByGenesys, CodeSignalled, "a signal says that the conversation is over, and it may not be read", t.now)
}

func (t *turn) gone(e event) {
	wanted := t.wanted(e.Began)
	t.ReadAt = later(t.ReadAt, e.Began)
	t.poll()
	t.keep(wanted, e.Began)
	if e.Began.Before(t.Changed) {
		return
	}
	if t.MovedTo != "" && t.now.Sub(t.Moved) >= movedPatience {
		t.overMoved()
		return
	}
	if t.Gone.IsZero() {
		t.Gone = t.now
	}
	if t.State == StateEnding && !t.Disconnected.IsZero() || t.now.Sub(t.Gone) >= gonePatience {
		reason := EndByGenesys
		if t.State == StateEnding {
			reason = t.Ending.Reason
		}
		if t.State != StateEnding {
			t.unclear()
		}
		t.over(reason, CodeConversationGone, "Genesys no longer knows the conversation", t.now)
	}
}
