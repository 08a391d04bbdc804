package machine

import (
	"time"
)

// This file handles reads that return no conversation: the read is forbidden, or the conversation
// is unknown.

func (t *Transition) blind(e Event) {
	t.ReadAt, t.GoneSince = Later(t.ReadAt, e.Began), time.Time{}
	if t.Denied.IsZero() {
		t.Denied = e.Began
	}
	// One answer is no proof.
	if again := t.Denied.Add(DeniedPause); !t.Blind && e.Began.Before(again) {
		t.ScheduleRead(again)
		return
	}
	first := !t.Blind
	t.Blind = true
	t.PollAt, t.Poll = time.Time{}, true
	if t.State != StateBot {
		t.PollAt = t.Now.Add(BlindPoll)
	}
	switch {
	case t.MovedTo != "": // no read can show how the old conversation ended
		t.overMoved()
	case t.State == StateEnding && !t.DisconnectedAt.IsZero():
		t.over(t.Ending.Reason, t.Ending.Code, t.Ending.Detail, t.Now)
	case t.State == StateRequested && t.Routing == RouteByTransfer && t.Transferred.IsZero():
		t.over(EndRefused, CodePermission, "the conversation may not be read, so it cannot be transferred to the agent queue: "+
			"let the OAuth client read message conversations, or route by flow", t.Now)
	case !t.EndSignalledAt.IsZero() && t.State != StateBot:
		t.overReported()
	case first && t.State != StateBot && t.State != StateEnding:
		t.emit(Effect{Notice: NoticeConnectionLost, Detail: blindDetail, Permission: e.Permission})
	}
}

const blindDetail = "the conversation may not be read: an agent is detected by the first message, an end only by a signal that reports it, by a timer, " +
	"or when the host ends it"

// signalled handles a report that the conversation ended at a time. It counts only for a session
// that had begun before, and only if no agent wrote later. If the conversation may be read, a read
// decides, or shows that reading is forbidden.
func (t *Transition) signalled(e Event) {
	switch {
	case t.State == StateBot || e.Began.Before(t.OpeningTriedAt.Add(ClockSlack)) || e.Began.Before(t.AgentWrote):
	case t.Blind:
		t.overReported()
	default:
		t.EndSignalledAt = Later(t.EndSignalledAt, e.Began)
	}
}

// overReported ends a session because a signal reports its end and the conversation cannot be read.
func (t *Transition) overReported() {
	if t.State == StateEnding {
		t.over(t.Ending.Reason, t.Ending.Code, t.Ending.Detail, t.Now)
		return
	}
	t.AnswersNothing()
	t.over(EndByGenesys, CodeSignalled, "a signal reports the end of the conversation, and it may not be read", t.Now)
}

func (t *Transition) gone(e Event) {
	wanted := t.wanted(e.Began)
	t.ReadAt, t.Denied = Later(t.ReadAt, e.Began), time.Time{}
	t.SchedulePoll()
	t.keep(wanted, e.Began)
	if e.Began.Before(t.ChangedAt) {
		return
	}
	if t.MovedTo != "" && t.Now.Sub(t.MovedAt) >= movedPatience {
		t.overMoved()
		return
	}
	if t.GoneSince.IsZero() {
		t.GoneSince = t.Now
	}
	if t.Now.Sub(t.GoneSince) >= GonePatience {
		reason := EndByGenesys
		if t.State == StateEnding {
			reason = t.Ending.Reason
		}
		if t.State != StateEnding {
			t.AnswersNothing()
		}
		t.over(reason, CodeConversationGone, "Genesys no longer knows the conversation", t.Now)
	}
}
