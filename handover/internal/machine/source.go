package machine

import (
	"time"
)

// Whether signals can be relied on: then polls are rare. Nobody says that a source has died, so it is seen by what it did not say.

// socket notes whether a notification socket is alive. A living one vouches for its silence as long as it has announced the last
// move: a conversation that went to a queue it does not hear of is polled.
func (t *Transition) socket(alive bool) {
	was := t.Socket
	t.Socket = alive
	switch {
	case alive && t.announced():
		t.SignalledAt = t.Now
	case !alive && was:
		t.lost("the notification socket is gone: until it is back, steps are seen by polling")
	}
}

// announced reports whether a signal came with the last move.
func (t *Transition) announced() bool {
	return !t.SignalledAt.IsZero() && !t.SignalledAt.Before(t.ChangedAt.Add(-sourceDelay))
}

// lost makes polls frequent again, and says so.
func (t *Transition) lost(detail string) {
	t.SignalledAt, t.Unsignalled = time.Time{}, 0
	t.emit(Effect{Notice: NoticeConnectionLost, Detail: detail})
	if wanted := t.wanted(time.Time{}); !wanted.IsZero() && wanted.Before(t.Now.Add(FirstPoll)) {
		t.PollEvery = 0
		return
	}
	t.PollSoon()
}

// seen judges the source by a step that a read showed: was it a signal that asked for the read, or only a poll?
func (t *Transition) seen(before Handover) {
	moved := t.State != before.State || t.Agent.ID != before.Agent.ID
	switch {
	case !moved || !before.Poll || before.SignalledAt.IsZero() || t.State == StateEnded:
		return
	case t.Unsignalled+1 < maxUnsignalled:
		t.Unsignalled++
	default:
		t.lost("signals no longer come: steps are seen by polling")
	}
}
