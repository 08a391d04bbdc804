package machine

import (
	"time"
)

// This file decides whether signals are reliable, so that polls are rare. A dead source reports
// nothing, so it is detected by the steps that it did not signal.

// socket notes whether a notification socket is alive. A live socket is trusted without signals as
// long as it has announced the last step. After a step that it did not announce, for example to a
// queue that it does not cover, the conversation is polled.
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

// announced reports whether a signal announced the last step.
func (t *Transition) announced() bool {
	return !t.SignalledAt.IsZero() && !t.SignalledAt.Before(t.ChangedAt.Add(-sourceDelay))
}

// lost makes polls frequent again and reports the lost source.
func (t *Transition) lost(detail string) {
	t.SignalledAt, t.Unsignalled = time.Time{}, 0
	t.emit(Effect{Notice: NoticeConnectionLost, Detail: detail})
	if wanted := t.wanted(time.Time{}); !wanted.IsZero() && wanted.Before(t.Now.Add(FirstPoll)) {
		t.PollEvery = 0
		return
	}
	t.PollSoon()
}

// seen rates the source by a step that a read showed: whether a signal requested the read, or
// whether it was only a poll.
func (t *Transition) seen(before Handover) {
	moved := t.State != before.State || t.Agent.ID != before.Agent.ID
	switch {
	case !moved || !before.Poll || before.SignalledAt.IsZero() || t.State == StateEnded:
		return
	case t.Unsignalled+1 < maxUnsignalled:
		t.Unsignalled++
	default:
		t.lost("signals no longer arrive: steps are detected by polling")
	}
}
